"""Curves from histograms, and paired intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from scipy.stats import mannwhitneyu

from models.evaluation.resampling import (
    Difference,
    areas,
    compare,
    compare_means,
    curve,
    draw,
    histograms,
    hits,
    precision_areas,
)


@given(st.integers(0, 1000))
def test_the_area_of_histograms_is_that_of_the_scores(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.random(300) > 0.4
    truth[:2] = True, False
    scores = np.round(rng.normal(truth, 1), 1).astype(np.float32)  # with ties
    expected = mannwhitneyu(scores[truth], scores[~truth]).statistic / (truth.sum() * (~truth).sum())
    counts = histograms(np.split(scores, 3), np.split(truth, 3)).pooled()
    assert areas(counts)[0] == pytest.approx(expected)
    false, true = curve(counts)
    assert trapezoid(true[0], false[0]) == pytest.approx(expected)


def test_the_area_of_a_perfect_a_blind_and_a_reversed_score() -> None:
    truth = np.array([True, True, False, False])
    for scores, expected in (([0.9, 0.8, 0.2, 0.1], 1), ([0.5] * 4, 0.5), ([0.1, 0.2, 0.8, 0.9], 0)):
        assert areas(histograms([np.array(scores, np.float32)], [truth]))[0] == expected


def test_hits_at_a_false_rate() -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(20_000) % 2 == 0
    scores = rng.normal(np.where(truth, 1.645, 0), 1).astype(np.float32)
    assert hits(histograms([scores], [truth]))[0] == pytest.approx(0.5, abs=0.02)


def test_precision_area_of_a_perfect_and_of_a_blind_score() -> None:
    truth = np.arange(1000) % 4 == 0
    assert precision_areas(histograms([truth.astype(np.float32)], [truth]))[0] == 1
    assert precision_areas(histograms([np.zeros(1000, np.float32)], [truth]))[0] == pytest.approx(0.25)


def test_each_draw_takes_as_many_pieces_as_there_are() -> None:
    assert set(draw(7).sum(1).tolist()) == {7.0}


def test_a_detector_is_not_better_than_itself() -> None:
    rng = np.random.default_rng(3)
    truths = [rng.random(500) > 0.5 for _ in range(6)]
    counts = histograms([rng.normal(t, 1).astype(np.float32) for t in truths], truths)
    assert compare(areas, counts, counts) == Difference(0, 0, 0)
    assert "**" not in str(compare(areas, counts, counts))


def test_a_clearly_better_detector_is_bold() -> None:
    rng = np.random.default_rng(4)
    truths = [rng.random(500) > 0.5 for _ in range(6)]
    good, bad = (histograms([rng.normal(d * t, 1).astype(np.float32) for t in truths], truths) for d in (3, 1))
    difference = compare(areas, good, bad)
    assert difference.low > 0
    assert str(difference).startswith("**+")


def test_means_are_compared_session_by_session() -> None:
    other = [0.1, 0.5, 0.9, 0.3]
    difference = compare_means([x + 0.05 for x in other], other)
    assert (difference.value, difference.low, difference.high) == pytest.approx((0.05, 0.05, 0.05))
