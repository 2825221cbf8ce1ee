"""The hub's chores: what it has kept long enough goes, once an hour, a little at a time beside the inbox."""

import time
from collections.abc import Callable, Iterable
from threading import Event

from app.hub.errors import StoreError

EVERY_S = 3600.0
REST = 2.0
"""After a turn it rests so many times as long as that took: the inbox has the database the greater part."""
LEAST_REST_S = 0.02

Turn = Callable[[int], bool | None]
"""Does a little at a time of day, seconds since 1970 UTC; whether there may be more of it."""


class Chores:
    """All turns, now and then every hour; `clock` is the hub's. What a database refuses waits for the next hour."""

    def __init__(
        self,
        turns: Iterable[Turn],
        clock: Callable[[], float],
        notice: Callable[[str], None],
        every_s: float = EVERY_S,
    ) -> None:
        self._turns, self._clock, self._notice, self._every_s = tuple(turns), clock, notice, every_s

    def run(self, stop: Event) -> None:
        """Do them until told to stop."""
        while not stop.is_set():
            for turn in self._turns:
                try:
                    self._do(turn, stop)
                except StoreError as error:
                    self._notice(f"what is old could not be let go of and will be in an hour: {error}")
            stop.wait(self._every_s)

    def _do(self, turn: Turn, stop: Event) -> None:
        more: bool | None = True
        while more and not stop.is_set():
            begun = time.monotonic()
            more = turn(int(self._clock()))
            stop.wait(max(LEAST_REST_S, REST * (time.monotonic() - begun)) if more else 0)
