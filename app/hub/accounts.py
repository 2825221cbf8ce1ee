"""Who may ask for what: the roles, and the check that every route of the pages declares.

    owner    everything, people included
    manager  rooms and numbers, and what can be changed of them
    auditor  reads what there is, the log included, and changes nothing
    tech     the health of devices, nothing of conversations
    viewer   looks at a rehearsal's pages; nobody signs in as one

A route says which roles it is for, `Annotated[Person, needs(Role.TECH)]` or `dependencies=[needs(Role.TECH)]`; a role
that stands above one of them may as well. A route for everybody says `OPEN`.
"""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, Request

LARGEST_FORM = 16 * 2**10
MOST_FIELDS = 50
TOKEN = "token"  # noqa: S105  the name of a form's field


class Role(StrEnum):
    """What somebody is to the hub."""

    OWNER = "owner"
    MANAGER = "manager"
    AUDITOR = "auditor"
    TECH = "tech"
    VIEWER = "viewer"


ABOVE: dict[Role, frozenset[Role]] = {
    Role.OWNER: frozenset({Role.OWNER}),
    Role.MANAGER: frozenset({Role.MANAGER, Role.OWNER}),
    Role.AUDITOR: frozenset({Role.AUDITOR, Role.OWNER}),
    Role.TECH: frozenset({Role.TECH, Role.MANAGER, Role.OWNER}),
    Role.VIEWER: frozenset({Role.VIEWER, Role.AUDITOR, Role.MANAGER, Role.OWNER}),
}
"""Who may do what is declared for a role: the role itself, and those above it."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who asks."""

    name: str
    role: Role | None
    token: str = field(default="", repr=False)
    """What a form of this person's must bring back."""

    def may(self, *roles: Role) -> bool:
        """Whether something declared for these roles is for this person."""
        return any(self.role in ABOVE[role] for role in roles)


class SignInNeededError(Exception):
    """Nobody has signed in here."""


class NotAllowedError(Exception):
    """This person may not do this."""


class ForeignFormError(Exception):
    """A form that this hub's own page did not send, or no longer good."""


Who = Callable[[Request], Awaitable[Person | None]]
"""Who asks; an application carries it as `app.state.who`."""


class Needs:
    """The check of a route: for these roles, or with none of them for everybody."""

    def __init__(self, *roles: Role) -> None:
        self.roles = roles

    async def __call__(self, request: Request) -> Person:
        """Who asks, if they may. Raises SignInNeededError, NotAllowedError and ForeignFormError."""
        person: Person | None = await request.app.state.who(request)
        if self.roles:
            self.check(person)
        if request.method not in {"GET", "HEAD"}:
            await _own_form(request, person if self.roles else None)
        return person or NOBODY

    def check(self, person: Person | None) -> Person:
        """Somebody, if they may. Raises SignInNeededError and NotAllowedError."""
        if person is None:
            raise SignInNeededError
        if not person.may(*self.roles):
            raise NotAllowedError
        return person


NOBODY = Person("", None)
"""Stands where nobody has signed in, on a route for everybody."""


def needs(role: Role, *others: Role) -> Any:  # noqa: ANN401  as FastAPI's own Depends
    """Declare that a route is for these roles and those above them; gives the Person."""
    return Depends(Needs(role, *others))


OPEN: Any = Depends(Needs())
"""Declares that a route is for everybody; gives the Person, NOBODY where nobody has signed in."""


def form(request: Request) -> dict[str, str]:
    """The fields of the form that a checked request has brought."""
    fields: dict[str, str] = request.state.form
    return fields


async def _own_form(request: Request, person: Person | None) -> None:
    """Read the form; refuse one from a foreign page or without the person's token. Raises ForeignFormError."""
    if not _from_here(request):
        raise ForeignFormError
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise ForeignFormError
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError as error:
        raise ForeignFormError from error
    if any("\0" in text for field in fields.items() for text in field):  # no database takes it for a letter
        raise ForeignFormError
    if person is not None and not hmac.compare_digest(fields.get(TOKEN, "").encode(), person.token.encode()):
        raise ForeignFormError
    request.state.form = fields


def _from_here(request: Request) -> bool:
    """Whether a browser says that the form was on a page of ours; one that says nothing is not believed."""
    origin = request.headers.get("origin")
    if origin is not None:
        return urlsplit(origin)[:2] == (request.url.scheme, request.headers.get("host", ""))
    return request.headers.get("sec-fetch-site") == "same-origin"
