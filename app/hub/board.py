"""The pages of rooms: the board of all, and one room's health over the days, with its own numbers where it may be."""

from collections.abc import Callable
from math import ceil
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request, Response

from app.hub.accounts import Person, Role, needs
from app.hub.frame import Frame, language
from app.hub.room_reading import RoomReading
from app.hub.rooms import Presence
from app.hub.rounds import Rounds, Ward
from app.hub.ward_views import days_view, needs_a_look, ward_view

Reader = Annotated[Person, needs(Role.TECH, Role.VIEWER)]
PAGE = 60
"""Rooms on one page."""
MOST_PAGES = 10_000


def board(rounds: Rounds, reading: RoomReading, frame: Frame, clock: Callable[[], float]) -> APIRouter:
    """The routes; `clock` is the hub's, seconds since 1970 UTC."""
    router = APIRouter()

    @router.get("/rooms")
    def rooms(request: Request, person: Reader, show: str = "", q: str = "", page: str = "1") -> Response:
        now, say = int(clock()), language(request)
        wards = rounds.wards()
        look = [ward for ward in wards if needs_a_look(ward, now)]
        chosen = [ward for ward in (look if show == "look" else wards) if named(ward, q)]
        number, pages = page_of(page, len(chosen))
        part = chosen[(number - 1) * PAGE : number * PAGE]
        weeks = rounds.last_weeks(ward.room.device for ward in part)
        content = {
            "rooms": [ward_view(ward, weeks.get(ward.room.device), now, say) for ward in part],
            "all": len(wards),
            "look": len(look),
            "well": sum(ward.room.presence(now) is Presence.ONLINE for ward in wards)
            - sum(ward.room.presence(now) is Presence.ONLINE for ward in look),
            "show": "look" if show == "look" else "",
            "q": q[:80],
            "page": number,
            "pages": pages,
            "many": len(wards) > PAGE,
        }
        return frame.show(request, "board.html", content, person)

    @router.get("/rooms/{device}")
    def room(request: Request, device: str, person: Reader) -> Response:
        now, say = int(clock()), language(request)
        ward = next(iter(rounds.wards(device)), None)
        if ward is None:
            raise HTTPException(404)
        week = rounds.last_weeks([device]).get(device)
        days = days_view(rounds.days(device, now), now, say)
        own = reading.on_page(request, person, device)
        content = {"room": ward_view(ward, week, now, say), "own": own, "days": days}
        return frame.show(request, "room.html", content, person)

    return router


def named(ward: Ward, wanted: str) -> bool:
    """Whether a room's name or id has these letters in it."""
    return wanted.strip().casefold() in f"{ward.name}\n{ward.room.device}".casefold()


def page_of(asked: str, length: int) -> tuple[int, int]:
    """The page to show, from 1, and how many there are."""
    pages = max(1, ceil(length / PAGE))
    known = asked.isascii() and asked.isdigit() and len(asked) <= len(str(MOST_PAGES))
    return min(max(int(asked), 1), pages) if known else 1, pages
