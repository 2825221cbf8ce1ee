"""A copy of the database, and such a copy in its place."""

import sqlite3
import stat
from contextlib import closing
from datetime import date
from pathlib import Path
from threading import Event, Thread

import pytest

from app.hub.arrivals import Arrival, Sorted, sort
from app.hub.backup import backup, restore
from app.hub.days import midnight
from app.hub.errors import BackupError, StoreError
from app.hub.store import Store
from app.hub.trends import by_week
from app.sync import wire
from tests.hub.hubs import EPOCH, a_release, an_envelope

NOW = 1_790_000_000
DAY_S = 86_400


def release(number: int, week: str = "2026-W36") -> Sorted:
    item = sort(Arrival("room-1", "m", wire.seal(an_envelope(number, a_release(number, week)))))
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


def test_what_had_closed_since_the_copy_is_open_for_another_week(tmp_path: Path) -> None:
    """July had closed before it and stays so; September had not, and closes a week after the copy was put back."""
    database, copy = tmp_path / "hub.sqlite", tmp_path / "copy.sqlite"
    made, put_back = midnight(date(2026, 9, 20)), midnight(date(2026, 11, 20))
    with closing(Store(database)) as store:
        store.commit([release(1, "2026-W36")], made)
        backup(database, copy)
    restore(database, copy, put_back)
    with closing(Store(database)) as store:
        store.commit([release(2, "2026-W37"), release(3, "2026-W30")], put_back + 6 * DAY_S)
        store.commit([release(4, "2026-W38"), release(5, "2026-W46")], put_back + 7 * DAY_S)
        late = {each.week: each.late for each in store.releases()}
        assert late == {"2026-W30": True, "2026-W36": False, "2026-W37": False, "2026-W38": True, "2026-W46": False}
        closes = {each.week: each.closes for each in store.weeks()}
        assert closes["2026-W37"] == date(2026, 11, 27)
        assert closes["2026-W46"] == date(2026, 12, 7)
        assert store.weeks() == by_week(store.releases())
    restore(database, copy, put_back + 30 * DAY_S)
    with closing(Store(database)) as store:
        store.commit([release(2, "2026-W37")], put_back + 31 * DAY_S)
        assert not any(each.late for each in store.releases())


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
