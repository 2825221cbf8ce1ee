"""The rounds: how every room stands, and each room's days, as the database holds them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, select

from app.hub.database import by_letter, open_database, transaction
from app.hub.days import day_of
from app.hub.rooms import Room
from app.hub.standing import how_many, last_week, look, online
from app.hub.tables import HEALTH, HEALTH_DAYS
from app.hub.turns import to_write
from app.hub.wards import TOLD, Choice, chosen, wards

KEPT_DAYS = 730
AT_ONCE = 500
"""Days that go in one transaction: the inbox waits for no more."""
MOST = 2**31
SHOWN_DAYS = 90
"""So many days a room's page shows."""


@dataclass(frozen=True, slots=True)
class Ward:
    """A room on the board: as its unit tells it, and as the registry knows it."""

    room: Room
    name: str
    certificate_ends: int | None
    """None: it has none; units on the hub's own machine need none."""
    registered: bool


@dataclass(frozen=True, slots=True)
class Day:
    """What is left of a room's heartbeats of one day."""

    day: str
    """As 2026-11-23, by the hub's calendar."""
    heard_s: int
    heartbeats: int
    faults: int
    own_clock: int
    waiting: int
    dropped: int
    software: str


@dataclass(frozen=True, slots=True)
class Census:
    """How many rooms there are."""

    all: int
    look: int
    """Somebody should look after them."""
    well: int
    """Online, and nobody needs to look after them."""


class Rounds:
    """Reads of health, in the hub's database. Everything here raises StoreError."""

    def __init__(self, where: Path | str) -> None:
        self._engine = open_database(where)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def census(self, now: int) -> Census:
        """How many rooms there are, and how many of them need a look or are well."""
        these = wards()
        need, up = look(these.c, now), online(these.c, now)
        query = select(func.count(), how_many(need), how_many(up, out_of=need)).select_from(these)
        with transaction(self._engine) as connection:
            return Census(*connection.execute(query).one())

    def count(self, choice: Choice, now: int) -> int:
        """How many rooms are chosen."""
        these = wards()
        with transaction(self._engine) as connection:
            query = select(func.count()).select_from(these).where(*chosen(these, choice, now))
            return int(connection.execute(query).scalar_one())

    def wards(self, choice: Choice, now: int, start: int = 0, length: int = MOST) -> list[Ward]:
        """Some of the rooms that are chosen, by name; without their last release."""
        these = wards()
        query = select(these).where(*chosen(these, choice, now)).offset(start).limit(length)
        with transaction(self._engine) as connection:
            rows = connection.execute(query.order_by(by_letter(connection, these.c.folded), these.c.device))
            return [_ward(row) for row in rows]

    def ward(self, device: str) -> Ward | None:
        """One room; None if there is none of that id, or it was revoked."""
        these = wards()
        with transaction(self._engine) as connection:
            row = connection.execute(select(these).where(these.c.device == device)).one_or_none()
        return _ward(row) if row else None

    def last_weeks(self, devices: Iterable[str]) -> dict[str, str]:
        """The ISO week of each room's newest weekly message, released or withheld."""
        query = select(HEALTH.c.device, last_week()).where(HEALTH.c.device.in_(list(devices)))
        with transaction(self._engine) as connection:
            return {device: week for device, week in connection.execute(query) if week is not None}

    def days(self, device: str, now: int, shown: int = SHOWN_DAYS) -> list[Day]:
        """A room's last days of which there is something, the newest first."""
        since = (day_of(now) - timedelta(days=shown - 1)).isoformat()
        mine = (HEALTH_DAYS.c.device == device, HEALTH_DAYS.c.day >= since)
        columns = [HEALTH_DAYS.c[name] for name in Day.__dataclass_fields__]
        query = select(*columns).where(*mine).order_by(HEALTH_DAYS.c.day.desc())
        with transaction(self._engine) as connection:
            return [Day(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001  as above

    def forget(self, now: int, most: int = AT_ONCE) -> bool:
        """Let go of some days older than two years; whether there may be more."""
        before = (day_of(now) - timedelta(days=KEPT_DAYS)).isoformat()
        key = (HEALTH_DAYS.c.device, HEALTH_DAYS.c.day)
        old = select(*key).where(HEALTH_DAYS.c.day < before).order_by(HEALTH_DAYS.c.day).limit(most)
        gone = delete(HEALTH_DAYS).where(*(column == bindparam(f"its_{column.name}") for column in key))
        with transaction(to_write(self._engine)) as connection:
            rows = [{"its_device": row.device, "its_day": row.day} for row in connection.execute(old)]
            if rows:
                connection.execute(gone, sorted(rows, key=lambda row: (row["its_device"], row["its_day"])))
        return len(rows) == most


def _ward(row: Row[Any]) -> Ward:
    told: dict[str, Any] = {name: getattr(row, name) for name in TOLD}
    return Ward(Room(**told), row.name, row.certificate_ends, registered=row.registered)
