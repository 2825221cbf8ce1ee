"""Rows of heartbeats go after a day, and nothing that rested on them changes."""

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event, func, select

from app.hub.arrivals import Accepted, Arrival, Sorted, sort
from app.hub.chores import Chores
from app.hub.errors import StoreError
from app.hub.forgetting import joined
from app.hub.rounds import Rounds
from app.hub.store import KEPT_S, Store
from app.hub.tables import FORGOTTEN, HEALTH, HEALTH_DAYS, MESSAGES, META, QUARANTINE, RELEASES, RESULTS, TABLES
from app.sync import wire
from tests.hub.databases import Anew, in_memory
from tests.hub.hubs import EPOCH, a_heartbeat, a_release, an_envelope, wait_until

NOW = 1_790_000_000
OTHER = "f" * 32
SOUGHT = (HEALTH, HEALTH_DAYS, RELEASES, RESULTS)
"""What rests on the rows of messages."""


@dataclass(frozen=True)
class Sent:
    """A message of a room, as it was made or as somebody else has made it under the same number."""

    device: str
    epoch: str
    seq: int
    kind: str

    def item(self) -> Sorted:
        number = self.seq + 100 * (self.epoch == OTHER) + 1000 * (self.device == "room-2")
        body: wire.Release | wire.Heartbeat | wire.Result = a_heartbeat(outbox_waiting=self.seq)
        if self.kind == "release":
            body = a_release(number)
        elif self.kind == "result":
            body = wire.Result(number=self.seq, outcome="done")
        item = sort(Arrival(self.device, "m", wire.seal(an_envelope(self.seq, body, self.device, self.epoch))))
        assert isinstance(item, Accepted)
        return item


MESSAGE = st.builds(
    Sent,
    st.sampled_from(["room-1", "room-2"]),
    st.sampled_from([EPOCH, OTHER]),
    st.integers(0, 9),
    st.sampled_from(["heartbeat", "heartbeat", "heartbeat", "release", "result"]),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.lists(MESSAGE, min_size=1, max_size=6)),
        st.tuples(st.just("wait"), st.sampled_from([300, KEPT_S // 2, KEPT_S + 1])),
        st.tuples(st.just("forget"), st.integers(1, 3)),
    ),
    max_size=14,
)


def rows(store: Store, *leave: str) -> dict[str, list[Any]]:
    """What rests on messages, and what was set aside."""
    with store._engine.connect() as connection:
        found = {table.name: sorted(map(tuple, connection.execute(select(table))), key=str) for table in SOUGHT}
        aside = select(*(column for column in QUARANTINE.c if column.name not in {"id", *leave}))
        found["quarantine"] = sorted(map(tuple, connection.execute(aside)), key=str)
    return found


def words(store: Store) -> list[wire.Word]:
    generation = {"generation": "0" * 32}
    asked = [(device, epoch) for device in ("room-1", "room-2") for epoch in (EPOCH, OTHER)]
    return [store.word(*each, NOW).model_copy(update=generation) for each in asked]


@pytest.fixture(scope="module")
def two(anew: Anew) -> Iterator[tuple[Store, Store]]:
    with closing(Store(in_memory(anew()))) as forgets, closing(Store(in_memory(anew()))) as keeps:
        yield forgets, keeps


def clear(store: Store) -> None:
    with store._engine.begin() as connection:
        for table in TABLES.sorted_tables:
            if table is not META:
                connection.execute(table.delete())


@settings(max_examples=60)
@given(STEPS)
def test_a_hub_that_forgets_cannot_be_told_from_one_that_does_not(
    two: tuple[Store, Store], steps: list[tuple[str, Any]]
) -> None:
    forgets, keeps = two
    clear(forgets)
    clear(keeps)
    now = NOW
    for deed, what in steps:
        if deed == "wait":
            now += what
        elif deed == "forget":
            forgets.forget(now, what)
        else:
            items = [sent.item() for sent in what]
            assert forgets.commit(items, now) == keeps.commit(items, now)
    while forgets.forget(now, 2):
        pass
    assert words(forgets) == words(keeps)
    assert rows(forgets) == rows(keeps)
    assert known(forgets) == known(keeps)


def known(store: Store) -> set[tuple[str, str, int]]:
    """Every number that was committed, as the two tables tell."""
    with store._engine.connect() as connection:
        there = {tuple(row) for row in connection.execute(select(MESSAGES.c.device, MESSAGES.c.epoch, MESSAGES.c.seq))}
        spans = connection.execute(select(FORGOTTEN)).all()
    return there | {(span.device, span.epoch, seq) for span in spans for seq in range(span.first, span.last + 1)}


def beat(seq: int, **changes: object) -> Accepted:
    return accepted(seq, a_heartbeat(**changes))


def release(seq: int) -> Accepted:
    return accepted(seq, a_release(seq))


def accepted(seq: int, body: wire.Release | wire.Heartbeat) -> Accepted:
    item = sort(Arrival("room-1", "m", wire.seal(an_envelope(seq, body))))
    assert isinstance(item, Accepted)
    return item


def kept_rows(store: Store) -> int:
    """How many messages have a row still."""
    with store._engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(MESSAGES)).scalar_one())


def test_heartbeats_go_after_a_day_but_the_last_and_releases_stay(anew: Anew) -> None:
    with closing(Store(anew())) as store:
        for seq in range(10):
            store.commit([release(seq) if seq in {3, 6} else beat(seq)], NOW + 300 * seq)
        assert not store.forget(NOW + KEPT_S)
        assert kept_rows(store) == 10
        assert not store.forget(NOW + KEPT_S + 901)
        assert kept_rows(store) == 7, "those of the first quarter of an hour are older than a day"
        store.forget(NOW + 2 * KEPT_S)
        assert (kept_rows(store), store.counts().releases) == (3, 2)
        with store._engine.connect() as connection:
            assert [tuple(row) for row in connection.execute(select(FORGOTTEN))] == [("room-1", EPOCH, 0, 8)]
        assert store.word("room-1", EPOCH, NOW).sha256 == beat(9).sha256


def test_another_heartbeat_under_a_forgotten_number_is_acknowledged_and_changes_nothing(
    anew: Anew,
) -> None:
    with closing(Store(anew())) as store:
        store.commit([beat(1), beat(2)], NOW)
        store.forget(NOW + 2 * KEPT_S)
        before = rows(store)
        assert store.commit([beat(1, software="another")], NOW + 2 * KEPT_S) == [("room-1", EPOCH, 1)]
        assert rows(store) == before


def test_a_release_under_a_forgotten_number_is_set_aside(anew: Anew) -> None:
    with closing(Store(anew())) as store:
        store.commit([beat(1), beat(2)], NOW)
        store.forget(NOW + 2 * KEPT_S)
        assert store.commit([release(1)], NOW + 2 * KEPT_S) == [("room-1", EPOCH, 1)]
        assert (store.counts().releases, store.counts().quarantined) == (0, 1)


def test_a_heartbeat_that_was_never_here_is_taken_however_late(anew: Anew) -> None:
    with closing(Store(anew())) as store:
        store.commit([beat(seq) for seq in (0, 1, 3, 4, 5)], NOW)
        store.forget(NOW + 2 * KEPT_S)
        before = kept_rows(store)
        store.commit([beat(2)], NOW + 2 * KEPT_S)
        assert kept_rows(store) == before + 1


def test_a_newer_version_that_was_read_and_forgotten_since_is_not_told_again(anew: Anew) -> None:
    newer = sort(Arrival("room-1", "m", b'{"v":2,"epoch":"%s","seq":1}' % EPOCH.encode()))
    assert newer
    with closing(Store(anew())) as store:
        store.commit([newer], NOW)
        store.commit([beat(1), beat(2)], NOW)
        store.forget(NOW + 2 * KEPT_S)
        assert store.newer_versions(9) == []


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5))), st.sets(st.integers(0, 50)))
def test_joined_spans_hold_the_same_numbers_touch_nowhere_and_none_is_of_rows_alone(
    pieces: list[tuple[int, int]], between: set[int]
) -> None:
    spans = [(first, first + more) for first, more in pieces]
    found = joined(spans, between)
    numbers = {seq for first, last in spans for seq in range(first, last + 1)}
    held = {seq for first, last in found for seq in range(first, last + 1)}
    assert numbers <= held <= numbers | between
    assert all(before[1] + 1 < after[0] for before, after in pairwise(found))
    assert all(numbers & set(range(first, last + 1)) for first, last in found)


def test_while_one_hub_forgets_another_does_not(anew: Anew) -> None:
    where = anew()
    if isinstance(where, Path):
        pytest.skip("a file has one hub")
    with closing(Store(where)) as store, closing(Store(where)) as other:
        store.commit([beat(seq) for seq in range(9)], NOW)
        held, go, done = Event(), Event(), list[bool]()

        @event.listens_for(store._engine, "commit")
        def wait(_connection: Connection) -> None:
            held.set()
            assert go.wait(20)

        forgetting = Thread(target=lambda: done.append(store.forget(NOW + 2 * KEPT_S, 3)))
        forgetting.start()
        assert held.wait(20)
        assert not other.forget(NOW + 2 * KEPT_S, 3)
        go.set()
        forgetting.join()
        assert done == [True]
        assert kept_rows(other) == 6


def test_taking_in_and_forgetting_at_once_lose_nothing(anew: Anew) -> None:
    where, rooms = anew(), [f"room-{number}" for number in range(20)]
    batches = [[Sent(room, EPOCH, seq, "heartbeat").item() for room in rooms] for seq in range(60)]
    stop, failures = Event(), list[BaseException]()

    def forget() -> None:
        with closing(Store(where)) as store:
            while not stop.is_set():
                store.forget(NOW + 2 * KEPT_S, 7)

    def guarded() -> None:
        try:
            forget()
        except BaseException as error:  # noqa: BLE001  raised below, in the test's own thread
            failures.append(error)

    with closing(Store(where)) as store:
        forgetting = Thread(target=guarded)
        forgetting.start()
        chance = random.Random(1)
        try:
            for number in range(len(batches)):
                again = chance.randrange(number + 1)
                store.commit([*batches[again], *batches[number]], NOW)
        finally:
            stop.set()
            forgetting.join()
        assert failures == []
        while store.forget(NOW + 2 * KEPT_S):
            pass
        assert known(store) == {(room, EPOCH, seq) for room in rooms for seq in range(60)}
        assert kept_rows(store) == len(rooms)
        with closing(Rounds(where)) as rounds:
            assert [rounds.days(room, NOW)[0].heartbeats for room in rooms] == [60] * len(rooms)


def test_chores_are_done_again_and_again_and_a_trouble_is_told_and_waits() -> None:
    left, times, notices, stop = [3, 2], list[int](), list[str](), Event()

    def turn(now: int) -> bool:
        times.append(now)
        if len(times) == 2:
            raise StoreError("the disk is full: make room")
        left[0] -= 1
        return left[0] > 0

    chores = Chores([turn, lambda _now: None], lambda: 7.9, notices.append, every_s=0.01)
    thread = Thread(target=chores.run, args=(stop,))
    thread.start()
    wait_until(lambda: len(times) > 6)
    stop.set()
    thread.join()
    assert set(times) == {7}
    assert notices == ["what is old could not be let go of and will be in an hour: the disk is full: make room"]
