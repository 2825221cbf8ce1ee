"""What an owner declares: the settings file's word first, the record's after, each with who and when."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.hub.declarations import MOST_THERAPISTS, Declarations
from app.hub.declared import Declared, Said, Spell
from app.hub.errors import DeclarationError
from app.hub.journal import By, Journal
from tests.hub.postgres import Postgres, programs

ANA, TOM = By("ana", "192.0.2.1"), By("tom", "192.0.2.2")
NEEDS_POSTGRES = pytest.mark.skipif(
    programs() is None, reason="PostgreSQL is not installed: apt-get install postgresql"
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=NEEDS_POSTGRES)])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    if request.param == "sqlite":
        yield tmp_path / "hub.sqlite"
        return
    with closing(Postgres()) as postgres:
        yield postgres.url


Keep = Callable[[Declared], Declarations]


@pytest.fixture
def keep(where: Path | str) -> Iterator[Keep]:
    """Open the record, as often as wanted, each time with what the settings file says."""
    opened: list[Declarations] = []

    def again(first: Declared) -> Declarations:
        opened.append(Declarations(where, first))
        return opened[-1]

    yield again
    for each in opened:
        each.close()


def test_the_files_word_holds_until_somebody_says_otherwise_and_then_never_again(keep: Keep, where: Path | str) -> None:
    record = keep(Declared(therapists=3, agreed=True))
    assert record.read() == Declared(therapists=3, agreed=True)
    record.count(4, 10, ANA)
    record.agree(True, 20, TOM)
    for first in (Declared(therapists=9), Declared(), Declared(therapists=3, agreed=True)):
        told = keep(first).read()
        assert (told.therapists, told.therapists_said) == (4, Said("ana", 10))
        assert (told.agreed, told.agreed_said) == (True, Said("tom", 20))
    with closing(Journal(where)) as journal:
        assert [(entry.by, entry.about) for entry in reversed(journal.read())] == [
            (ANA, "therapists: 3 → 4"),
            (ANA, "agreement of the therapists: ended, there are more of them"),
            (TOM, "agreement of the therapists: recorded"),
        ]


def test_an_agreement_of_the_file_can_be_withdrawn_and_stays_so(keep: Keep) -> None:
    record = keep(Declared(therapists=2, agreed=True))
    record.agree(False, 10, ANA)
    told = keep(Declared(therapists=2, agreed=True)).read()
    assert (told.agreed, told.agreed_said) == (False, Said("ana", 10))
    assert not told.on


def test_who_agreed_are_not_all_any_more_once_there_are_more_of_them(keep: Keep) -> None:
    record = keep(Declared(therapists=3))
    record.agree(True, 10, ANA)
    record.count(2, 20, ANA)
    assert record.read().agreed
    record.count(3, 30, TOM)
    told = record.read()
    assert (told.agreed, told.agreed_said, told.on) == (False, Said("tom", 30), False)


def test_what_is_said_twice_is_kept_once(keep: Keep, where: Path | str) -> None:
    record = keep(Declared())
    for at in (10, 20):
        record.count(6, at, ANA)
        record.declare_room("blue", True, at, ANA)
    assert record.read().therapists_said == Said("ana", 10)
    assert record.read().rooms == {"blue": (Spell(10, "ana"),)}
    with closing(Journal(where)) as journal:
        assert len(journal.read()) == 2


def test_every_time_that_a_room_stood_declared_stays_known(keep: Keep) -> None:
    record = keep(Declared(therapists=6))
    record.declare_room("blue", False, 5, TOM)
    record.declare_room("blue", True, 10, ANA)
    record.declare_room("green", True, 15, ANA)
    record.declare_room("blue", False, 20, TOM)
    assert not record.read().opens("blue")
    record.declare_room("blue", True, 30, ANA)
    told = record.read()
    assert told.rooms == {"blue": (Spell(10, "ana", 20, "tom"), Spell(30, "ana")), "green": (Spell(15, "ana"),)}
    assert told.opens("blue")
    assert not told.opens("red")
    assert told.spell("red") is None


def test_no_room_opens_in_a_clinic_of_fewer_than_five_whatever_they_agree_to(keep: Keep) -> None:
    record = keep(Declared(therapists=6))
    record.declare_room("blue", True, 10, ANA)
    record.count(4, 20, ANA)
    record.agree(True, 30, ANA)
    assert record.read().on
    assert not record.read().opens("blue")
    with pytest.raises(DeclarationError) as caught:
        record.declare_room("green", True, 40, ANA)
    assert caught.value.key == "room_too_few"


@pytest.mark.parametrize("count", [-1, MOST_THERAPISTS + 1])
def test_a_number_that_cannot_be_is_refused_and_changes_nothing(count: int, keep: Keep) -> None:
    record = keep(Declared(therapists=6))
    with pytest.raises(DeclarationError) as caught:
        record.count(count, 10, ANA)
    assert caught.value.key == "count_wrong"
    assert record.read() == Declared(therapists=6)


@pytest.mark.parametrize("count", [0, 5])
def test_an_agreement_is_for_a_clinic_of_one_to_four(count: int, keep: Keep) -> None:
    record = keep(Declared(therapists=count))
    with pytest.raises(DeclarationError) as caught:
        record.agree(True, 10, ANA)
    assert caught.value.key == "agreement_unneeded"
    assert not record.read().agreed
