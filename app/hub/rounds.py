"""The rounds: how every room stands, and each room's days, as the database holds them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import bindparam, delete, func, select

from app.hub.database import open_database, to_write, transaction
from app.hub.days import day_of
from app.hub.rooms import Room
from app.hub.tables import CERTIFICATES, HEALTH, HEALTH_DAYS, RELEASES, ROOMS

KEPT_DAYS = 730
AT_ONCE = 500
"""Days that go in one transaction: the inbox waits for no more."""
TOLD = [name for name in Room.__dataclass_fields__ if name != "last_week"]
"""What of a room its unit's health tells, in the order of its fields."""
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


class Rounds:
    """Reads of health, in the hub's database. Everything here raises StoreError."""

    def __init__(self, where: Path | str) -> None:
        self._engine = open_database(where)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def wards(self, device: str | None = None) -> list[Ward]:
        """Every room, or one, that has reported or is invited and not revoked, by name; without its last release."""
        told = [HEALTH.c[name] for name in TOLD]
        ends = select(CERTIFICATES.c.device, CERTIFICATES.c.joining, func.max(CERTIFICATES.c.ends))
        queries = [
            (select(*told), HEALTH),
            (select(ROOMS.c.device, ROOMS.c.name, ROOMS.c.joining, ROOMS.c.revoked), ROOMS),
            (ends.group_by(CERTIFICATES.c.device, CERTIFICATES.c.joining), CERTIFICATES),
        ]
        with transaction(self._engine) as connection:
            healths, members, certificates = (
                connection.execute(query if device is None else query.where(table.c.device == device)).all()
                for query, table in queries
            )
        rooms = {row[0]: Room(*(*row, None)) for row in healths}
        until = {(held, joining): end for held, joining, end in certificates}
        found = []
        for held, name, joining, revoked in members:
            room = rooms.pop(held, None) or Room(held, *[None] * len(TOLD))
            if revoked is None:
                found.append(Ward(room, name, until.get((held, joining)), registered=True))
        found += [Ward(room, room.device, None, registered=False) for room in rooms.values()]
        return sorted(found, key=lambda ward: (ward.name.casefold(), ward.room.device))

    def last_weeks(self, devices: Iterable[str]) -> dict[str, str]:
        """The ISO week of each room's newest weekly message, released or withheld."""
        query = select(RELEASES.c.device, func.max(RELEASES.c.week).label("week"))
        query = query.where(RELEASES.c.device.in_(list(devices))).group_by(RELEASES.c.device)
        with transaction(self._engine) as connection:
            return {row.device: row.week for row in connection.execute(query)}

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
