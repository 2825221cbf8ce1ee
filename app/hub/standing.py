"""How a room stands, asked of the database: as `Room.presence` and `needs_a_look` say it of one room."""

from typing import Any

from sqlalchemy import ColumnElement, Integer, ScalarSelect, and_, case, func, or_, select
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from app.hub.rooms import SILENT_AFTER_S
from app.hub.tables import HEALTH, RELEASES

DAY_S = 86_400
CERTIFICATE_S = 20 * DAY_S
"""Units renew with 30 days left; one with fewer than this has tried and failed."""
WAITING = 2
"""A release goes up once a week; more than this many unanswered are a sign."""

Columns = ReadOnlyColumnCollection[str, Any]


def online(of: Columns, now: int) -> ColumnElement[bool]:
    """It can be counted on."""
    lives = func.coalesce(of["state"], "") != "death"
    return and_(lives, of["heartbeat"].is_not(None), of["heartbeat"] >= now - SILENT_AFTER_S)


def look(of: Columns, now: int) -> ColumnElement[bool]:
    """Somebody should look after it; unknown where it is not so."""
    away = or_(of["state"] == "death", of["heartbeat"] < now - SILENT_AFTER_S)
    ends_soon = of["certificate_ends"] < now + CERTIFICATE_S
    return or_(away, of["microphones"] == "fault", ends_soon, of["waiting"] > WAITING)


def how_many(*cases: ColumnElement[bool], out_of: ColumnElement[bool] | None = None) -> ColumnElement[int]:
    """The number of rows of which all the cases are true, without those of which `out_of` is."""
    whens: list[Any] = [(out_of, 0)] if out_of is not None else []
    return func.coalesce(func.sum(case(*whens, (and_(*cases), 1), else_=0)), 0).cast(Integer)


def last_week() -> ScalarSelect[str]:
    """Of a row of HEALTH the ISO week of the newest weekly message: one step in the index of releases."""
    newest = select(func.max(RELEASES.c.week)).where(RELEASES.c.device == HEALTH.c.device)
    return newest.correlate(HEALTH).scalar_subquery()
