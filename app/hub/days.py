"""A batch's heartbeats, added to each room's line of the day; raw heartbeats are needed for no page."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import Connection, case

from app.hub.rooms import SILENT_AFTER_S
from app.hub.tables import HEALTH_DAYS
from app.sync import wire

SUMS = ("heard_s", "heartbeats", "faults", "own_clock")


def day_of(now: int) -> date:
    """The hub's calendar day."""
    return datetime.fromtimestamp(now, UTC).astimezone().date()


def midnight(day: date) -> int:
    """When a day begins by the hub's calendar, seconds since 1970 UTC."""
    return int(datetime.combine(day, time()).astimezone().timestamp())


class Days:
    """Lines of the day that it is now, by the hub's clock."""

    def __init__(self, now: int) -> None:
        self._now, self._day = now, day_of(now).isoformat()
        self._rows: dict[str, dict[str, Any]] = {}

    def add(self, device: str, heartbeat: wire.Heartbeat, before: int | None) -> None:
        """Count a heartbeat; `before`: when the last one was heard, None: never, or this one was overtaken.

        The time between two is time in which the room was heard, unless the second was overdue. What a room sends late
        after a cut is heard all at once, and so adds no time.
        """
        waited = self._now - before if before is not None else SILENT_AFTER_S + 1
        row = self._rows.setdefault(
            device, {"device": device, "day": self._day, "waiting": 0, **dict.fromkeys(SUMS, 0)}
        )
        row["heard_s"] += waited if 0 <= waited <= SILENT_AFTER_S else 0
        row["heartbeats"] += 1
        row["faults"] += heartbeat.microphones == "fault"
        row["own_clock"] += heartbeat.clock == "own"
        row["waiting"] = max(row["waiting"], heartbeat.outbox_waiting)
        row |= {"dropped": heartbeat.outbox_dropped, "software": heartbeat.software}

    def flush(self, connection: Connection, insert: Callable[..., Any]) -> None:
        """Write the lines, in the order of devices."""
        if not self._rows:
            return
        new = insert(HEALTH_DAYS)
        held, more = HEALTH_DAYS.c, new.excluded
        changes = {name: held[name] + more[name] for name in SUMS}
        changes["waiting"] = case((held.waiting > more.waiting, held.waiting), else_=more.waiting)
        changes |= {"dropped": more.dropped, "software": more.software}
        statement = new.on_conflict_do_update(index_elements=["device", "day"], set_=changes)
        connection.execute(statement, [self._rows[device] for device in sorted(self._rows)])
