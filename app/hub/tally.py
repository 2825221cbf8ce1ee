"""The weeks in the database, added to in the transaction that enters the releases themselves."""

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Connection, select, update

from app.hub.tables import WEEKS
from app.hub.weeks import Week, gathered, heard

EMPTY = '{"sessions": 0, "moments": []}'


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
        total = heard(row.week, row.released, row.withheld, row.told, simulated=row.simulated).plus(week)
        new = {"released": total.released, "withheld": total.withheld, "told": total.told()}
        connection.execute(update(WEEKS).where(*this).values(new))


def read(connection: Connection) -> list[Week]:
    """Every week, real ones first."""
    rows = connection.execute(select(WEEKS).order_by(WEEKS.c.simulated, WEEKS.c.week))
    return [heard(row.week, row.released, row.withheld, row.told, simulated=row.simulated) for row in rows]
