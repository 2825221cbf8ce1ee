"""The store on a real PostgreSQL: the same as in a file."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from threading import Thread

import click
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from app.hub.database import check_url
from app.hub.errors import StoreError
from app.hub.options import HubOptions
from app.hub.rounds import Rounds
from app.hub.store import Store
from app.hub.tables import TABLES
from app.hub.tally import reopened
from app.hub.wards import Choice
from app.verbs.hub_backup import of_a_file
from tests.hub.hubs import EPOCH, a_heartbeat, a_release
from tests.hub.postgres import Postgres, programs
from tests.hub.test_store import NOW, message, state

pytestmark = pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed: apt-get install postgresql")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with closing(Postgres()) as postgres:
        yield postgres


def test_the_tables_are_those_of_the_migrations(postgres: Postgres) -> None:
    with closing(Store(postgres.url)) as store, store._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, TABLES) == []


def test_what_is_stored_is_stored_once_and_comes_back(postgres: Postgres) -> None:
    batch = [message(1, a_release(101), "once"), message(2, a_heartbeat(), "once"), state("birth")]
    with closing(Store(postgres.url)) as store:
        assert store.commit([*batch, *batch], NOW) == [("once", EPOCH, 1), ("once", EPOCH, 2)] * 2
        store.commit([message(1, a_release(102), "once")], NOW)
        assert [release.sums for release in store.releases()] == [a_release(101).sums]
        assert (store.counts().messages, store.counts().quarantined) == (2, 1)
    with closing(Rounds(postgres.url)) as rounds:
        assert {ward.room.device for ward in rounds.wards(Choice(), NOW)} == {"once", "room-1"}


def test_what_is_to_be_done_after_a_restore_makes_it_another_hub_and_opens_months_again(postgres: Postgres) -> None:
    with pytest.raises(click.UsageError) as told:
        of_a_file(HubOptions("north", Path(), database=postgres.url))
    with closing(Store(postgres.url)) as store:
        before = store.generation()
        with store._engine.begin() as connection:
            connection.exec_driver_sql(told.value.message[told.value.message.index("UPDATE") :])
            found = reopened(connection)
        assert store.generation() != before
    assert found
    assert found.until == date.today() + timedelta(days=7)  # noqa: DTZ011  as the database's own


def test_a_cut_between_two_commits_is_told_and_over_when_it_is_back(postgres: Postgres) -> None:
    with closing(Store(postgres.url)) as store:
        store.commit([message(1, a_release(201), "cut")], NOW)
        postgres.cut()
        with pytest.raises(StoreError, match=r"postgresql://postgres@127\.0\.0\.1:\d+/postgres cannot be written"):
            store.commit([message(2, a_release(202), "cut")], NOW)
        postgres.start()
        store.commit([message(1, a_release(201), "cut"), message(2, a_release(202), "cut")], NOW)
        assert sum(release.device == "cut" for release in store.releases()) == 2
        assert store.counts().quarantined == 1, "only that of the test before"


def test_two_hubs_that_take_in_the_same_store_it_once(postgres: Postgres) -> None:
    batches = [[message(seq, a_release(1000 + seq), "twice") for seq in range(at, at + 20)] for at in range(0, 400, 20)]

    def take_in() -> None:
        with closing(Store(postgres.url)) as store:
            for batch in batches:
                assert len(store.commit(batch, NOW)) == 20

    failures: list[BaseException] = []

    def in_thread() -> None:
        try:
            take_in()
        except BaseException as error:  # noqa: BLE001  raised below, in the test's own thread
            failures.append(error)

    hubs = [Thread(target=in_thread) for _ in range(2)]
    for hub in hubs:
        hub.start()
    for hub in hubs:
        hub.join()
    assert failures == []
    with closing(Store(postgres.url)) as store:
        assert sum(release.device == "twice" for release in store.releases()) == 400


@pytest.mark.parametrize("url", ["mysql://a@b/c", "postgresql://", "nonsense", "postgresql+psycopg://a@b/c"])
def test_another_url_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="must be like postgresql://"):
        check_url(url)


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(StoreError, match="PGPASSFILE") as refused:
        check_url("postgresql://fermata:hunter2@db/fermata")
    assert "hunter2" not in str(refused.value)
