"""A SQLite file that survives a power cut: born whole, written in whole transactions, emptied when asked."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

BUSY_S = 10.0
"""Seconds to wait for another process's transaction."""
PAGE = 4096
"""Bytes of SQLite's default page."""
LOG_PAGES = 128
"""Pages that the write-ahead log takes before it is written back."""


Statement = tuple[str, tuple[object, ...]]
"""SQL and its values."""


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


class Durable:
    """The file, open in WAL mode with synchronous FULL and secure_delete. Every method raises DurableError."""

    def __init__(self, path: Path, schema: str, version: int, first: Statement, *, mode: int, exclusive: bool) -> None:
        """Open it; if it is not there, make it with this schema and this first row.

        `mode` are its permission bits whatever the umask; `exclusive` keeps every other process out while it is open.
        """
        self.path = path
        with as_durable(path):
            if not path.exists():
                _bear(path, schema, version, first, mode)
            self.connection = sqlite3.connect(path, timeout=0.0 if exclusive else BUSY_S, isolation_level=None)
            try:
                _prepare(self.connection, exclusive=exclusive)
                _check(self.connection, path, version)
            except BaseException:
                self.connection.close()
                raise

    def close(self) -> None:
        """Close it."""
        self.connection.close()

    def all(self, query: str, *values: object) -> list[Any]:
        """All rows that a query finds."""
        with as_durable(self.path):
            return self.connection.execute(query, values).fetchall()

    def row(self, query: str, *values: object) -> Any:  # noqa: ANN401 - SQLite types values, not columns
        """The first row that a query finds; there must be one."""
        return self.all(query, *values)[0]

    def one(self, query: str, *values: object) -> Any:  # noqa: ANN401 - as above
        """The first value of the first row."""
        return self.row(query, *values)[0]

    def do(self, statement: str, *values: object) -> int:
        """Change something; how many rows that were."""
        with as_durable(self.path):
            return self.connection.execute(statement, values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the changes within, or none."""
        self.do("BEGIN IMMEDIATE")
        try:
            yield
            self.do("COMMIT")
        except BaseException:
            if self.connection.in_transaction:  # SQLite has rolled back by itself after some errors
                self.do("ROLLBACK")
            raise

    def empty_log(self) -> None:
        """Truncate the write-ahead log, so that nothing erased is left in it."""
        if self.one("PRAGMA wal_checkpoint(TRUNCATE)"):
            raise InUseError(f"the log of {self.path} is being read by another process: stop that one first")


def _bear(path: Path, schema: str, version: int, first: Statement, mode: int) -> None:
    """Make the file under another name and link it: a power cut leaves no half, and of two makers one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unborn = path.with_name(f"{path.name}.{os.getpid()}.new")
    unborn.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(unborn, isolation_level=None)) as db:
            _prepare(db, exclusive=True)
            db.executescript(f"BEGIN; {schema}; PRAGMA user_version = {version}")
            db.execute(*first)
            db.execute("COMMIT")
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
    db.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
    db.execute(f"PRAGMA journal_size_limit = {LOG_PAGES * PAGE}")
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
