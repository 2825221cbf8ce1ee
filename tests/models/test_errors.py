"""How errors are fitted: the truth inside, no wider than needed, and more for what rests on less."""

import numpy as np
import pytest

from app.catalogue import METRICS
from app.conversation.intervals import Yardstick, margin
from models.evaluation.errors import LEAST_SESSIONS, LEVELS, Off, fit

NONE = Yardstick(0.0, 0.0)


def inside(off: Off, error: dict[str, float]) -> bool:
    reach = margin("some", off.heard, off.yardstick, error)
    return off.heard - reach.below <= off.true <= off.heard + reach.above


def test_the_truth_is_inside_in_as_many_sessions_as_are_asked() -> None:
    rng = np.random.default_rng(1)
    some = [Off(0.5 + float(rng.normal(0, 0.02)), 0.5, Yardstick(y, y)) for y in rng.uniform(0.1, 1.0, 200).tolist()]
    errors = fit([{"therapist_talk_share": off} for off in some])
    share = np.mean([inside(off, errors["therapist_talk_share"]) for off in some])
    assert LEVELS[-1] <= share <= 0.97


def test_an_error_that_grows_with_the_yardstick_is_found_to() -> None:
    rng = np.random.default_rng(2)
    lengths = rng.uniform(0.1, 2.0, 300).tolist()
    errors = fit([{"silence_share": Off(float(rng.normal(0, 0.1)) * y, 0.0, Yardstick(y, y))} for y in lengths])
    assert errors["silence_share"]["yardstick"] == pytest.approx(0.196, abs=0.05)
    assert errors["silence_share"].get("absolute", 0.0) < 0.05


def test_an_error_that_is_the_same_everywhere_needs_no_yardstick() -> None:
    some = [{"long_pauses": Off(1.0 + off / 100, 1.0, NONE)} for off in range(40)]
    assert fit(some) == {"long_pauses": {"absolute": pytest.approx(0.38, abs=0.02)}}


def test_the_error_of_a_length_is_relative_to_what_was_heard() -> None:
    assert fit([{"client_turn_median": Off(10.0, 8.0, NONE)}] * 8) == {
        "client_turn_median": {"relative": pytest.approx(0.2, abs=1e-3)}
    }


def test_what_is_always_right_has_no_width() -> None:
    assert fit([{"long_pauses": Off(2.0, 2.0, Yardstick(1.0, 1.0))}] * 8) == {"long_pauses": {"yardstick": 0.0}}


def test_the_error_of_what_was_hardly_ever_defined_is_not_known() -> None:
    assert fit([{"client_ended_share": Off(0.5, 0.4, NONE)}] * (LEAST_SESSIONS - 1)) == {}


def test_the_contexts_of_silences_share_one_error() -> None:
    some = [{"long_pauses_client_client": Off(2.0, 2.0, NONE), "long_pauses_client_therapist": Off(1.0, 3.0, NONE)}]
    errors = fit(some * 8)
    assert errors["long_pauses_client_client"] == errors["long_pauses_client_therapist"] == {"absolute": 2.0}


def test_only_metrics_of_the_catalogue_have_errors() -> None:
    every = {metric.id: Off(1.0, 1.0, NONE) for metric in METRICS}
    assert set(fit([every] * 8)) == set(every) - {"coverage"}
