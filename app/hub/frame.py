"""The frame around every page: language, sections for this person's role, sign-out, and the templates inside."""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from app.hub.accounts import NOBODY, Person, Role
from app.hub.words import LANGUAGES, Words, choose, words

SECTIONS: tuple[tuple[str, str, tuple[Role, ...]], ...] = (
    ("/", "clinic", (Role.VIEWER, Role.TECH)),
    ("/rooms", "rooms", (Role.TECH, Role.VIEWER)),
    ("/alerts", "alerts", (Role.TECH, Role.AUDITOR)),
    ("/devices", "devices", (Role.TECH, Role.AUDITOR)),
    ("/glossary", "glossary", (Role.TECH, Role.VIEWER)),
    ("/people", "people", (Role.OWNER,)),
    ("/settings", "settings", (Role.MANAGER, Role.AUDITOR)),
    ("/audit", "audit", (Role.AUDITOR,)),
    ("/api", "api", (Role.OWNER,)),
)
"""Path, key of its words, and the roles of its route."""


class Frame:
    """Renders pages of one clinic; `clock` is the hub's, seconds since 1970 UTC."""

    def __init__(self, clinic: str, clock: Callable[[], float]) -> None:
        self._clinic, self._clock = clinic, clock
        self._templates = Environment(
            loader=PackageLoader("app.hub"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def show(
        self,
        request: Request,
        template: str,
        content: Mapping[str, object],
        person: Person = NOBODY,
        status: int = 200,
    ) -> HTMLResponse:
        """A page in the language of who asks."""
        say = language(request)
        html = self._templates.get_template(template).render(
            {
                "say": say,
                "languages": [words(code) for code in LANGUAGES],
                "clinic": self._clinic,
                "now": int(self._clock()),
                "path": place(request),
                "elsewhere": {code: _said_in(request, code) for code in LANGUAGES},
                "person": person,
                "sections": [(path, key) for path, key, roles in SECTIONS if person.may(*roles)],
                **content,
            }
        )
        return HTMLResponse(html, status, headers={"Content-Language": say.code, "Vary": "Accept-Language"})


def place(request: Request) -> str:
    """The path of the page; the answer to a form stands where the form did."""
    path = request.url.path
    above = [section for section, _, _ in SECTIONS if section != "/" and path.startswith(f"{section}/")]
    return above[0] if request.method == "POST" and above else path


def _said_in(request: Request, code: str) -> str:
    """The same page in another language."""
    query = {} if place(request) != request.url.path else dict(request.query_params)
    return f"{place(request)}?{urlencode(query | {'lang': code})}"


def language(request: Request) -> Words:
    """The language asked for, else the browser's."""
    return choose(request.query_params.get("lang"), request.headers.get("accept-language", ""))
