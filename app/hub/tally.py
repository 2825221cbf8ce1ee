"""The weeks in the database, added to in the transaction that enters the releases themselves."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from app.hub.days import day_of
from app.hub.periods import Reopened
from app.hub.tables import MESSAGES, META, WEEKS
from app.hub.weeks import Week, gathered, heard

EMPTY = '{"sessions": 0, "moments": []}'
REOPENED = "reopened"
"""The line of the table `meta` that says when the database was put back: two days, of the copy and until when."""


def add(connection: Connection, weeks: Iterable[Week], insert: Callable[..., Any]) -> None:
    """Add what is new to each week, in their order; `insert` knows ON CONFLICT.

    A week's line is locked before it is read: of two hubs the second adds to what the first has written.
    """
    for week in gathered(weeks):
        key = {"simulated": week.simulated, "week": week.week}
        empty = insert(WEEKS).values(**key, released=0, withheld=0, told=EMPTY)
        connection.execute(empty.on_conflict_do_nothing())
        this = (WEEKS.c.simulated.is_(week.simulated), WEEKS.c.week == week.week)
        row = connection.execute(select(WEEKS).where(*this).with_for_update()).one()
        total = _week(row, None).plus(week)
        released, withheld = total.released + total.late[0], total.withheld + total.late[1]
        new = {"released": released, "withheld": withheld, "told": total.told()}
        connection.execute(update(WEEKS).where(*this).values(new))


def read(connection: Connection) -> list[Week]:
    """Every week, real ones first."""
    again = reopened(connection)
    return [_week(row, again) for row in connection.execute(select(WEEKS).order_by(WEEKS.c.simulated, WEEKS.c.week))]


def _week(row: Row[Any], again: Reopened | None) -> Week:
    return heard(
        row.week,
        row.told,
        simulated=row.simulated,
        released=row.released,
        withheld=row.withheld,
        open_until=open_until(row.week, again),
    )


def open_until(week: str, again: Reopened | None) -> date | None:
    """Until when a week is open that would have been closed, had the database not been put back."""
    return again.until if again and again.keeps_open(week) else None


def reopen(connection: Connection, until: date) -> None:
    """Say that the database was put back: what has closed since its last message is open until a day."""
    last = connection.execute(select(func.max(MESSAGES.c.received))).scalar_one_or_none()
    since, before = day_of(last or 0), reopened(connection)
    if before and before.until >= since:
        since = min(since, before.since)
    told = {"key": REOPENED, "value": f"{since} {until}"}
    connection.execute(META.delete().where(META.c.key == REOPENED))
    connection.execute(META.insert().values(told))


def reopened(connection: Connection) -> Reopened | None:
    """When the database was put back from a copy; None: never."""
    told = connection.execute(select(META.c.value).where(META.c.key == REOPENED)).scalar_one_or_none()
    return Reopened(*map(date.fromisoformat, told.split())) if told else None
