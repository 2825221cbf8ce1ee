"""Opens the hub's database: every commit on the disk, and brought up to date step by step."""

import secrets
import sqlite3
from pathlib import Path
from typing import Any

import alembic.command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError

from app.hub.entries import insert
from app.hub.errors import StoreError
from app.hub.tables import META


def open_database(path: Path) -> Engine:
    """The database of a file, made if it is not there. Raises StoreError."""
    engine = _engine(path)
    try:
        _migrate(engine, path)
        with engine.begin() as connection:
            row = {"key": "generation", "value": secrets.token_hex(16)}
            connection.execute(insert(connection, META, row).on_conflict_do_nothing())
    except (DatabaseError, sqlite3.Error) as error:
        engine.dispose()
        cause = error.orig if isinstance(error, DatabaseError) else error
        raise StoreError(f"the database {path} cannot be opened ({cause}): mend it or restore a backup") from error
    except StoreError:
        engine.dispose()
        raise
    return engine


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 10.0})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401  any driver's connection
        connection.isolation_level = None  # pysqlite's own BEGIN comes too late; ours is below
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _migrate(engine: Engine, path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    steps = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    with engine.begin() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current not in steps:
            raise StoreError(
                f"the database {path} is from a newer hub (step {current}): install that version or a newer one"
            )
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")
