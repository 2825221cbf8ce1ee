"""Rooms added up: what there is of them in some months, and whether their sum is enough to hide each of them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.hub.trends import MIN_SESSIONS, MIN_WEEKS, Reason


@dataclass(frozen=True, slots=True)
class Part:
    """Some sessions: how many, and of which weeks."""

    sessions: int = 0
    weeks: frozenset[str] = frozenset()

    def __add__(self, other: "Part") -> "Part":
        return Part(self.sessions + other.sessions, self.weeks | other.weeks)

    @property
    def reason(self) -> Reason | None:
        """Why it is not enough for a period; None if it is."""
        if self.sessions < MIN_SESSIONS:
            return Reason.FEW_SESSIONS
        return Reason.ONE_WEEK if len(self.weeks) < MIN_WEEKS else None


@dataclass(slots=True)
class Sum:
    """What several rooms have left, room for room added to it."""

    sessions: int = 0
    largest: int = 0
    """Sessions of the largest room that may not be shown itself."""
    weeks: Counter[str] = field(default_factory=Counter)
    """In how many of the rooms that may not be shown themselves each week is."""
    open_weeks: set[str] = field(default_factory=set)
    """Weeks of rooms that may."""
    one: int = 0
    """The most weeks that a single one of these certainly has."""

    def add(self, part: Part, weeks: int, *, protected: bool) -> None:
        """One more room, with so many weeks at the least; `protected`: it may not be shown itself."""
        self.sessions += part.sessions
        if protected:
            self.largest = max(self.largest, part.sessions)
            self.weeks.update(part.weeks)
        elif part.sessions:
            self.open_weeks |= part.weeks
            self.one = max(self.one, weeks)

    @property
    def enough(self) -> bool:
        """Whether it is enough for a period even without any one room that may not be shown itself.

        It stays so whatever is added.
        """
        twice = {week for week, rooms in self.weeks.items() if rooms > 1}
        weeks = max(len(self.open_weeks | twice), self.one)
        return self.sessions - self.largest >= MIN_SESSIONS and weeks >= MIN_WEEKS


class Crowd:
    """Rooms that show nothing of their own, in some months; those that begin to are taken out."""

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._parts = {device: part for device, part in parts.items() if part.sessions}
        self._smallest_first = sorted(self._parts, key=lambda device: self._parts[device].sessions)
        self._sessions = sum(part.sessions for part in self._parts.values())
        self._weeks = Counter(week for part in self._parts.values() for week in part.weeks)

    def take(self, device: str) -> None:
        """Take a room out."""
        part = self._parts.pop(device, Part())
        self._sessions -= part.sessions
        self._weeks.subtract(part.weeks)
        while self._smallest_first and self._smallest_first[-1] not in self._parts:
            self._smallest_first.pop()

    def sum(self) -> Sum:
        """All of them added up."""
        largest = self._parts[self._smallest_first[-1]].sessions if self._smallest_first else 0
        return Sum(self._sessions, largest, Counter(self._weeks))
