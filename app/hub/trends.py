"""The clinic's released metrics over months and quarters, with honest intervals and reasons where there are none."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from app.catalogue import RELEASED
from app.hub.periods import Period, month, quarter, unbroken

MIN_SESSIONS = 150
"""Fewer sessions than this in a period drown in the noise."""
MIN_WEEKS = 2
"""A period of one week would be a week, and weeks are never shown."""
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


class Reason(Enum):
    """Why a period shows no numbers."""

    RUNNING = "running"
    """It is not over: two looks a week apart would show a week."""
    FEW_SESSIONS = "few_sessions"
    ONE_WEEK = "one_week"
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


def trends(releases: Iterable[Release], today: date, *, simulated: bool, therapists: int, owner_agreed: bool) -> Trends:
    """What a clinic may see today of its real or of its simulated releases."""
    ours = [release for release in releases if release.simulated is simulated]
    off = None if therapists >= MIN_THERAPISTS or owner_agreed else Off.FEW_THERAPISTS
    in_months = _grouped(ours, month)
    refused = {period: _refusal(period, inside, today) for period, inside in in_months.items()}
    shown = {period for period, reason in refused.items() if reason is None}
    in_quarters = _grouped(ours, quarter)
    refused |= {p: _refusal(p, inside, today) or _remainder(inside, shown) for p, inside in in_quarters.items()}
    return Trends(
        simulated,
        tuple(_span(period, inside, refused[period], off) for period, inside in in_months.items()),
        tuple(_span(period, inside, refused[period], off) for period, inside in in_quarters.items()),
        off,
    )


def estimate(metric: str, releases: Iterable[Release]) -> Estimate | None:
    """The mean over all sessions and its 95 % interval; None if no release has the metric.

    The noise's part is what the releases state. From eight releases on, the scatter of the releases around the mean
    (a cluster-robust variance, which has the noise in it already) takes over where it is larger, with Student's t.
    """
    total = _Moments()
    for release in releases:
        if release.sums is not None and metric in release.sums:
            total.add(release.sums[metric], release.sessions, release.sigma2, release.ranges[metric])
    if not total.n:
        return None
    half = Z95 * math.sqrt(total.noise) / total.n
    scatter = len(total.clusters) >= MIN_RELEASES
    if scatter:
        half = max(half, total.scatter())
    return Estimate(total.mean, total.mean - half, total.mean + half, total.n, scatter)


@dataclass(slots=True)
class _Moments:
    """Sums over releases, in the metric's own unit."""

    n: int = 0
    total: float = 0.0
    noise: float = 0.0
    clusters: list[tuple[int, float]] = field(default_factory=list)

    def add(self, centred: int, sessions: int, sigma2: int, limits: tuple[float, float]) -> None:
        low, high = limits
        scale = (high - low) / (2 * HALF_SCALE)
        value = sessions * (low + high) / 2 + scale * centred
        self.n += sessions
        self.total += value
        self.noise += scale * scale * sigma2
        self.clusters.append((sessions, value))

    @property
    def mean(self) -> float:
        return self.total / self.n

    def scatter(self) -> float:
        """Half-width of the 95 % interval that the releases' own scatter gives."""
        k = len(self.clusters)
        squares = sum((value - sessions * self.mean) ** 2 for sessions, value in self.clusters)
        return student(k - 1) * math.sqrt(k / (k - 1) * squares) / self.n


def student(freedom: int) -> float:
    """The .975 quantile of Student's t, by its Cornish-Fisher expansion; within 0.001 from 7 degrees on.

    Abramowitz & Stegun 26.7.5.
    """
    z = Z95
    g1 = (z**3 + z) / 4
    g2 = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    g3 = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + g1 / freedom + g2 / freedom**2 + g3 / freedom**3


def _grouped(releases: list[Release], period_of: Callable[[str], Period]) -> dict[Period, list[Release]]:
    groups: dict[Period, list[Release]] = {period: [] for period in unbroken({period_of(r.week) for r in releases})}
    for release in releases:
        groups[period_of(release.week)].append(release)
    return groups


def _refusal(period: Period, releases: list[Release], today: date) -> Reason | None:
    """Why a period may not be shown; None if it may."""
    if today < period.over_on():
        return Reason.RUNNING
    if sum(release.sessions for release in releases) < MIN_SESSIONS:
        return Reason.FEW_SESSIONS
    if len({release.week for release in releases if release.sessions}) < MIN_WEEKS:
        return Reason.ONE_WEEK
    return None


def _remainder(releases: list[Release], shown: set[Period]) -> Reason | None:
    """Whether a quarter less its months that are shown would give away too little a rest."""
    rest = [release for release in releases if release.sessions and month(release.week) not in shown]
    few = (
        sum(release.sessions for release in rest) < MIN_SESSIONS or len({release.week for release in rest}) < MIN_WEEKS
    )
    return Reason.REMAINDER if rest and few else None


def _span(period: Period, releases: list[Release], reason: Reason | None, off: Off | None) -> Span:
    found = {} if reason or off else {metric.id: estimate(metric.id, releases) for metric in RELEASED}
    released = [release for release in releases if release.sums is not None]
    return Span(
        period=period,
        sessions=sum(release.sessions for release in releases),
        releases=len(released),
        withheld=len(releases) - len(released),
        estimates={metric: result for metric, result in found.items() if result},
        reason=reason,
    )
