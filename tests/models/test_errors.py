"""How errors are fitted: the truth inside, no wider than needed, and more for what rests on less."""

from pathlib import Path

import numpy as np
import pytest

from app.catalogue import METRICS
from app.conversation.errors import Error, Errors, read_errors
from app.conversation.intervals import Yardstick, margin
from app.rehearsal.render import RenderError
from app.validation.people import people
from app.validation.plan import EASY, Plan
from app.validation.sessions import rehearse
from firmware.geometry import load_array
from models.evaluation import errors as fitting
from models.evaluation.errors import LEAST_SESSIONS, LEVELS, MOST_DOUBT, Off, Session
from models.evaluation.kept import Keeping
from models.evaluation.plans import NEAREST_DEG, plans

NONE = Yardstick(0.0, 0.0)
ONE = "client_turn_median"


def fit(*sessions: dict[str, Off]) -> dict[str, Error]:
    return dict(fitting.fit([Session(offs, 0.1) for offs in sessions]).by_metric)


def inside(off: Off, error: Error) -> bool:
    reach = margin(off.heard, off.yardstick, off.spread, error, off.growth)
    return off.heard - reach.below <= off.true <= off.heard + reach.above


def test_the_truth_is_inside_in_as_many_sessions_as_are_asked() -> None:
    rng = np.random.default_rng(1)
    some = [Off(0.5 + float(rng.normal(0, 0.02)), 0.5, Yardstick(y, y)) for y in rng.uniform(0.1, 1.0, 200).tolist()]
    errors = fit(*({"therapist_talk_share": off} for off in some))
    share = np.mean([inside(off, errors["therapist_talk_share"]) for off in some])
    assert LEVELS[-1] <= share <= 0.97


def test_an_error_that_grows_with_the_yardstick_is_found_to() -> None:
    rng = np.random.default_rng(2)
    lengths = rng.uniform(0.1, 2.0, 300).tolist()
    errors = fit(*({"silence_share": Off(float(rng.normal(0, 0.1)) * y, 0.0, Yardstick(y, y))} for y in lengths))
    assert errors["silence_share"]["yardstick"] == pytest.approx(0.19, abs=0.05)
    assert errors["silence_share"].get("absolute", 0.0) < 0.05


def test_an_error_that_grows_with_the_spread_is_found_to() -> None:
    rng = np.random.default_rng(3)
    spreads = rng.uniform(0.0, 2.0, 300).tolist()
    error = fit(*({"silence_share": Off(float(rng.normal(0, 0.1)) * s, 0.0, NONE, s)} for s in spreads))[
        "silence_share"
    ]
    assert error["spread"] == pytest.approx(0.19, abs=0.06)
    assert error.get("absolute", 0.0) < 0.1


def test_an_error_that_is_the_same_everywhere_needs_no_yardstick() -> None:
    some = [{"silence_share": Off(1.0 + off / 100, 1.0, NONE)} for off in range(40)]
    error = fit(*some)["silence_share"]
    assert set(error) == {"absolute", "below", "above"}  # it is always above the truth
    assert error["absolute"] * error["below"] == pytest.approx(0.38, abs=0.02)


def test_the_error_of_a_length_is_relative_to_what_was_heard() -> None:
    some = [{ONE: Off(10.0, 8.0, NONE)}, {ONE: Off(10.0, 12.0, NONE)}]
    assert fit(*some * 4) == {ONE: {"relative": pytest.approx(0.2, abs=1e-3)}}


def test_what_is_always_right_has_no_width() -> None:
    error = fit(*[{"long_pauses": Off(2.0, 2.0, Yardstick(1.0, 1.0))}] * 8)["long_pauses"]
    assert set(error.values()) == {0.0}


def test_the_error_of_what_was_hardly_ever_defined_is_not_known() -> None:
    assert fit(*[{"client_ended_share": Off(0.5, 0.4, NONE)}] * (LEAST_SESSIONS - 1)) == {}


def test_the_error_of_a_count_is_some_events_whatever_the_length() -> None:
    per_event = (0.2, 1.0)  # in a long and in a short session
    some = [{"long_pauses": Off(2.0, 2.0 + event, Yardstick(3 * event, 3 * event))} for event in per_event]
    assert set(fit(*some * 20)["long_pauses"]) <= {"yardstick", "below", "above"}


def test_only_metrics_of_the_catalogue_have_errors() -> None:
    every = {metric.id: Off(1.0, 1.0, NONE) for metric in METRICS}
    assert set(fit(*[every] * 8)) == set(every) - {"coverage"}


def test_sessions_heard_far_less_surely_than_usual_are_left_out_and_told_nothing_of() -> None:
    usual = [Session({ONE: Off(10.0, 10.1, NONE)}, 0.1)] * 20
    found = fitting.fit([*usual, Session({ONE: Off(10.0, 20.0, NONE)}, 0.1 * MOST_DOUBT + 0.01)])
    error = found.by_metric[ONE]
    assert error["relative"] * error["above"] == pytest.approx(0.01, abs=2e-3)
    assert (found.usual_doubt, found.most_doubt) == pytest.approx((0.1, 0.1 * MOST_DOUBT))


def test_the_shipped_errors_can_be_read_and_know_where_they_come_from() -> None:
    shipped = read_errors((Path(__file__).parents[2] / "models" / "errors.json").read_text(encoding="utf-8"))
    assert isinstance(shipped, Errors)
    assert set(shipped.by_metric) == {metric.id for metric in METRICS} - {"coverage"}


def test_what_is_rehearsed_has_long_and_short_sessions_and_two_to_six_seats() -> None:
    every = plans(load_array("xvf3800"), people(), 7, 4, (10.0, 50.0))
    assert {len(plan.names) for plan in every} == {2, 3, 4, 5, 6}
    assert min(plan.minutes[0] for plan in every) < 2
    assert max(plan.minutes[1] for plan in every) == 50
    for plan in every:
        azimuths = sorted(seat.azimuth for seat in plan.seats)
        gaps = np.diff([*azimuths, *(azimuth + 360 for azimuth in azimuths[:1])])
        assert all(gap >= NEAREST_DEG - 1e-6 for gap in gaps)


def test_kept_sound_is_what_was_rendered_and_is_not_rendered_again(tmp_path: Path) -> None:
    plan = Plan(load_array("xvf3800"), people(), (EASY,), minutes=(0.34, 0.34), seed=9)
    fresh = np.concatenate(list(rehearse(plan, EASY, 0).sound()), axis=1)
    keeping = Keeping(tmp_path)
    once = np.concatenate(list(keeping(plan, EASY, 0).sound()), axis=1)
    (file,) = tmp_path.rglob("*.flac")
    written = file.stat().st_mtime_ns
    again = np.concatenate(list(keeping(plan, EASY, 0).sound()), axis=1)
    assert (once == fresh).all()
    assert (again == fresh).all()
    assert file.stat().st_mtime_ns == written


def test_sound_that_would_clip_is_not_kept(tmp_path: Path) -> None:
    plan = Plan(load_array("xvf3800"), people(), (EASY,), minutes=(0.34, 0.34), seed=9)
    with pytest.raises(RenderError):
        list(Keeping(tmp_path)(plan, EASY, 0).sound(60.0))
    assert not list(tmp_path.rglob("*.flac"))
