"""When a message is sent, and when again: only the hub's acknowledgement ends it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double from `first` to at most `most` seconds, each up to half as long again by chance."""

    first: float
    most: float
    chance: Callable[[], float]
    """A number in [0, 1), each time another."""

    def wait(self, tries: int) -> float:
        """Seconds to wait after so many tries, 1 or more."""
        doubled = self.first * 2.0 ** min(tries - 1, 32)
        return min(self.most, doubled * (1 + self.chance() / 2))


class Flight:
    """The messages on their way: how often each was sent, and when it is due again, in seconds of a rising clock."""

    def __init__(self, backoff: Backoff) -> None:
        self.backoff = backoff
        self._tries: dict[int, int] = {}
        self._due: dict[int, float] = {}

    def due(self, seq: int, now: float) -> bool:
        """Whether to send this message now."""
        return now >= self._due.get(seq, now)

    def sent(self, seq: int, now: float) -> None:
        """It has been sent."""
        self._tries[seq] = self._tries.get(seq, 0) + 1
        self._due[seq] = now + self.backoff.wait(self._tries[seq])

    def landed(self, seqs: Iterable[int]) -> None:
        """The hub has committed these."""
        for seq in seqs:
            self._tries.pop(seq, None)
            self._due.pop(seq, None)

    def hurry(self) -> None:
        """All is due at once: the connection is new, and what the old one carried is unknown."""
        self._due.clear()
        self._tries.clear()
