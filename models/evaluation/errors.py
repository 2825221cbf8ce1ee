"""Fits how far each metric is off over rehearsed sessions, in the parts that app/conversation/intervals.py takes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil, floor, sqrt

import numpy as np

from app.catalogue import BY_ID, METRICS
from app.conversation.errors import Errors
from app.conversation.intervals import Yardstick, margin, yardstick
from app.conversation.metrics import EXACT, measure, spread
from app.conversation.tally import Tally
from app.conversation.vocabulary import FRAMES_PER_S

LEVELS = (0.96, 0.95, 0.945, 0.94, 0.935, 0.93, 0.925, 0.92)
"""Of the sessions that were fitted, so many are to be inside: the first at which intervals are not too wide."""
WIDEST = 4.8
"""Mean width of an interval over the mean error: one wider than 5 says nothing, and other sessions differ a little."""
LEAST_SESSIONS = 8
"""In fewer a metric's error is not known."""
LEAST_S = 60.0
"""Seconds from which shares and rates are told at all: errors of sessions a little longer hold for those, too."""
MOST_DOUBT = 2.5
"""Sessions with so many times the usual doubt are not fitted: nothing is told of such."""
RELATIVE = {"therapist_turn_median", "therapist_turn_p90", "client_turn_median"}
"""Metrics whose error grows with their value."""
COUNTS = {metric.id for metric in METRICS if metric.id.startswith("long_pauses")}
"""Their error is some events more or less: in rate that is less in a longer session, so no part of it is the same."""
YARDSTICK_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""How much of an error grows as the yardstick does; the rest is the same in every session."""
SPREAD_SHARES = (0.0, 0.3, 0.6, 0.9)
"""How much of it grows as the spread does; the rest is told by the others."""
SIDES = ((1.0, 1.0), (0.5, 1.5), (1.5, 0.5))
"""Below and above: an interval is longer to one side only where it gets clearly shorter by that."""
CLEARLY = 0.87


@dataclass(frozen=True, slots=True)
class Off:
    """One metric in one session."""

    heard: float
    true: float
    yardstick: Yardstick
    spread: float = 0.0
    growth: float = 1.0
    """How much larger errors are expected in this session."""


@dataclass(frozen=True, slots=True)
class Session:
    """One session's metrics, how unsurely it was heard, and what kind of session it was."""

    offs: Mapping[str, Off]
    doubt: float
    seats: int = 2
    measured_s: float = 0.0


def session(heard: Tally, others: Sequence[Tally], true: Tally) -> Session:
    """Every metric that neither of a session's tallies withholds."""
    found, wanted = measure(heard, EXACT), measure(true, EXACT)
    return Session(
        {
            name: Off(value, true_value, yardstick(name, heard), spread(BY_ID[name], heard, others))
            for name in found
            if (value := found[name].value) is not None and (true_value := wanted[name].value) is not None
        },
        heard.doubt,
        len(heard.roles),
        heard.measured / FRAMES_PER_S,
    )


def fit(sessions: Sequence[Session], made: Mapping[str, object] | None = None) -> Errors:
    """Of all errors that hold the truth in LEVELS of the sessions those with the narrowest intervals."""
    usual = float(np.median([session.doubt for session in sessions]))
    most = MOST_DOUBT * usual
    growing = Errors({}, usual)
    by_metric: dict[str, list[Off]] = {}
    for each in sessions:
        if each.doubt <= most:
            for name, off in each.offs.items():
                by_metric.setdefault(name, []).append(replace(off, growth=growing.growth(each.doubt)))
    fitted = {
        metric.id: _fitted(metric.id, by_metric[metric.id])
        for metric in METRICS
        if metric.id != "coverage" and len(by_metric.get(metric.id, [])) >= LEAST_SESSIONS
    }
    return Errors(
        fitted,
        usual,
        most,
        max(each.seats for each in sessions),
        min(LEAST_S, floor(min(each.measured_s for each in sessions))),
        made or {},
    )


def _fitted(name: str, some: Sequence[Off]) -> dict[str, float]:
    """The narrowest parts for the highest level whose intervals are not too wide."""
    candidates = [_narrowest(name, some, level) for level in LEVELS]
    far = float(np.mean([abs(off.heard - off.true) for off in some]))
    return next((parts for parts, width in candidates if width <= WIDEST * far), candidates[-1][0])


def _narrowest(name: str, some: Sequence[Off], level: float) -> tuple[dict[str, float], float]:
    """Parts that hold so many of the truths at the narrowest mean width, and that width."""
    found: list[tuple[float, dict[str, float]]] = []
    for sides in SIDES:
        here = min((_sized(some, shape, level) for shape in _shapes(name, some, sides)), key=lambda one: one[0])
        if not found or here[0] < CLEARLY * found[0][0]:
            found.insert(0, here)
    return found[0][1], found[0][0]


def _shapes(name: str, some: Sequence[Off], sides: tuple[float, float]) -> Iterator[dict[str, float]]:
    """Every mixture of parts, each of about the same size in the mean session."""
    is_relative = name in RELATIVE
    shares = (1.0,) if name in COUNTS else YARDSTICK_SHARES
    kind = "relative" if is_relative else "absolute"
    same = float(np.mean([abs(off.heard) for off in some])) if is_relative else 1.0
    moving = float(np.mean([off.yardstick.below + off.yardstick.above for off in some])) / 2
    wide = float(np.mean([off.spread for off in some]))
    for yard, far in product(shares if moving and same else (0.0,), SPREAD_SHARES if wide else (0.0,)):
        parts = {
            kind: sqrt((1 - far) * (1 - yard)) / (same or 1.0),
            "yardstick": sqrt((1 - far) * yard) / (moving or 1.0),
            "spread": sqrt(far) / (wide or 1.0),
        }
        one_sided = dict(zip(("below", "above"), sides, strict=True)) if sides != SIDES[0] else {}
        yield {name: size for name, size in parts.items() if size} | one_sided


def _sized(some: Sequence[Off], shape: Mapping[str, float], level: float) -> tuple[float, dict[str, float]]:
    """The mean width of a shape that is as large as it must be, and its parts."""
    needed = [_needed(off, shape) for off in some]
    size = float(np.quantile(needed, min(1.0, level * (1 + 1 / len(some))), method="higher"))
    parts = {
        name: part if name in {"below", "above"} else ceil(size * part * 1e4) / 1e4 for name, part in shape.items()
    }
    reaches = [margin(off.heard, off.yardstick, off.spread, parts, off.growth) for off in some]
    return float(np.mean([reach.below + reach.above for reach in reaches])), parts


def _needed(off: Off, shape: Mapping[str, float]) -> float:
    """How many times a shape must be taken to hold a session's truth."""
    length = Yardstick(off.yardstick.below, off.yardstick.above)  # not cut to whole events
    reach = margin(off.heard, length, off.spread, shape, off.growth)
    return abs(off.heard - off.true) / max(reach.below if off.true < off.heard else reach.above, 1e-9)
