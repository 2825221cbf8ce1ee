"""Fits how far each metric is off over rehearsed sessions, in the parts that app/conversation/intervals.py takes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.catalogue import METRICS
from app.conversation.tally import Tally
from app.conversation.intervals import Reach, yardstick
from app.conversation.metrics import EXACT, measure

LEVEL = 0.95
"""Of the sessions that were fitted, so many are to be inside."""
LEAST_SESSIONS = 8
"""In fewer a metric's error is not known."""
RELATIVE = {"therapist_turn_median", "therapist_turn_p90", "client_turn_median"}
"""Metrics whose error grows with their value."""
CONTEXTS = tuple(metric.id for metric in METRICS if metric.id.startswith("long_pauses_"))
"""Each has few events: they are fitted as one."""
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""How much of an error grows as the yardstick does; the rest is the same in every session."""


@dataclass(frozen=True, slots=True)
class Off:
    """One metric in one session."""

    heard: float
    true: float
    yardstick: Reach


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
        metric.id: _fitted(pooled if metric.id in CONTEXTS else by_metric[metric.id], metric.id in RELATIVE)
        for metric in METRICS
        if metric.id != "coverage" and len(by_metric.get(metric.id, [])) >= LEAST_SESSIONS
    }


def _fitted(some: Sequence[Off], is_relative: bool) -> dict[str, float]:
    heard, true = (np.array([getattr(off, what) for off in some]) for what in ("heard", "true"))
    below, above = (np.array([getattr(off.yardstick, way) for off in some]) for way in ("below", "above"))
    far = np.abs(heard - true)
    same = np.abs(heard) if is_relative else np.ones(len(some))
    toward = np.where(true < heard, below, above)
    kind = "relative" if is_relative else "absolute"
    if not far.any():
        return {kind: 0.0}
    best: tuple[float, dict[str, float]] | None = None
    for share in SHARES:
        fixed = np.sqrt(1 - share) * same / max(same.mean(), 1e-12)
        moving = np.sqrt(share) / max(float((below + above).mean() / 2), 1e-12)
        size = _quantile(far / np.maximum(np.hypot(fixed, moving * toward), 1e-12))
        width = float(np.mean(size * (np.hypot(fixed, moving * below) + np.hypot(fixed, moving * above))))
        parts = {kind: size * float(np.sqrt(1 - share) / max(same.mean(), 1e-12)), "yardstick": size * float(moving)}
        if best is None or width < best[0]:
            best = width, {name: round(part, 4) for name, part in parts.items() if part > 0}
    return best[1] if best else {kind: 0.0}


def _quantile(values: NDArray[np.float64]) -> float:
    return float(np.quantile(values, LEVEL, method="higher"))
