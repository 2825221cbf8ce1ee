"""The clinic beside its own past, in words: how much more or less, or that no difference can be told."""

from dataclasses import dataclass

from app.catalogue import RELEASED, Metric
from app.hub.comparison import Comparison, Difference, months_before, year_before
from app.hub.trends import Trends
from app.hub.words import Words

DIGITS = {"1": 0}
"""Decimals by unit, as the numbers themselves have them."""


@dataclass(frozen=True, slots=True)
class Line:
    """A metric in a comparison."""

    title: str
    text: str
    interval: str
    told: bool
    """Whether a difference can be told."""


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """A period beside others."""

    id: str
    title: str
    lines: tuple[Line, ...]
    holds: str
    """What the intervals hold."""


def comparisons(trends: Trends, say: Words) -> tuple[ComparisonView, ...]:
    """What there is to compare: the latest month, the latest quarter, or nothing yet."""
    found = (("month", months_before(trends)), ("quarter", year_before(trends)))
    return tuple(_view(name, each, say) for name, each in found if each)


def _view(name: str, comparison: Comparison, say: Words) -> ComparisonView:
    before = comparison.before
    title = say(
        f"compared_{name}",
        n=len(before),
        period=say.period(comparison.period),
        first=say.period(before[0]),
        last=say.period(before[-1]),
    )
    found = comparison.differences
    lines = tuple(_line(metric, found[metric.id], say) for metric in RELEASED if metric.id in found)
    return ComparisonView(name, title[0].upper() + title[1:], lines, say(f"compared_{comparison.holds.value}"))


def _line(metric: Metric, difference: Difference, say: Words) -> Line:
    factor, digits = (100, 0) if metric.unit == "1" else (1, DIGITS.get(metric.unit, 1))
    unit = say.of("difference_unit", metric.unit, metric.unit)
    low, high = (say.number(edge * factor, digits) for edge in (difference.low, difference.high))
    if difference.told:
        size = say.number(abs(difference.value) * factor, digits)
        text = say("more" if difference.value > 0 else "less", size=size, unit=unit)
    else:
        text = say("no_difference")
    interval = say("difference_interval", low=low, high=high, unit=unit)
    return Line(say.of("metric", metric.id, metric.title), text, interval, difference.told)
