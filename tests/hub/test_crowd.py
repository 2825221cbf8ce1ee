"""Pages over many rooms: how much they ask for does not grow with rooms and time; `make crowd` times ten thousand."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from app.hub.accounts import Role
from app.hub.database import open_database
from app.hub.trends import by_week
from tests.hub.crowd import Crowd, Row, Size, declare, fill, paths, read_whole, statements
from tests.hub.databases import KINDS, Anew, databases
from tests.hub.households import NOW, Clinic
from tests.hub.visitors import Browser

SMALL = Size(rooms=20, weeks=20, days=30, beats=12, entries=300)
MOST_STATEMENTS = 24
MOST_BYTES = 300_000
ONCE = "SELECT releases.device, releases.week, releases.sessions"
"""What all rooms had in closed months: a process reads it once and keeps it, and once more when a month has closed."""


def crowded(where: Path | str, folder: Path, size: Size, stack: ExitStack) -> Clinic:
    """A clinic of so many rooms."""

    def quietly(_name: str, _length: int, rows: Iterable[Row]) -> Iterable[Row]:
        return rows

    fill(where, Crowd(size, NOW), quietly)
    clinic = Clinic(folder, stack, therapists=50, where=where)
    declare(clinic)
    return clinic


@pytest.fixture(scope="module", params=KINDS)
def clinics(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Clinic, Clinic]]:
    """One of 20 rooms and one of 200."""
    for anew in databases(request.param, tmp_path_factory):
        with ExitStack() as stack:
            few = crowded(anew(), tmp_path_factory.mktemp("few"), SMALL, stack)
            yield few, crowded(anew(), tmp_path_factory.mktemp("many"), replace(SMALL, rooms=200), stack)


def asked_by(browser: Browser, path: str) -> list[tuple[str, object]]:
    """The statements that a page asks, and its length with them."""
    with statements() as asked:
        answer = browser.get(path)
    assert answer.status_code in {200, 303, 404, 410}, f"{path} answers {answer.status_code}"
    assert len(answer.content) < MOST_BYTES, path
    return asked


def test_no_page_reads_a_table_that_grows_from_one_end_to_the_other(clinics: tuple[Clinic, Clinic]) -> None:
    _, many = clinics
    browser, once = many.browser(Role.OWNER), 0
    for path in paths(many):
        asked = asked_by(browser, path)
        recurring = [(statement, values) for statement, values in asked if ONCE not in statement]
        once += len(asked) - len(recurring)
        assert read_whole(many.store._engine, recurring) == set(), path
    assert once == 1


def test_ten_times_the_rooms_ask_no_statement_more(clinics: tuple[Clinic, Clinic]) -> None:
    few, many = clinics
    for path in paths(many):
        once, more = (len(asked_by(clinic.browser(Role.OWNER), path)) for clinic in (few, many))
        assert more == once <= MOST_STATEMENTS, path


def test_a_crowd_holds_what_a_hub_would_hold(clinics: tuple[Clinic, Clinic]) -> None:
    _, many = clinics
    assert many.store.weeks() == by_week(many.store.releases())
    assert many.store.counts().rooms == 200
    assert not many.store.forget(NOW), "all heartbeats are of the last day"
    page = many.browser(Role.OWNER).get("/").text
    assert "data-metric" in page
    assert "of 200 rooms online and well" in page


def test_a_whole_read_is_seen(anew: Anew) -> None:
    engine = open_database(anew())
    with closing(engine.connect()) as connection:
        connection.execute(text("SELECT 1"))
    try:
        for statement in ("SELECT count(*) FROM messages", "SELECT * FROM releases WHERE sessions > 3"):
            assert read_whole(engine, [(statement, ())])
        for statement in ("SELECT max(week) FROM releases WHERE device = 'x'", "SELECT * FROM weeks"):
            assert not read_whole(engine, [(statement, ())])
    finally:
        engine.dispose()
