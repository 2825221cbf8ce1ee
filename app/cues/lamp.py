"""The lamp's language: how each cue and each state of the microphones glows.

LEFT        amber, hooded   floor_held_long: one slow rise and fall     cannot_measure: steady, very dim
RIGHT       blue, hooded    dark as yet
MICROPHONE  all see it      live: on    off: dark    fault: one slow blink every 10 s

Both hooded lights together, one slow breath: a session was withdrawn.
"""

from collections.abc import Iterable
from enum import Enum

from app.cues.fading import FADE_IN_S, FADE_OUT_S, Fading, again_and_again, once, steady
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
BLINK_EVERY_S = 10.0
LONGEST_GLOW_S = 8.0

GLOWS: dict[str, Glow] = {
    # With a fade-out of what was there before it, it is over within LONGEST_GLOW_S.
    "floor_held_long": Glow(Light.LEFT, ((0.0, 0.0), (2.5, CLEAR), (3.5, CLEAR), (6.0, 0.0))),
    "cannot_measure": Glow(Light.LEFT, ((0.0, 0.0), (FADE_IN_S, VERY_DIM))),
}
"""How each cue looks at full dimmer; one whose last brightness is not 0 is steady and stays until it is ended."""

BLINK = Glow(
    Light.MICROPHONE,
    ((0.0, 0.0), (FADE_IN_S, MICROPHONE_ON), (FADE_IN_S + FADE_OUT_S, 0.0), (BLINK_EVERY_S, 0.0)),
)

CONFIRMATION = ((0.0, 0.0), (FADE_IN_S, CLEAR), (FADE_IN_S + FADE_OUT_S, 0.0))
"""On both hooded lights; no cue uses both."""


def glow(cue: str, dimmer: float = 1.0) -> Glow:
    """A cue's light, `dimmer` 0..1 times as bright. Raises KeyError for a cue without a light."""
    bright = GLOWS[cue]
    return Glow(bright.light, tuple((at_s, level * dimmer) for at_s, level in bright.breakpoints))


def is_steady(cue: str) -> bool:
    """True for a cue that stays until it is ended."""
    return GLOWS[cue].breakpoints[-1][1] > 0


class Lights:
    """The brightness of the three lights at any time; times are seconds of one clock and must not go back."""

    def __init__(self, dimmer: float = 1.0) -> None:
        if not 0.0 <= dimmer <= 1.0:
            raise ValueError(f"a dimmer of {dimmer} cannot be: give 0 (dark) to 1 (full)")
        self._dimmer = dimmer
        self._lights = {light: Fading() for light in Light}
        self._steady: set[str] = set()

    def show(self, at_s: float, started: Iterable[str] = (), ended: Iterable[str] = ()) -> None:
        """Cues begin and end; one that is not steady ends by itself, and none is shown under a steady one."""
        for cue in ended:
            if cue in self._steady:
                self._steady.remove(cue)
                self._lights[GLOWS[cue].light].wish(at_s, steady(0.0))
        for cue in started:
            light = self._lights[GLOWS[cue].light]
            points = glow(cue, self._dimmer).breakpoints
            if is_steady(cue):
                self._steady.add(cue)
                light.wish(at_s, steady(points[-1][1]))
            elif not self._steady:
                light.wish(at_s, once(points))

    def microphones(self, at_s: float, state: Microphones) -> None:
        """The microphones are live, off, or should be live and are not."""
        program = {
            Microphones.LIVE: steady(MICROPHONE_ON),
            Microphones.OFF: steady(0.0),
            Microphones.FAULT: again_and_again(BLINK.breakpoints),
        }[state]
        self._lights[Light.MICROPHONE].wish(at_s, program)

    def confirm(self, at_s: float) -> None:
        """Say that a session was withdrawn; it ends what was shown."""
        self._steady.clear()
        points = tuple((after_s, level * self._dimmer) for after_s, level in CONFIRMATION)
        for light in (Light.LEFT, Light.RIGHT):
            self._lights[light].wish(at_s, once(points))

    def at(self, at_s: float) -> dict[Light, float]:
        """The brightness 0..1 of each light at a time."""
        return {light: fading.at(at_s) for light, fading in self._lights.items()}
