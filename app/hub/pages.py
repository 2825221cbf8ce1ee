"""The hub's pages: what a browser may ask for, and the headers that keep it to itself."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.middleware.trustedhost import TrustedHostMiddleware

from app.hub.accounts import Person, Role
from app.hub.errors import StoreError
from app.hub.rooms import Presence
from app.hub.store import Store
from app.hub.trends import Release, trends
from app.hub.views import WorldView, room_view, world_view
from app.hub.words import LANGUAGES, Words, choose, words

STATIC = Path(__file__).parent / "static"
HOSTS = ["127.0.0.1", "localhost", "::1", "[::1]"]
"""Names under which this machine may be asked: a foreign name that points here is somebody's trick."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
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
    store: Store, trouble: Callable[[], str | None], settings: Settings, clock: Callable[[], float]
) -> FastAPI:
    """The pages over a store.

    `trouble` tells what keeps messages from being stored now, in a sentence; `clock` is the hub's, seconds since
    1970 UTC.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.who = _anybody
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    templates = _templates()

    def _message(request: Request, key: str, status: int, **names: str) -> HTMLResponse:
        say = choose(request.query_params.get("lang"), request.headers.get("accept-language", ""))
        html = templates.get_template("message.html").render(say=say, sentence=say(key, **names))
        return HTMLResponse(html, status)

    @app.middleware("http")
    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers.update(HEADERS)
        response.headers["Cache-Control"] = "no-cache" if request.url.path.startswith("/static/") else "no-store"
        return response

    @app.get("/", response_class=HTMLResponse)
    def page(request: Request, lang: str | None = None) -> HTMLResponse:
        say = choose(lang, request.headers.get("accept-language", ""))
        html = templates.get_template("page.html").render(_content(store, trouble(), settings, int(clock()), say))
        return HTMLResponse(html, headers={"Content-Language": say.code, "Vary": "Accept-Language"})

    @app.exception_handler(StoreError)
    def unreadable(request: Request, error: StoreError) -> HTMLResponse:
        return _message(request, "unreadable", 503, sentence=str(error))

    @app.exception_handler(404)
    def nowhere(request: Request, _error: Exception) -> HTMLResponse:
        return _message(request, "nowhere", 404)

    @app.get("/health")
    def health() -> JSONResponse:
        return JSONResponse(asdict(store.counts()))

    return app


async def _anybody(_request: Request) -> Person:
    return Person("", Role.OWNER)


def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("app.hub"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _content(store: Store, trouble: str | None, settings: Settings, now: int, say: Words) -> dict[str, Any]:
    rooms = store.rooms()
    counts = store.counts()
    today = datetime.fromtimestamp(now, UTC).astimezone().date()
    worlds = _worlds(store.releases(), today, settings, say)
    return {
        "say": say,
        "languages": [words(code) for code in LANGUAGES],
        "clinic": settings.clinic,
        "rooms": [room_view(room, now, say) for room in rooms],
        "well": sum(room.presence(now) is Presence.ONLINE and not room.unwell for room in rooms),
        "trouble": trouble,
        "newer": store.newer_versions(),
        "quarantined": counts.quarantined,
        "worlds": worlds,
        "stamp": f"{say.code}-{today}-{counts.releases}-{counts.withheld}",
        "now": now,
    }


def _worlds(releases: list[Release], today: date, settings: Settings, say: Words) -> list[WorldView]:
    """Real releases first, simulated ones after; the real ones alone where there are none at all."""
    kinds = sorted({release.simulated for release in releases}) or [False]
    therapists, agreed = settings.therapists, settings.owner_agreed
    return [
        world_view(trends(releases, today, simulated=kind, therapists=therapists, owner_agreed=agreed), therapists, say)
        for kind in kinds
    ]
