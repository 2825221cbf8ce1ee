"""The catalogue says what the definitions say, and claims nothing else."""

from dataclasses import fields

import pytest

from app.catalogue import CUES, METRICS, RELEASED, Metric

# What no timing signal measures may not be said to be measured.
FORBIDDEN = ("empath", "rapport", "attun", "emotion", "feeling", "rupture", "diagnos", "risk", "alliance", "quality of")


def words(metric: Metric) -> str:
    return " ".join(str(getattr(metric, field.name)) for field in fields(metric)).lower()


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.id)
def test_no_metric_claims_what_timing_cannot_tell(metric: Metric) -> None:
    assert not [word for word in FORBIDDEN if word in words(metric)]
    assert metric.does_not_say.startswith("It does not ")
    assert metric.does_not_say.endswith(".")


def test_ids_are_given_once() -> None:
    ids = [*(metric.id for metric in METRICS), *(cue.id for cue in CUES)]
    assert len(set(ids)) == len(ids)


def test_six_leave_the_room_in_public_ranges() -> None:
    assert {metric.id: metric.released for metric in RELEASED} == {
        "therapist_talk_share": (0, 1),
        "therapist_turn_median": (0, 20),
        "therapist_turn_p90": (0, 60),
        "switches_per_minute": (0, 15),
        "silence_share": (0, 0.5),
        "long_pauses": (0, 30),
    }


def test_shares_lie_between_0_and_1_and_only_offsets_below_0() -> None:
    for metric in METRICS:
        least, most = metric.possible
        assert (most == 1.0) is (metric.unit == "1"), metric.id
        assert (least is None) is metric.id.startswith("response_offset"), metric.id
