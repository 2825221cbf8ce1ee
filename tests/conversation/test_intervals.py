"""Intervals: wider for what rests on less, whole events for rates; and heard speech that ends where it was said."""

from math import hypot

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalogue import METRICS
from app.conversation.conversation import Conversation, recount
from app.conversation.errors import Errors
from app.conversation.intervals import YARDSTICKS, Yardstick, margin, yardstick
from app.conversation.metrics import EXACT, Measured, measure
from app.conversation.tally import Tally
from app.conversation.units import HEARD, UnitRules, Units
from app.conversation.vocabulary import Event, Unit, frames
from app.hearing.activity import Activity
from app.hearing.seats import parse_seats
from app.rehearsal.talk import Style, converse

PAIR = parse_seats("therapist=30,client=150")
NAMES = ("therapist", "client")


def units(seed: int, minutes: float) -> list[Unit]:
    said = converse(Style(silence_chance=0.06), NAMES, minutes * 60, np.random.default_rng(seed))
    return [Unit(frames(u.start_s), frames(u.end_s), NAMES.index(u.seat)) for u in said]


def test_every_metric_but_coverage_has_a_yardstick() -> None:
    assert set(YARDSTICKS) == {metric.id for metric in METRICS} - {"coverage"}


@settings(max_examples=40)
@given(st.integers(0, 300))
def test_a_yardstick_is_a_length_wherever_a_number_is_given(seed: int) -> None:
    tally = recount(PAIR, units(seed, 6), 36000)[1]
    for name, number in measure(tally, EXACT).items():
        if number.withheld is None:
            length = yardstick(name, tally)
            assert 0 <= length.below < 1000
            assert 0 <= length.above < 1000


@pytest.mark.parametrize("name", ["therapist_talk_share", "therapist_turn_median", "switches_per_minute"])
def test_what_rests_on_more_is_surer(name: str) -> None:
    short, long = (yardstick(name, recount(PAIR, units(4, m), round(m * 6000))[1]) for m in (10.0, 60.0))
    assert long.below + long.above < 0.8 * (short.below + short.above)


def test_the_parts_of_an_error_add_as_independent_ones_do() -> None:
    error = {"absolute": 1.0, "relative": 0.2, "yardstick": 0.5, "spread": 3.0}
    reach = margin(10.0, Yardstick(2.0, 3.0), 0.5, error)
    assert (reach.below, reach.above) == pytest.approx((hypot(1, 2, 1.0, 1.5), hypot(1, 2, 1.5, 1.5)))


def test_an_interval_may_be_longer_to_one_side_and_grows_with_doubt() -> None:
    reach = margin(10.0, Yardstick(0.0, 0.0), 0.0, {"absolute": 1.0, "below": 0.5, "above": 1.5}, 2.0)
    assert (reach.below, reach.above) == pytest.approx((1.0, 3.0))
    assert Errors({}, 0.1).growth(0.4) == pytest.approx(2.0)


def test_the_interval_of_a_rate_ends_at_whole_events() -> None:
    event = 0.25
    length = Yardstick(1.0, 1.0, event)
    assert margin(2.0, length, 0.0, {"absolute": 0.6}).below == pytest.approx(2 * event)
    assert margin(2.0, length, 0.0, {"absolute": 0.2}).above == 0.0


def test_where_other_thresholds_find_something_else_an_interval_is_wider() -> None:
    spoken = np.tile(np.repeat([[1, 0], [0, 0.4], [0, 1], [0.6, 0]], [700, 30, 800, 40], axis=0), (8, 1))
    sure, unsure = (Conversation(PAIR, HEARD) for _ in range(2))
    for conversation, p in ((sure, (spoken > 0.5).astype(np.float32)), (unsure, spoken.astype(np.float32))):
        conversation.follow(Activity(0, p.max(axis=1), p, np.ones(len(p), np.bool_)))
    assert sure.tally().talk == unsure.tally().talk
    errors = Errors({metric.id: {"absolute": 0.001, "spread": 1.0} for metric in METRICS})
    number, doubtful = (measure(c.tally(), errors, c.other_tallies())["therapist_turn_median"] for c in (sure, unsure))
    assert number.value == doubtful.value
    assert width(doubtful) > 10 * width(number) > 0


def width(number: Measured) -> float:
    assert number.low is not None
    assert number.high is not None
    return number.high - number.low


def test_bursts_too_short_for_a_word_are_counted_as_doubt() -> None:
    spoken = np.zeros((1000, 2), np.float32)
    spoken[100:400, 0] = spoken[600:605, 0] = spoken[700:704, 1] = 1
    conversation = Conversation(PAIR)
    conversation.follow(Activity(0, spoken.max(axis=1), spoken, np.ones(1000, np.bool_)))
    tally = conversation.tally()
    assert (tally.units, tally.blips) == (1, 2)
    assert tally.doubt == pytest.approx(3 / 11)


def activity(seed: int, tail: int) -> tuple[Activity, list[Unit]]:
    """Talk of three minutes whose every unit is heard for some frames more than it lasts."""
    said = units(seed, 3)
    spoken = np.zeros((18000, 2), np.float32)
    for unit in said:
        spoken[unit.start : unit.end + tail, unit.seat] = 1
    return Activity(0, spoken.max(axis=1), spoken, np.ones(18000, np.bool_)), said


def followed(whole: Activity, rules: UnitRules, block: int) -> tuple[list[Event], tuple[Tally, ...]]:
    conversation = Conversation(PAIR, rules)
    events: list[Event] = []
    for at in range(0, len(whole), block):
        part = slice(at, at + block)
        events += conversation.follow(Activity(at, whole.speech[part], whole.seats[part], whole.measurable[part]))
    events += conversation.finish()
    return events, (conversation.tally(), *conversation.other_tallies())


@settings(max_examples=30)
@given(st.integers(0, 100), st.sampled_from([1, 3, 4, 50, 977]))
def test_block_size_changes_nothing_where_speech_has_a_tail(seed: int, block: int) -> None:
    whole, _ = activity(seed, HEARD.tail)
    assert followed(whole, HEARD, block) == followed(whole, HEARD, 4)


def test_a_tail_that_was_heard_is_taken_away() -> None:
    whole, said = activity(1, HEARD.tail)
    found = {(e.seat, e.start, e.end) for e in followed(whole, HEARD, 4)[0] if isinstance(e, Unit)}
    bridged = sum((unit.seat, unit.start, unit.end) not in found for unit in said)
    assert bridged < 0.2 * len(said)  # breaks of just over 200 ms are closed by the tail, and short units keep some


def test_a_unit_never_shrinks_below_a_word() -> None:
    spoken = np.zeros((100, 1), np.float32)
    spoken[10:17] = 1
    told = Units(1, UnitRules(tail=6))
    edges, _ = told.follow(Activity(0, spoken[:, 0], spoken, np.ones(100, np.bool_)))
    assert [frame for frame, _, _ in edges + told.finish()] == [10, 16]
