"""Releases summed by week in whole numbers: all that periods are drawn from, exact in whatever order they came."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Weekly(Protocol):
    """What counts of a weekly message."""

    @property
    def week(self) -> str:
        """ISO week of the sealing."""

    @property
    def sessions(self) -> int:
        """How many sessions are in the sums."""

    @property
    def sums(self) -> Mapping[str, int] | None:
        """Per metric, centred and noised; None: withheld."""

    @property
    def ranges(self) -> Mapping[str, tuple[float, float]]:
        """Per metric, what -500..500 stands for."""

    @property
    def sigma2(self) -> int:
        """Variance of the noise in each sum."""


class Measure(NamedTuple):
    """A metric, and the range that its centred values stand for."""

    metric: str
    low: float
    high: float


class Moments(NamedTuple):
    """Sums over releases of n sessions and a centred sum c each."""

    releases: int
    n: int
    c: int
    sigma2: int
    nn: int
    nc: int
    cc: int

    def plus(self, other: "Moments") -> "Moments":
        """Over the releases of both."""
        return Moments(*(mine + its for mine, its in zip(self, other, strict=True)))


NOTHING = Moments(0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Week:
    """All weekly messages of one ISO week, real or simulated."""

    week: str
    simulated: bool
    released: int
    withheld: int
    sessions: int
    moments: Mapping[Measure, Moments]

    def plus(self, other: "Week") -> "Week":
        """The messages of both, which are of the same week."""
        moments = dict(self.moments)
        for measure, its in other.moments.items():
            moments[measure] = moments.get(measure, NOTHING).plus(its)
        return Week(
            self.week,
            self.simulated,
            self.released + other.released,
            self.withheld + other.withheld,
            self.sessions + other.sessions,
            moments,
        )

    def told(self) -> str:
        """Sessions and moments as JSON, whose numbers have no end."""
        return json.dumps({"sessions": self.sessions, "moments": [[*key, *own] for key, own in self.moments.items()]})


def heard(week: str, released: int, withheld: int, told: str, *, simulated: bool) -> Week:
    """A week of which `told` was written."""
    content = json.loads(told)
    moments = {Measure(*row[:3]): Moments(*row[3:]) for row in content["moments"]}
    return Week(week, simulated, released, withheld, content["sessions"], moments)


def single(release: Weekly, *, simulated: bool) -> Week:
    """A week of one message."""
    if release.sums is None:
        return Week(release.week, simulated, 0, 1, release.sessions, {})
    n = release.sessions
    moments = {
        Measure(metric, *release.ranges[metric]): Moments(1, n, c, release.sigma2, n * n, n * c, c * c)
        for metric, c in release.sums.items()
    }
    return Week(release.week, simulated, 1, 0, n, moments)


def gathered(weeks: Iterable[Week]) -> list[Week]:
    """Each week once, in order, simulated ones after the real."""
    found: dict[tuple[bool, str], Week] = {}
    for week in weeks:
        key = week.simulated, week.week
        found[key] = found[key].plus(week) if key in found else week
    return [found[key] for key in sorted(found)]
