"""Rendered brightness over time: no jump, no flutter, no cue that stays."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalogue import CUES
from app.cues.fading import FADE_IN_S, FADE_OUT_S, Point
from app.cues.lamp import (
    BLINK_EVERY_S,
    CLEAR,
    GLOWS,
    LONGEST_GLOW_S,
    MICROPHONE_ON,
    VERY_DIM,
    Lights,
    Microphones,
    glow,
    is_steady,
)
from firmware.light import Light

STEEPEST = 0.10 / 0.1
"""Brightness a second."""


class Recorder:
    """Every breakpoint a light went through."""

    def __init__(self, lights: Lights) -> None:
        self.lights = lights
        self.points: dict[Light, dict[float, float]] = {light: {} for light in Light}

    def to(self, at_s: float, start_s: float) -> None:
        """Look often enough that no breakpoint is missed."""
        steps = int((at_s - start_s) / 0.5) + 1
        for step in range(1, steps + 1):
            self.lights.at(start_s + (at_s - start_s) * step / steps)
            for light, fading in self.lights._lights.items():
                passed, planned = self.points[light], dict(fading.points)
                for late in [point for point in passed if point > min(planned)]:
                    del passed[late]  # what was planned before a new wish
                passed.update(planned)


def rises(points: list[Point]) -> list[tuple[float, float]]:
    """(begin, end) of every stretch in which the light grows brighter."""
    found: list[tuple[float, float]] = []
    for (start, low), (end, high) in pairwise(points):
        if high > low:
            if found and found[-1][1] == start:
                found[-1] = (found[-1][0], end)
            else:
                found.append((start, end))
    return found


def check(points: list[Point]) -> None:
    """The rules of light on a piecewise linear brightness."""
    assert all(0.0 <= level <= 1.0 for _, level in points)
    for (start, before), (end, after) in pairwise(points):
        assert end > start
        assert abs(after - before) / (end - start) <= STEEPEST
        if after > before:
            assert end - start >= FADE_IN_S - 1e-9
        if after < before:
            assert end - start >= FADE_OUT_S - 1e-9
    for (first, _), (second, _) in pairwise(rises(points)):
        assert second - first >= 1 / 0.5, "at most 0.5 Hz"


def test_every_cue_of_the_catalogue_glows() -> None:
    assert set(GLOWS) == {cue.id for cue in CUES}


@pytest.mark.parametrize("cue", sorted(GLOWS))
def test_a_glow_begins_dark_and_ends_or_is_steady(cue: str) -> None:
    points = glow(cue).breakpoints
    assert points[0] == (0.0, 0.0)
    check(list(points))
    assert is_steady(cue) or points[-1][0] + FADE_OUT_S <= LONGEST_GLOW_S


def test_amber_is_left() -> None:
    assert {glow(cue).light for cue in GLOWS} == {Light.LEFT}


def test_the_dimmer_dims_the_hooded_lights_and_not_the_microphone() -> None:
    lights = Lights(dimmer=0.5)
    lights.show(0.0, started=["cannot_measure"])
    lights.microphones(0.0, Microphones.LIVE)
    assert lights.at(5.0) == {Light.LEFT: VERY_DIM / 2, Light.RIGHT: 0.0, Light.MICROPHONE: MICROPHONE_ON}


@pytest.mark.parametrize("dimmer", [-0.1, 1.1, float("nan")])
def test_a_dimmer_that_cannot_be_is_refused(dimmer: float) -> None:
    with pytest.raises(ValueError, match="give 0"):
        Lights(dimmer)


def test_a_cue_rises_and_falls_once() -> None:
    lights = Lights()
    lights.show(100.0, started=["floor_held_long"])
    assert [lights.at(at)[Light.LEFT] for at in (100.0, 101.25, 103.0, 106.0, 200.0)] == pytest.approx(
        [0.0, 0.3, 0.6, 0.0, 0.0]
    )


def test_a_steady_cue_withdrawn_midway_fades() -> None:
    lights = Lights()
    lights.show(10.0, started=["cannot_measure"])
    lights.show(10.5, ended=["cannot_measure"])
    assert lights.at(10.5)[Light.LEFT] == pytest.approx(VERY_DIM / 3)
    assert lights.at(11.5)[Light.LEFT] == pytest.approx(VERY_DIM)
    assert lights.at(12.5)[Light.LEFT] == pytest.approx(VERY_DIM / 2)
    assert lights.at(13.5)[Light.LEFT] == 0.0


def test_a_steady_cue_hides_the_others() -> None:
    lights = Lights()
    lights.show(0.0, started=["cannot_measure"])
    lights.show(5.0, started=["floor_held_long"])
    assert lights.at(8.0)[Light.LEFT] == VERY_DIM


def test_the_microphone_light_tells_live_off_and_fault() -> None:
    lights = Lights()
    lights.microphones(1.0, Microphones.LIVE)
    assert lights.at(2.5)[Light.MICROPHONE] == MICROPHONE_ON
    lights.microphones(10.0, Microphones.OFF)
    assert lights.at(12.0)[Light.MICROPHONE] == 0.0
    lights.microphones(20.0, Microphones.FAULT)
    for blink in range(5):
        assert lights.at(20.0 + blink * BLINK_EVERY_S + 1.5)[Light.MICROPHONE] == pytest.approx(MICROPHONE_ON)
        assert lights.at(20.0 + blink * BLINK_EVERY_S + 3.5)[Light.MICROPHONE] == pytest.approx(0.0)
        assert lights.at(20.0 + blink * BLINK_EVERY_S + 9.0)[Light.MICROPHONE] == pytest.approx(0.0)


def test_a_confirmation_ends_what_was_shown_and_rises_on_both_sides() -> None:
    lights = Lights()
    lights.show(0.0, started=["cannot_measure"])
    lights.at(10.0)
    lights.confirm(10.0)
    assert lights.at(11.5)[Light.RIGHT] == CLEAR
    assert lights.at(13.5)[Light.LEFT] == CLEAR, "first it fades what was there"
    assert lights.at(16.0) == dict.fromkeys(Light, 0.0)


def test_looking_rarely_shows_the_same() -> None:
    one, other = Lights(), Lights()
    for lights in (one, other):
        lights.microphones(3.0, Microphones.FAULT)
    for tenth in range(30, 600):
        one.at(tenth / 10)
    assert one.at(61.0) == pytest.approx(other.at(61.0))


CHANGES = st.one_of(
    st.sampled_from(sorted(GLOWS)).map(lambda cue: ("begins", cue)),
    st.sampled_from(sorted(GLOWS)).map(lambda cue: ("ends", cue)),
    st.sampled_from(list(Microphones)).map(lambda state: ("microphones", state)),
    st.just(("confirms", "")),
)
STORMS = st.lists(
    st.tuples(st.one_of(st.just(0.0), st.floats(0.01, 3.0), st.floats(3.0, 40.0)), CHANGES), min_size=1, max_size=40
)


@given(STORMS, st.floats(0.05, 1.0))
@settings(max_examples=3 * settings().max_examples)
def test_no_storm_breaks_the_rules_of_light(storm: list[tuple[float, tuple[str, object]]], dimmer: float) -> None:
    lights = Lights(dimmer)
    recorder = Recorder(lights)
    now = 0.0
    for wait, (what, subject) in storm:
        recorder.to(now + wait, now)
        now += wait
        if isinstance(subject, Microphones):
            lights.microphones(now, subject)
        elif what == "confirms":
            lights.confirm(now)
        else:
            lights.show(now, **{"started" if what == "begins" else "ended": [str(subject)]})
    lights.show(now, ended=sorted(GLOWS))
    lights.microphones(now, Microphones.OFF)
    recorder.to(now + 20.0, now)
    for light, points in recorder.points.items():
        check(sorted(points.items()))
        assert lights.at(now + 20.0)[light] == 0.0, "nothing stays lit"
