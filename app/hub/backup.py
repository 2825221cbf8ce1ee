"""A copy of the hub's database while it runs, and such a copy put back in its place under a new generation."""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path

from app.hub.copies import copy_file
from app.hub.days import day_of
from app.hub.errors import BackupError
from app.hub.periods import LATE_DAYS
from app.hub.store import Store


def backup(database: Path, to: Path) -> int:
    """Copy the database into a new file; its bytes. The hub may run meanwhile. Raises BackupError."""
    if to.exists():
        raise BackupError(f"{to} is there already: name a new file")
    if not database.exists():
        raise BackupError(f"there is no database at {database}: name the hub's folder with --state")
    unborn = to.with_name(f"{to.name}.new")
    with _as_backup(to):
        copy_file(database, unborn)
        unborn.replace(to)
        return to.stat().st_size


def restore(database: Path, source: Path, now: int) -> Path | None:
    """Put a copy in the database's place; where that lies now, None if there was none. The hub must not run.

    The copy gets a new generation: by it the units know to send again what they have kept. Months that had closed
    since it was made are open for that for another week from `now`, in seconds since 1970 UTC. Raises BackupError, and
    then all is as it was.
    """
    if not source.is_file():
        raise BackupError(f"{source} is not there: name a file that `fermata hub backup` has written")
    unborn = database.with_name(f"{database.name}.new")
    with _as_backup(source):
        try:
            copy_file(source, unborn)
            _make_new(unborn, source, day_of(now))
            aside = _put_aside(database)
            unborn.replace(database)
        finally:
            for ending in ("", "-wal", "-shm"):
                Path(f"{unborn}{ending}").unlink(missing_ok=True)
    return aside


def _make_new(copy: Path, source: Path, today: date) -> None:
    """Give the copy a new generation, and the shape that this version reads; or refuse it."""
    with closing(sqlite3.connect(copy, isolation_level=None)) as database:
        if database.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise BackupError(f"{source} is damaged: restore another backup")
        database.execute("UPDATE meta SET value = ? WHERE key = 'generation'", (secrets.token_hex(16),))
    with closing(Store(copy, keep_old=False)) as store:
        store.reopen(today + timedelta(days=LATE_DAYS))
    with closing(sqlite3.connect(copy)) as database:
        database.execute("PRAGMA journal_mode = DELETE")  # all in one file again, to be renamed


def _put_aside(database: Path) -> Path | None:
    """Rename the database and its log, in place of any put aside earlier."""
    if not database.exists():
        return None
    aside = database.with_name(f"{database.name}.before")
    for ending in ("-wal", "-shm", ""):
        Path(f"{aside}{ending}").unlink(missing_ok=True)
        if Path(f"{database}{ending}").exists():
            Path(f"{database}{ending}").replace(f"{aside}{ending}")
    return aside


@contextmanager
def _as_backup(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise BackupError(f"{path} cannot be copied ({error}): is it a backup of a hub, and is there room?") from error
    except OSError as error:
        raise BackupError(f"{path} cannot be copied ({error.strerror}): choose another place") from error
