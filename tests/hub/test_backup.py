"""A copy of the database, and such a copy in its place."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from app.hub.arrivals import Arrival, Sorted, sort
from app.hub.backup import backup, restore
from app.hub.errors import BackupError, StoreError
from app.hub.store import Store
from app.sync import wire
from tests.hub.hubs import EPOCH, a_release, an_envelope

NOW = 1_790_000_000


def release(number: int) -> Sorted:
    item = sort(Arrival("room-1", "m", wire.seal(an_envelope(number, a_release(number)))))
    assert item
    return item


def test_a_restored_hub_has_what_the_copy_had_and_another_generation(tmp_path: Path) -> None:
    database, copy = tmp_path / "hub.sqlite", tmp_path / "copy.sqlite"
    with closing(Store(database)) as store:
        store.commit([release(1)], NOW)
        assert backup(database, copy) > 0
        store.commit([release(2)], NOW)
        generation = store.generation()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    aside = restore(database, copy, NOW)
    with closing(Store(database)) as store:
        assert store.counts().releases == 1
        assert store.generation() != generation
        assert store.word("room-1", EPOCH, NOW).seq == 1
        restored = store.generation()
    assert aside
    with closing(Store(aside)) as before:
        assert before.counts().releases == 2
    restore(database, copy, NOW)
    with closing(Store(database)) as store:
        assert store.generation() not in {generation, restored}, "each time another"


def test_a_copy_made_while_the_hub_writes_is_whole(tmp_path: Path) -> None:
    database, stop = tmp_path / "hub.sqlite", Event()
    with closing(Store(database)) as store:

        def write() -> None:
            number = 0
            while not stop.is_set():
                store.commit([release(number), release(number + 1)], NOW)
                number += 2

        writer = Thread(target=write)
        writer.start()
        try:
            for copy in range(5):
                backup(database, tmp_path / f"{copy}.sqlite")
        finally:
            stop.set()
            writer.join()
    for copy in range(5):
        with closing(Store(tmp_path / f"{copy}.sqlite")) as store:
            assert store.counts().releases == store.counts().messages
            assert store.counts().releases % 2 == 0


def test_what_cannot_be_copied_or_put_back_leaves_all_as_it_was(tmp_path: Path) -> None:
    database, other = tmp_path / "hub.sqlite", tmp_path / "other"
    with pytest.raises(BackupError, match="there is no database"):
        backup(database, other)
    with closing(Store(database)) as store:
        store.commit([release(1)], NOW)
        generation = store.generation()
    other.write_text("no database at all, " * 300)
    with pytest.raises(BackupError, match="there already"):
        backup(database, other)
    with pytest.raises(BackupError, match="is it a backup"):
        restore(database, other, NOW)
    with pytest.raises(BackupError, match="is not there"):
        restore(database, tmp_path / "nothing", NOW)
    newer = tmp_path / "newer.sqlite"
    backup(database, newer)
    with closing(sqlite3.connect(newer)) as copy:
        copy.execute("UPDATE alembic_version SET version_num = '9999'")
        copy.commit()
    with pytest.raises(StoreError, match="from a newer hub"):
        restore(database, newer, NOW)
    with closing(Store(database)) as store:
        assert (store.counts().releases, store.generation()) == (1, generation)
    assert not list(tmp_path.glob("hub.sqlite.*"))
