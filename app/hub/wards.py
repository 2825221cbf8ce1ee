"""A line a room for the board, as the registry knows it and as its unit tells it, for SQL to count, find and order."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, Subquery, cast, exists, literal, null, or_, select, union_all

from app.hub.rooms import Room
from app.hub.standing import look
from app.hub.tables import HEALTH, ROOMS

TOLD = list(Room.__dataclass_fields__)
"""What of a room its unit's health tells, in the order of its fields."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rooms."""

    look: bool = False
    """Only those that somebody should look after."""
    wanted: str = ""
    """Only those that have these letters in their name or id."""


def wards() -> Subquery:
    """A line a room: those of the registry that are not revoked, and those that it does not know."""
    told = [HEALTH.c[name] for name in TOLD if name != "device"]
    known = (ROOMS.c.device, ROOMS.c.name, ROOMS.c.folded, ROOMS.c.certificate_ends)
    ours = select(*known, literal(True).label("registered"), *told)
    ours = ours.outerjoin(HEALTH, HEALTH.c.device == ROOMS.c.device).where(ROOMS.c.revoked.is_(None))
    own, never = HEALTH.c.device, cast(null(), BigInteger)
    others = select(own, own.label("name"), own.label("folded"), never, literal(False), *told)
    others = others.where(~exists().where(ROOMS.c.device == own))
    return union_all(ours, others).subquery()


def chosen(these: Subquery, choice: Choice, now: int) -> list[ColumnElement[bool]]:
    """That a line of `wards` is of a room that is chosen."""
    letters = choice.wanted.strip().casefold()
    having = (column.contains(letters, autoescape=True) for column in (these.c.folded, these.c.device))
    return [*([look(these.c, now)] if choice.look else []), *([or_(*having)] if letters else [])]
