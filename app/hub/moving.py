"""Moves a hub's data from its file into an empty PostgreSQL: all of it in one transaction, counted, or nothing."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Table, exists, func, inspect, select, text
from sqlalchemy.exc import DBAPIError

from app.hub.database import cause, engine_of, name, open_database
from app.hub.errors import StoreError
from app.hub.tables import META, TABLES
from app.hub.turns import MIGRATING, wait

AT_ONCE = 5_000
"""Rows that are read at a time."""

Counts = dict[str, int]
"""Rows by table."""


class Move:
    """From a file to a PostgreSQL, both open until it is closed; no hub may run on either. Raises StoreError."""

    def __init__(self, file: Path, to: str) -> None:
        if not file.exists():
            raise StoreError(f"there is no database at {file}: name the hub's folder with --state")
        must_be_empty(to)
        self._old = open_database(file)
        try:
            self._new = open_database(to)
        except StoreError:
            self._old.dispose()
            raise

    def close(self) -> None:
        """Let go of both."""
        self._old.dispose()
        self._new.dispose()

    def count(self) -> Counts:
        """How much there is to move."""
        with self._as_move(), self._old.connect() as old:
            return counted(old)

    def move(self, progress: Callable[[int], None]) -> Counts:
        """Write all rows, and compare how many are there; `progress` is told of so many more.

        The generation moves as well: no hub has acknowledged anything that is not in the file, so rooms have nothing to
        send again.
        """
        with self._as_move(), self._old.connect() as old, self._new.begin() as new:
            wait(new, MIGRATING)
            if problem := _what_is_in(new):
                raise StoreError(f"the database {name(self._new)} {problem}: name one that is empty")
            new.execute(META.delete())  # the generation of a database that was never used
            for table in TABLES.sorted_tables:
                _write(new, table, _rows(old, table, progress))
            was, there = counted(old), counted(new)
            if was != there:
                wrong = ", ".join(f"{each} {there[each]} of {was[each]}" for each in was if there[each] != was[each])
                raise StoreError(f"not every row has arrived ({wrong}): nothing was written, look at triggers there")
        return there

    @contextmanager
    def _as_move(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, psycopg.Error) as error:
            raise StoreError(
                f"it cannot be moved to {name(self._new)} ({cause(error)}): nothing was written, mend it and try again"
            ) from error


def must_be_empty(to: str) -> None:
    """Raises StoreError for a database that has anything in it; it is not touched."""
    engine = engine_of(to)
    try:
        with engine.connect() as connection:
            problem = _what_is_in(connection)
    except DBAPIError as error:
        raise StoreError(
            f"the database {name(engine)} cannot be opened ({cause(error)}): look at its server"
        ) from error
    finally:
        engine.dispose()
    if problem:
        raise StoreError(f"the database {name(engine)} {problem}: name one that is empty")


def counted(connection: Connection) -> Counts:
    """How many rows each table has."""
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in TABLES.sorted_tables
    }


def _what_is_in(connection: Connection) -> str | None:
    """What is in a database that should be empty; a hub's tables without a row are as good as none."""
    there = set(inspect(connection).get_table_names())
    strange = sorted(there - TABLES.tables.keys() - {"alembic_version"})
    if strange or (there and "alembic_version" not in there):
        return f"has tables of something else ({', '.join(strange or sorted(there))})"
    ours = (table for table in TABLES.sorted_tables if table is not META and table.name in there)
    full = [table.name for table in ours if connection.execute(select(exists(select(table)))).scalar_one()]
    return f"holds a hub's data already ({', '.join(full)})" if full else None


def _rows(connection: Connection, table: Table, progress: Callable[[int], None]) -> Iterator[Iterable[Any]]:
    found = connection.execute(select(table).execution_options(yield_per=AT_ONCE))
    for part in found.partitions():
        yield from part
        progress(len(part))


def _write(connection: Connection, table: Table, rows: Iterable[Iterable[Any]]) -> None:
    driver: Any = connection.connection.driver_connection
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(row)
    if "id" in table.columns:  # the next one that PostgreSQL gives shall be a new one
        last = f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), max(id)) FROM {table.name}"  # noqa: S608
        connection.execute(text(last))
