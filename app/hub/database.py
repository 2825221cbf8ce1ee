"""Opens the hub's database, a file or a PostgreSQL: every commit on the disk, and brought up to date step by step."""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import alembic.command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select, update
from sqlalchemy.exc import ArgumentError, DBAPIError

from app.hub.entries import insert
from app.hub.errors import StoreError
from app.hub.tables import META

MIGRATING = 0x6665726D  # "ferm": the number of PostgreSQL's lock that lets one hub migrate at a time
FORGETTING = MIGRATING + 1
"""The number of the one that lets one hub forget at a time."""
POSTGRES_WAIT_S = 10
WRITES = "begins_by_writing"


def open_database(where: Path | str) -> Engine:
    """The database of a file, made if it is not there, or of a postgresql:// URL. Raises StoreError."""
    engine = _sqlite(where) if isinstance(where, Path) else _postgresql(where)
    try:
        _migrate(engine)
        with engine.begin() as connection:
            row = {"key": "generation", "value": secrets.token_hex(16)}
            connection.execute(insert(connection, META, row).on_conflict_do_nothing())
    except (DBAPIError, sqlite3.Error) as error:
        engine.dispose()
        raise StoreError(
            f"the database {name(engine)} cannot be opened ({cause(error)}): mend it or restore a backup"
        ) from error
    except StoreError:
        engine.dispose()
        raise
    return engine


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


def to_write(engine: Engine) -> Engine:
    """The same database, for transactions that read and then write.

    In a file two such would both have read, and the second could not go on: here it waits before it reads.
    """
    return engine.execution_options(**{WRITES: True})


def first(connection: Connection, lock: int) -> bool:
    """Whether this transaction may do what one of all hubs does at a time; a file has one writer anyway."""
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.execute(select(func.pg_try_advisory_xact_lock(lock))).scalar_one())


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


def _migrate(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    steps = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATING})")
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current not in steps:
            raise StoreError(
                f"the database {name(engine)} is from a newer hub (step {current}): install that version or a newer one"
            )
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")
