"""The database: once, never overwritten, and the shape that the migrations make."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from app.hub.arrivals import Arrival, Sorted, sort
from app.hub.errors import StoreError
from app.hub.rooms import Presence, Room
from app.hub.rounds import Rounds
from app.hub.store import Store
from app.hub.tables import TABLES
from app.sync import wire
from tests.hub.hubs import EPOCH, a_heartbeat, a_release, an_envelope

NOW = 1_790_000_000


@pytest.fixture
def where(tmp_path: Path) -> Path:
    return tmp_path / "hub.sqlite"


@pytest.fixture
def store(where: Path) -> Iterator[Store]:
    with closing(Store(where)) as store:
        yield store


def the_room(where: Path, device: str = "room-1") -> Room:
    with closing(Rounds(where)) as rounds:
        ward = rounds.ward(device)
    assert ward
    return ward.room


def message(seq: int, body: wire.Release | wire.Heartbeat, device: str = "room-1", epoch: str = EPOCH) -> Sorted:
    item = sort(Arrival(device, "m", wire.seal(an_envelope(seq, body, device, epoch))))
    assert item
    return item


def state(kind: str, boot: int = 1) -> Sorted:
    payload = wire.State.model_validate({"state": kind, "epoch": EPOCH, "boot": boot}).model_dump_json().encode()
    item = sort(Arrival("room-1", "state", payload))
    assert item
    return item


def test_a_release_comes_back_as_it_was(store: Store) -> None:
    sent = a_release(1)
    assert store.commit([message(7, sent)], NOW) == [("room-1", EPOCH, 7)]
    [release] = store.releases()
    assert (release.device, release.week, release.sessions, release.sigma2) == ("room-1", sent.week, 25, sent.sigma2)
    assert release.sums == sent.sums
    assert release.ranges == sent.ranges


@settings(max_examples=25)  # each opens a database of its own
@given(st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=6))
def test_any_repetition_in_any_batches_commits_each_message_once(batches: list[list[int]]) -> None:
    with closing(Store(Path(":memory:"))) as store:
        for batch in batches:
            keys = store.commit([message(seq, a_release(seq)) for seq in batch], NOW)
            assert keys == [("room-1", EPOCH, seq) for seq in batch]
        seen = {seq for batch in batches for seq in batch}
        assert store.counts().releases == store.counts().messages == len(seen)
        assert store.counts().quarantined == 0


def test_another_message_under_the_same_number_is_set_aside_and_overwrites_nothing(store: Store) -> None:
    first = a_release(1)
    store.commit([message(7, first)], NOW)
    assert store.commit([message(7, a_release(2, sessions=30))], NOW) == [("room-1", EPOCH, 7)]
    assert [release.sums for release in store.releases()] == [first.sums]
    assert store.counts().quarantined == 1


def test_another_release_under_the_same_id_is_set_aside(store: Store) -> None:
    store.commit([message(1, a_release(1, sessions=25))], NOW)
    store.commit([message(2, a_release(1, sessions=30)), message(3, a_release(1), "room-2")], NOW)
    assert [release.sessions for release in store.releases()] == [25]
    assert store.counts().quarantined == 2


def test_the_same_release_under_another_number_counts_once(store: Store) -> None:
    other_epoch = "f" * 32
    keys = store.commit([message(1, a_release(1)), message(1, a_release(1), epoch=other_epoch)], NOW)
    assert keys == [("room-1", EPOCH, 1), ("room-1", other_epoch, 1)]
    assert store.counts().releases == 1
    assert store.counts().quarantined == 0


def test_a_poison_message_is_kept_once_however_often_it_comes(store: Store) -> None:
    poison = sort(Arrival("room-1", "m", b"{"))
    assert poison
    assert store.commit([poison, poison], NOW) == []
    assert store.commit([poison], NOW + 5) == []
    assert store.counts().quarantined == 1


def test_a_newer_version_is_told_until_it_has_been_read(store: Store) -> None:
    newer = sort(Arrival("room-1", "m", b'{"v":2,"epoch":"%s","seq":7}' % EPOCH.encode()))
    assert newer
    store.commit([newer], NOW)
    assert store.newer_versions(9) == ["room-1"]
    store.commit([message(7, a_release(1))], NOW)
    assert store.newer_versions(9) == []


def test_a_late_heartbeat_does_not_replace_a_newer_one(store: Store, where: Path) -> None:
    store.commit([message(5, a_heartbeat(outbox_waiting=1))], NOW)
    store.commit([message(4, a_heartbeat(outbox_waiting=9))], NOW + 60)
    room = the_room(where)
    assert (room.waiting, room.heartbeat) == (1, NOW)


def test_a_room_goes_offline_at_its_death_and_stays_so_since_then(store: Store, where: Path) -> None:
    store.commit([state("birth"), message(5, a_heartbeat())], NOW)
    assert the_room(where).presence(NOW) is Presence.ONLINE
    assert the_room(where).presence(NOW + 3600) is Presence.SILENT
    store.commit([state("death")], NOW + 10)
    store.commit([state("death")], NOW + 500)  # the retained copy, read again
    room = the_room(where)
    assert room.presence(NOW + 500) is Presence.OFFLINE
    assert room.since == NOW + 10


def test_a_batch_that_cannot_be_written_is_not_written_at_all(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    with closing(Store(path)) as store:
        with closing(sqlite3.connect(path)) as database:
            database.execute(
                "CREATE TRIGGER full BEFORE INSERT ON releases WHEN new.week = '2026-W40' "
                "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
        with pytest.raises(StoreError, match="cannot be written"):
            store.commit([message(1, a_release(1)), message(2, a_release(2, "2026-W40"))], NOW)
        assert store.counts().messages == 0


def test_a_database_from_a_newer_hub_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    Store(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    with pytest.raises(StoreError, match="from a newer hub"):
        Store(path)


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hub.sqlite").write_text("no database at all, " * 100)
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path / "hub.sqlite")
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path)


def test_a_restart_keeps_everything_and_the_generation(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    with closing(Store(path)) as store:
        store.commit([message(7, a_release(1))], NOW)
        generation = store.generation()
    with closing(Store(path)) as store:
        assert store.counts().releases == 1
        assert store.generation() == generation


def test_the_file_is_written_ahead_and_in_full(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "hub.sqlite")) as store, store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2


def test_the_migrations_make_the_tables_that_are_used(tmp_path: Path) -> None:
    Store(tmp_path / "hub.sqlite").close()
    engine = create_engine(f"sqlite:///{tmp_path}/hub.sqlite")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, TABLES) == []
    engine.dispose()
