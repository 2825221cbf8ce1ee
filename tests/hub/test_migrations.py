"""A hub's database from every earlier step, with data in it, brought up to date; one from a newer hub refused."""

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import alembic.command
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, create_engine, func, inspect, select, text

from app.hub.accounts import Role
from app.hub.errors import StoreError
from app.hub.registry import Registry
from app.hub.rounds import Rounds
from app.hub.steps import configured
from app.hub.store import Store
from app.hub.tables import FORGOTTEN, HEALTH, MESSAGES, ROOMS
from app.hub.trends import by_week
from app.hub.wards import Choice
from tests.hub.crowd import paths
from tests.hub.databases import Anew
from tests.hub.households import DAY_S, NOW, Clinic
from tests.hub.hubs import EPOCH, a_release

STEPS = sorted(step.revision for step in ScriptDirectory.from_config(configured()).walk_revisions())
OTHER = "e" * 32
SHA = "a" * 64

RELEASE = a_release(1)
RANGES = RELEASE.model_dump_json(include={"ranges"})[len('{"ranges":') : -1]
SUMS = RELEASE.model_dump_json(include={"sums"})[len('{"sums":') : -1]
SAMPLE: dict[str, tuple[tuple[Any, ...], ...]] = {
    "meta": (("generation", "0123" * 8),),
    "messages": (
        ("room-1", EPOCH, 1, SHA, "release", NOW - 30 * DAY_S),
        ("room-1", EPOCH, 2, SHA, "heartbeat", NOW - 2 * DAY_S),
        ("room-1", EPOCH, 3, SHA, "heartbeat", NOW - DAY_S - 60),
        ("room-1", EPOCH, 4, SHA, "heartbeat", NOW - 60),
        ("attic", OTHER, 1, SHA, "release", NOW - 9 * DAY_S),
        ("attic", OTHER, 2, SHA, "release", NOW - 2 * DAY_S),
    ),
    "releases": (
        ("1" * 32, "room-1", "2026-W43", 25, SUMS, RANGES, 1_500_000, 0.5, False, SHA, NOW - 30 * DAY_S),
        ("2" * 32, "attic", "2026-W46", 30, SUMS, RANGES, 1_500_000, 0.5, True, SHA, NOW - 9 * DAY_S),
        ("3" * 32, "attic", "2026-W47", 0, None, RANGES, 1_500_000, 0.5, True, SHA, NOW - 2 * DAY_S),
    ),
    "health": (
        ("room-1", False, "birth", NOW, EPOCH, 1, 4, NOW - 60, EPOCH, 4, "0.1.0", "ok", "hub", 0, 0),
        ("attic", True, "death", NOW, OTHER, 7, 2, None, None, None, None, None, None, None, None),
    ),
    "quarantine": ((1, "room-1", "m", EPOCH, 9, SHA, "not an envelope", True, b"{\0", NOW, NOW, 3),),
    "rooms": (("room-1", "Äther Room", 2, NOW, None), ("gone", "Gone", 1, NOW, NOW)),
    "codes": (("room-1", SHA, NOW + DAY_S, 0, "k" * 64),),
    "certificates": (
        ("1" * 40, "room-1", 1, NOW - 99 * DAY_S, NOW + 99 * DAY_S),
        ("2" * 40, "room-1", 2, NOW - 80 * DAY_S, NOW + 10 * DAY_S),
        ("3" * 40, "room-1", 2, NOW - 20 * DAY_S, NOW + 70 * DAY_S),
    ),
    "epochs": (("room-1", EPOCH, 1, None), ("attic", OTHER, 7, EPOCH)),
    "commands": (("room-1", EPOCH, 5, b"{}", NOW, NOW + DAY_S),),
    "results": (("room-1", EPOCH, 7, 5, "refused", "expired", NOW),),
    "accounts": (("ana", "owner", "$argon2id$none", NOW, None),),
    "visits": ((SHA, "ana", NOW, NOW),),
    "links": (("b" * 64, "ana", NOW + DAY_S),),
    "journal": ((1, NOW, "ana", "127.0.0.1", "signed-in", ""),),
    "health_days": (("room-1", "2026-11-22", 86_000, 287, 0, 0, 1, 0, "0.1.0"),),
}
"""Rows of each table, with the columns that it had when it was made."""


@contextmanager
def raw(where: Path | str) -> Iterator[Engine]:
    """The database without anything of the hub's."""
    url = f"sqlite:///{where}" if isinstance(where, Path) else where.replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def made_at(step: str, where: Path | str) -> dict[str, set[tuple[Any, ...]]]:
    """A database as a hub of this step has left it; its rows."""
    with raw(where) as engine, engine.begin() as connection:
        config = configured()
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, step)
        for table in tables_in(connection).sorted_tables:
            for row in SAMPLE.get(table.name, ()):
                connection.execute(table.insert().values(dict(zip(table.c.keys(), row, strict=False))))
            if table.name in {"quarantine", "journal"} and connection.dialect.name == "postgresql":
                connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), 1)"))
        return rows_of(connection, SAMPLE)


def tables_in(connection: Connection) -> MetaData:
    tables = MetaData()
    tables.reflect(connection, only=lambda name, _: name != "alembic_version")
    return tables


def rows_of(connection: Connection, names: dict[str, Any]) -> dict[str, set[tuple[Any, ...]]]:
    """The rows of these tables, each only as far as its first columns go."""
    return {
        table.name: {tuple(row) for row in connection.execute(select(*list(table.c)[: len(SAMPLE[table.name][0])]))}
        for table in tables_in(connection).sorted_tables
        if table.name in names
    }


@pytest.mark.parametrize("step", [step for step in STEPS if step < "0006"])  # from there on sums stand beside releases
def test_what_an_earlier_hub_has_left_is_there_and_is_shown(anew: Anew, step: str, tmp_path: Path) -> None:
    where = anew()
    before = made_at(step, where)
    assert len(before) >= 5
    Store(where).close()
    with raw(where) as engine, engine.connect() as connection:
        assert rows_of(connection, before) == before
    with ExitStack() as stack:
        clinic = Clinic(tmp_path, stack, where=where)
        for path in paths(clinic):
            assert clinic.browser(Role.OWNER).get(path).status_code in {200, 303, 404, 410}, path
        store = clinic.store
        assert store.generation() == "0123" * 8
        assert store.weeks() == by_week(store.releases())
        counts = store.counts()
        assert (counts.messages, counts.releases, counts.withheld, counts.simulated) == (6, 2, 1, 2)
        assert store.forget(NOW) is False
        assert store.word("room-1", EPOCH, NOW).seq == 4
        with store._engine.connect() as connection:
            assert connection.execute(select(FORGOTTEN.c.first, FORGOTTEN.c.last)).all() == [(2, 3)]
            assert connection.execute(select(func.count()).select_from(MESSAGES)).scalar_one() == 4


def test_rooms_keep_their_order_and_the_end_of_their_certificate(anew: Anew) -> None:
    where = anew()
    made_at("0002", where)
    with closing(Registry(where)) as registry, closing(Rounds(where)) as rounds:
        (member,) = (each for each in registry.members(NOW) if each.revoked is None)
        assert member.certificate_ends == NOW + 70 * DAY_S, "of its second joining, the last one"
        assert [ward.name for ward in rounds.wards(Choice(wanted="ÄTHER"), NOW)] == ["Äther Room"]
        assert [ward.name for ward in rounds.wards(Choice(), NOW)] == ["attic", "Äther Room"]
        with rounds._engine.connect() as connection:
            assert set(connection.execute(select(ROOMS.c.folded)).scalars()) == {"äther room", "gone"}
            assert dict(connection.execute(select(HEALTH.c.device, HEALTH.c.messages)).all()) == {
                "room-1": 4,
                "attic": 2,
            }


def test_a_file_is_copied_before_it_is_brought_up_to_date_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where, kept = tmp_path / "hub.sqlite", tmp_path / "hub.sqlite.step-0003"
    before = made_at("0003", where)
    Store(where).close()
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"{where} was brought up to date" in said
    assert kept.name in said
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    with raw(kept) as engine, engine.connect() as connection:
        assert rows_of(connection, SAMPLE) == before
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "0003"
        assert not inspect(connection).has_table("weeks")
    Store(where).close()
    assert capsys.readouterr().err == ""
    assert sorted(file.name for file in tmp_path.iterdir()) == [where.name, kept.name]


def test_a_new_database_leaves_no_copy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Store(tmp_path / "hub.sqlite").close()
    assert [file.name for file in tmp_path.iterdir()] == ["hub.sqlite"]
    assert capsys.readouterr().err == ""


def test_where_no_copy_can_be_kept_nothing_is_changed(tmp_path: Path) -> None:
    where = tmp_path / "hub.sqlite"
    before = made_at("0003", where)
    (tmp_path / "hub.sqlite.old").mkdir()
    with pytest.raises(StoreError, match="make room for a copy beside it"):
        Store(where)
    with raw(where) as engine, engine.connect() as connection:
        assert rows_of(connection, SAMPLE) == before
        assert not inspect(connection).has_table("weeks")


def test_a_step_that_fails_leaves_the_database_as_it_was(anew: Anew) -> None:
    where = anew()
    before = made_at("0005", where)
    with raw(where) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE releases SET sums = 'no JSON' WHERE week = '2026-W43'"))
    with pytest.raises(ValueError, match="Expecting value"):
        Store(where)
    with raw(where) as engine, engine.begin() as connection:
        assert not inspect(connection).has_table("weeks")
        assert rows_of(connection, {"meta": 1})["meta"] == before["meta"]
        connection.execute(text("UPDATE releases SET sums = NULL WHERE week = '2026-W43'"))
    with closing(Store(where)) as store:
        assert store.counts().withheld == 2


def test_a_database_from_a_newer_hub_is_refused(anew: Anew) -> None:
    where = anew()
    Store(where).close()
    with raw(where) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"from a newer hub \(step 9999\)"):
        Store(where)


def test_a_steps_copy_can_be_restored(tmp_path: Path) -> None:
    where = tmp_path / "hub.sqlite"
    made_at("0004", where)
    Store(where).close()
    kept = tmp_path / "hub.sqlite.step-0004"
    with closing(sqlite3.connect(where)) as database:
        database.execute("DELETE FROM releases")
        database.commit()
    kept.replace(where)
    with closing(Store(where)) as store:
        assert len(store.releases()) == 3
