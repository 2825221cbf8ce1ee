"""The lookout: looks every minute at how devices are, and opens and closes alerts by what it finds."""

import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Event

from app.hub.alerts import LONGEST_HUB, Alerts
from app.hub.conditions import ASIDE_S, Evidence, Own, find
from app.hub.errors import StoreError
from app.hub.rounds import MOST, Rounds
from app.hub.sightings import Sightings
from app.hub.store import Store
from app.hub.wards import Choice

LOOK_S = 60.0


class Lookout:
    """Looks through the eyes of one hub.

    `hears` tells whether messages would reach it now, `trouble` what keeps them from being stored, in a sentence;
    `clock` is the hub's, seconds since 1970 UTC; `folder` is where it keeps its state; `notice` tells whoever runs it.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        store: Store,
        rounds: Rounds,
        sightings: Sightings,
        alerts: Alerts,
        hears: Callable[[], bool],
        trouble: Callable[[], str | None],
        clock: Callable[[], float],
        notice: Callable[[str], None],
    ) -> None:
        self._name, self._folder = name[:LONGEST_HUB], folder
        self._store, self._rounds, self._sightings, self._alerts = store, rounds, sightings, alerts
        self._hears, self._trouble, self._clock, self._notice = hears, trouble, clock, notice
        self._worry: str | None = None

    def run(self, stop: Event) -> None:
        """Look until told to stop; a database that is away is tried again at the next look."""
        while not stop.is_set():
            try:
                self.look()
                self._worry = None
            except (StoreError, OSError) as error:
                if str(error) != self._worry:
                    self._notice(f"alerts are not looked after: {error}")
                self._worry = str(error)
            stop.wait(LOOK_S)

    def look(self) -> None:
        """Look once. Raises StoreError, and OSError where the folder is gone."""
        now, trouble = int(self._clock()), self._trouble()
        evidence = Evidence(
            wards=self._rounds.wards(Choice(), now),
            lost=self._sightings.lost(now),
            aside=self._sightings.aside(now - ASIDE_S),
            newer=self._store.newer_versions(MOST),
            listening_since=self._alerts.listened(self._name, now, listening=self._hears()),
            own=Own(self._name, shutil.disk_usage(self._folder).free, trouble),
        )
        self._alerts.observe(self._name, find(evidence, now), now)
