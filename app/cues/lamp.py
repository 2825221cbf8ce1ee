"""The lamp's language: how each cue and each state of the microphones glows.

LEFT        amber, hooded   floor_held_long: one slow rise and fall     mostly_you: two slow breaths
                            cannot_measure: steady, very dim
RIGHT       blue, hooded    check_in: two slow breaths                  silence_held: steady, very dim
MICROPHONE  all see it      live: on    off: dark    fault: one slow blink every 10 s

Outside a session, one slow breath: blue alone, a seat is known; both hooded lights, it is done (a session was
withdrawn, the seats are kept). Brightness is as the eye takes it: half is half as bright, not half the current.
"""

from collections.abc import Iterable
from enum import Enum

from app.cues.fading import FADE_IN_S, FADE_OUT_S, Fading, Point, again_and_again, once, steady
from firmware.light import Glow, Light


class Microphones(Enum):
    """What the microphone light tells."""

    LIVE = "live"
    OFF = "off"
    FAULT = "fault"


VERY_DIM = 0.08
CLEAR = 0.6
"""Brightness of a hooded light at full dimmer; it is seen from the corner of an eye."""
MICROPHONE_ON = 0.5
"""Not dimmed: the client must see it."""
NIGHT = 0.4
"""What a darkened room leaves of the hooded lights."""
MICROPHONE_NIGHT = 0.3
"""In a darkened room less is as plain to see."""
BLINK_EVERY_S = 10.0
BLINK_AFTER_S = 2.0
"""A light that was on is seen to have gone out before it blinks."""
MICROPHONE_FADE_S = 0.5
"""The microphone light is no cue: it must be true at once. No faster, as 10 % in 100 ms is the most for any light."""
BLINK_TOP_S = 0.5
"""So the light may turn and stay on from any moment of a blink's fall, and keeps 0.5 Hz."""
LONGEST_GLOW_S = 8.0
HOLD_S = LONGEST_GLOW_S - FADE_OUT_S
"""A steady cue that nothing has been said of for this long ends by itself, as when no sound comes any more."""

BREATH = ((0.0, 0.0), (FADE_IN_S, CLEAR), (FADE_IN_S + FADE_OUT_S, 0.0))
TWO_BREATHS = (*BREATH, *((BREATH[-1][0] + at_s, level) for at_s, level in BREATH[1:]))

GLOWS: dict[str, Glow] = {
    "floor_held_long": Glow(Light.LEFT, ((0.0, 0.0), (2.5, CLEAR), (3.5, CLEAR), (6.0, 0.0))),
    "mostly_you": Glow(Light.LEFT, TWO_BREATHS),
    "cannot_measure": Glow(Light.LEFT, ((0.0, 0.0), (FADE_IN_S, VERY_DIM))),
    "check_in": Glow(Light.RIGHT, TWO_BREATHS),
    "silence_held": Glow(Light.RIGHT, ((0.0, 0.0), (FADE_IN_S, VERY_DIM))),
}
"""How each cue looks at full dimmer; one whose last brightness is not 0 is steady and stays while it is held."""


def glow(cue: str, dimmer: float = 1.0) -> Glow:
    """A cue's light, `dimmer` 0..1 times as bright. Raises KeyError for a cue without a light."""
    bright = GLOWS[cue]
    return Glow(bright.light, dimmed(bright.breakpoints, dimmer))


def dimmed(points: Iterable[Point], dimmer: float) -> tuple[Point, ...]:
    """The same, so many times as bright."""
    return tuple((at_s, level * dimmer) for at_s, level in points)


def is_steady(cue: str) -> bool:
    """True for a cue that stays until it is ended."""
    return GLOWS[cue].breakpoints[-1][1] > 0


def blink(level: float) -> tuple[Point, ...]:
    """A plain dark, one slow blink, and dark again, BLINK_EVERY_S in all."""
    up = BLINK_AFTER_S + FADE_IN_S
    down = up + BLINK_TOP_S
    return (
        (0.0, 0.0),
        (BLINK_AFTER_S, 0.0),
        (up, level),
        (down, level),
        (down + FADE_OUT_S, 0.0),
        (BLINK_EVERY_S, 0.0),
    )


class Hooded:
    """A hooded light, which nothing can leave lit: a glow ends dark, and what is held ends when it is held no more."""

    def __init__(self) -> None:
        self._fading = Fading()
        self._until: float | None = None  # of what is held

    def show(self, at_s: float, points: tuple[Point, ...]) -> None:
        """Show a glow once. Raises ValueError for one that does not end dark."""
        if points[-1][1] != 0.0:
            raise ValueError("a glow that does not end dark would stay lit: hold it instead")
        self._until = None
        self._fading.wish(at_s, once(points))

    def hold(self, at_s: float, level: float) -> None:
        """Fade to a level, and stay there for HOLD_S or as long as it is held on."""
        self._until = at_s + HOLD_S
        self._fading.wish(at_s, steady(level))

    def hold_on(self, at_s: float) -> None:
        """What is held, if anything is, stays another HOLD_S from now."""
        self._let_go(at_s)
        if self._until is not None:
            self._until = at_s + HOLD_S

    def release(self, at_s: float) -> None:
        """What is held fades."""
        if self._until is not None:
            self._until = None
            self._fading.wish(at_s, steady(0.0))

    def at(self, at_s: float) -> float:
        """Brightness 0..1 at a time, seconds."""
        self._let_go(at_s)
        return self._fading.at(at_s)

    def _let_go(self, at_s: float) -> None:
        if self._until is not None and at_s >= self._until:
            self.release(self._until)

    @property
    def is_held(self) -> bool:
        """Something stays."""
        return self._until is not None

    @property
    def points(self) -> list[Point]:
        """The breakpoints, as far as they are needed."""
        return self._fading.points


class Lights:
    """The brightness of the three lights at any time; times are seconds of one clock and must not go back."""

    def __init__(self, dimmer: float = 1.0, *, night: bool = False) -> None:
        if not 0.0 <= dimmer <= 1.0:
            raise ValueError(f"a dimmer of {dimmer} cannot be: give 0 (dark) to 1 (full)")
        self._dimmer = dimmer * NIGHT if night else dimmer
        self._microphone_on = MICROPHONE_NIGHT if night else MICROPHONE_ON
        self._hooded = {Light.LEFT: Hooded(), Light.RIGHT: Hooded()}
        self._microphone = Fading(turns=True)

    def show(self, at_s: float, started: Iterable[str] = (), ended: Iterable[str] = ()) -> None:
        """What was decided at this moment: cues begin and end, and a steady one that is not ended is held on.

        One that is not steady ends by itself, and none is shown while a steady one is.
        """
        for light in self._hooded.values():
            light.hold_on(at_s)
        for cue in ended:
            if is_steady(cue):
                self._hooded[GLOWS[cue].light].release(at_s)
        for cue in started:
            shown = glow(cue, self._dimmer)
            light = self._hooded[shown.light]
            if is_steady(cue):
                light.hold(at_s, shown.breakpoints[-1][1])
            elif not any(light.is_held for light in self._hooded.values()):
                light.show(at_s, shown.breakpoints)

    def microphones(self, at_s: float, state: Microphones) -> None:
        """The microphones are live, off, or should be live and are not."""
        program = {
            Microphones.LIVE: steady(self._microphone_on, MICROPHONE_FADE_S, MICROPHONE_FADE_S),
            Microphones.OFF: steady(0.0, fade_out_s=MICROPHONE_FADE_S),
            Microphones.FAULT: again_and_again(blink(self._microphone_on), MICROPHONE_FADE_S),
        }[state]
        self._microphone.wish(at_s, program)

    def confirm(self, at_s: float) -> None:
        """Say that it is done: a session was withdrawn, or the seats are kept. It ends what was shown."""
        for light in self._hooded.values():
            light.show(at_s, dimmed(BREATH, self._dimmer))

    def acknowledge(self, at_s: float) -> None:
        """Say, while seats are being set, that this one is known and the next may speak."""
        self._hooded[Light.RIGHT].show(at_s, dimmed(BREATH, self._dimmer))

    def at(self, at_s: float) -> dict[Light, float]:
        """The brightness 0..1 of each light at a time."""
        brightness = {light: hooded.at(at_s) for light, hooded in self._hooded.items()}
        return {**brightness, Light.MICROPHONE: self._microphone.at(at_s)}

    @property
    def full(self) -> float:
        """What the dimmer and the night leave of a hooded light's brightness, 0..1."""
        return self._dimmer

    @property
    def points(self) -> dict[Light, list[Point]]:
        """The breakpoints of each light, as far as they are needed."""
        return {
            **{light: hooded.points for light, hooded in self._hooded.items()},
            Light.MICROPHONE: self._microphone.points,
        }
