"""When cues come, and when they must not."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.conversation.conversation import Conversation
from app.conversation.score import read
from app.conversation.vocabulary import frames
from app.cues.policy import Policy
from tests.cues.moments import FIVE_MINUTES, MOMENTS, C, Moment, T, unfold


def play(moments: Iterable[Moment], policy: Policy | None = None) -> list[tuple[Any, str, str]]:
    """What begins or ends when, in seconds."""
    policy = policy or Policy()
    told: list[tuple[Any, str, str]] = []
    for now in unfold(moments):
        decision = policy.decide(now)
        told += [(now.frame / 100, "begins", cue) for cue in decision.started]
        told += [(now.frame / 100, "ends", cue) for cue in decision.ended]
    return told


OPENING = Moment(305, C)


def test_a_therapists_turn_over_a_minute_is_told_once() -> None:
    told = play([OPENING, Moment(200, T), Moment(20, C)])
    assert told == [
        (pytest.approx(365, abs=0.1), "begins", "floor_held_long"),
        (pytest.approx(373, abs=0.1), "ends", "floor_held_long"),
    ]


def test_the_length_of_a_long_turn_is_set() -> None:
    assert play([OPENING, Moment(110, T)], Policy(long_turn=frames(120))) == []
    assert play([OPENING, Moment(125, T)], Policy(long_turn=frames(120)))[0][0] == pytest.approx(425, abs=0.1)


def test_a_clients_turn_is_never_told() -> None:
    assert play([Moment(3000, C)]) == []


def test_nothing_in_the_first_five_minutes() -> None:
    assert play([Moment(299, T)]) == []
    assert play([Moment(330, T)])[0] == (pytest.approx(300, abs=0.1), "begins", "floor_held_long")


def test_no_cue_within_three_seconds_after_the_client() -> None:
    told = play([OPENING, Moment(59.8, T), Moment(0.8, C), Moment(20, T)])
    assert told[0] == (pytest.approx(305 + 59.8 + 0.8 + 3, abs=0.1), "begins", "floor_held_long")


def test_no_cue_in_silence() -> None:
    told = play([OPENING, Moment(59, T), Moment(10, None), Moment(5, T)])
    assert told[0][0] == pytest.approx(305 + 69, abs=0.1)


def test_cannot_measure_begins_even_in_the_first_minutes_and_ends_when_measuring_lasts() -> None:
    told = play([Moment(30, C), Moment(20, None, measurable=False), Moment(20, C)])
    assert told == [
        (pytest.approx(33, abs=0.1), "begins", "cannot_measure"),
        (pytest.approx(60, abs=0.1), "ends", "cannot_measure"),
    ]


def test_a_short_loss_is_no_cue() -> None:
    assert play([Moment(30, C), Moment(1.5, None, measurable=False), Moment(20, C)]) == []


def test_cannot_measure_stays_while_the_room_flutters() -> None:
    flutter = [Moment(3, None, measurable=False), Moment(5, T)] * 30
    assert [what for _, what, _ in play([OPENING, *flutter, Moment(11, T)])] == ["begins", "ends"]


def test_cannot_measure_holds_back_the_others() -> None:
    told = play([OPENING, Moment(5, None, measurable=False), Moment(9, T), Moment(100, None, measurable=False)])
    assert [cue for _, what, cue in told if what == "begins"] == ["cannot_measure"]


def test_between_two_cues_are_ninety_seconds() -> None:
    told = play([OPENING, Moment(65, T), Moment(20, None, measurable=False), Moment(75, T), Moment(60, T)])
    ends = next(at for at, what, cue in told if (what, cue) == ("ends", "floor_held_long"))
    assert all(at - ends >= 90 for at, what, _ in told if what == "begins" and at > ends)


def test_the_end_of_a_session_ends_what_is_shown() -> None:
    policy = Policy()
    play([Moment(30, C), Moment(20, None, measurable=False)], policy)
    assert policy.finish().ended == ("cannot_measure",)
    assert policy.finish().ended == ()


def test_a_score_leads_to_a_cue() -> None:
    row = "THERAPIST  {}\nCLIENT     {}\n\n"
    score = read((row.format("." * 100, "#" * 100)) * 31 + row.format("#" * 100, "." * 100) * 7)
    conversation, policy = Conversation(score.seats), Policy()
    told: list[tuple[Any, str]] = []
    for activity in score.activity():
        conversation.follow(activity)
        told += [(conversation.now.frame / 100, cue) for cue in policy.decide(conversation.now).started]
    assert told == [(pytest.approx(370, abs=0.1), "floor_held_long")]


@given(st.lists(MOMENTS, min_size=1, max_size=60))
@settings(max_examples=2 * settings().max_examples)
def test_no_storm_breaks_a_rule(moments: list[Moment]) -> None:
    policy = Policy()
    starts: list[tuple[int, str]] = []
    ends: list[tuple[int, str]] = []
    shown: set[str] = set()
    for now in unfold(moments, block=8):
        decision = policy.decide(now)
        for cue in decision.ended:
            shown.remove(cue)
            ends.append((now.frame, cue))
        for cue in decision.started:
            assert not shown
            shown.add(cue)
            assert now.frame >= FIVE_MINUTES or cue == "cannot_measure"
            assert now.measurable or cue == "cannot_measure"
            assert now.client_quiet_for in {None, 0} or (now.client_quiet_for or 0) >= frames(3)
            assert not (now.silent_for and now.holder is C)
            assert all(now.frame - end >= frames(90) for end, _ in ends)
            assert all(now.frame - at >= FIVE_MINUTES for at, same in starts + ends if same == cue)
            starts.append((now.frame, cue))
            assert sum(now.frame - at < frames(50 * 60) for at, _ in starts) <= 6
        if starts and starts[-1][1] == "floor_held_long":
            assert not shown or now.frame - starts[-1][0] < frames(8)


def test_the_budget_is_six_in_fifty_minutes() -> None:
    told = play([OPENING, *[Moment(70, T), Moment(240, C)] * 14])
    starts = [at for at, what, _ in told if what == "begins"]
    assert len(starts) > 6
    assert all(later - first >= 3000 for first, later in zip(starts, starts[6:], strict=False))
