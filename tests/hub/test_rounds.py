"""What is left of heartbeats: lines of health a room and day."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.hub.arrivals import Arrival, Sorted, sort
from app.hub.days import day_of
from app.hub.registry import Registry
from app.hub.rounds import Day, Rounds
from app.hub.store import Store
from app.hub.wards import Choice
from app.sync import wire
from tests.hub.hubs import a_heartbeat, an_envelope

NOON = int(datetime(2026, 11, 23, 12, 0, tzinfo=UTC).timestamp())
DAY_S = 86_400


@pytest.fixture
def where(tmp_path: Path) -> Path:
    return tmp_path / "hub.sqlite"


@pytest.fixture
def store(where: Path) -> Iterator[Store]:
    with closing(Store(where)) as store:
        yield store


@pytest.fixture
def rounds(where: Path) -> Iterator[Rounds]:
    with closing(Rounds(where)) as rounds:
        yield rounds


def a_beat(seq: int, device: str = "room-1", **changes: object) -> Sorted:
    envelope = an_envelope(seq, a_heartbeat(**changes), device)
    item = sort(Arrival(device, "m", wire.seal(envelope)))
    assert item
    return item


def test_time_between_heartbeats_is_time_heard_unless_one_is_overdue(store: Store, rounds: Rounds) -> None:
    for seq, after in enumerate((0, 300, 600, 600 + 4000, 600 + 4300)):
        store.commit([a_beat(seq)], NOON + after)
    (day,) = rounds.days("room-1", NOON + 5000)
    assert (day.heartbeats, day.heard_s) == (5, 900)


def test_what_was_kept_through_a_cut_is_heard_at_once_and_adds_no_time(store: Store, rounds: Rounds) -> None:
    store.commit([a_beat(0)], NOON)
    store.commit([a_beat(seq) for seq in range(1, 40)], NOON + 12_000)
    (day,) = rounds.days("room-1", NOON + 12_000)
    assert (day.heartbeats, day.heard_s) == (40, 0)


def test_a_day_keeps_the_worst_and_the_last(store: Store, rounds: Rounds) -> None:
    store.commit([a_beat(0, microphones="fault", outbox_waiting=3, clock="own")], NOON)
    store.commit([a_beat(1, outbox_waiting=1, outbox_dropped=2, software="0.2.0")], NOON + 300)
    assert rounds.days("room-1", NOON) == [Day(day_of(NOON).isoformat(), 300, 2, 1, 1, 3, 2, "0.2.0")]


def test_a_heartbeat_that_comes_twice_counts_once(store: Store, rounds: Rounds) -> None:
    for _ in range(3):
        store.commit([a_beat(0), a_beat(0)], NOON)
    assert rounds.days("room-1", NOON)[0].heartbeats == 1


def test_a_heartbeat_that_was_overtaken_counts_and_adds_no_time(store: Store, rounds: Rounds) -> None:
    for seq, after in ((0, 0), (2, 300), (1, 310), (3, 600)):
        store.commit([a_beat(seq)], NOON + after)
    (day,) = rounds.days("room-1", NOON + 600)
    assert (day.heartbeats, day.heard_s) == (4, 600)


@settings(max_examples=10)
@given(cuts=st.lists(st.integers(1, 11), max_size=4))
def test_how_heartbeats_are_batched_changes_nothing(cuts: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    where = tmp_path_factory.mktemp("batches") / "hub.sqlite"
    beats = [a_beat(seq, f"room-{seq % 2}", outbox_waiting=seq % 5) for seq in range(12)]
    edges = [0, *sorted(set(cuts)), 12]
    with closing(Store(where)) as store, closing(Rounds(where)) as rounds:
        for begin, end in pairwise(edges):
            store.commit(beats[begin:end], NOON)
        found = [rounds.days(f"room-{n}", NOON)[0] for n in range(2)]
    assert [(day.heartbeats, day.waiting) for day in found] == [(6, 4), (6, 4)]


def test_days_are_kept_for_two_years(store: Store, rounds: Rounds) -> None:
    for seq, ago in enumerate((731, 729, 0)):
        store.commit([a_beat(seq)], NOON - ago * DAY_S)
    while rounds.forget(NOON, most=1):
        pass
    assert len(rounds.days("room-1", NOON, shown=1000)) == 2


def test_the_board_has_who_reported_and_who_is_invited_and_not_who_is_revoked(
    store: Store, rounds: Rounds, where: Path
) -> None:
    store.commit([a_beat(0, "attic")], NOON)
    with closing(Registry(where)) as registry:
        registry.add("Blue room", NOON)
        registry.add("Gone", NOON)
        registry.revoke("gone", NOON)
    wards = rounds.wards(Choice(), NOON)
    assert [(ward.name, ward.registered, ward.room.heartbeat) for ward in wards] == [
        ("attic", False, NOON),
        ("Blue room", True, None),
    ]
