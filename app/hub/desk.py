"""The desk: lets people in by name and password, knows them again by their cookie, and slows down who guesses."""

import hmac
from collections.abc import Callable
from hashlib import sha256

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from app.hub.accounts import Person, Role
from app.hub.errors import AccountError
from app.hub.journal import By, Deed, Journal
from app.hub.passwords import BusyError, Passwords, check_password
from app.hub.people import People
from app.hub.throttle import Throttle

BY_ITSELF = "fermata-refresh"
"""The header of what a page asks for by itself; it keeps no visit open."""
WINDOW_S = 900.0
EACH_NAME, EACH_ADDRESS, ALL_TOGETHER = 10, 40, 400
"""Tries to sign in within the window."""
LONGEST_NAME = 80


class Desk:
    """Who is who for the pages.

    `open_to_all` tells whether anybody may look now: only at a rehearsal. `clock` is the hub's, seconds since 1970 UTC.
    """

    def __init__(
        self,
        people: People,
        journal: Journal,
        clock: Callable[[], float],
        open_to_all: Callable[[], bool] = lambda: False,
        passwords: Passwords | None = None,
    ) -> None:
        self.people, self.journal = people, journal
        self._clock, self._open_to_all = clock, open_to_all
        self._passwords = passwords or Passwords()
        self._names = Throttle(EACH_NAME, ALL_TOGETHER, window_s=WINDOW_S)
        self._addresses = Throttle(EACH_ADDRESS, ALL_TOGETHER, window_s=WINDOW_S)

    @property
    def now(self) -> int:
        """Seconds since 1970 UTC."""
        return int(self._clock())

    async def who(self, request: Request) -> Person | None:
        """Who asks. Raises StoreError."""
        visit = request.cookies.get(cookie_name(request), "")
        counts = BY_ITSELF not in request.headers
        found = await run_in_threadpool(self.people.visitor, visit, self.now, counts=counts) if visit else None
        if found:
            return Person(*found, token=token_of(visit))
        if await run_in_threadpool(self._open_to_all):
            return Person("", Role.VIEWER)
        return None

    async def sign_in(self, request: Request, name: str, password: str) -> str:
        """A visit for whoever has this name and password. Raises AccountError, the same whatever is wrong."""
        name, by = name.strip().casefold()[:LONGEST_NAME], self.by(request)
        if not (self._addresses.takes(by.address) and self._names.takes(name)):
            raise AccountError("this was tried too often: wait a quarter of an hour", "sign_in_later")
        held = await run_in_threadpool(self.people.password_of, name)
        try:
            right = await self._passwords.is_right(held, password)
        except BusyError as error:
            raise _busy() from error
        if not right or held is None:
            await run_in_threadpool(self._note_refused, name, by)
            raise AccountError("the name or the password is not right", "sign_in_wrong")
        before = request.cookies.get(cookie_name(request))
        return await run_in_threadpool(self.people.begin, name, held, before, self.now, by)

    async def welcome(self, request: Request, code: str, name: str, password: str, again: str) -> str:
        """Take a password for a one-time link, and let its person in; the visit. Raises AccountError."""
        good, whose = await run_in_threadpool(self.people.invited, code, self.now)
        if not good:
            raise AccountError("this link was used or has ended: ask for another", "link_ended")
        check_password((whose or name).strip().casefold(), password)
        if password != again:
            raise AccountError("the two passwords are not the same: type them again", "password_differs")
        try:
            held = await self._passwords.hash(password)
        except BusyError as error:
            raise _busy() from error
        by = self.by(request)
        mine = await run_in_threadpool(self.people.use, code, name, held, self.now, by)
        before = request.cookies.get(cookie_name(request))
        return await run_in_threadpool(self.people.begin, mine, held, before, self.now, by)

    def sign_out(self, request: Request, person: Person) -> None:
        """End the visit of this browser."""
        self.people.end(request.cookies.get(cookie_name(request), ""), self.now, self.by(request, person))

    def note(self, request: Request, person: Person, what: Deed, about: str = "") -> None:
        """Write in the journal what a person does on a page."""
        self.journal.note(self.now, self.by(request, person), what, about)

    @staticmethod
    def by(request: Request, person: Person | None = None) -> By:
        """Who asks, as the journal tells it."""
        return By(person.name if person else "", request.client.host if request.client else "nowhere")

    def _note_refused(self, name: str, by: By) -> None:
        """An unknown name stays out of the journal: people type passwords there."""
        known = any(account.name == name for account in self.people.accounts())
        self.journal.note(self.now, By(name if known else "", by.address), Deed.REFUSED)


def cookie_name(request: Request) -> str:
    """Cookies know no ports; two hubs on one machine do."""
    name = f"fermata-{request.url.port or 'hub'}"
    return f"__Host-{name}" if request.url.scheme == "https" else name


def give(response: Response, request: Request, visit: str) -> None:
    """Give the browser a visit's id."""
    secure = request.url.scheme == "https"
    response.set_cookie(cookie_name(request), visit, path="/", secure=secure, httponly=True, samesite="strict")


def take(response: Response, request: Request) -> None:
    """Have the browser forget its visit."""
    secure = request.url.scheme == "https"
    response.delete_cookie(cookie_name(request), path="/", secure=secure, httponly=True, samesite="strict")


def token_of(visit: str) -> str:
    """What the forms of a visit bring back; the visit's id cannot be told from it."""
    return hmac.new(visit.encode(), b"form", sha256).hexdigest()


def _busy() -> AccountError:
    return AccountError("too many sign in at this moment: try again in a minute", "sign_in_later")
