"""The time of day where no clock can be relied on: it runs by itself, follows the hub, and says when it was wrong.

    the hub's word is                        the clock
    up to an hour behind                     stays: it does not go back for so little
    up to an hour ahead                      follows
    up to a year ahead, first since start    follows: so long the machine was off
    anything else                            doubts, and follows after an hour of the same: it had been wrong

Between two words, and while it doubts, it runs with `elapsed`. docs/decisions/0012-the-time.md says why.
"""

from collections.abc import Callable
from dataclasses import dataclass

NEAR_S = 3600.0
"""A word that is off by less is no news."""
DOUBT_S = 3600.0
"""A word that cannot be explained is followed once it has been said for so long."""
LONGEST_OFF_S = 366 * 86400.0
"""Longer than this no machine is taken to have been off: its clock or the hub's is wrong."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The clock was set by the hub's word."""

    before: float
    after: float
    passed: bool
    """The time between has really passed, while the machine was off; otherwise the clock had been wrong."""


class Clock:
    """Seconds since 1970 UTC. `known` is what it showed last, from a file; None where there is none yet.

    Without the hub it starts at what is `known`, or at this machine's time or the hub's last word, `told`, where these
    are later by no more than a year.
    """

    def __init__(
        self,
        own: Callable[[], float],
        elapsed: Callable[[], float],
        known: float | None = None,
        told: float | None = None,
    ) -> None:
        self._elapsed = elapsed
        claims = [claim for claim in (own(), told) if claim is not None]
        if known is None:
            known = claims[-1]
        start = max([known, *(claim for claim in claims if claim - known <= LONGEST_OFF_S)])
        self._base = start - elapsed()
        self._last = told
        self._new = told is None
        """No hub has ever said what time it is."""
        self._doubt: tuple[float, float] | None = None
        """Where the word would put the base, and since when it does."""
        self.sure = False
        """The hub has spoken since the start."""

    def now(self) -> float:
        """The time."""
        return self._base + self._elapsed()

    def hear(self, word: float | None) -> Turn | None:
        """Take the hub's last word; the first one ever, and each that sets the clock, is a turn."""
        if word is None or word == self._last:
            return None
        self._last = word
        gap, first, self.sure = word - self.now(), not self.sure, True
        if self._new:
            self._new = False
            return self._turn(gap, passed=False)
        if -NEAR_S <= gap <= NEAR_S or (first and 0 < gap <= LONGEST_OFF_S):
            self._doubt = None
            return self._turn(max(gap, 0.0), passed=True) if first or gap > 0 else None
        return self._weigh(word - self._elapsed())

    def _weigh(self, base: float) -> Turn | None:
        """Follow a word that cannot be explained once it has been the same for long enough."""
        now = self._elapsed()
        if self._doubt is None or abs(base - self._doubt[0]) > NEAR_S:
            self._doubt = base, now
        if now - self._doubt[1] < DOUBT_S:
            return None
        return self._turn(base - self._base, passed=False)

    def _turn(self, gap: float, *, passed: bool) -> Turn:
        before = self.now()
        self._base += gap
        self._doubt = None
        return Turn(before, before + gap, passed)
