"""A hub killed three times under load, and what must be noticed when it is not as it should be; `make kills`: 50."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.hub.kills import Load, faults, fill, run

NOW = 1_790_000_000
SMALL = Load(rooms=20, speed=300.0, old_rooms=20, old_beats=60)


def test_a_hub_killed_under_load_opens_and_is_complete(tmp_path: Path) -> None:
    result = run(tmp_path / "hub", 3, 1, SMALL, print)
    assert result.wrong == ()
    assert result.kills == 3
    assert result.acknowledged > 100
    assert result.forgotten > 0


@pytest.mark.parametrize(
    ("spoilt", "seen"),
    [
        ("DELETE FROM messages WHERE seq = 3", "old and lost"),
        ("UPDATE messages SET sha256 = 'another' WHERE seq = 3", "acknowledged and lost"),
        ("INSERT INTO messages SELECT device, epoch, 900, sha256, kind, 1 FROM messages WHERE seq = 3", "counted"),
        ("UPDATE health SET messages = messages + 1", "counted more than stored"),
        ("UPDATE health_days SET heartbeats = heartbeats + 1", "heartbeats in the days"),
        ("INSERT INTO weeks VALUES (1, '2026-W40', 1, 0, '{\"sessions\": 0, \"moments\": []}')", "sums by week"),
    ],
)
def test_what_is_not_as_it_should_be_is_seen(tmp_path: Path, spoilt: str, seen: str) -> None:
    where = tmp_path / "hub.sqlite"
    old = fill(where, Load(old_rooms=2, old_beats=5), NOW)
    with closing(sqlite3.connect(where)) as database:
        query = "SELECT device, epoch, seq, sha256 FROM messages"
        acknowledged = {tuple(row[:3]): row[3] for row in database.execute(query)}
    assert faults(where, acknowledged, old) == []
    with closing(sqlite3.connect(where, isolation_level=None)) as database:
        database.execute(spoilt)
    assert seen in "; ".join(faults(where, acknowledged, old))
