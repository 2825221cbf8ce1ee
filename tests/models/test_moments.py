"""Lags, delays and silences on hand-made answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.moments import at, earlier, inner, lag, late, operating_point, runs


def frames(score: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """One character a frame of 10 ms, # speech."""
    return np.array([c == "#" for c in score], np.bool_)


def test_runs_and_inner_silences() -> None:
    assert runs(frames("##..#")).tolist() == [[0, 2], [4, 5]]
    assert inner(~frames(".#..#.##..")).tolist() == [[2, 4], [5, 6]]


def test_the_lag_of_a_delayed_copy_is_its_delay() -> None:
    truth = np.random.default_rng(0).random(200).repeat(10) > 0.5
    for delay in (0, 3, 12):
        scores = np.concatenate([np.zeros(delay), truth[: len(truth) - delay]]).astype(np.float32)
        assert lag([scores], [truth]) == delay


@given(st.lists(st.booleans(), min_size=30, max_size=60), st.integers(0, 20))
def test_moving_earlier_keeps_the_length(flags: list[bool], by: int) -> None:
    scores = np.array(flags, np.float32)
    moved = earlier(scores, by)
    assert len(moved) == len(scores)
    assert moved[: len(scores) - by].tolist() == scores[by:].tolist()


@pytest.mark.parametrize(
    ("heard", "delays"),
    [
        ("....####....", [0]),
        ("......##....", [2]),
        ("..######....", [-2]),
        ("............", []),  # never heard
        ("########....", []),  # the silence before was never heard, so neither was its end
    ],
)
def test_how_late_a_begin_is_heard(heard: str, delays: list[int]) -> None:
    assert late(frames(heard), frames("....####....")).tolist() == delays


def test_how_late_an_end_is_heard() -> None:
    truth, heard = frames("####....####"), frames("######....##")
    assert late(~heard, ~truth).tolist() == [2]
    assert late(heard, truth).tolist() == [2]


def test_silences_are_found_when_touched_and_their_lengths_compared() -> None:
    truth = frames("#" * 50 + "." * 15 + "#" * 50 + "." * 40 + "#" * 50)
    heard = frames("#" * 50 + "#" * 15 + "#" * 50 + "." * 30 + "#" * 60)
    point = at(0.5, [heard], [truth])
    assert (point.short_found, point.long_found) == (0.0, 1.0)
    assert point.length_error == pytest.approx(0.10)
    assert (point.recall, point.false_gaps) == (1.0, 0.0)


def test_a_gap_inside_speech_is_false_one_that_touches_a_silence_is_not() -> None:
    truth = frames("#" * 3000 + "." * 20 + "#" * 2980)
    heard = truth.copy()
    heard[100:110] = heard[2000:2010] = False
    heard[3020:3025] = False  # late at the end of the true silence
    assert at(0.5, [heard], [truth]).false_gaps == pytest.approx(2 / (5980 / 6000))


def test_the_operating_point_is_the_highest_threshold_with_few_false_gaps() -> None:
    rng = np.random.default_rng(1)
    truth = np.tile(frames("#" * 100 + "." * 30), 60)
    scores = np.where(truth, 0.9, 0.1).astype(np.float32)
    for start in range(10, len(truth), 1300):  # five dips a minute, each to another depth
        scores[start : start + 3] = rng.uniform(0.3, 0.5)
    point = operating_point([scores], [truth])
    assert point.threshold == pytest.approx(0.9)
    assert point.false_gaps <= 10
    assert (point.long_found, point.onsets, point.offsets) == (1.0, (0.0, 0.0), (0.0, 0.0))


def test_a_deaf_detector_finds_hardly_any_silence_at_the_operating_point() -> None:
    truth = np.tile(frames("#" * 20 + "." * 20), 50)
    noise = np.random.default_rng(2).random(len(truth)).astype(np.float32)
    point = operating_point([noise], [truth])
    assert point.recall > 0.99
    assert point.false_gaps <= 10
    assert point.long_found < 0.5
