"""Months and quarters made of whole ISO weeks: a week belongs to the month of its Thursday.

A month stays open for a week after its end, for what comes late, and then closes: its numbers can be shown, and nothing
is added to them any more. Shown before and after, they would tell apart what has come in between.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

LATE_DAYS = 7


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Some months in a row."""

    year: int
    first_month: int
    length: int
    """Months: 1 or 3."""

    @property
    def number(self) -> int:
        """Its place in the year, from 1."""
        return (self.first_month - 1) // self.length + 1

    def following(self) -> "Period":
        """The next one."""
        months = self.year * 12 + self.first_month - 1 + self.length
        return Period(months // 12, months % 12 + 1, self.length)

    def preceding(self) -> "Period":
        """The one before."""
        months = self.year * 12 + self.first_month - 1 - self.length
        return Period(months // 12, months % 12 + 1, self.length)

    def months(self) -> "list[Period]":
        """Its months."""
        chain = [Period(self.year, self.first_month, 1)]
        while len(chain) < self.length:
            chain.append(chain[-1].following())
        return chain

    def over_on(self) -> date:
        """The first day after its last week: a Monday."""
        after = self.following()
        first = date(after.year, after.first_month, 1)
        last_thursday = first - timedelta(days=1)
        last_thursday -= timedelta(days=(last_thursday.weekday() - 3) % 7)
        return last_thursday + timedelta(days=4)

    def closes_on(self) -> date:
        """The first day on which nothing is added to it."""
        return self.over_on() + timedelta(days=LATE_DAYS)


@dataclass(frozen=True, slots=True)
class Reopened:
    """A database that was put back from a copy: what had closed since that copy is open again until a day."""

    since: date
    until: date

    def keeps_open(self, week: str) -> bool:
        """Whether a week's month closes later for it."""
        return self.since < month(week).closes_on() <= self.until


def thursday(week: str) -> date:
    """The Thursday of an ISO week such as 2026-W07. Raises ValueError if there is no such week."""
    year, number = week.split("-W")
    return date.fromisocalendar(int(year), int(number), 4)


def month(week: str) -> Period:
    """The month an ISO week belongs to."""
    day = thursday(week)
    return Period(day.year, day.month, 1)


def quarter(week: str) -> Period:
    """The quarter an ISO week belongs to."""
    day = thursday(week)
    return Period(day.year, day.month - (day.month - 1) % 3, 3)


def unbroken(periods: Iterable[Period]) -> list[Period]:
    """All periods from the first to the last, the empty ones between them too."""
    known = sorted(periods)
    chain = known[:1]
    while chain and chain[-1] < known[-1]:
        chain.append(chain[-1].following())
    return chain
