"""When cues come, and when they must not."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.conversation.conversation import Conversation
from app.conversation.score import read
from app.conversation.vocabulary import frames
from app.cues.lamp import HOLD_S
from app.cues.policy import Policy
from app.cues.presets import PRESETS, Choice
from tests.cues.moments import FIVE_MINUTES, MOMENTS, C, Moment, T, unfold

FLOOR = Choice(mostly_you=False, check_in=False)
NONE = Choice(floor_held_long=False, mostly_you=False, check_in=False)


def play(moments: Iterable[Moment], policy: Policy | None = None) -> list[tuple[Any, str, str]]:
    """What begins or ends when, in seconds; without a policy only the floor is told, and what cannot be measured."""
    policy = policy or Policy(FLOOR)
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
    assert play([OPENING, Moment(110, T)], Policy(replace(FLOOR, long_turn=120.0))) == []
    assert play([OPENING, Moment(125, T)], Policy(replace(FLOOR, long_turn=120.0)))[0][0] == pytest.approx(425, abs=0.1)


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


def begins(told: list[tuple[Any, str, str]]) -> list[tuple[Any, str]]:
    return [(at, cue) for at, what, cue in told if what == "begins"]


def test_a_second_failure_in_the_first_five_minutes_is_told_after_ninety_seconds_of_dark() -> None:
    fails = Moment(20, None, measurable=False)
    told = play([Moment(10, C), fails, Moment(20, C), fails, fails, fails, fails, fails, fails, Moment(60, C)])
    # On from 13 to 40.0 s and dark 2 s later; the second failure is from 50 to 170 s.
    assert begins(told) == [
        (pytest.approx(13, abs=1.1), "cannot_measure"),
        (pytest.approx(40 + 2 + 90, abs=0.1), "cannot_measure"),
    ]


def test_a_steady_cue_of_which_nothing_was_asked_for_long_has_ended_by_itself() -> None:
    policy = Policy(FLOOR)
    moments = [Moment(30, C), Moment(20, None, measurable=False), Moment(200, C)]
    seen = list(unfold(moments))
    before, after = [now for now in seen if now.frame <= 4000], [now for now in seen if now.frame > 6000]
    assert [policy.decide(now).started for now in before].count(("cannot_measure",)) == 1
    assert policy.decide(after[0]).ended == ("cannot_measure",)
    assert policy._last_end == 4000 + frames(HOLD_S) + frames(2)


def test_the_dark_after_a_steady_cue_counts_from_when_it_has_finished_its_rise() -> None:
    policy = Policy(replace(NONE, silence_held=True))
    told = play([OPENING, Moment(10.2, None), Moment(1, C)], policy)
    (began, _, _), (ended, _, _) = told
    assert ended - began < 0.5
    assert policy._last_end == frames(began + 1.5 + 2)


def test_mostly_you_comes_when_four_fifths_of_three_minutes_talk_were_the_therapists() -> None:
    choice = replace(NONE, mostly_you=True)
    turns = [Moment(1.2, C), Moment(7.8, T)] * 40
    told = begins(play([Moment(400, C), *turns], Policy(choice)))
    (begun, _) = told[0]
    assert told[0][1] == "mostly_you"
    # 180 s back from there the therapist's share has just reached .8: the client's part has shrunk to 36 s.
    assert begun == pytest.approx(400 + 180 - 11, abs=10)
    assert begins(play([Moment(400, C), *[Moment(2.2, C), Moment(7.8, T)] * 40], Policy(choice))) == []


def test_mostly_you_comes_at_most_once_in_ten_minutes() -> None:
    told = begins(play([Moment(305, C), Moment(1500, T)], Policy(replace(NONE, mostly_you=True))))
    assert len(told) == 3
    assert told[1][0] - told[0][0] >= 600
    assert told[2][0] - told[1][0] >= 600


def test_mostly_you_needs_a_minute_of_talk_and_says_nothing_of_what_was_not_measured() -> None:
    choice = replace(NONE, mostly_you=True)
    assert begins(play([Moment(400, None), Moment(55, T)], Policy(choice))) == []
    assert len(begins(play([Moment(400, None), Moment(65, T)], Policy(choice)))) == 1
    spoilt = [Moment(400, None), Moment(55, T), Moment(160, None, measurable=False), Moment(55, T)]
    assert "mostly_you" not in {cue for _, cue in begins(play(spoilt, Policy(choice)))}


def test_mostly_you_waits_until_the_therapist_speaks_alone() -> None:
    told = begins(play([Moment(305, C), Moment(143, T), Moment(30, C)], Policy(replace(NONE, mostly_you=True))))
    assert told == []


def test_silence_held_is_off_unless_it_is_chosen() -> None:
    moments = [OPENING, Moment(60, None), Moment(30, C)]
    assert play(moments, Policy()) == []
    assert play(moments, Policy(PRESETS["psychodynamic"].choice)) == [
        (pytest.approx(315, abs=0.1), "begins", "silence_held"),
        (pytest.approx(365, abs=0.1), "ends", "silence_held"),
    ]


def test_silence_held_may_come_in_the_clients_silence_and_no_other_may() -> None:
    told = play([OPENING, Moment(12, None)], Policy(Choice(silence_held=True)))
    assert begins(told) == [(pytest.approx(315, abs=0.1), "silence_held")]


def test_check_in_comes_five_minutes_before_the_planned_end() -> None:
    told = begins(play([Moment(3000, C)], Policy()))
    assert told == [(pytest.approx(2700, abs=0.1), "check_in")]
    assert begins(play([Moment(2000, C)], Policy(planned_s=1500))) == [(pytest.approx(1200, abs=0.1), "check_in")]


def test_check_in_waits_for_a_better_moment_and_is_given_up_after_three_minutes() -> None:
    late = begins(play([Moment(2690, C), Moment(60, None), Moment(100, T)], Policy(replace(NONE, check_in=True))))
    assert late == [(pytest.approx(2750, abs=0.1), "check_in")]
    assert (
        begins(play([Moment(2690, C), Moment(200, None), Moment(100, T)], Policy(replace(NONE, check_in=True)))) == []
    )


def test_a_session_too_short_for_a_check_in_has_none() -> None:
    assert begins(play([Moment(2000, C)], Policy(planned_s=7 * 60))) == []


def test_check_in_has_a_place_of_its_own_in_the_budget() -> None:
    moments = [OPENING, *[Moment(70, T), Moment(240, C)] * 8]
    told = begins(play(moments, Policy(replace(FLOOR, check_in=True))))
    assert [cue for at, cue in told if at < 3300] == ["floor_held_long"] * 5 + ["check_in"]


def test_while_check_in_waits_nothing_takes_its_time() -> None:
    moments = [Moment(2690, C), Moment(60, None), Moment(100, T)]
    told = begins(play(moments, Policy(replace(NONE, check_in=True, silence_held=True))))
    assert [cue for _, cue in told] == ["check_in"]


def test_a_voice_that_may_be_anybodys_is_left_in_peace_like_a_clients() -> None:
    """One microphone: who speaks is not known."""

    def unknown(moments: list[Moment]) -> list[tuple[Any, tuple[str, ...]]]:
        policy = Policy()
        told: list[tuple[Any, tuple[str, ...]]] = []
        for now in unfold(moments):
            seen = replace(now, speaking=(None,) if now.speaking else (), holder=None, held_since=None)
            started = policy.decide(replace(seen, client_quiet_for=None)).started
            told += [(now.frame, started)] if started else []
        return told

    assert unknown([Moment(2699, C), Moment(100, None), Moment(10, T)]) == [
        (pytest.approx(frames(2799), abs=10), ("check_in",))
    ]


def test_a_cue_that_is_off_never_comes() -> None:
    storm = [OPENING, *[Moment(100, T), Moment(60, None), Moment(5, C)] * 20]
    assert begins(play(storm, Policy(NONE))) == []


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_a_beginning_and_what_is_set_by_hand_wins(preset: str) -> None:
    choice = PRESETS[preset].choice
    assert choice.with_own({"long_turn": None, "silence_held": None}) == choice
    assert choice.with_own({"long_turn": 33.0, "silence_held": True, "check_in": False}) == replace(
        choice, long_turn=33.0, silence_held=True, check_in=False
    )
    assert choice.long_turn == (60.0 if preset == "motivational_interviewing" else 120.0)


@given(st.lists(MOMENTS, min_size=1, max_size=60), st.sampled_from(sorted(PRESETS)))
@settings(max_examples=2 * settings().max_examples)
def test_no_storm_breaks_a_rule(moments: list[Moment], preset: str) -> None:
    policy = Policy(PRESETS[preset].choice, planned_s=1500)
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
            assert cue in PRESETS[preset].choice.on
            assert now.frame >= FIVE_MINUTES or cue == "cannot_measure"
            assert now.measurable or cue == "cannot_measure"
            if cue != "silence_held":
                assert now.client_quiet_for in {None, 0} or (now.client_quiet_for or 0) >= frames(3)
                assert not (now.silent_for and now.holder is C)
            assert all(now.frame - end >= frames(90) for end, _ in ends)
            if cue != "cannot_measure":
                assert all(now.frame - at >= FIVE_MINUTES for at, same in starts + ends if same == cue)
            starts.append((now.frame, cue))
            assert sum(now.frame - at < frames(50 * 60) for at, _ in starts) <= 6
        if starts and starts[-1][1] in {"floor_held_long", "mostly_you", "check_in"}:
            assert not shown or now.frame - starts[-1][0] < frames(8)


def test_the_budget_is_six_in_fifty_minutes() -> None:
    told = play([OPENING, *[Moment(70, T), Moment(240, C)] * 14])
    starts = [at for at, what, _ in told if what == "begins"]
    assert len(starts) > 6
    assert all(later - first >= 3000 for first, later in zip(starts, starts[6:], strict=False))
