"""The pages of rooms: the board of all, and one room's health over the days, with its own numbers where it may be."""

from collections.abc import Callable
from math import ceil
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request, Response

from app.hub.accounts import Person, Role, needs
from app.hub.alert_views import count_view
from app.hub.alerts import Alerts
from app.hub.frame import Frame, language
from app.hub.room_reading import RoomReading
from app.hub.rounds import Rounds
from app.hub.ward_views import days_view, ward_view
from app.hub.wards import Choice

Reader = Annotated[Person, needs(Role.TECH, Role.VIEWER)]
PAGE = 60
"""Rooms on one page."""
LONGEST = 80
"""Of what is looked for, so many letters count."""
MOST_PAGES = 10_000


def board(rounds: Rounds, alerts: Alerts, reading: RoomReading, frame: Frame, clock: Callable[[], float]) -> APIRouter:
    """The routes; `clock` is the hub's, seconds since 1970 UTC."""
    router = APIRouter()

    @router.get("/rooms")
    def rooms(request: Request, person: Reader, show: str = "", q: str = "", page: str = "1") -> Response:
        now, say = int(clock()), language(request)
        census, choice = rounds.census(now), Choice(show == "look", q[:LONGEST])
        known = census.look if choice.look else census.all
        number, pages = page_of(page, rounds.count(choice, now) if choice.wanted.strip() else known)
        part = rounds.wards(choice, now, (number - 1) * PAGE, PAGE)
        weeks = rounds.last_weeks(ward.room.device for ward in part)
        content = {
            "rooms": [ward_view(ward, weeks.get(ward.room.device), now, say) for ward in part],
            "all": census.all,
            "look": census.look,
            "well": census.well,
            "show": "look" if choice.look else "",
            "q": choice.wanted,
            "alerts": count_view(*alerts.count(), say) if person.may(Role.TECH, Role.AUDITOR) else "",
            "page": number,
            "pages": pages,
        }
        return frame.show(request, "board.html", content, person)

    @router.get("/rooms/{device}")
    def room(request: Request, device: str, person: Reader) -> Response:
        now, say = int(clock()), language(request)
        ward = rounds.ward(device)
        if ward is None:
            raise HTTPException(404)
        week = rounds.last_weeks([device]).get(device)
        days = days_view(rounds.days(device, now), now, say)
        own = reading.on_page(request, person, device)
        content = {"room": ward_view(ward, week, now, say), "own": own, "days": days}
        return frame.show(request, "room.html", content, person)

    return router


def page_of(asked: str, length: int) -> tuple[int, int]:
    """The page to show, from 1, and how many there are."""
    pages = max(1, ceil(length / PAGE))
    known = asked.isascii() and asked.isdigit() and len(asked) <= len(str(MOST_PAGES))
    return min(max(int(asked), 1), pages) if known else 1, pages
