"""Opens the hub's database, a file or a PostgreSQL: every commit on the disk, and brought up to date step by step."""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, ColumnElement, Connection, Engine, create_engine, event, make_url, update
from sqlalchemy.exc import ArgumentError, DBAPIError

from app.hub.entries import insert
from app.hub.errors import StoreError
from app.hub.steps import bring_up_to_date
from app.hub.tables import META
from app.hub.turns import WRITES

POSTGRES_WAIT_S = 10


def open_database(where: Path | str, *, keep_old: bool = True) -> Engine:
    """The database of a file, made if it is not there, or of a postgresql:// URL. Raises StoreError.

    One that an earlier version has left is brought up to date; of a file a copy is kept beside it, and that is said,
    unless it is told not to `keep_old`.
    """
    engine = engine_of(where)
    try:
        bring_up_to_date(engine, name(engine), where if keep_old and isinstance(where, Path) else None)
        with engine.begin() as connection:
            row = {"key": "generation", "value": secrets.token_hex(16)}
            connection.execute(insert(connection, META, row).on_conflict_do_nothing())
    except (DBAPIError, sqlite3.Error) as error:
        engine.dispose()
        raise StoreError(
            f"the database {name(engine)} cannot be opened ({cause(error)}): mend it or restore a backup"
        ) from error
    except BaseException:
        engine.dispose()
        raise
    return engine


def engine_of(where: Path | str) -> Engine:
    """The same, as it is: nothing is made or brought up to date. Raises StoreError for a URL that cannot be."""
    return _sqlite(where) if isinstance(where, Path) else _postgresql(where)


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction, committed at its end. Raises StoreError when the database cannot do it."""
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise StoreError(
            f"the database {name(engine)} cannot be used ({cause(error)}): make room or mend it"
        ) from error


def by_letter(connection: Connection, text: ColumnElement[str]) -> ColumnElement[str]:
    """A text to order by: by the numbers of its letters, whatever language the database speaks."""
    return text.collate("C") if connection.dialect.name == "postgresql" else text


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that begins by writing: of two at once the second waits, and sees what the first has done."""
    with transaction(engine) as connection:
        connection.execute(update(META).where(META.c.key == "generation").values(value=META.c.value))
        yield connection


def name(engine: Engine) -> str:
    """The database as people know it: its file, or its URL without a password."""
    url = engine.url
    return str(url.database) if url.drivername == "sqlite" else url.set(drivername="postgresql").render_as_string()


def cause(error: Exception) -> str:
    """What the database says is wrong, in one line."""
    lines = str(error.orig if isinstance(error, DBAPIError) else error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def check_url(text: str) -> URL:
    """The URL of a PostgreSQL. Raises StoreError for any other, and for one with a password in it."""
    try:
        url = make_url(text)
    except ArgumentError:
        url = URL.create("none")
    if url.drivername != "postgresql" or not url.database:
        raise StoreError("the database's URL cannot be used: it must be like postgresql://fermata@host/fermata")
    if url.password:
        raise StoreError(
            "the database's password does not belong in its URL, where others can read it: put it in the file that "
            "PGPASSFILE names"
        )
    return url


def _sqlite(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 10.0})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401  any driver's connection
        connection.isolation_level = None  # pysqlite's own BEGIN comes too late; ours is below
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITES) else "BEGIN")

    return engine


def _postgresql(text: str) -> Engine:
    url = check_url(text)
    query = dict(url.query)
    if url.host not in {None, "localhost", "127.0.0.1", "::1"} and "host" not in query:
        query.setdefault("sslmode", "verify-full")  # another machine is asked for its certificate unless told not to
    engine = create_engine(
        url.set(drivername="postgresql+psycopg", query=query),
        connect_args={"connect_timeout": POSTGRES_WAIT_S},
        pool_pre_ping=True,  # a server that was restarted in the meantime is no trouble
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401  any driver's connection
        with connection.cursor() as cursor:
            if cursor.execute("SHOW fsync").fetchone()[0] != "on":
                raise StoreError("this PostgreSQL does not write to the disk: set fsync = on in its configuration")
            if cursor.execute("SHOW synchronous_commit").fetchone()[0] == "off":
                cursor.execute("SET synchronous_commit = on")  # what is acknowledged must be on the disk
        connection.commit()

    return engine
