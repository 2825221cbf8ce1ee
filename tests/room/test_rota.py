from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from app.release.ledger import Ledger
from app.release.release import RANGES, Rules
from app.room.rota import Rota, last_slot
from app.sync.outbox import Microphones, Outbox
from app.sync.wire import Heartbeat, Release, unseal

SUNDAY_3 = datetime(2026, 3, 8, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        (SUNDAY_3, SUNDAY_3),
        (SUNDAY_3 - timedelta(seconds=1), SUNDAY_3 - timedelta(days=7)),
        (SUNDAY_3 + timedelta(days=6, hours=23), SUNDAY_3),
        (datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2025, 12, 28, 3, tzinfo=UTC)),
    ],
)
def test_the_last_slot_is_the_latest_that_has_come(now: datetime, slot: datetime) -> None:
    assert last_slot(now, weekday=7, hour=3) == slot


class Day:
    """A rota whose time a test moves."""

    def __init__(self, folder: Path) -> None:
        self.now = SUNDAY_3 - timedelta(days=2)
        self.said: list[str] = []
        self.microphones: Microphones | None = "ok"
        self.ledger = Ledger(folder / "ledger.sqlite")
        self.outbox = Outbox(folder / "outbox.sqlite", "room-1", simulated=True)
        self.rota = Rota(
            self.ledger,
            self.outbox,
            Rules(min_sessions=10),
            7,
            3,
            Random(1),
            lambda: self.now,
            self.said.append,
            lambda: self.microphones,
        )

    def hold(self, sessions: int) -> None:
        for _ in range(sessions):
            session = self.ledger.open_session()
            self.ledger.close(session, dict.fromkeys(RANGES, 1.0), "2026-W10", 3000.0)
            self.ledger.forget(session)

    def releases(self) -> list[Release]:
        bodies = [unseal(message.payload).body for message in self.outbox.messages()]
        return [body for body in bodies if isinstance(body, Release)]

    def heartbeat(self, slot: int) -> Heartbeat:
        assert self.outbox.beat(slot, "0.1.0")
        body = unseal(self.outbox.messages()[-1].payload).body
        assert isinstance(body, Heartbeat)
        return body


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    day = Day(tmp_path)
    day.rota.tick()  # the slot before the first start has its message: withheld
    yield day
    day.ledger.shut()
    day.outbox.shut()


def test_a_week_has_one_release_whatever_the_sessions(day: Day) -> None:
    day.hold(12)
    day.rota.tick()
    assert [release.sessions for release in day.releases()] == [0]
    for hours in (48, 49, 60, 24 * 8):
        day.now = SUNDAY_3 - timedelta(days=2) + timedelta(hours=hours)
        day.rota.tick()
        day.rota.tick()
    assert [(release.week, release.sessions) for release in day.releases()] == [("2026-W09", 0), ("2026-W10", 12)]
    day.now = SUNDAY_3 + timedelta(days=7)
    day.rota.tick()
    assert [(release.week, release.sums) for release in day.releases()][2:] == [("2026-W11", None)]


def test_every_message_of_a_week_has_one_size(day: Day) -> None:
    day.hold(12)
    day.now = SUNDAY_3
    day.rota.tick()
    assert len({len(message.payload) for message in day.outbox.messages()}) == 1


def test_health_is_noted_once_a_day_at_a_fixed_hour(day: Day) -> None:
    assert day.heartbeat(1).microphones == "ok", "noted at the start"
    day.microphones = "fault"
    day.rota.tick()
    assert day.heartbeat(2).microphones == "ok", "nothing before the hour of the note"
    day.now += timedelta(days=1)
    day.rota.tick()
    assert day.heartbeat(3).microphones == "fault"
    day.microphones, day.now = None, day.now + timedelta(days=1)
    day.rota.tick()
    assert day.heartbeat(4).microphones == "fault", "what cannot be told now stays as it was"


def test_sessions_lost_to_damage_are_told_once(day: Day) -> None:
    day.hold(2)
    day.ledger._db.do("UPDATE waiting SET locked = x'00' WHERE row = (SELECT min(row) FROM waiting)")
    day.hold(1)  # rewrites what waits, and erases what cannot be read
    for _ in range(3):
        day.now += timedelta(days=1)
        day.rota.tick()
    (sentence,) = day.said
    assert sentence.startswith("waiting sessions that could not be read were erased (1)")
