"""A hub's data moved from its file into a PostgreSQL: all of it, or nothing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, select

from app.__main__ import cli
from app.hub.accounts import Role
from app.hub.arrivals import Arrival, sort
from app.hub.database import open_database
from app.hub.errors import HubError, StoreError
from app.hub.journal import TERMINAL, Deed, Journal
from app.hub.moving import Move, must_be_empty
from app.hub.people import People
from app.hub.registry import Registry
from app.hub.serve import alone
from app.hub.store import KEPT_S, Store
from app.hub.tables import TABLES
from app.hub.trends import by_week
from tests.hub.households import NOW
from tests.hub.hubs import EPOCH, a_heartbeat, a_release
from tests.hub.postgres import Postgres, programs
from tests.hub.test_migrations import made_at
from tests.hub.test_store import message, state

pytestmark = pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed: apt-get install postgresql")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with closing(Postgres()) as postgres:
        yield postgres


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A hub's file in which every table has something."""
    where = tmp_path / "hub.sqlite"
    made_at("0005", where)
    with closing(Store(where)) as store:
        poison = sort(Arrival("room-1", "m", b"\0\xff{"))
        assert poison
        store.commit(
            [poison, message(1, a_release(7), "room-9"), message(2, a_heartbeat(), "room-9")], NOW - 2 * KEPT_S
        )
        store.commit([message(3, a_heartbeat(), "room-9"), state("birth")], NOW)
        store.forget(NOW)
    return where


def everything(where: Path | str) -> dict[str, list[tuple[Any, ...]]]:
    engine = open_database(where)
    try:
        with engine.connect() as connection:
            return {
                table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=str)
                for table in TABLES.sorted_tables
            }
    finally:
        engine.dispose()


def copy(file: Path, url: str) -> Result:
    return CliRunner().invoke(cli, ["hub", "--state", str(file.parent), "copy", "--to", url])


BY_HAND = {"alerts", "declarations", "mails", "tokens"}
"""Tables of what people and the lookout have done; any value of theirs comes through by the law below."""


def test_every_row_is_there_and_the_hub_goes_on_where_it_was(file: Path, postgres: Postgres) -> None:
    before, url = everything(file), postgres.another()
    empty = {name for name, rows in before.items() if not rows}
    assert empty <= BY_HAND, "a table without a row proves nothing"
    said = copy(file, url)
    assert said.exit_code == 0, said.output
    assert f"has all {sum(map(len, before.values()))} rows of {file}" in said.output
    assert f'database = "{url}"' in said.output
    assert everything(url) == before == everything(file)
    with closing(Store(file)) as old, closing(Store(url)) as store:
        assert store.generation() == old.generation()
        assert store.word("room-1", EPOCH, NOW) == old.word("room-1", EPOCH, NOW)
        assert store.weeks() == by_week(store.releases())
        seen = message(2, a_heartbeat(), "room-9")
        assert store.commit([seen], NOW) == [("room-9", EPOCH, 2)]
        assert store.counts() == old.counts(), "its row was let go of, and it is known all the same"


def test_what_is_numbered_goes_on_after_the_last_number(file: Path, postgres: Postgres) -> None:
    url = postgres.another()
    copy(file, url)
    with closing(Journal(url)) as journal, closing(People(url)) as people, closing(Store(url)) as store:
        journal.note(NOW, TERMINAL, Deed.CHANGED, "after the move")
        people.add("bea", Role.TECH, NOW, TERMINAL)
        assert [entry.about for entry in journal.read()][1] == "after the move"
        poison = sort(Arrival("room-1", "m", b"another"))
        assert poison
        before = store.counts().quarantined
        store.commit([poison], NOW)
        assert store.counts().quarantined == before + 1
    with closing(Registry(url)) as registry:
        registry.add("New room", NOW)


def test_a_database_with_anything_in_it_is_refused_and_left_alone(file: Path, postgres: Postgres) -> None:
    used, foreign = postgres.another(), postgres.another()
    copy(file, used)
    before = everything(used)
    assert "holds a hub's data already" in str(copy(file, used).exception)
    assert everything(used) == before
    with psycopg.connect(foreign) as connection:
        connection.execute("CREATE TABLE rooms (door text)")
    assert "has tables of something else (rooms)" in str(copy(file, foreign).exception)
    with psycopg.connect(foreign) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (1,)


def test_a_database_that_a_hub_has_only_made_is_empty(file: Path, postgres: Postgres) -> None:
    url = postgres.another()
    Store(url).close()
    assert copy(file, url).exit_code == 0
    assert everything(url) == everything(file)


@contextmanager
def that_drops(url: str, table: str) -> Iterator[None]:
    """A database in which a table swallows what is written to it."""
    Store(url).close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        connection.execute(
            f"CREATE TRIGGER swallowing BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION swallow()"
        )
        yield
        connection.execute(f"DROP TRIGGER swallowing ON {table}")


def test_where_rows_do_not_arrive_nothing_is_written(file: Path, postgres: Postgres) -> None:
    url = postgres.another()
    with that_drops(url, "releases"):
        assert "not every row has arrived (releases 0 of 4)" in str(copy(file, url).exception)
        must_be_empty(url)
    assert copy(file, url).exit_code == 0


def test_what_postgresql_cannot_hold_is_told_and_nothing_is_written(file: Path, postgres: Postgres) -> None:
    url = postgres.another()
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE quarantine SET reason = 'a' || char(0) || 'b' WHERE id = 1")
        database.commit()
    assert "nothing was written, mend it and try again" in str(copy(file, url).exception)
    must_be_empty(url)


def test_a_running_hub_is_not_copied(file: Path, postgres: Postgres) -> None:
    url = postgres.another()
    with alone(file.parent):
        assert "another hub is running" in str(copy(file, url).exception)
    must_be_empty(url)


def test_a_hub_without_a_file_has_nothing_to_copy(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.another()
    with pytest.raises(StoreError, match="there is no database at"):
        Move(tmp_path / "hub.sqlite", url)
    said = CliRunner().invoke(cli, ["hub", "--state", str(tmp_path), "--database", url, "copy", "--to", url])
    assert said.exit_code == 2
    Store(tmp_path / "hub.sqlite").close()
    with pytest.raises(HubError, match="must be like postgresql://"):
        Move(tmp_path / "hub.sqlite", "mysql://a@b/c")


ANYTHING = {"VARCHAR": st.text("aé\t\n\\,\"'€😀", max_size=4), "TEXT": st.text("aé\t\n\\N,\"'€😀\r", max_size=9)}
KINDS: dict[str, st.SearchStrategy[Any]] = {
    **ANYTHING,
    "BIGINT": st.integers(-(2**63), 2**63 - 1),
    "INTEGER": st.integers(1, 2**31 - 1),
    "FLOAT": st.floats(allow_nan=False, allow_infinity=False),
    "BOOLEAN": st.booleans(),
    "BLOB": st.binary(max_size=9),
    "BYTEA": st.binary(max_size=9),
}


def row_of(table: Table) -> st.SearchStrategy[dict[str, Any]]:
    def of(column: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401  a column of any type
        kind = str(column.type.compile()).partition("(")[0]
        return st.one_of(st.none(), KINDS[kind]) if column.nullable else KINDS[kind]

    return st.fixed_dictionaries({column.name: of(column) for column in table.columns})


@settings(max_examples=15)
@given(data=st.data())
def test_any_value_of_any_column_comes_through(data: st.DataObject, two: tuple[Path, str]) -> None:
    file, url = two
    for where in two:
        clear(where)
    old = open_database(file)
    with old.begin() as connection:
        for table in TABLES.sorted_tables:
            if row := data.draw(st.one_of(st.none(), row_of(table)), label=table.name):
                connection.execute(table.insert().values(row))
    old.dispose()
    with closing(Move(file, url)) as move:
        move.move(lambda _: None)
    assert everything(url) == everything(file)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> tuple[Path, str]:
    return tmp_path_factory.mktemp("move") / "hub.sqlite", postgres.another()


def clear(where: Path | str) -> None:
    engine = open_database(where)
    with engine.begin() as connection:
        for table in TABLES.sorted_tables:
            connection.execute(table.delete())
    engine.dispose()
