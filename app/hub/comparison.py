"""The clinic's latest month beside its own months before, and its latest quarter beside the same one a year ago."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from app.hub.periods import Period
from app.hub.trends import Estimate, Span, Trends, student

MOST_MONTHS = 12
"""The months before reach a year back."""
MIN_MONTHS = 5
"""From so many on, how much they differ among themselves can be told."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How much a metric differs from before, in its own unit, with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def told(self) -> bool:
        """Whether a difference can be told at all: the interval leaves 0 out."""
        return self.low > 0 or self.high < 0


class Holds(Enum):
    """What the intervals of a comparison hold."""

    NOISE = "noise"
    """The noise; the scatter of releases could not be told everywhere."""
    SCATTER = "scatter"
    """The noise and the scatter of releases."""
    MONTHS = "months"
    """Also how much the months before differ among themselves."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A period beside others."""

    period: Period
    before: tuple[Period, ...]
    differences: dict[str, Difference]
    """By metric; those that all the periods have."""
    holds: Holds


def months_before(trends: Trends) -> Comparison | None:
    """The latest month that is shown beside the mean of those shown in the year before it; None without any."""
    shown = [span for span in trends.months if span.estimates]
    if not shown:
        return None
    *earlier, latest = shown
    since = replace(latest.period, year=latest.period.year - 1)
    return _beside(latest, [span for span in earlier if span.period >= since][-MOST_MONTHS:])


def year_before(trends: Trends) -> Comparison | None:
    """The latest quarter that is shown beside the same one a year before; None without that."""
    shown = {span.period: span for span in trends.quarters if span.estimates}
    if not shown:
        return None
    latest = shown[max(shown)]
    before = shown.get(replace(latest.period, year=latest.period.year - 1))
    return _beside(latest, [before] if before else [])


def difference(latest: Estimate, before: Sequence[Estimate]) -> Difference:
    """The latest value less the mean of those before, each counting the same.

    No session is in two of them, so their errors add as squares. From five before on, the interval is at least that in
    which a next one like them would lie, by Student's t: what varies from month to month by itself is no difference.
    """
    k = len(before)
    mean = sum(each.value for each in before) / k
    half = math.hypot(_half(latest), math.sqrt(sum(_half(each) ** 2 for each in before)) / k)
    if k >= MIN_MONTHS:
        spread = math.sqrt(sum((each.value - mean) ** 2 for each in before) / (k - 1))
        half = max(half, student(k - 1) * spread * math.sqrt(1 + 1 / k))
    return Difference(latest.value - mean, latest.value - mean - half, latest.value - mean + half)


def _beside(latest: Span, before: Sequence[Span]) -> Comparison | None:
    if not before:
        return None
    both = [metric for metric in latest.estimates if all(metric in span.estimates for span in before)]
    held = [span.estimates[metric] for span in (latest, *before) for metric in both]
    return Comparison(
        period=latest.period,
        before=tuple(span.period for span in before),
        differences={
            metric: difference(latest.estimates[metric], [span.estimates[metric] for span in before]) for metric in both
        },
        holds=_holds(len(before), held),
    )


def _holds(before: int, held: Sequence[Estimate]) -> Holds:
    if before >= MIN_MONTHS:
        return Holds.MONTHS
    return Holds.SCATTER if all(each.scatter for each in held) else Holds.NOISE


def _half(each: Estimate) -> float:
    return each.high - each.value
