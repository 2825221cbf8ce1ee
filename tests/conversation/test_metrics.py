"""Numbers from tallies: formulas, withholding, intervals."""

import json
from dataclasses import replace
from math import isfinite
from time import process_time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalogue import BY_ID, METRICS, RELEASED
from app.conversation.conversation import Conversation, recount
from app.conversation.errors import Errors, ErrorsError, read_errors, written
from app.conversation.metrics import EXACT, VALUES, Measured, measure, released
from app.conversation.quantiles import quantile
from app.conversation.tally import Tally, TallyError
from app.conversation.vocabulary import Span, Unit, frames
from app.hearing.activity import Activity
from app.hearing.seats import Seat, parse_seats

PAIR = parse_seats("therapist=30,client=150")
THERAPIST, CLIENT = 0, 1


def unit(seat: int, start_s: float, end_s: float) -> Unit:
    return Unit(frames(start_s), frames(end_s), seat)


def dialogue(rounds: int) -> list[Unit]:
    """Per round of 40 s: therapist 0-10, client 10.5-20 and 24-30 with a response between, therapist silent after."""
    return [
        u
        for at in range(0, rounds * 40, 40)
        for u in (
            unit(THERAPIST, at, at + 10),
            unit(CLIENT, at + 10.5, at + 20),
            unit(THERAPIST, at + 20.2, at + 20.6),
            unit(CLIENT, at + 21.1, at + 24),
            unit(CLIENT, at + 27.5, at + 35.5),
        )
    ]


def numbers(rounds: int, seats: tuple[Seat, ...] = PAIR) -> dict[str, Measured]:
    return measure(recount(seats, dialogue(rounds), rounds * 4000)[1], EXACT)


def test_every_metric_of_the_catalogue_has_its_formula() -> None:
    assert set(VALUES) == set(BY_ID) == {metric.id for metric in METRICS}


def test_the_numbers_of_a_dialogue_are_those_of_the_definitions() -> None:
    rounds = 6
    minutes = rounds * 40 / 60
    got = {name: number.value for name, number in numbers(rounds).items()}
    client = 9.5 + 2.9 + 8
    assert got == pytest.approx(
        {
            "therapist_talk_share": 10 / (10 + client),
            "therapist_turn_median": 10.0,
            "therapist_turn_p90": None,
            "long_turn_share": 0.0,
            "client_turn_median": 25.0,
            "switches_per_minute": (2 * rounds - 1) / minutes,
            "listener_responses": 60 / client,
            "silence_share": (0.5 + 0.2 + 0.5 + 3.5 + 4.5) / 40,
            "long_pauses": 2 * 10 * rounds / minutes,
            "long_pauses_client_client": 10 * rounds / minutes,
            "long_pauses_client_therapist": 10 * (rounds - 1) / minutes,
            "long_pauses_therapist_client": 0.0,
            "long_pauses_therapist_therapist": 0.0,
            "client_ended_share": rounds / (2 * rounds - 1),
            "response_offset_client_therapist": 4.5,
            "response_offset_therapist_client": 0.5,
            "coverage": 1.0,
        }
    )


@pytest.mark.parametrize(
    ("rounds", "name", "why"),
    [
        (4, "therapist_turn_median", "fewer than 5 events"),
        (9, "therapist_turn_p90", "fewer than 10 events"),
        (5, "response_offset_client_therapist", "fewer than 5 events"),
        (1, "therapist_talk_share", "less than 60 s of speech"),
        (1, "listener_responses", "less than 60 s of speech"),
        (1, "silence_share", "less than 60 s measured"),
        (1, "switches_per_minute", "less than 60 s measured"),
    ],
)
def test_too_little_is_withheld_and_one_more_is_not(rounds: int, name: str, why: str) -> None:
    assert numbers(rounds)[name].withheld == why
    assert numbers(rounds + 1)[name].withheld is None


def test_a_long_turn_is_over_15_s() -> None:
    units = [unit(THERAPIST, 0, 15), unit(CLIENT, 15, 20), unit(THERAPIST, 20, 35.01), unit(CLIENT, 35.01, 80)]
    assert measure(recount(PAIR, units, 8000)[1], EXACT)["long_turn_share"].value == pytest.approx(15.01 / 80)


def test_without_roles_only_what_needs_none_is_given() -> None:
    given_ids = {name for name, number in numbers(12, parse_seats("a=0,b=90")).items() if number.withheld is None}
    assert given_ids == {"switches_per_minute", "silence_share", "long_pauses", "coverage"}
    assert (
        numbers(12, parse_seats("therapist=0,b=90"))["therapist_turn_median"].withheld == "no seat has the role client"
    )


def test_without_seats_there_is_speech_and_silence_only() -> None:
    conversation = Conversation()
    voice = (np.arange(9000) % 1000 < 600).astype(np.float32)
    conversation.follow(Activity(0, voice, np.zeros((9000, 0), np.float32), np.ones(9000, np.bool_)))
    tally = conversation.tally()
    assert tally.speech == [5400]
    assert tally.turns == {"therapist": [], "client": []}
    got = measure(tally, EXACT)
    assert {name for name, number in got.items() if number.withheld is None} == {
        "silence_share",
        "long_pauses",
        "coverage",
    }
    assert got["silence_share"].value == pytest.approx(0.4)
    assert got["switches_per_minute"].withheld == "without seats it is not known who speaks"


def test_the_exact_has_no_width() -> None:
    assert all(number.low == number.value == number.high for number in numbers(12).values())


def test_an_error_is_the_half_width_and_stays_in_the_possible() -> None:
    tally = recount(PAIR, dialogue(12), 12 * 4000)[1]
    errors = {metric.id: {"absolute": 0.4} for metric in METRICS} | {"client_turn_median": {"relative": 0.1}}
    got = measure(tally, Errors(errors))
    assert (got["client_turn_median"].low, got["client_turn_median"].high) == pytest.approx((22.5, 27.5))
    assert (got["therapist_talk_share"].low, got["therapist_talk_share"].high) == pytest.approx((0.0, 10 / 30.4 + 0.4))
    assert got["client_ended_share"].high == pytest.approx(12 / 23 + 0.4)
    assert got["response_offset_therapist_client"].low == pytest.approx(0.1)
    assert got["coverage"].low == got["coverage"].high == 1.0


def test_an_error_that_was_never_measured_is_not_invented() -> None:
    tally = recount(PAIR, dialogue(12), 12 * 4000)[1]
    got = measure(tally, Errors({"long_pauses": {"absolute": 1.0}}))
    assert {name for name, number in got.items() if number.withheld is None} == {"long_pauses", "coverage"}
    assert got["silence_share"].withheld == "how far the hearing is off here was never measured"


@pytest.mark.parametrize(
    "error",
    [{}, {"absolute": -1.0}, {"absolute": float("nan")}, {"share": 0.1}, {"yardstick": True}, {"below": 1.0}],
)
def test_an_error_that_cannot_be_says_what_to_give(error: dict[str, float]) -> None:
    with pytest.raises(ErrorsError, match=r"long_pauses is .*: give"):
        Errors({"long_pauses": error})


def test_errors_survive_their_file() -> None:
    errors = Errors({"long_pauses": {"absolute": 1.0, "above": 2.0}}, 0.1, 0.3, 4, 90.0, {"sessions": 60})
    assert read_errors(written(errors)) == errors


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"errors": 1, "usual_doubt": 1, "most_doubt": 1, "made": {}}'])
def test_what_are_no_errors_say_how_to_get_some(text: str) -> None:
    with pytest.raises(ErrorsError, match="fit them with"):
        read_errors(text)


def test_a_session_heard_too_unsurely_is_withheld_but_for_coverage() -> None:
    tally = replace(recount(PAIR, dialogue(12), 12 * 4000)[1], blips=30)
    errors = Errors({metric.id: {"absolute": 0.1} for metric in METRICS}, 0.1, tally.doubt - 0.01)
    got = measure(tally, errors)
    assert {name for name, number in got.items() if number.withheld is None} == {"coverage"}
    assert got["silence_share"].withheld == "speech was heard too unsurely"
    assert measure(tally, replace(errors, most_doubt=tally.doubt))["silence_share"].withheld is None


@pytest.mark.parametrize(
    ("limit", "just", "why"),
    [
        ({"most_seats": 1}, {"most_seats": 2}, "how far the hearing is off with 2 seats was never measured"),
        (
            {"shortest_s": 481.0},
            {"shortest_s": 480.0},
            "how far the hearing is off in less than 481 s was never measured",
        ),
    ],
)
def test_a_session_unlike_those_that_were_measured_is_withheld_but_for_coverage(
    limit: dict[str, Any], just: dict[str, Any], why: str
) -> None:
    tally = recount(PAIR, dialogue(12), 12 * 4000)[1]
    errors = Errors({metric.id: {"absolute": 0.1} for metric in METRICS})
    got = measure(tally, replace(errors, **limit))
    assert {name for name, number in got.items() if number.withheld is None} == {"coverage"}
    assert got["silence_share"].withheld == why
    assert measure(tally, replace(errors, **just))["silence_share"].withheld is None
    assert measure(tally, EXACT)["silence_share"].withheld is None


def test_an_empty_session_has_a_coverage_of_nothing() -> None:
    conversation = Conversation(PAIR)
    conversation.finish()
    got = measure(conversation.tally(), EXACT)
    assert [name for name, number in got.items() if number.withheld is None] == ["coverage"]
    assert got["coverage"].value == 0.0


def test_coverage_counts_lost_blocks() -> None:
    conversation = Conversation(PAIR)
    quiet = Activity(0, np.zeros(400, np.float32), np.zeros((400, 2), np.float32), np.ones(400, np.bool_))
    conversation.follow(quiet)
    conversation.follow(replace(quiet, first=1200))
    tally = conversation.tally()
    assert (tally.measured, tally.open) == (800, 1600)


def test_activity_must_go_forward() -> None:
    conversation = Conversation(PAIR)
    quiet = Activity(0, np.zeros(4, np.float32), np.zeros((4, 2), np.float32), np.ones(4, np.bool_))
    conversation.follow(quiet)
    with pytest.raises(ValueError, match="told before"):
        conversation.follow(quiet)


def test_breaks_that_touch_or_cross_are_one() -> None:
    one = recount(PAIR, dialogue(1), 4000, [Span(1500, 2600)])
    assert recount(PAIR, dialogue(1), 4000, [Span(2000, 2600), Span(1500, 1800), Span(1700, 2000)]) == one
    assert one[1].measured == 4000 - 1100


def test_an_empty_activity_says_nothing() -> None:
    conversation = Conversation(PAIR)
    empty = Activity(0, np.zeros(0, np.float32), np.zeros((0, 2), np.float32), np.zeros(0, np.bool_))
    talk = Activity(0, np.ones(400, np.float32), np.ones((400, 2), np.float32), np.ones(400, np.bool_))
    conversation.follow(empty, empty)
    conversation.follow(empty, talk)
    conversation.follow(talk, empty)
    assert conversation.now.frame == 400
    assert (conversation.tally().measured, conversation.tally().open) == (400, 400)


def test_six_are_released_and_the_withheld_as_none() -> None:
    values = released(numbers(6))
    assert set(values) == {metric.id for metric in RELEASED}
    assert values["therapist_turn_p90"] is None
    assert values["therapist_turn_median"] == 10.0


@pytest.mark.parametrize("bad", [unit(0, 2, 1), unit(2, 0, 1), unit(-1, 0, 1), unit(0, 0, 500), unit(0, -1, 1)])
def test_units_that_cannot_be_are_refused(bad: Unit) -> None:
    with pytest.raises(ValueError, match="is no unit of a session"):
        recount(PAIR, [bad], 4000)


def test_a_tally_survives_json() -> None:
    tally = recount(PAIR, dialogue(3), 12000)[1]
    assert Tally.from_json(json.loads(json.dumps(tally.as_json()))) == tally


EMPTY = Tally.of(PAIR).as_json()


@pytest.mark.parametrize(
    "values", [None, {}, {"open": 1}, EMPTY | {"open": "much"}, EMPTY | {"turns": {}}, EMPTY | {"talk": {"client": []}}]
)
def test_what_is_no_tally_is_refused(values: object) -> None:
    with pytest.raises(TallyError):
        Tally.from_json(values)


def test_tallies_of_other_seats_do_not_add() -> None:
    with pytest.raises(TallyError):
        Tally.of(PAIR).plus(Tally.of(PAIR[:1]))


def test_a_checkpoint_keeps_no_order() -> None:
    tally = recount(PAIR, [*dialogue(3), unit(0, 120, 127), unit(1, 128, 139)], 14000)[1]
    for durations in (*tally.turns.values(), *tally.offsets.values()):
        assert durations == sorted(durations)


@given(st.lists(st.integers(0, 10**6), min_size=1), st.floats(0, 1))
def test_a_quantile_is_that_of_numpy(durations: list[int], share: float) -> None:
    durations.sort()
    assert quantile(durations, share) == pytest.approx(float(np.quantile(durations, share)), abs=1e-6)
    assert isfinite(quantile(durations, share))


def test_five_hours_leave_nothing_behind_but_durations() -> None:
    conversation = Conversation(PAIR)
    rng = np.random.default_rng(5)
    for first in range(0, 5 * 3600 * 100, 1000):
        speech = np.repeat(rng.random((20, 2)) < [0.6, 0.3], 50, axis=0).astype(np.float32)
        conversation.follow(Activity(first, speech.max(axis=1), speech, np.ones(1000, np.bool_)))
        floor = conversation._reading.floor
        assert max(len(floor._queue), len(floor._ended), len(floor._silences._waiting), len(floor._silences._runs)) < 40
        assert len(conversation._reading._units._edges) < 100
    assert conversation.tally().open == 5 * 3600 * 100


def test_the_rules_are_light() -> None:
    """Ten minutes in 40 ms blocks; an hour takes about 0.3 s of one core of 2020."""
    conversation = Conversation(PAIR)
    speech = np.tile(np.repeat([[1, 0], [0, 0], [0, 1], [0, 0]], [400, 50, 300, 250], axis=0), (60, 1)).astype(
        np.float32
    )
    blocks = [
        Activity(i, speech[i : i + 4, 0], speech[i : i + 4], np.ones(4, np.bool_)) for i in range(0, len(speech), 4)
    ]
    begin = process_time()
    for block in blocks:
        conversation.follow(block)
    assert process_time() - begin < 1.0
