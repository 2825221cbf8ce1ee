"""The rules of light on rendered brightness, whatever happens in the room."""

from bisect import bisect_right
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from app.conversation.vocabulary import Now
from app.cues.lamp import LONGEST_GLOW_S, VERY_DIM, Lights
from app.cues.policy import Policy
from firmware.light import Light
from tests.cues.moments import MOMENTS, C, Moment, unfold
from tests.cues.rules import Recorder, check, lit


@given(st.lists(MOMENTS, min_size=1, max_size=40))
@settings(max_examples=2 * settings().max_examples)
def test_no_storm_in_the_room_breaks_the_rules_of_light(moments: list[Moment]) -> None:
    policy, lights = Policy(), Lights()
    recorder = Recorder(lights)
    history: list[Now] = []
    for now in unfold(moments, block=40):
        decision = policy.decide(now)
        lights.show(now.frame / 100, decision.started, decision.ended)
        history.append(now)
        recorder.to(now.frame / 100, now.frame / 100)
    end_s = history[-1].frame / 100
    recorder.to(end_s, end_s)
    lights.show(end_s, ended=policy.finish().ended)
    recorder.to(end_s + 10, end_s)

    points = recorder.points[Light.LEFT]
    check(points)
    assert points[-1][1] == 0.0
    stretches = lit(points)
    for (_, end, _), (start, _, _) in pairwise(stretches):
        assert start - end >= 90 - 1e-6
    for start, end, brightest in stretches:
        assert sum(start <= other < start + 3000 for other, _, _ in stretches) <= 6
        assert brightest <= VERY_DIM or (end - start <= LONGEST_GLOW_S and start >= 300)
        seen = history[bisect_right(history, start * 100, key=lambda now: now.frame) - 1]
        assert not (seen.holder is C and seen.silent_for)
