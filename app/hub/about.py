"""What the hub's database is: its kind and version, its generation, and how far its shape has come."""

from dataclasses import dataclass
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from sqlalchemy import select

from app.hub.database import name, open_database, transaction
from app.hub.tables import META


@dataclass(frozen=True, slots=True)
class Base:
    """A database as it was found."""

    kind: str
    """sqlite or postgresql."""
    version: str
    name: str
    """A file's path, or a URL without a password."""
    generation: str
    """By which units know that this hub has forgotten nothing."""
    step: str
    """The newest migration."""


def read_base(where: Path | str) -> Base:
    """Look at a database. Raises StoreError."""
    engine = open_database(where)
    try:
        with transaction(engine) as connection:
            told = engine.dialect.server_version_info or ()  # known once connected
            generation = connection.execute(select(META.c.value).where(META.c.key == "generation")).scalar_one()
            step = MigrationContext.configure(connection).get_current_revision() or ""
        return Base(engine.dialect.name, ".".join(map(str, told)), name(engine), str(generation), step)
    finally:
        engine.dispose()
