"""The settings page: panels one below the other, each with a template of its own, added by whoever sets something."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.hub.accounts import Person, Role, needs
from app.hub.frame import Frame, language

Reader = Annotated[Person, needs(Role.MANAGER, Role.AUDITOR)]
Owner = Annotated[Person, needs(Role.OWNER)]


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the page."""

    id: str
    """Its anchor; `settings_<id>` is the key of its title's words."""
    template: str
    """Laid out with `panel`, what `content` gives, and `may`: whether this person may change it."""
    content: Callable[[Request], Mapping[str, object]]
    done: tuple[str, ...] = ()
    """Keys of the words for what can have been changed in it."""


class SettingsPage:
    """The panels, in the order in which they were added, and what was just done or not done on them."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._panels: list[Panel] = []

    def add(self, panel: Panel) -> None:
        """Put a panel below the others."""
        self._panels.append(panel)

    def show(self, request: Request, person: Person, status: int = 200, wrong: str = "", about: str = "") -> Response:
        """The page; `wrong` is the key of the words for what was not done, in the panel called `about`."""
        done = request.query_params.get("done", "")
        content = {
            "panels": [
                {
                    "id": panel.id,
                    "template": panel.template,
                    "done": done if done in panel.done else "",
                    "wrong": wrong if panel.id == about else "",
                    **panel.content(request),
                }
                for panel in self._panels
            ],
            "may": person.may(Role.OWNER),
            "path": "/settings",
        }
        return self._frame.show(request, "settings.html", content, person, status)

    @staticmethod
    def changed(request: Request, panel: str, done: str) -> Response:
        """Back to the panel in which something was changed."""
        return RedirectResponse(f"/settings?lang={language(request).code}&done={done}#{panel}", 303)


def settings(page: SettingsPage) -> APIRouter:
    """The route; whoever adds a panel has the routes of its forms."""
    router = APIRouter()

    @router.get("/settings")
    def read(request: Request, person: Reader) -> Response:
        return page.show(request, person)

    return router
