"""The hub's pages: what a browser may ask for, and the headers that keep it to itself."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from app.hub.accounts import NOBODY, OPEN, ForeignFormError, NotAllowedError, Person, Role, SignInNeededError, needs
from app.hub.audit import audit
from app.hub.bounds import Bounds
from app.hub.days import day_of
from app.hub.declared import Declared
from app.hub.desk import Desk
from app.hub.entrance import entrance, to_sign_in
from app.hub.errors import StoreError
from app.hub.frame import Frame, language
from app.hub.options import is_loopback
from app.hub.rounds import Rounds
from app.hub.staff import staff
from app.hub.store import Store
from app.hub.ward_views import ward_view
from app.hub.wards import Choice
from app.hub.words import Words
from app.hub.worlds import worlds

STATIC = Path(__file__).parent / "static"
FEW = 6
"""With more rooms than this the clinic's page shows those that need a look, and so many of them."""
FOR_PROGRAMS = ("/api/v1/", "/metrics")
"""What begins like this is asked by programs, and answered in JSON."""
NAMES = 20
"""Rooms that one sentence names."""
HOSTS = ("127.0.0.1", "localhost", "::1")
"""Names under which this machine may be asked: a foreign name that points here is somebody's trick."""
STRICT = "max-age=2592000"
"""Thirty days, this name only: whoever once came over TLS is not led back to plain HTTP (RFC 6797)."""

# "no-referrer" would have browsers send our own forms with an Origin of null, which tells us nothing.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the page must know of the clinic."""

    clinic: str
    declared: Callable[[], Declared]
    """What its owner has declared, as it holds now."""
    names: tuple[str, ...] = ()
    """Further names and addresses by which the page may be asked."""
    strict: bool = False
    """Whether browsers are told to come by TLS only: not where they need a way past a certificate they do not know."""
    own_authority: bool = False
    """Whether browsers have yet to be told to trust the clinic's authority."""


def make_app(
    store: Store,
    rounds: Rounds,
    trouble: Callable[[], str | None],
    settings: Settings,
    clock: Callable[[], float],
    desk: Desk,
) -> FastAPI:
    """The pages over a store and its rounds.

    `trouble` tells what keeps messages from being stored now, in a sentence; `clock` is the hub's, seconds since
    1970 UTC; `desk` knows who asks.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.who = desk.who
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=_hosts(settings), www_redirect=False)
    # Pages go as they are: compressed, a secret in them could be guessed from their length (BREACH).
    app.mount("/static", GZipMiddleware(StaticFiles(directory=STATIC)), name="static")
    frame = Frame(settings.clinic, clock)

    @app.middleware("http")
    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers.update(HEADERS)
        response.headers["Cache-Control"] = "no-cache" if request.url.path.startswith("/static/") else "no-store"
        if settings.strict and request.url.hostname not in HOSTS:  # on this machine others may have pages too
            response.headers["Strict-Transport-Security"] = STRICT
        return response

    @app.get("/")
    def page(request: Request, person: Annotated[Person, needs(Role.VIEWER, Role.TECH)]) -> HTMLResponse:
        say, now = language(request), int(clock())
        content = _rooms(rounds, now, say) | _conversations(store, settings, now, say, person)
        notices = {
            "trouble": trouble(),
            "newer": _named(store.newer_versions(NAMES + 1)),
            "quarantined": store.counts().quarantined,
        }
        return frame.show(request, "page.html", content | notices, person)

    @app.get("/health")
    def health(request: Request, person: Annotated[Person, OPEN]) -> JSONResponse:
        here = request.client is not None and is_loopback(request.client.host)
        if not here and person.role is None:  # how much there is, is nothing for strangers on a network
            raise SignInNeededError
        return JSONResponse(asdict(store.counts()))

    app.include_router(entrance(desk, frame, own_authority=settings.own_authority))
    app.include_router(staff(desk, frame))
    app.include_router(audit(desk, frame))
    _refuse(app, frame, desk)
    app.add_middleware(Bounds)
    return app


def _hosts(settings: Settings) -> list[str]:
    """Every name, an address of IPv6 in brackets too."""
    names = [*HOSTS, *settings.names]
    return [*names, *(f"[{name}]" for name in names if ":" in name)]


def _refuse(app: FastAPI, frame: Frame, desk: Desk) -> None:
    """What is answered to whoever asks for what cannot be given."""

    async def message(request: Request, status: int, key: str, detail: str = "") -> Response:
        return await _message(frame, desk, request, status, key, detail)

    @app.exception_handler(StoreError)
    async def unreadable(request: Request, error: StoreError) -> Response:
        return await message(request, 503, "unreadable", str(error))

    @app.exception_handler(404)
    async def nowhere(request: Request, _error: Exception) -> Response:
        return await message(request, 404, "nowhere")

    @app.exception_handler(405)
    async def no_page(request: Request, _error: Exception) -> Response:
        return await message(request, 405, "nowhere")

    @app.exception_handler(SignInNeededError)
    async def stranger(request: Request, _error: Exception) -> Response:
        if request.url.path.startswith(FOR_PROGRAMS):
            return await message(request, 401, "token_first")
        return to_sign_in(request) if request.method == "GET" else await message(request, 401, "sign_in_first")

    @app.exception_handler(NotAllowedError)
    async def not_allowed(request: Request, _error: Exception) -> Response:
        return await message(request, 403, "not_allowed")

    @app.exception_handler(ForeignFormError)
    async def foreign(request: Request, _error: Exception) -> Response:
        return await message(request, 403, "foreign_form")


async def _message(frame: Frame, desk: Desk, request: Request, status: int, key: str, detail: str) -> Response:
    """A sentence: as JSON for programs, as a page for people."""
    sentence = language(request)(key)
    if request.url.path.startswith(FOR_PROGRAMS):
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        return JSONResponse({"detail": f"{sentence} {detail}".strip()}, status, headers)
    try:
        person = await desk.who(request)
    except StoreError:  # the sentence can be said to anybody
        person = None
    content = {"sentence": sentence, "detail": detail}
    return frame.show(request, "message.html", content, person or NOBODY, status)


def _rooms(rounds: Rounds, now: int, say: Words) -> dict[str, Any]:
    """How many rooms are well, and the few, or those that are not."""
    census = rounds.census(now)
    part = rounds.wards(Choice(look=census.all > FEW), now, length=FEW)
    weeks = rounds.last_weeks(ward.room.device for ward in part)
    return {
        "rooms": [ward_view(ward, weeks.get(ward.room.device), now, say) for ward in part],
        "all": census.all,
        "look": census.look,
        "well": census.well,
    }


def _named(devices: list[str]) -> str:
    """Rooms in a sentence, no more than NAMES of them."""
    return ", ".join([*devices[:NAMES], *(["…"] if len(devices) > NAMES else [])])


def _conversations(store: Store, settings: Settings, now: int, say: Words, person: Person) -> dict[str, Any]:
    """The clinic's worlds for whoever may see them; the stamp changes when they do."""
    counts, today, shown = store.counts(), day_of(now), []
    if person.may(Role.VIEWER):
        shown = worlds(store.weeks(), today, settings.declared(), say)
    return {"worlds": shown, "stamp": f"{say.code}-{today}-{counts.releases}-{counts.withheld}"}
