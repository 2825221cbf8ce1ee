"""What the page shows, in words and ready to be laid out; no number is made here."""

import math
from dataclasses import dataclass
from datetime import timedelta

from app.catalogue import RELEASED, Metric
from app.hub.comparison_views import ComparisonView, comparisons
from app.hub.trends import MIN_SESSIONS, Estimate, Reason, Span, Trends
from app.hub.words import Words

DIGITS = {"1": 0}
"""Decimals by unit; shares are in per cent. One where not named: the noise is larger than a tenth."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A metric in a period."""

    metric: str
    text: str
    interval: str
    value: float
    low: float
    high: float
    """Clamped to the possible range, as drawn."""
    beyond: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A period in a table: cells, or the reason why there are none."""

    label: str
    tick: str
    sessions: int
    releases: int
    withheld: int
    late: int
    cells: tuple[Cell | None, ...]
    reason: str
    shows: str


@dataclass(frozen=True, slots=True)
class MetricView:
    """A metric's card."""

    id: str
    title: str
    about: str
    unit: str
    unit_words: str
    grade: str
    evidence: str
    low: float
    high: float
    """The possible range, in the metric's unit."""
    latest: Cell | None
    latest_label: str
    digits: int


@dataclass(frozen=True, slots=True)
class WorldView:
    """The real or the simulated releases."""

    simulated: bool
    off: str
    wait: str
    metrics: tuple[MetricView, ...]
    months: tuple[Row, ...]
    quarters: tuple[Row, ...]
    beyond: bool
    compared: tuple[ComparisonView, ...] = ()
    """The clinic beside its own past."""


def world_view(trends: Trends, therapists: int, say: Words) -> WorldView:
    """All releases of one kind in words."""
    months = tuple(_row(span, trends, say) for span in trends.months)
    quarters = tuple(_row(span, trends, say) for span in trends.quarters)
    shown = [row for row in months if any(row.cells)]
    return WorldView(
        simulated=trends.simulated,
        off=say(f"off_{trends.off.value}", n=therapists) if trends.off else "",
        wait="" if shown or trends.off else _wait(trends, say),
        metrics=tuple(_metric(number, metric, shown, say) for number, metric in enumerate(RELEASED)),
        months=months,
        quarters=quarters,
        beyond=any(cell.beyond for row in (*months, *quarters) for cell in row.cells if cell),
        compared=comparisons(trends, say),
    )


def _wait(trends: Trends, say: Words) -> str:
    if not trends.months:
        return say("no_release")
    span = trends.months[-1]
    when = "running" if span.reason is Reason.RUNNING else "over"
    period = say.period(span.period)
    return say(f"wait_{when}", n=span.sessions, period=period[0].upper() + period[1:], until=_until(span, say))


def _row(span: Span, trends: Trends, say: Words) -> Row:
    cells = tuple(_cell(metric, span.estimates.get(metric.id), say) for metric in RELEASED) if span.estimates else ()
    scatter = any(estimate.scatter for estimate in span.estimates.values())
    return Row(
        label=say.period(span.period),
        tick=say.tick(span.period),
        sessions=span.sessions,
        releases=span.releases,
        withheld=span.withheld,
        late=span.late,
        cells=cells,
        reason="" if cells else _reason(span, trends, say),
        shows=say("noise_and_scatter" if scatter else "noise_only") if cells else "",
    )


def _reason(span: Span, trends: Trends, say: Words) -> str:
    if span.reason is None or trends.off:
        return say("not_shown", n=span.sessions)
    key = span.reason.value
    if span.reason is Reason.RUNNING and span.sessions < MIN_SESSIONS:
        key = "running_few"
    return say(key, n=span.sessions, until=_until(span, say))


def _until(span: Span, say: Words) -> str:
    return say.day(span.closes - timedelta(days=1))


def _cell(metric: Metric, estimate: Estimate | None, say: Words) -> Cell | None:
    if estimate is None or metric.released is None:
        return None
    value, low, high, beyond = clamped(metric, estimate)
    factor, digits = (100, 0) if metric.unit == "1" else (1, DIGITS.get(metric.unit, 1))
    sign = {"1": " %", "s": " s"}.get(metric.unit, "")
    return Cell(
        metric=metric.id,
        text=say.number(value * factor, digits) + sign,
        interval=say("interval", low=say.number(low * factor, digits), high=say.number(high * factor, digits) + sign),
        value=value,
        low=low,
        high=high,
        beyond=beyond,
    )


def clamped(metric: Metric, estimate: Estimate) -> tuple[float, float, float, bool]:
    """Value and interval as far as they are possible, and whether noise has carried them beyond."""
    lowest, highest = metric.released or (-math.inf, math.inf)
    value, low, high = (min(max(x, lowest), highest) for x in (estimate.value, estimate.low, estimate.high))
    return value, low, high, estimate.low < lowest or estimate.high > highest


def _metric(number: int, metric: Metric, shown: list[Row], say: Words) -> MetricView:
    lowest, highest = metric.released or (0.0, 0.0)
    return MetricView(
        id=metric.id,
        title=say.of("metric", metric.id, metric.title),
        about=say.of("about", metric.id, metric.formula),
        unit=metric.unit,
        unit_words=say.of("unit", metric.unit, metric.unit),
        grade=say(f"grade_{metric.grade.name}"),
        evidence=say.of("evidence", metric.id, metric.evidence),
        low=lowest,
        high=highest,
        latest=shown[-1].cells[number] if shown else None,
        latest_label=shown[-1].label if shown else "",
        digits=DIGITS.get(metric.unit, 1),
    )
