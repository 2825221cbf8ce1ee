"""The rules of light, on rendered brightness: it is piecewise linear, so its breakpoints tell all of it."""

from collections.abc import Iterable
from itertools import pairwise

from app.cues.fading import FADE_IN_S, FADE_OUT_S, Point
from app.cues.lamp import Lights
from firmware.light import Light

STEEPEST = 0.10 / 0.1
"""Brightness a second."""
HZ = 0.5
EXACT = 1e-6


class Recorder:
    """Every breakpoint that each light went through; it must look at least once in half a second."""

    def __init__(self, lights: Lights) -> None:
        self.lights = lights
        self.points: dict[Light, list[Point]] = {light: [] for light in Light}

    def look(self, at_s: float) -> None:
        """Take what is behind, and the present, which was just rendered; what is planned may still change."""
        for light, points in self.lights.points.items():
            kept = self.points[light]
            if len(points) == 1 and kept and kept[-1] == points[0]:
                continue
            kept += [point for point in points if point[0] <= at_s and (not kept or point[0] > kept[-1][0])]

    def cut(self, at_s: float) -> None:
        """The lights are cut off here, whatever they were doing."""
        for light, level in self.lights.at(at_s).items():
            if self.points[light][-1][0] < at_s:
                self.points[light].append((at_s, level))

    def to(self, at_s: float, start_s: float) -> None:
        """Look often enough that no breakpoint is missed."""
        steps = int((at_s - start_s) / 0.5) + 1
        for step in range(1, steps + 1):
            now = start_s + (at_s - start_s) * step / steps
            self.lights.at(now)
            self.look(now)


def runs(points: Iterable[Point]) -> list[tuple[float, float, float, float]]:
    """(start, end, from, to) of every stretch of one direction, up, down or flat, joined."""
    found: list[tuple[float, float, float, float]] = []
    for (start, before), (end, after) in pairwise(points):
        way = (after > before) - (after < before)
        if found and way == (found[-1][3] > found[-1][2]) - (found[-1][3] < found[-1][2]):
            found[-1] = (found[-1][0], end, found[-1][2], after)
        else:
            found.append((start, end, before, after))
    return found


def check(points: list[Point], light: Light = Light.LEFT) -> None:
    """Between 0 and 1, no jump, no fade faster than allowed, at most 0.5 Hz."""
    is_hooded = light is not Light.MICROPHONE  # which must be true at once, and may turn while it falls
    fade_in_s, fade_out_s = (FADE_IN_S, FADE_OUT_S) if is_hooded else (0.0, 0.0)
    for (start, before), (end, after) in pairwise(points):
        assert 0.0 <= before <= 1.0, (start, before)
        assert end > start, (start, end)
        assert abs(after - before) <= STEEPEST * (end - start) + EXACT, (start, before, after)
    rises: list[float] = []
    for start, end, before, after in runs(points):
        if after > before:
            assert end - start >= fade_in_s - EXACT, f"up in {end - start} s at {start}"
            assert not rises or start - rises[-1] >= 1 / HZ - EXACT, f"twice in 2 s at {start}"
            rises.append(start)
        elif after < before:
            assert end - start >= fade_out_s - EXACT, f"down in {end - start} s at {start}"


def lit(points: list[Point]) -> list[tuple[float, float, float]]:
    """(from, to, brightest) of every stretch in which a light is not dark for longer than a moment, seconds."""
    stretches: list[tuple[float, float, float]] = []
    for (start, before), (end, after) in pairwise(points):
        if not before and not after:
            continue
        if stretches and stretches[-1][1] == start:
            first, _, brightest = stretches.pop()
            stretches.append((first, end, max(brightest, after)))
        else:
            stretches.append((start, end, after))
    return stretches
