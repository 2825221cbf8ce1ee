"""One light over time: it fades to what is wished, always finishing the fade it is in."""

from bisect import bisect_right
from collections.abc import Callable
from itertools import pairwise

FADE_IN_S = 1.5
FADE_OUT_S = 2.0
RISES_APART_S = 2.0
"""From the begin of one rise to the begin of the next, at least: 0.5 Hz."""

Point = tuple[float, float]
"""(seconds, brightness 0..1)"""
Program = Callable[[float], tuple[Point, ...]]
"""From the brightness now to the next breakpoints, seconds counted from now; none when there is nothing to change."""


def steady(level: float, fade_in_s: float = FADE_IN_S, fade_out_s: float = FADE_OUT_S) -> Program:
    """Fade to a level and stay."""

    def program(brightness: float) -> tuple[Point, ...]:
        if brightness == level:
            return ()
        return ((fade_in_s if level > brightness else fade_out_s, level),)

    return program


def again_and_again(points: tuple[Point, ...], fade_out_s: float = FADE_OUT_S) -> Program:
    """Fade to dark, then show a glow that begins and ends dark, without end."""
    fade_out = steady(0.0, fade_out_s=fade_out_s)

    def program(brightness: float) -> tuple[Point, ...]:
        return fade_out(brightness) or points

    return program


def once(points: tuple[Point, ...]) -> Program:
    """Fade to dark, then show a glow that begins and ends dark, one time."""
    fade_out = steady(0.0)
    to_show = [points]

    def program(brightness: float) -> tuple[Point, ...]:
        return fade_out(brightness) or (to_show.pop() if to_show else ())

    return program


class Fading:
    """A light's brightness, piecewise linear and without a jump whatever is wished when.

    A fade once begun is finished before the next begins, so wishes that flutter do not make the light flutter: up and
    down again take at least FADE_IN_S + FADE_OUT_S. Times must not go back.
    """

    def __init__(self, *, turns: bool = False) -> None:
        """With `turns`, fades may be fast: the light stays up until it may rise again, and then a fall can turn."""
        self._turns = turns
        self._rose = -RISES_APART_S  # the last rise that lies before `points`
        self.points: list[Point] = [(0.0, 0.0)]
        """The breakpoints, as far as they are needed."""
        self._program = steady(0.0)

    def wish(self, at_s: float, program: Program) -> None:
        """From now on this is wanted."""
        self._advance(at_s)
        place = bisect_right(self.points, at_s, key=lambda point: point[0])
        before = self.points[place - 1][1]
        if self._may_turn(at_s, place, program):
            self.points[place:] = [(at_s, self.at(at_s))]
        elif place < len(self.points) and self.points[place][1] != before:
            del self.points[place + 1 :]  # a fade is under way: it is finished, and what was planned after it is not
        else:
            self.points[place:] = [(at_s, before)]
        self._program = program

    def at(self, at_s: float) -> float:
        """Brightness 0..1 at a time, seconds."""
        self._advance(at_s)
        at_s = max(at_s, self.points[0][0])
        place = bisect_right(self.points, at_s, key=lambda point: point[0])
        if place == len(self.points):
            return self.points[-1][1]
        (before_s, before), (after_s, after) = self.points[place - 1], self.points[place]
        return before + (after - before) * (at_s - before_s) / (after_s - before_s)

    def _advance(self, at_s: float) -> None:
        """Plan until a time."""
        while self.points[-1][0] < at_s and (ahead := self._program(self.points[-1][1])):
            begin, before = self.points[-1]
            brightness = ahead[0][1]
            up_until = self._last_rise() + RISES_APART_S
            if self._turns and brightness < before and begin < up_until:
                begin = up_until
                self.points.append((begin, before))
            self.points += [(begin + after_s, brightness) for after_s, brightness in ahead if after_s > 0]
        passed = bisect_right(self.points, at_s, key=lambda point: point[0]) - 1
        if passed > 0:
            self._rose = self._last_rise(passed)
            del self.points[:passed]

    def _may_turn(self, at_s: float, place: int, program: Program) -> bool:
        """A fall is under way, and the light is not to be darker, and last rose long enough ago."""
        if not self._turns or place == len(self.points) or self.points[place][1] >= self.points[place - 1][1]:
            return False
        now = self.at(at_s)
        ahead = program(now)
        return (not ahead or ahead[0][1] > now) and at_s - self._last_rise(place) >= RISES_APART_S

    def _last_rise(self, until: int | None = None) -> float:
        """When the last rise began, of those that begin before that point, or of all that are planned."""
        points = self.points if until is None else self.points[: until + 1]
        rises = [start for (start, before), (_, after) in pairwise(points) if after > before]
        return rises[-1] if rises else self._rose
