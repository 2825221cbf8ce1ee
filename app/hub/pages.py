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
from app.hub.desk import Desk
from app.hub.entrance import entrance, to_sign_in
from app.hub.errors import StoreError
from app.hub.frame import Frame, language
from app.hub.staff import staff
from app.hub.store import Store
from app.hub.views import room_view
from app.hub.words import Words
from app.hub.worlds import worlds

STATIC = Path(__file__).parent / "static"
CARDS = 60
"""With more rooms than this only those that are not well stand on the clinic's page, so many at most."""
NAMES = 20
"""Rooms that one sentence names."""
HOSTS = ["127.0.0.1", "localhost", "::1", "[::1]"]
"""Names under which this machine may be asked: a foreign name that points here is somebody's trick."""

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
    therapists: int
    owner_agreed: bool


def make_app(
    store: Store, trouble: Callable[[], str | None], settings: Settings, clock: Callable[[], float], desk: Desk
) -> FastAPI:
    """The pages over a store.

    `trouble` tells what keeps messages from being stored now, in a sentence; `clock` is the hub's, seconds since
    1970 UTC; `desk` knows who asks.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.who = desk.who
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    frame = Frame(settings.clinic, clock)

    @app.middleware("http")
    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers.update(HEADERS)
        response.headers["Cache-Control"] = "no-cache" if request.url.path.startswith("/static/") else "no-store"
        return response

    @app.get("/")
    def page(request: Request, person: Annotated[Person, needs(Role.VIEWER, Role.TECH)]) -> HTMLResponse:
        content = _content(store, trouble(), settings, int(clock()), language(request), person)
        return frame.show(request, "page.html", content, person)

    @app.get("/health", dependencies=[OPEN])
    def health() -> JSONResponse:
        return JSONResponse(asdict(store.counts()))

    app.include_router(entrance(desk, frame))
    app.include_router(staff(desk, frame))
    app.include_router(audit(desk, frame))
    _refuse(app, frame)
    return app


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
    counts = store.counts()
    many = counts.rooms > CARDS
    rooms = store.rooms(CARDS, unwell_at=now) if many else store.rooms()
    newer = store.newer_versions(NAMES + 1)
    today = datetime.fromtimestamp(now, UTC).astimezone().date()
    shown = []
    if person.may(Role.VIEWER):
        agreed = settings.owner_agreed
        shown = worlds(store.weeks(), today, settings.therapists, say, owner_agreed=agreed)
    return {
        "rooms": [room_view(room, now, say) for room in rooms],
        "all": counts.rooms,
        "well": store.how_many_well(now),
        "many": many,
        "most": CARDS,
        "trouble": trouble,
        "newer": ", ".join([*newer[:NAMES], *(["…"] if len(newer) > NAMES else [])]),
        "quarantined": counts.quarantined,
        "worlds": shown,
        "stamp": f"{say.code}-{today}-{counts.releases}-{counts.withheld}",
    }
