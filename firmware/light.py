"""What the lamp takes: a glow, as brightness over time."""

from dataclasses import dataclass
from enum import Enum


class Light(Enum):
    """The three lights of a room unit."""

    LEFT = "left"  # amber, hooded: only the therapist sees it
    RIGHT = "right"  # blue, hooded
    MICROPHONE = "microphone"  # all see it


@dataclass(frozen=True, slots=True)
class Glow:
    """One light's brightness over time, piecewise linear between its breakpoints."""

    light: Light
    breakpoints: tuple[tuple[float, float], ...]
    """(seconds from the glow's begin, brightness 0..1), times rising; the last brightness stays."""

    def at(self, seconds: float) -> float:
        """Brightness 0..1 at a time since the glow's begin, seconds."""
        before_s, before = self.breakpoints[0]
        for after_s, after in self.breakpoints:
            if seconds < after_s:
                return before + (after - before) * max(0.0, seconds - before_s) / (after_s - before_s)
            before_s, before = after_s, after
        return before
