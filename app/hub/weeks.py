"""Releases summed by week in whole numbers: all that periods are drawn from, exact in whatever order they came."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol

from app.hub.periods import month, thursday


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
    late: tuple[int, int] = (0, 0)
    """Releases and withheld messages that came when it was closed: they are in no other number."""
    open_until: date | None = None
    """Where it closes later than others of its month do."""

    @property
    def thursday(self) -> date:
        """The day that says which month it belongs to."""
        return thursday(self.week)

    @property
    def closes(self) -> date:
        """The first day on which nothing is added to it, and its month can be shown."""
        return self.open_until or month(self.week).closes_on()

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
            (self.late[0] + other.late[0], self.late[1] + other.late[1]),
            self.open_until,
        )

    def told(self) -> str:
        """Sessions, moments and what is late as JSON, whose numbers have no end."""
        moments = [[*key, *own] for key, own in self.moments.items()]
        return json.dumps({"sessions": self.sessions, "moments": moments, "late": self.late})


def heard(week: str, told: str, *, simulated: bool, released: int, withheld: int, open_until: date | None) -> Week:
    """A week of which `told` was written, with as many messages in all, late ones too."""
    content = json.loads(told)
    moments = {Measure(*row[:3]): Moments(*row[3:]) for row in content["moments"]}
    late = (*content.get("late", (0, 0)),)  # older versions knew none
    counted = released - late[0], withheld - late[1]
    return Week(week, simulated, *counted, content["sessions"], moments, late, open_until)


def single(release: Weekly, *, simulated: bool, late: bool = False, open_until: date | None = None) -> Week:
    """A week of one message."""
    if late:
        one = (0, 1) if release.sums is None else (1, 0)
        return Week(release.week, simulated, 0, 0, 0, {}, one, open_until)
    if release.sums is None:
        return Week(release.week, simulated, 0, 1, release.sessions, {}, open_until=open_until)
    n = release.sessions
    moments = {
        Measure(metric, *release.ranges[metric]): Moments(1, n, c, release.sigma2, n * n, n * c, c * c)
        for metric, c in release.sums.items()
    }
    return Week(release.week, simulated, 1, 0, n, moments, open_until=open_until)


def gathered(weeks: Iterable[Week]) -> list[Week]:
    """Each week once, in order, simulated ones after the real."""
    found: dict[tuple[bool, str], Week] = {}
    for week in weeks:
        key = week.simulated, week.week
        found[key] = found[key].plus(week) if key in found else week
    return [found[key] for key in sorted(found)]
