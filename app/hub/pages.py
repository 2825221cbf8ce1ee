"""The hub's pages: what a browser may ask for, and the headers that keep it to itself."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.trustedhost import TrustedHostMiddleware

from app.hub.accounts import OPEN, ForeignFormError, NotAllowedError, Person, Role, SignInNeededError, needs
from app.hub.audit import audit
from app.hub.declared import Declared
from app.hub.desk import Desk
from app.hub.entrance import entrance, to_sign_in
from app.hub.errors import StoreError
from app.hub.frame import Frame, language
from app.hub.options import is_loopback
from app.hub.rooms import Presence
from app.hub.staff import staff
from app.hub.store import Store
from app.hub.views import room_view
from app.hub.words import Words
from app.hub.worlds import worlds

STATIC = Path(__file__).parent / "static"
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
    store: Store, trouble: Callable[[], str | None], settings: Settings, clock: Callable[[], float], desk: Desk
) -> FastAPI:
    """The pages over a store.

    `trouble` tells what keeps messages from being stored now, in a sentence; `clock` is the hub's, seconds since
    1970 UTC; `desk` knows who asks.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.who = desk.who
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=_hosts(settings), www_redirect=False)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
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
        content = _content(store, trouble(), settings, int(clock()), language(request), person)
        return frame.show(request, "page.html", content, person)

    @app.get("/health")
    def health(request: Request, person: Annotated[Person, OPEN]) -> JSONResponse:
        here = request.client is not None and is_loopback(request.client.host)
        if not here and person.role is None:  # how much there is, is nothing for strangers on a network
            raise SignInNeededError
        return JSONResponse(asdict(store.counts()))

    app.include_router(entrance(desk, frame, own_authority=settings.own_authority))
    app.include_router(staff(desk, frame))
    app.include_router(audit(desk, frame))
    _refuse(app, frame)
    return app


def _hosts(settings: Settings) -> list[str]:
    """Every name, an address of IPv6 in brackets too."""
    names = [*HOSTS, *settings.names]
    return [*names, *(f"[{name}]" for name in names if ":" in name)]


def _refuse(app: FastAPI, frame: Frame) -> None:
    """What is answered to whoever asks for what cannot be given."""

    def message(request: Request, status: int, key: str, **names: str) -> HTMLResponse:
        return frame.show(request, "message.html", {"sentence": language(request)(key, **names)}, status=status)

    @app.exception_handler(StoreError)
    def unreadable(request: Request, error: StoreError) -> Response:
        return message(request, 503, "unreadable", sentence=str(error))

    @app.exception_handler(404)
    def nowhere(request: Request, _error: Exception) -> Response:
        return message(request, 404, "nowhere")

    @app.exception_handler(SignInNeededError)
    def stranger(request: Request, _error: Exception) -> Response:
        return to_sign_in(request) if request.method == "GET" else message(request, 401, "sign_in_first")

    @app.exception_handler(NotAllowedError)
    def not_allowed(request: Request, _error: Exception) -> Response:
        return message(request, 403, "not_allowed")

    @app.exception_handler(ForeignFormError)
    def foreign(request: Request, _error: Exception) -> Response:
        return message(request, 403, "foreign_form")


def _content(
    store: Store, trouble: str | None, settings: Settings, now: int, say: Words, person: Person
) -> dict[str, Any]:
    rooms = store.rooms()
    counts = store.counts()
    today = datetime.fromtimestamp(now, UTC).astimezone().date()
    shown = []
    if person.may(Role.VIEWER):
        shown = worlds(store.releases(), today, settings.declared(), say)
    return {
        "rooms": [room_view(room, now, say) for room in rooms],
        "well": sum(room.presence(now) is Presence.ONLINE and not room.unwell for room in rooms),
        "trouble": trouble,
        "newer": store.newer_versions(),
        "quarantined": counts.quarantined,
        "worlds": shown,
        "stamp": f"{say.code}-{today}-{counts.releases}-{counts.withheld}",
    }
