"""Rendered brightness over time: no jump, no flutter, no cue that stays."""

import ast
from itertools import pairwise, product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import app.cues
from app.catalogue import CUES
from app.cues.fading import FADE_IN_S, FADE_OUT_S
from app.cues.lamp import (
    BLINK_EVERY_S,
    BREATH,
    CLEAR,
    GLOWS,
    HOLD_S,
    LONGEST_GLOW_S,
    MICROPHONE_FADE_S,
    MICROPHONE_NIGHT,
    MICROPHONE_ON,
    NIGHT,
    VERY_DIM,
    Hooded,
    Lights,
    Microphones,
    glow,
    is_steady,
)
from firmware.light import Light
from tests.cues.rules import Recorder, check


def test_every_cue_of_the_catalogue_glows() -> None:
    assert set(GLOWS) == {cue.id for cue in CUES}


@pytest.mark.parametrize("cue", sorted(GLOWS))
def test_a_glow_begins_dark_and_ends_or_is_steady(cue: str) -> None:
    points = glow(cue).breakpoints
    assert points[0] == (0.0, 0.0)
    check(list(points))
    assert is_steady(cue) or points[-1][0] <= LONGEST_GLOW_S


def test_position_and_shape_alone_tell_every_cue_from_every_other() -> None:
    def shape(cue: str) -> tuple[Light, int, bool]:
        levels = [level for _, level in glow(cue).breakpoints]
        rises = sum(after > before for before, after in pairwise(levels))
        return glow(cue).light, rises, is_steady(cue)

    assert len({shape(cue) for cue in GLOWS}) == len(GLOWS)


def test_the_catalogue_says_each_glow_as_it_is() -> None:
    for cue in CUES:
        colour, *shape = cue.glow.split(", ")
        points = glow(cue.id).breakpoints
        assert colour == {Light.LEFT: "amber", Light.RIGHT: "blue"}[glow(cue.id).light]
        assert is_steady(cue.id) is (shape == ["steady", "very dim"])
        assert (shape == ["two slow breaths"]) is ([level for _, level in points].count(0.0) == 3)


def test_the_dimmer_dims_the_hooded_lights_and_not_the_microphone() -> None:
    lights = Lights(dimmer=0.5)
    lights.show(0.0, started=["cannot_measure"])
    lights.microphones(0.0, Microphones.LIVE)
    assert lights.at(5.0) == {Light.LEFT: VERY_DIM / 2, Light.RIGHT: 0.0, Light.MICROPHONE: MICROPHONE_ON}


def test_a_night_mode_softens_all_three_and_leaves_them_to_be_seen() -> None:
    lights = Lights(night=True)
    lights.show(0.0, started=["check_in"])
    lights.microphones(0.0, Microphones.LIVE)
    assert lights.at(FADE_IN_S) == {
        Light.LEFT: 0.0,
        Light.RIGHT: pytest.approx(CLEAR * NIGHT),
        Light.MICROPHONE: pytest.approx(MICROPHONE_NIGHT),
    }


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


def test_a_steady_cue_stays_as_long_as_decisions_are_made_and_ends_by_itself_when_none_is() -> None:
    lights = Lights()
    lights.show(0.0, started=["silence_held"])
    for second in range(1, 61):
        lights.show(float(second))
        assert second < FADE_IN_S or lights.at(float(second))[Light.RIGHT] == VERY_DIM
    assert lights.at(60.0 + HOLD_S)[Light.RIGHT] == VERY_DIM
    assert lights.at(60.0 + LONGEST_GLOW_S)[Light.RIGHT] == 0.0
    lights.show(70.0)
    assert lights.at(75.0)[Light.RIGHT] == 0.0, "what has ended by itself does not come back"


def test_a_seat_that_is_known_is_told_by_blue_alone() -> None:
    lights = Lights()
    lights.acknowledge(0.0)
    assert lights.at(FADE_IN_S) == {Light.LEFT: 0.0, Light.RIGHT: CLEAR, Light.MICROPHONE: 0.0}
    assert lights.at(FADE_IN_S + FADE_OUT_S)[Light.RIGHT] == 0.0


def test_the_microphone_light_tells_live_off_and_fault() -> None:
    lights = Lights()
    lights.microphones(1.0, Microphones.LIVE)
    assert lights.at(1.0 + MICROPHONE_FADE_S)[Light.MICROPHONE] == MICROPHONE_ON
    lights.microphones(10.0, Microphones.OFF)
    assert lights.at(10.0 + MICROPHONE_FADE_S)[Light.MICROPHONE] == 0.0
    lights.microphones(20.0, Microphones.FAULT)
    for blink in range(5):
        assert lights.at(20.0 + blink * BLINK_EVERY_S + 2.0)[Light.MICROPHONE] == pytest.approx(0.0)
        assert lights.at(20.0 + blink * BLINK_EVERY_S + 3.5)[Light.MICROPHONE] == pytest.approx(MICROPHONE_ON)
        assert lights.at(20.0 + blink * BLINK_EVERY_S + 6.0)[Light.MICROPHONE] == pytest.approx(0.0)
        assert lights.at(20.0 + blink * BLINK_EVERY_S + 9.0)[Light.MICROPHONE] == pytest.approx(0.0)


TRUE_S = {Microphones.LIVE: 1.5, Microphones.OFF: 2.5}
"""So soon, whatever it showed before, the microphone light is what it was last told: at most a blink's rise, and
for dark the two seconds that it stays up after a rise."""


@given(st.lists(st.tuples(st.floats(0.0, 12.0), st.sampled_from(list(Microphones))), max_size=12), st.booleans())
def test_whatever_went_before_the_microphone_light_is_soon_true(
    before: list[tuple[float, Microphones]], is_live: bool
) -> None:
    lights, now = Lights(), 0.0
    for wait, state in before:
        lights.microphones(now, state)
        now += wait
    last = Microphones.LIVE if is_live else Microphones.OFF
    lights.microphones(now, last)
    assert lights.at(now + TRUE_S[last] + 1e-6)[Light.MICROPHONE] == pytest.approx(MICROPHONE_ON if is_live else 0.0)


def test_microphones_that_are_opened_while_the_light_blinks_are_seen_at_once() -> None:
    for tenth in range(100):
        lights, now = Lights(), 20.0 + tenth / 10
        lights.microphones(0.0, Microphones.FAULT)
        shown = lights.at(now)[Light.MICROPHONE]
        lights.microphones(now, Microphones.LIVE)
        assert all(lights.at(now + part / 10)[Light.MICROPHONE] >= shown - 1e-9 for part in range(10)), (
            "no darker first"
        )
        assert lights.at(now + 1.5)[Light.MICROPHONE] == pytest.approx(MICROPHONE_ON)


def test_a_wish_that_flutters_leaves_the_microphone_light_on_rather_than_off() -> None:
    lights, dark = Lights(), 0
    for tenth in range(200):
        lights.microphones(tenth / 10, Microphones.OFF if tenth % 2 else Microphones.LIVE)
        dark += tenth > 5 and lights.at(tenth / 10)[Light.MICROPHONE] < MICROPHONE_ON / 2
    assert dark == 0


def test_a_confirmation_ends_what_was_shown_and_rises_on_both_sides() -> None:
    lights = Lights()
    lights.show(0.0, started=["cannot_measure"])
    lights.show(5.0)
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
    st.sampled_from(["confirms", "acknowledges", "decides nothing"]).map(lambda what: (what, "")),
)
STORMS = st.lists(
    st.tuples(st.one_of(st.just(0.0), st.floats(0.01, 3.0), st.floats(3.0, 40.0)), CHANGES), min_size=1, max_size=40
)


def change(lights: Lights, now: float, what: str, subject: object) -> None:
    if isinstance(subject, Microphones):
        lights.microphones(now, subject)
    elif what == "confirms":
        lights.confirm(now)
    elif what == "acknowledges":
        lights.acknowledge(now)
    elif what == "decides nothing":
        lights.show(now)
    else:
        lights.show(now, **{"started" if what == "begins" else "ended": [str(subject)]})


@given(STORMS, st.floats(0.05, 1.0), st.booleans())
@settings(max_examples=3 * settings().max_examples)
def test_no_storm_breaks_the_rules_of_light(
    storm: list[tuple[float, tuple[str, object]]], dimmer: float, night: bool
) -> None:
    lights = Lights(dimmer, night=night)
    recorder = Recorder(lights)
    now = 0.0
    for wait, (what, subject) in storm:
        recorder.to(now + wait, now)
        now += wait
        change(lights, now, what, subject)
    lights.microphones(now, Microphones.OFF)
    recorder.to(now + 20.0, now)
    for light, points in recorder.points.items():
        check(points, light)
        assert lights.at(now + 20.0)[light] == 0.0, "nothing stays lit"


# No state can leave a cue lit: in three steps.

EVERY_CHANGE = [
    *(("begins", cue) for cue in sorted(GLOWS)),
    *(("ends", cue) for cue in ("cannot_measure", "silence_held")),
    ("confirms", ""),
    ("acknowledges", ""),
    ("decides nothing", ""),
]
LATEST_S = FADE_IN_S + HOLD_S + FADE_OUT_S + max(points[-1][0] for points in (BREATH, GLOWS["mostly_you"].breakpoints))


def test_whatever_the_last_three_changes_were_both_hooded_lights_go_dark_by_themselves() -> None:
    for changes in product(EVERY_CHANGE, repeat=3):
        for wait in (0.0, 0.7, 2.5, 5.9, 7.0):
            lights = Lights()
            for step, (what, subject) in enumerate(changes):
                change(lights, step * wait, what, subject)
            brightness = lights.at(2 * wait + LATEST_S)
            assert brightness == dict.fromkeys(Light, 0.0), (changes, wait)


def test_a_glow_that_does_not_end_dark_cannot_be_shown() -> None:
    with pytest.raises(ValueError, match="would stay lit"):
        Hooded().show(0.0, GLOWS["cannot_measure"].breakpoints)


def test_only_a_hooded_light_that_counts_its_time_may_be_steady() -> None:
    """Read from the source: who asks a light to stay, and that hooded lights are made by nobody else."""
    asks: set[str] = set()
    for path in sorted(Path(app.cues.__file__).parent.glob("*.py")):
        for outer in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(outer, ast.FunctionDef | ast.ClassDef):
                for node in ast.walk(outer):
                    name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
                    if name in {"steady", "again_and_again", "Fading", "Hooded"}:
                        asks.add(f"{outer.name}: {name}")
    assert asks == {
        *("Fading: steady", "__init__: steady"),  # a light begins dark
        *("again_and_again: steady", "once: steady"),  # both fade to dark first
        *("Hooded: Fading", "__init__: Fading", "Lights: Fading"),  # Lights has one for the microphones
        *("Hooded: steady", "hold: steady", "release: steady"),  # to a level for HOLD_S, and to dark
        *("Lights: steady", "Lights: again_and_again", "microphones: steady", "microphones: again_and_again"),
        *("Lights: Hooded", "__init__: Hooded"),
    }
