import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sync.clock import DOUBT_S, LONGEST_OFF_S, NEAR_S, Clock, Turn

DAY = 86400.0
TEN_YEARS = 10 * 365 * DAY
NOW = 1.7e9


class Hand:
    """A time that a test sets."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def running(own: float = NOW, known: float | None = NOW, told: float | None = None) -> tuple[Clock, Hand]:
    elapsed = Hand(5.0)
    if told is None and known is not None:
        told = known - 1
    return Clock(Hand(own), elapsed, known, told), elapsed


def said_for(clock: Clock, elapsed: Hand, offset: float, seconds: float) -> list[Turn]:
    """What comes of a hub that is off by this much, heard every 5 min for so long."""
    right, turns = clock.now() + offset - elapsed.at, []
    end = elapsed.at + seconds
    while elapsed.at <= end:
        turn = clock.hear(right + elapsed.at)
        turns += [turn] if turn else []
        elapsed.at += 300.0
    return turns


def test_without_a_hub_it_is_this_machines_time_from_its_start_on() -> None:
    own, elapsed = Hand(1000.0), Hand(5.0)
    clock = Clock(own, elapsed)
    assert clock.hear(None) is None
    own.at, elapsed.at = 9e9, 65.0
    assert clock.now() == 1060.0
    assert not clock.sure


@pytest.mark.parametrize("own", [0.0, NOW - DAY, NOW - TEN_YEARS, NOW + TEN_YEARS])
def test_it_starts_at_the_last_known_time_whatever_this_machine_says(own: float) -> None:
    clock, elapsed = running(own)
    elapsed.at += 60
    assert clock.now() == NOW + 60


@pytest.mark.parametrize("later", [DAY, 90 * DAY])
def test_it_starts_later_where_this_machine_or_the_hubs_last_word_says_so(later: float) -> None:
    assert running(NOW + later)[0].now() == NOW + later
    assert running(0.0, NOW, NOW + later)[0].now() == NOW + later


def test_the_first_word_ever_sets_it_and_it_had_been_wrong() -> None:
    clock, _ = running(0.0, None)
    assert clock.hear(NOW) == Turn(0.0, NOW, passed=False)
    assert clock.now() == NOW
    assert clock.sure


@pytest.mark.parametrize("off", [0.0, 14 * 3600.0, 92 * DAY, LONGEST_OFF_S - 1])
def test_the_first_word_after_a_start_tells_how_long_the_machine_was_off(off: float) -> None:
    clock, _ = running(0.0)
    assert clock.hear(NOW + off) == Turn(NOW, NOW + off, passed=True)
    assert clock.now() == NOW + off


@given(st.floats(-NEAR_S, NEAR_S))
def test_a_word_that_is_near_is_followed_forward_only(offset: float) -> None:
    clock, elapsed = running()
    clock.hear(NOW)
    elapsed.at += 300
    clock.hear(NOW + 300 + offset)
    assert clock.now() == pytest.approx(NOW + 300 + max(offset, 0.0))


@pytest.mark.parametrize("offset", [TEN_YEARS, -TEN_YEARS, -30 * DAY, 30 * DAY, 2 * NEAR_S, -2 * NEAR_S])
def test_a_word_that_cannot_be_is_followed_after_an_hour_of_the_same(offset: float) -> None:
    clock, elapsed = running()
    clock.hear(NOW)
    assert said_for(clock, elapsed, offset, DOUBT_S - 300) == []
    assert clock.now() == pytest.approx(NOW + elapsed.at - 5)
    (turn,) = said_for(clock, elapsed, offset, 900)
    assert not turn.passed
    assert turn.after - turn.before == pytest.approx(offset)


@pytest.mark.parametrize("wrong", [TEN_YEARS, -TEN_YEARS])
def test_a_hub_that_was_ten_years_off_finds_its_way_back(wrong: float) -> None:
    clock, elapsed = running(0.0, None)
    assert clock.hear(NOW + wrong)
    turns = said_for(clock, elapsed, -wrong, 2 * DOUBT_S)
    assert [turn.passed for turn in turns] == [False]
    assert clock.now() == pytest.approx(NOW + elapsed.at - 5, abs=NEAR_S)


def test_a_hub_that_says_one_thing_and_another_is_not_followed() -> None:
    clock, elapsed = running()
    clock.hear(NOW)
    for minute in range(0, 600, 5):
        elapsed.at += 300
        clock.hear(NOW + elapsed.at - 5 + (TEN_YEARS if minute % 10 else 0.0))
    assert clock.now() == pytest.approx(NOW + elapsed.at - 5, abs=NEAR_S)


def test_the_same_word_again_is_no_news() -> None:
    clock, elapsed = running()
    clock.hear(NOW)
    clock.hear(NOW + 100)
    elapsed.at += 50.0
    assert clock.hear(NOW + 100) is None
    assert clock.now() == NOW + 150
    assert running(NOW, NOW, NOW)[0].hear(NOW) is None, "nor is one from before the start"


@given(st.lists(st.tuples(st.integers(0, 2**32), st.floats(0, 1e6)), min_size=1))
def test_it_only_goes_back_where_it_says_that_it_was_wrong(words: list[tuple[int, float]]) -> None:
    clock, elapsed = running(0.0, None)
    for word, step in words:
        before = clock.now()
        turn = clock.hear(word)
        assert clock.now() >= before or (turn is not None and not turn.passed)
        assert turn is None or (turn.before, turn.after) == pytest.approx((before, clock.now()))
        elapsed.at += step
