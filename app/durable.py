"""A SQLite file that survives a power cut: born whole, written in whole transactions, emptied when asked."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

BUSY_S = 10.0
"""Seconds to wait for another process's transaction."""


class DurableError(Exception):
    """What the file cannot do; says what to do in one sentence.

    DurableError
    ├── DamagedError   not a database any more
    ├── ForeignError   made by another version
    ├── InUseError     another process holds it
    └── FullError      the disk, or the bound of the file, is reached
    """


class DamagedError(DurableError):
    """The file is no database any more."""


class ForeignError(DurableError):
    """The file was made by another version."""


class InUseError(DurableError):
    """Another process holds the file."""


class FullError(DurableError):
    """The disk, or the bound of the file, is reached."""


def open_durable(path: Path, schema: str, version: int, *, mode: int, exclusive: bool) -> sqlite3.Connection:
    """The file opened in WAL mode with synchronous FULL and secure_delete; made with this schema if it is not there.

    `mode` are its permission bits whatever the umask; `exclusive` keeps every other process out while it is open.
    Raises DurableError.
    """
    with as_durable(path):
        if not path.exists():
            _bear(path, schema, version, mode)
        db = sqlite3.connect(path, timeout=BUSY_S if not exclusive else 0.0, isolation_level=None)
        try:
            _prepare(db, exclusive=exclusive)
            _check(db, path, version)
        except BaseException:
            db.close()
            raise
        return db


def _bear(path: Path, schema: str, version: int, mode: int) -> None:
    """Make the file under another name and link it: a power cut leaves no half, and of two makers one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unborn = path.with_name(f"{path.name}.{os.getpid()}.new")
    unborn.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(unborn, isolation_level=None)) as db:
            _prepare(db, exclusive=True)
            db.executescript(f"BEGIN; {schema}; PRAGMA user_version = {version}; COMMIT")
        unborn.chmod(mode)  # SQLite gives the log and its index the same bits
        try:
            os.link(unborn, path)
        except FileExistsError:
            return
        _sync_folder(path.parent)
    finally:
        unborn.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _prepare(db: sqlite3.Connection, *, exclusive: bool) -> None:
    if exclusive:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA secure_delete = ON")
    db.execute("PRAGMA temp_store = MEMORY")
    db.execute("PRAGMA journal_size_limit = 1048576")
    db.execute("BEGIN IMMEDIATE")  # takes the exclusive lock now rather than at the first write
    db.execute("COMMIT")


def _check(db: sqlite3.Connection, path: Path, version: int) -> None:
    found = db.execute("PRAGMA user_version").fetchone()[0]
    if found != version:
        raise ForeignError(f"{path} has format {found}, this version reads {version}: install the version that made it")
    verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise DamagedError(f"{path} is damaged ({verdict}): put it aside and start again")


@contextmanager
def as_durable(path: Path) -> Iterator[None]:
    """SQLite's and the system's errors about this file as DurableErrors that say what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise _sentence(path, error) from error
    except OSError as error:
        raise DurableError(f"{path} cannot be used ({error.strerror}): check its folder and permissions") from error


def _sentence(path: Path, error: sqlite3.Error) -> DurableError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return InUseError(f"{path} is in use by another process: stop that one first")
    if code == sqlite3.SQLITE_FULL:
        return FullError(f"there is no room left for {path}: free some of the disk")
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return DamagedError(f"{path} is damaged ({error}): put it aside and start again")
    return DurableError(f"{path} cannot be used ({error}): check its folder and permissions")


@contextmanager
def transaction(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    """All of the writes within, or none. Raises DurableError."""
    with as_durable(path):
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:  # SQLite has rolled back by itself after some errors
                db.execute("ROLLBACK")
            raise


def empty_log(db: sqlite3.Connection, path: Path) -> None:
    """Truncate the write-ahead log, so that nothing erased is left in it. Raises DurableError."""
    with as_durable(path):
        busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise InUseError(f"the log of {path} is being read by another process: stop that one first")
