"""Brings a database up to date step by step; what a file was before is kept beside it."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import alembic.command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from app.hub.copies import copy_file
from app.hub.errors import StoreError
from app.hub.notice import notice
from app.hub.turns import MIGRATING, to_write, wait


def bring_up_to_date(engine: Engine, named: str, file: Path | None) -> None:
    """All steps that the database has not taken, or none of them. Raises StoreError for one from a newer hub.

    `file`: keep a copy of what this file was. Nothing is done without it.
    """
    config = configured()
    steps = ScriptDirectory.from_config(config)
    with engine.connect() as connection:
        before = step_of(connection)
    if before == steps.get_current_head():
        return
    if before is not None and before not in {step.revision for step in steps.walk_revisions()}:
        raise StoreError(
            f"the database {named} is from a newer hub (step {before}): install that version or a newer one"
        )
    kept = _keep(file, before) if file and before else None
    with to_write(engine).begin() as connection:
        wait(connection, MIGRATING)
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")
    if kept:
        notice(f"{named} was brought up to date; what it was lies beside it as {kept.name}: remove it when all is well")


def configured() -> Config:
    """Where the steps are; the connection to take them on is still to be given."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def step_of(connection: Connection) -> str | None:
    """The last step that a database has taken; None: none."""
    return MigrationContext.configure(connection).get_current_revision()


def _keep(file: Path, before: str) -> Path | None:
    """A copy of a file of that step; None if another hub has brought it up to date meanwhile. Raises StoreError."""
    unborn, kept = file.with_name(f"{file.name}.old"), file.with_name(f"{file.name}.step-{before}")
    try:
        copy_file(file, unborn)
        with closing(sqlite3.connect(unborn)) as copy:
            ((step,),) = copy.execute("SELECT version_num FROM alembic_version").fetchall()
        if step != before:
            unborn.unlink()
            return None
        unborn.replace(kept)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):  # what stands in its place is not ours
            unborn.unlink(missing_ok=True)
        raise StoreError(
            f"{file} cannot be copied before it is brought up to date ({error}): make room for a copy beside it"
        ) from error
    return kept
