"""Fits how far each metric is off over rehearsed sessions, in the parts that app/conversation/intervals.py takes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, hypot, sqrt

import numpy as np

from app.catalogue import METRICS
from app.conversation.intervals import Yardstick, margin, yardstick
from app.conversation.metrics import EXACT, measure
from app.conversation.tally import Tally

LEVELS = (0.95, 0.94, 0.93)
"""Of the sessions that were fitted, so many are to be inside: the first at which intervals are not too wide."""
WIDEST = 5.0
"""Mean width of an interval over the mean error: a wider one says nothing."""
LEAST_SESSIONS = 8
"""In fewer a metric's error is not known."""
RELATIVE = {"therapist_turn_median", "therapist_turn_p90", "client_turn_median"}
"""Metrics whose error grows with their value."""
STEADY = {"silence_share", "response_offset_client_therapist", "response_offset_therapist_client"}
"""Metrics that are off because every unit ends late or early, by voice and room: a longer session is no surer."""
CONTEXTS = tuple(metric.id for metric in METRICS if metric.id.startswith("long_pauses_"))
"""Each has few events: they are fitted as one."""
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""How much of an error grows as the yardstick does; the rest is the same in every session."""
NEARLY = 1.1


@dataclass(frozen=True, slots=True)
class Off:
    """One metric in one session."""

    heard: float
    true: float
    yardstick: Yardstick


def offs(heard: Tally, true: Tally) -> dict[str, Off]:
    """Every metric that neither of a session's tallies withholds."""
    found, wanted = measure(heard, EXACT), measure(true, EXACT)
    return {
        name: Off(value, true_value, yardstick(name, heard))
        for name in found
        if (value := found[name].value) is not None and (true_value := wanted[name].value) is not None
    }


def fit(sessions: Iterable[Mapping[str, Off]]) -> dict[str, dict[str, float]]:
    """Errors by metric: of all that hold the truth in LEVEL of the sessions those with the narrowest intervals."""
    by_metric: dict[str, list[Off]] = {}
    for session in sessions:
        for name, off in session.items():
            by_metric.setdefault(name, []).append(off)
    pooled = [off for name in CONTEXTS for off in by_metric.get(name, [])]
    return {
        metric.id: _fitted(
            pooled if metric.id in CONTEXTS else by_metric[metric.id], metric.id in RELATIVE, metric.id in STEADY
        )
        for metric in METRICS
        if metric.id != "coverage" and len(by_metric.get(metric.id, [])) >= LEAST_SESSIONS
    }


def _fitted(some: Sequence[Off], is_relative: bool, is_steady: bool) -> dict[str, float]:
    """The narrowest parts for the highest level whose intervals are not too wide."""
    candidates = [_narrowest(some, is_relative, is_steady, level) for level in LEVELS]
    far = float(np.mean([abs(off.heard - off.true) for off in some]))
    return next((parts for parts, width in candidates if width <= WIDEST * far), candidates[-1][0])


def _narrowest(some: Sequence[Off], is_relative: bool, is_steady: bool, level: float) -> tuple[dict[str, float], float]:
    """Parts that hold so many of the truths at about the narrowest mean width, and that width.

    Of several nearly as narrow those that grow most with the yardstick, as sessions may be longer than the fitted;
    but not for a steady error.
    """
    kind = "relative" if is_relative else "absolute"
    same = float(np.mean([abs(off.heard) for off in some])) if is_relative else 1.0
    moving = float(np.mean([off.yardstick.below + off.yardstick.above for off in some])) / 2
    found = []
    for share in SHARES if moving and same else (0.0,):
        shape = {kind: sqrt(1 - share) / (same or 1.0), "yardstick": sqrt(share) / (moving or 1.0)}
        size = float(np.quantile([_needed(off, shape, kind) for off in some], level, method="higher"))
        parts = {name: ceil(size * part * 1e4) / 1e4 for name, part in shape.items() if part}
        reaches = [margin("", off.heard, off.yardstick, parts) for off in some]
        width = float(np.mean([reach.below + reach.above for reach in reaches]))
        found.append((parts, width))
    narrowest = min(width for _, width in found)
    return next(each for each in reversed(found) if each[1] <= (1 if is_steady else NEARLY) * narrowest)


def _needed(off: Off, shape: Mapping[str, float], kind: str) -> float:
    """How many times a shape must be taken to hold a session's truth."""
    toward = off.yardstick.below if off.true < off.heard else off.yardstick.above
    fixed = shape[kind] * (abs(off.heard) if kind == "relative" else 1.0)
    return abs(off.heard - off.true) / max(hypot(fixed, shape["yardstick"] * toward), 1e-9)
