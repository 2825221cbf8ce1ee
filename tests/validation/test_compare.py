"""What counts as found: the same account is all found, a shifted one to its limit, an empty one nothing."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.conversation.conversation import recount
from app.conversation.vocabulary import Unit, frames
from app.hearing.seats import parse_seats
from app.rehearsal.talk import Style, converse
from app.validation.compare import Account, Count, compare
from app.validation.stages import Cost, follow, true_activity

PAIR = parse_seats("therapist=30,client=150")
NAMES = ("therapist", "client")
SECONDS = 240


def talk(seed: int) -> tuple[Unit, ...]:
    said = converse(Style(silence_chance=0.06), NAMES, SECONDS, np.random.default_rng(seed))
    return tuple(Unit(frames(u.start_s), frames(u.end_s), NAMES.index(u.seat)) for u in said)


def account(units: tuple[Unit, ...]) -> Account:
    return Account(*recount(PAIR, units, frames(SECONDS + 10)))


def moved(units: tuple[Unit, ...], by: int) -> tuple[Unit, ...]:
    return tuple(Unit(unit.start + by, unit.end + by, unit.seat) for unit in units)


@given(st.integers(0, 500))
def test_the_truth_finds_itself(seed: int) -> None:
    true = account(talk(seed))
    found = compare(true, true)
    for count in (found.silences, found.contexts, found.responses, found.turns):
        assert count.both == count.found == count.true
    assert set(found.offsets_off_s) <= {0.0}


@given(st.integers(0, 500))
def test_the_rules_are_exact_on_the_true_activity(seed: int) -> None:
    units = talk(seed)
    length = frames(SECONDS)
    true = Account(*recount(PAIR, units, length))
    assert follow(true_activity(units, 2, length), PAIR, Cost()).tally == true.tally


def test_a_silence_is_found_up_to_300_ms_away() -> None:
    units = talk(3)
    true = account(units)
    inside = [event for event in true.events if type(event).__name__ == "Silence" and event.frames >= 300]
    assert compare(account(moved(units, 30)), true).silences.both >= len(inside) - 2  # but for those at either end
    assert compare(account(moved(units, 31)), true).silences.both <= 2


def test_nothing_found_is_no_division_by_zero() -> None:
    nothing = account(())
    found = compare(nothing, account(talk(1)))
    assert (found.turns.recall, found.turns.precision) == (0.0, None)
    assert Count().f1 is None
    assert compare(nothing, nothing).responses.recall is None


def test_the_other_seat_is_not_found() -> None:
    units = talk(2)
    swapped = tuple(Unit(unit.start, unit.end, 1 - unit.seat) for unit in units)
    found = compare(account(swapped), account(units))
    assert found.responses.both == found.turns.both == 0
    assert found.contexts.both < max(1, found.contexts.true)
