"""What became of simulated rooms' messages, in numbers and in words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run went."""

    rooms: int
    lived_s: float
    """Of the rooms' life."""
    took_s: float
    seed: int
    heartbeats: int
    releases: int
    acknowledged: int
    again: int
    """Sendings that were repeated, as rooms repeat what is not acknowledged."""
    stored: int
    """Messages that the hub's database has more than before."""
    lags: tuple[float, ...]
    """Seconds from publishing to the acknowledgement, in order of size."""

    @property
    def sent(self) -> int:
        """How many messages there were."""
        return self.heartbeats + self.releases

    @property
    def lost(self) -> int:
        """How many were not acknowledged, or are not in the database."""
        return max(self.sent - self.acknowledged, self.sent - self.stored, 0)

    @property
    def complete(self) -> bool:
        """Each is there once."""
        return self.acknowledged == self.stored == self.sent

    def lag(self, share: float) -> float:
        """So much of the lags are not longer."""
        return self.lags[min(int(share * len(self.lags)), len(self.lags) - 1)] if self.lags else 0.0

    def __str__(self) -> str:
        median, most, longest = (in_words(self.lag(share)) for share in (0.5, 0.95, 1.0))
        lived, a_second = f"{self.lived_s / 60:.1f} minutes of their life", self.sent / max(self.took_s, 1e-9)
        kinds = f"{self.heartbeats:,} heartbeats, {self.releases:,} releases ({a_second:.1f} a second)"
        lines = {
            "rooms": f"{self.rooms:,}, simulated, seed {self.seed}: {lived} in {self.took_s:.0f} s",
            "sent": f"{self.sent:,}: {kinds}; {self.again:,} sent again",
            "acknowledged": f"{self.acknowledged:,}",
            "ingested": f"{self.stored:,} more in the hub's database than before",
            "lost": f"{self.lost:,}",
            "lag": f"median {median}, 95 % within {most}, longest {longest}; from publishing to the acknowledgement",
        }
        return "\n".join(f"{name:14}{text}" for name, text in lines.items())


def in_words(seconds: float) -> str:
    """A time as short as it can be told."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
