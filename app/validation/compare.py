"""Two accounts of one session side by side: what was found in it against what is true of it."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeVar

from app.conversation.tally import Tally
from app.conversation.vocabulary import LAPSE, Event, Kind, Silence, Span, Turn, Unit, frames

NEAR = frames(0.3)
"""A silence is found if both its ends are so near."""
SAME_TURN = frames(0.5)
"""Turns of one seat that start within so much of each other are the same turn."""
NEAREST = frames(2.0)
"""Nothing that starts farther apart is the same."""

S = TypeVar("S", bound=Span)


@dataclass(frozen=True, slots=True)
class Account:
    """What is said of a session."""

    events: tuple[Event, ...]
    tally: Tally
    others: tuple[Tally, ...] = ()
    """The same as read with other thresholds, where it was heard."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many are in both accounts, and in each."""

    both: int = 0
    found: int = 0
    true: int = 0

    def __add__(self, other: "Count") -> "Count":
        """Of two sessions together."""
        return Count(self.both + other.both, self.found + other.found, self.true + other.true)

    @property
    def recall(self) -> float | None:
        """Share of the true that was found; None where there is nothing."""
        return self.both / self.true if self.true else None

    @property
    def precision(self) -> float | None:
        """Share of the found that is true."""
        return self.both / self.found if self.found else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of the two."""
        return 2 * self.both / (self.found + self.true) if self.found + self.true else None


@dataclass(frozen=True, slots=True)
class Compared:
    """How an account differs from the truth."""

    silences: Count
    """Of 3 s and more."""
    contexts: Count
    """Of the silences in both, those with the same seats before and after."""
    responses: Count
    """Listener responses; the same if seat is the same and they overlap."""
    turns: Count
    """Changes of floor; the same if the seat is, and their turns start within 0.5 s."""
    offsets_off_s: tuple[float, ...]
    """By how much the offset of each change in both is off."""


def compare(found: Account, true: Account) -> Compared:
    """An account against the truth."""
    silences, same = _matched(_silences(found), _silences(true), _is_same_silence)
    responses, _ = _matched(_responses(found), _responses(true), _overlap)
    turns, both = _matched(_changes(found), _changes(true), _is_same_turn)
    right = sum((one.before, one.after) == (other.before, other.after) for one, other in same)
    off = tuple(abs((one.offset or 0) - (other.offset or 0)) / 100 for one, other in both)
    return Compared(silences, Count(right, len(same), len(same)), responses, turns, off)


def _silences(account: Account) -> list[Silence]:
    return [event for event in account.events if isinstance(event, Silence) and event.frames >= LAPSE]


def _responses(account: Account) -> list[Unit]:
    return [event for event in account.events if isinstance(event, Unit) and event.kind is Kind.LISTENER_RESPONSE]


def _changes(account: Account) -> list[Turn]:
    return [event for event in account.events if isinstance(event, Turn) and event.offset is not None]


def _is_same_silence(one: Silence, other: Silence) -> bool:
    return abs(one.start - other.start) <= NEAR and abs(one.end - other.end) <= NEAR


def _overlap(one: Unit, other: Unit) -> bool:
    return one.seat == other.seat and max(one.start, other.start) < min(one.end, other.end)


def _is_same_turn(one: Turn, other: Turn) -> bool:
    return one.seat == other.seat and abs(one.start - other.start) <= SAME_TURN


def _matched(found: Sequence[S], true: Sequence[S], is_same: Callable[[S, S], bool]) -> tuple[Count, list[tuple[S, S]]]:
    """Pairs of found and true that are the same, each used once, the nearest starts first."""
    true = sorted(true, key=attrgetter("start"))
    starts = [one.start for one in true]
    pairs = sorted(
        (abs(one.start - starts[j]), i, j)
        for i, one in enumerate(found)
        for j in range(bisect_left(starts, one.start - NEAREST), bisect_right(starts, one.start + NEAREST))
        if is_same(one, true[j])
    )
    left_found, left_true = set(range(len(found))), set(range(len(true)))
    both = []
    for _, i, j in pairs:
        if i in left_found and j in left_true:
            left_found.remove(i)
            left_true.remove(j)
            both.append((found[i], true[j]))
    return Count(len(both), len(found), len(true)), both
