"""The clinic's released metrics over months and quarters, with honest intervals and reasons where there are none."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from fractions import Fraction

from app.catalogue import RELEASED
from app.hub.periods import Period, month, quarter, unbroken
from app.hub.weeks import NOTHING, Measure, Moments, Week, gathered, single

MIN_SESSIONS = 150
"""Fewer sessions than this in a period drown in the noise."""
MIN_WEEKS = 2
"""A period of one week would be a week, and weeks are never shown."""
SEVERAL_WEEKS = 13
"""A clinic has several rooms for so long after two have sent in one week; one that has a single room is that room."""
MIN_RELEASES = 8
"""From here on the releases' scatter can be told from few."""
MIN_THERAPISTS = 5
Z95 = 1.959964
HALF_SCALE = 500
"""A centred value runs from -500 to 500 over a metric's range."""


@dataclass(frozen=True, slots=True)
class Release:
    """One room's weekly message as the store holds it."""

    device: str
    week: str
    """ISO week of the sealing."""
    sessions: int
    sums: Mapping[str, int] | None
    """Per metric, noised; None: withheld."""
    ranges: Mapping[str, tuple[float, float]]
    sigma2: int
    simulated: bool
    late: bool = False
    """It came when its month was closed, and is in no number."""
    open_until: date | None = None
    """Where its week closes later than others of its month do."""

    @property
    def closes(self) -> date:
        """The first day on which its week can be shown."""
        return self.open_until or month(self.week).closes_on()


class Reason(Enum):
    """Why a period shows no numbers."""

    RUNNING = "running"
    """It is not closed: two looks a week apart would show a week."""
    FEW_SESSIONS = "few_sessions"
    ONE_WEEK = "one_week"
    ONE_ROOM = "one_room"
    """Of several rooms only one had sessions: it would be that room's own."""
    REMAINDER = "remainder"
    """Beside the periods shown, what is left of it would be too little."""
    REST = "rest"
    """Beside a room's own numbers, what is left of the clinic would be too little."""


class Off(Enum):
    """Why a clinic shows no conversation metrics at all."""

    FEW_THERAPISTS = "few_therapists"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric over a period, in its own unit; noise may carry it out of the possible range."""

    value: float
    low: float
    high: float
    sessions: int
    scatter: bool
    """False: the interval shows the noise only, there are too few releases for more."""


@dataclass(frozen=True, slots=True)
class Span:
    """A period with all that may be shown of it."""

    period: Period
    sessions: int
    releases: int
    withheld: int
    """Weekly messages of rooms that had too few sessions to release."""
    late: int
    """Weekly messages that came when it was closed, and are in no other number."""
    closes: date
    """The first day on which it can be shown."""
    estimates: Mapping[str, Estimate]
    """By metric; empty where there is a reason."""
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Trends:
    """All periods of a clinic's releases, in order; real and simulated ones never in the same."""

    simulated: bool
    months: tuple[Span, ...]
    quarters: tuple[Span, ...]
    off: Off | None


def by_week(releases: Iterable[Release]) -> list[Week]:
    """Releases of some rooms as the weeks that `trends` draws from."""
    return gathered(
        single(each, simulated=each.simulated, late=each.late, open_until=each.open_until) for each in releases
    )


def trends(weeks: Iterable[Week], today: date, *, simulated: bool, therapists: int, owner_agreed: bool) -> Trends:
    """What a clinic may see today of its real or of its simulated releases, given by week."""
    ours = [week for week in weeks if week.simulated is simulated]
    off = None if therapists >= MIN_THERAPISTS or owner_agreed else Off.FEW_THERAPISTS
    in_months = _grouped(ours, month)
    refused = {period: _refusal(period, inside, ours, today) for period, inside in in_months.items()}
    shown = {period for period, reason in refused.items() if reason is None}
    in_quarters = _grouped(ours, quarter)
    for period, inside in in_quarters.items():
        refused[period] = _refusal(period, inside, ours, today) or _remainder(period, inside, ours, shown)
    return Trends(
        simulated,
        tuple(_span(period, inside, refused[period], off) for period, inside in in_months.items()),
        tuple(_span(period, inside, refused[period], off) for period, inside in in_quarters.items()),
        off,
    )


def estimate(metric: str, weeks: Iterable[Week]) -> Estimate | None:
    """The mean over all sessions and its 95 % interval; None if no release has the metric.

    The noise's part is what the releases state. From eight releases on, the scatter of the releases around the mean
    (a cluster-robust variance, which has the noise in it already) takes over where it is larger, with Student's t.
    """
    total = _Total([pair for week in weeks for pair in week.moments.items() if pair[0].metric == metric])
    if not total.n:
        return None
    half = Z95 * math.sqrt(total.noise()) / total.n
    scatter = total.releases >= MIN_RELEASES
    if scatter:
        half = max(half, total.scatter())
    mean = float(total.mean)
    return Estimate(mean, mean - half, mean + half, total.n, scatter)


class _Total:
    """Moments over releases, in the metric's own unit and exact: a release of n sessions tells n middle + scale c."""

    def __init__(self, pairs: Sequence[tuple[Measure, Moments]]) -> None:
        by_range: dict[Measure, Moments] = {}
        for measure, own in pairs:
            by_range[measure] = by_range.get(measure, NOTHING).plus(own)
        self._parts = [(*_unit(measure), own) for measure, own in by_range.items()]
        self.releases = sum(own.releases for _, _, own in self._parts)
        self.n = sum(own.n for _, _, own in self._parts)
        told = sum((middle * own.n + scale * own.c for middle, scale, own in self._parts), Fraction(0))
        self.mean = told / self.n if self.n else told

    def noise(self) -> Fraction:
        """The variance of the noise in the sum of what is told."""
        return sum((scale * scale * own.sigma2 for _, scale, own in self._parts), Fraction(0))

    def scatter(self) -> float:
        """Half-width of the 95 % interval that the releases' own scatter gives."""
        k, squares = self.releases, Fraction(0)
        for middle, scale, own in self._parts:  # of each (n middle + scale c - n mean) squared
            off = middle - self.mean
            squares += off * off * own.nn + 2 * off * scale * own.nc + scale * scale * own.cc
        return student(k - 1) * math.sqrt(k * squares / (k - 1)) / self.n


def _unit(measure: Measure) -> tuple[Fraction, Fraction]:
    """The middle of a range, and what one step of a centred value is in it."""
    low, high = Fraction(measure.low), Fraction(measure.high)
    return (low + high) / 2, (high - low) / (2 * HALF_SCALE)


def student(freedom: int) -> float:
    """The .975 quantile of Student's t, by its Cornish-Fisher expansion; within 0.001 from 7 degrees on.

    Abramowitz & Stegun 26.7.5.
    """
    z = Z95
    g1 = (z**3 + z) / 4
    g2 = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    g3 = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + g1 / freedom + g2 / freedom**2 + g3 / freedom**3


def _grouped(weeks: list[Week], period_of: Callable[[str], Period]) -> dict[Period, list[Week]]:
    groups: dict[Period, list[Week]] = {period: [] for period in unbroken({period_of(each.week) for each in weeks})}
    for each in weeks:
        groups[period_of(each.week)].append(each)
    return groups


def _refusal(period: Period, inside: list[Week], every: list[Week], today: date) -> Reason | None:
    """Why a period may not be shown; None if it may."""
    if today < _closes(period, inside):
        return Reason.RUNNING
    return _too_little(period, inside, every)


def _too_little(period: Period, some: list[Week], every: list[Week]) -> Reason | None:
    """Why some weeks of a period are too little to be told by themselves; None if they are enough."""
    if sum(each.sessions for each in some) < MIN_SESSIONS:
        return Reason.FEW_SESSIONS
    if len({each.week for each in some if each.sessions}) < MIN_WEEKS:
        return Reason.ONE_WEEK
    if max(each.released for each in some) < 2 and _has_rooms(period, every):
        return Reason.ONE_ROOM
    return None


def _has_rooms(period: Period, every: list[Week]) -> bool:
    """Whether the clinic had several rooms then: in a week of the period, or of a quarter before it, two sent."""
    ends = period.over_on()
    begins = ends - timedelta(weeks=SEVERAL_WEEKS + 5 * period.length)
    return any(sum((each.released, each.withheld, *each.late)) > 1 and begins <= each.thursday < ends for each in every)


def _remainder(period: Period, inside: list[Week], every: list[Week], shown: set[Period]) -> Reason | None:
    """Whether a quarter less its months that are shown would give away too little a rest."""
    rest = [each for each in inside if each.sessions and month(each.week) not in shown]
    return Reason.REMAINDER if rest and _too_little(period, rest, every) else None


def _closes(period: Period, inside: list[Week]) -> date:
    return max([period.closes_on(), *(each.closes for each in inside)])


def _span(period: Period, weeks: list[Week], reason: Reason | None, off: Off | None) -> Span:
    found = {} if reason or off else {metric.id: estimate(metric.id, weeks) for metric in RELEASED}
    return Span(
        period=period,
        sessions=sum(each.sessions for each in weeks),
        releases=sum(each.released for each in weeks),
        withheld=sum(each.withheld for each in weeks),
        late=sum(sum(each.late) for each in weeks),
        closes=_closes(period, weeks),
        estimates={metric: result for metric, result in found.items() if result},
        reason=reason,
    )
