"""The time of day where no clock can be relied on: this machine's until the hub has told its own."""

from collections.abc import Callable


class Clock:
    """Seconds since 1970 UTC; it runs with `elapsed` and never goes below the last known time of the hub."""

    def __init__(self, own: Callable[[], float], elapsed: Callable[[], float]) -> None:
        self._own = own
        self._elapsed = elapsed
        self._floor: int | None = None
        self._told: tuple[float, float] | None = None
        """The hub's time, and what `elapsed` showed when it came."""
        self._started = elapsed()

    def hear(self, hub_time: int | None) -> None:
        """Take the hub's time as last written down; the first is old, each other one is news."""
        if hub_time is None or (self._floor is not None and hub_time <= self._floor):
            return
        if self._floor is not None:
            self._told = hub_time, self._elapsed()
        self._floor = hub_time

    def now(self) -> float:
        """The time."""
        if self._told is not None:
            hub_time, then = self._told
            return hub_time + self._elapsed() - then
        since_start = self._elapsed() - self._started
        return max(self._own(), self._floor + since_start if self._floor is not None else 0.0)
