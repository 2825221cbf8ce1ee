"""The identity of a message, and how many of them are looked up at once."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, column, values
from sqlalchemy.sql.selectable import CTE

from app.hub.tables import MESSAGES

Key = tuple[str, str, int]
"""(device, epoch, seq)."""


def asked(keys: Collection[Key]) -> CTE:
    """Keys as something to join, so that each is looked up in an index.

    For `(…, …, …) IN (…)` SQLite would read all of the table.
    """
    shape = values(*(column(name, MESSAGES.c[name].type) for name in ("device", "epoch", "seq")), name="asked")
    return shape.data(sorted(keys)).cte()


def same_epoch(these: CTE, device: ColumnElement[str], epoch: ColumnElement[str]) -> ColumnElement[bool]:
    """That a row is of the device and epoch of one that is asked for."""
    return and_(device == these.c.device, epoch == these.c.epoch)
