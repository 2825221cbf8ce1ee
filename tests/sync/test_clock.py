from hypothesis import given
from hypothesis import strategies as st

from app.sync.clock import Clock

TEN_YEARS = 10 * 365 * 86400.0


class Hand:
    """A time that a test sets."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def test_without_a_hub_it_is_this_machines_time() -> None:
    own, elapsed = Hand(1000.0), Hand(5.0)
    clock = Clock(own, elapsed)
    clock.hear(None)
    assert clock.now() == 1000.0


def test_it_starts_no_earlier_than_the_last_known_time_and_runs_on() -> None:
    own, elapsed = Hand(0.0), Hand(5.0)
    clock = Clock(own, elapsed)
    clock.hear(1_000_000)
    elapsed.at += 60
    assert clock.now() == 1_000_060


def test_once_the_hub_has_spoken_its_time_counts_whatever_this_machine_says() -> None:
    for wrong in (-TEN_YEARS, TEN_YEARS):
        own, elapsed = Hand(1.7e9 + wrong), Hand(5.0)
        clock = Clock(own, elapsed)
        clock.hear(1_600_000_000)
        clock.hear(1_700_000_000)
        own.at, elapsed.at = 12.0, 15.0
        assert clock.now() == 1_700_000_010


def test_the_same_word_again_is_no_news() -> None:
    elapsed = Hand(0.0)
    clock = Clock(Hand(0.0), elapsed)
    clock.hear(100)
    clock.hear(200)
    elapsed.at = 50.0
    clock.hear(200)
    assert clock.now() == 250


@given(st.lists(st.tuples(st.integers(0, 2**40), st.floats(0, 1e6)), min_size=1))
def test_it_never_goes_below_what_the_hub_has_told(words: list[tuple[int, float]]) -> None:
    elapsed = Hand(0.0)
    clock = Clock(Hand(0.0), elapsed)
    for hub_time, step in words:
        clock.hear(hub_time)
        elapsed.at += step
        assert clock.now() >= max(told for told, _ in words[: words.index((hub_time, step)) + 1])
