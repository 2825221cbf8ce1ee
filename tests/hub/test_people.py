"""Accounts, visits, one-time links and the journal, in a file and in a PostgreSQL."""

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Thread

import pytest

from app.hub.accounts import Role
from app.hub.errors import AccountError
from app.hub.journal import KEPT_S, PAGE, TERMINAL, By, Deed, Journal
from app.hub.people import IDLE_S, LINK_S, LONGEST_S, People
from tests.hub.postgres import Postgres, programs

NOW = 1_790_000_000
HERE = By("ana", "127.0.0.1")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres | None]:
    if programs() is None:
        yield None
    else:
        with closing(Postgres()) as postgres:
            yield postgres


@pytest.fixture(params=["file", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres | None) -> Iterator[Path | str]:
    if request.param == "file":
        yield tmp_path / "hub.sqlite"
        return
    if postgres is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with closing(People(postgres.url)) as people, people._engine.begin() as connection:
        for table in ("accounts", "visits", "links", "journal"):
            connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608  of the list above
    yield postgres.url


@pytest.fixture
def people(where: Path | str) -> Iterator[People]:
    with closing(People(where)) as people:
        yield people


def an_owner(people: People, name: str = "ana") -> str:
    code = people.first_link(NOW)
    assert code
    return people.use(code, name, "hash", NOW, HERE)


def a_visit(people: People, name: str = "ana", now: int = NOW) -> str:
    return people.begin(name, "hash", None, now, HERE)


def deeds(where: Path | str) -> list[str]:
    with closing(Journal(where)) as journal:
        return [entry.what for entry in reversed(journal.read())]


def test_the_first_owner_comes_by_the_newest_link_once(people: People, where: Path | str) -> None:
    old, code = people.first_link(NOW), people.first_link(NOW)
    assert old
    assert code
    assert people.invited(old, NOW) == (False, None)
    assert people.invited(code, NOW) == (True, None)
    people.use(code, " Ana ", "hash", NOW, HERE)
    assert [(a.name, a.role) for a in people.accounts()] == [("ana", Role.OWNER)]
    assert people.first_link(NOW) is None
    with pytest.raises(AccountError, match="was used or has ended"):
        people.use(code, "eve", "hash", NOW, HERE)
    assert deeds(where) == [Deed.FIRST_OWNER]


def test_of_many_who_use_one_link_at_once_one_is_let_in(people: People) -> None:
    code = people.first_link(NOW)
    assert code
    got = list[str]()

    def knock(name: str) -> None:
        with suppress(AccountError):
            got.append(people.use(code, name, "hash", NOW, HERE))

    knocks = [Thread(target=knock, args=(f"p{number}",)) for number in range(6)]
    for each in knocks:
        each.start()
    for each in knocks:
        each.join()
    assert [account.name for account in people.accounts()] == got
    assert len(got) == 1


def test_a_link_ends(people: People) -> None:
    an_owner(people)
    code = people.add("tom", Role.TECH, NOW, HERE)
    with pytest.raises(AccountError, match="has ended"):
        people.use(code, "", "hash", NOW + LINK_S, HERE)
    assert people.use(code, "somebody else", "hash", NOW + LINK_S - 1, HERE) == "tom"


def test_a_visit_ends_when_idle_and_at_the_latest_after_its_longest(people: People) -> None:
    an_owner(people)
    visit, now = a_visit(people), NOW
    assert people.visitor(visit, NOW + IDLE_S - 1, counts=False) == ("ana", Role.OWNER)
    assert people.visitor(visit, NOW + IDLE_S, counts=True) is None
    while now < NOW + LONGEST_S - IDLE_S:
        now += IDLE_S - 1
        assert people.visitor(visit, now, counts=True)
    assert people.visitor(visit, NOW + LONGEST_S, counts=True) is None


def test_what_a_page_asks_by_itself_keeps_no_visit_open(people: People) -> None:
    an_owner(people)
    visit = a_visit(people)
    for second in range(0, IDLE_S, 600):
        assert people.visitor(visit, NOW + second, counts=False)
    assert people.visitor(visit, NOW + IDLE_S, counts=False) is None


def test_a_visit_is_kept_as_a_hash_and_a_new_one_replaces_the_old(people: People) -> None:
    an_owner(people)
    old = a_visit(people)
    fresh = people.begin("ana", "hash", old, NOW, HERE)
    assert fresh != old
    assert people.visitor(old, NOW, counts=True) is None
    with people._engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT sha256 FROM visits").scalars().all()
    assert len(kept) == 1
    assert fresh not in kept


def test_whoever_is_reset_or_disabled_or_changed_is_out_at_once(people: People) -> None:
    an_owner(people)
    for change in (
        lambda: people.disable("tom", NOW, HERE),
        lambda: people.change_role("tom", Role.AUDITOR, NOW, HERE),
        lambda: people.reset("tom", NOW, HERE),
    ):
        name = "tom"
        known = any(account.name == name for account in people.accounts())
        code = people.reset(name, NOW, HERE) if known else people.add(name, Role.TECH, NOW, HERE)
        people.use(code, "", "hash", NOW, HERE)
        visit = a_visit(people, name)
        change()
        assert people.visitor(visit, NOW, counts=True) is None
    assert people.password_of("tom") is None
    with pytest.raises(AccountError, match="not right"):
        a_visit(people, "tom")


def test_a_disabled_person_cannot_come_back_by_an_old_link(people: People) -> None:
    an_owner(people)
    code = people.add("tom", Role.TECH, NOW, HERE)
    people.disable("tom", NOW, HERE)
    with pytest.raises(AccountError):
        people.use(code, "", "hash", NOW, HERE)
    assert people.password_of("tom") is None


def test_the_last_owner_stays(people: People) -> None:
    an_owner(people)
    with pytest.raises(AccountError, match="last owner"):
        people.disable("ana", NOW, HERE)
    with pytest.raises(AccountError, match="last owner"):
        people.change_role("ana", Role.TECH, NOW, HERE)
    assert people.password_of("ana") == "hash"
    people.add("bea", Role.OWNER, NOW, HERE)
    people.change_role("ana", Role.TECH, NOW, HERE)


@pytest.mark.parametrize("name", ["", "a b", "<b>", "a" * 81, "../x", "ana"])
def test_a_name_that_cannot_be_is_refused(people: People, name: str) -> None:
    an_owner(people)
    with pytest.raises(AccountError):
        people.add(name, Role.TECH, NOW, HERE)


def test_nobody_gets_an_account_that_only_looks(people: People) -> None:
    with pytest.raises(AccountError, match="nobody can be a viewer"):
        people.add("tom", Role.VIEWER, NOW, HERE)


def test_the_journal_is_read_by_pages_and_let_go_of_after_two_years(where: Path | str) -> None:
    with closing(Journal(where)) as journal:
        for number in range(PAGE + 5):
            journal.note(NOW + number, TERMINAL, Deed.CHANGED, str(number))
        newest = journal.read()
        older = journal.read(newest[-1].number)
        assert [entry.about for entry in newest + older] == [str(n) for n in reversed(range(PAGE + 5))]
        journal.forget(NOW + KEPT_S + 5)
        assert len(journal.read()) + len(journal.read(journal.read()[-1].number)) == PAGE


def test_what_is_over_is_forgotten(people: People) -> None:
    an_owner(people)
    a_visit(people)
    people.add("tom", Role.TECH, NOW, HERE)
    people.forget(NOW + LONGEST_S + LINK_S)
    with people._engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM visits").scalar_one() == 0
        assert connection.exec_driver_sql("SELECT count(*) FROM links").scalar_one() == 0
