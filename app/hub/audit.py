"""The journal's page: what was done and by whom, the newest first."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from app.hub.accounts import Person, Role, needs
from app.hub.desk import Desk
from app.hub.frame import Frame
from app.hub.journal import PAGE

MOST_DIGITS = 9
"""A number with more is none of the journal's."""


def audit(desk: Desk, frame: Frame) -> APIRouter:
    """The route."""
    router = APIRouter()

    @router.get("/audit")
    def read(request: Request, person: Annotated[Person, needs(Role.AUDITOR)], before: str = "") -> Response:
        number = int(before) if before.isascii() and before.isdigit() and len(before) <= MOST_DIGITS else None
        entries = desk.journal.read(number)
        older = entries[-1].number if len(entries) == PAGE else None
        return frame.show(request, "audit.html", {"entries": entries, "older": older, "first": number is None}, person)

    return router
