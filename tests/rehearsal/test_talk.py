from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.rehearsal.talk import Spoken, Style, converse, overlap_share

PAIR = ("therapist", "client")


def session(seed: int, seats: tuple[str, ...] = PAIR, seconds: float = 3000.0) -> tuple[Spoken, ...]:
    return converse(Style(), seats, seconds, np.random.default_rng(seed))


def length(unit: Spoken) -> float:
    return unit.end_s - unit.start_s


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.floats(1, 400))
def test_units_are_inter_pausal_units_in_order(seed: int, people: int, seconds: float) -> None:
    seats = tuple(f"seat-{n}" for n in range(people))
    talk = session(seed, seats, seconds)
    assert [unit.start_s for unit in talk] == sorted(unit.start_s for unit in talk)
    assert all(0 <= unit.start_s < unit.end_s <= seconds for unit in talk)
    for seat in seats:
        for unit, following in pairwise(unit for unit in talk if unit.seat == seat):
            assert following.start_s - unit.end_s >= 0.2 - 1e-9


def test_talk_is_the_same_for_the_same_generator() -> None:
    assert session(7, seconds=60) == session(7, seconds=60) != session(8, seconds=60)


def test_sessions_have_the_overlap_and_silences_of_real_ones() -> None:
    for seed in range(10):
        talk = session(seed)
        assert 0.03 <= overlap_share(talk) <= 0.15
        times = sorted((unit.start_s, unit.end_s) for unit in talk)
        ends = np.maximum.accumulate([end for _, end in times])
        silences = np.array([start for start, _ in times[1:]]) - ends[:-1]
        assert 8 <= (silences >= 3).sum() <= 60
        assert silences.max() <= 60


def test_the_client_speaks_more_and_turns_change_at_about_200_ms() -> None:
    offsets: list[float] = []
    for seed in range(5):
        talk = session(seed)
        spoken = {seat: sum(u.end_s - u.start_s for u in talk if u.seat == seat) for seat in PAIR}
        assert 0.2 < spoken["therapist"] / sum(spoken.values()) < 0.5
        changes = [(a, b) for a, b in pairwise(talk) if a.seat != b.seat and min(length(a), length(b)) > 1]
        offsets += [b.start_s - a.end_s for a, b in changes]
    assert 0 < float(np.median(offsets)) < 0.5
    assert 0.1 < float(np.mean(np.array(offsets) < 0)) < 0.6


def test_listener_responses_leave_the_floor_where_it_is() -> None:
    """Short units of the therapist between two units of the client that are less than 1 s away."""
    talk = session(3)
    short = [unit for unit in talk if unit.seat == "therapist" and unit.end_s - unit.start_s <= 0.9]
    client = [unit for unit in talk if unit.seat == "client"]
    responses = [
        unit
        for unit in short
        if any(c.start_s < unit.start_s <= c.end_s + 1 for c in client)
        and any(unit.start_s < c.start_s <= unit.end_s + 1 for c in client)
    ]
    assert len(responses) > 50


def test_overlap_is_time_with_two_as_a_share_of_time_with_any() -> None:
    assert overlap_share([Spoken("a", 0, 3), Spoken("b", 2, 4), Spoken("a", 5, 6)]) == pytest.approx(1 / 5)
    assert overlap_share([]) == 0


def test_one_person_is_no_conversation() -> None:
    with pytest.raises(ValueError, match="needs two seats"):
        session(1, ("therapist",))
