"""Hours of a clinic in a moment: rooms that beat or do not, and a lookout."""

from pathlib import Path

from app.hub.alerts import Alerts
from app.hub.conditions import Kind
from app.hub.lookout import Lookout
from app.hub.sightings import Sightings
from tests.hub.households import Clinic

BEAT_S = 300


class Watch:
    """A hub's lookout over a clinic, and the rooms that are switched on."""

    def __init__(self, clinic: Clinic, where: Path | str, name: str = "north-1") -> None:
        self.clinic = clinic
        self.hears, self.trouble, self.up = True, "", True
        self.rooms: dict[str, dict[str, object]] = {}
        """Those that are on, and what their heartbeats say."""
        self.sightings, self.alerts = Sightings(where), clinic.alerts
        self.said: list[str] = []
        self._seq = 0
        self.lookout = Lookout(
            name,
            clinic.options.state,
            clinic.store,
            clinic.rounds,
            self.sightings,
            self.alerts,
            lambda: self.hears,
            lambda: self.trouble or None,
            lambda: float(clinic.now),
            self.said.append,
        )

    def on(self, *devices: str, **says: object) -> None:
        """Switch rooms on, or have them say something else."""
        for device in devices:
            self.rooms[device] = says
            self.beat(device)

    def beat(self, device: str) -> None:
        self._seq += 1
        self.clinic.beat(device, self._seq, **self.rooms[device])  # type: ignore[arg-type]  # a heartbeat's fields

    def pass_(self, minutes: float, step_s: int = 60) -> None:
        """Let time pass; where the hub is up it takes in heartbeats and looks."""
        end = self.clinic.now + round(minutes * 60)
        while self.clinic.now < end:
            before, self.clinic.now = self.clinic.now, min(self.clinic.now + step_s, end)
            if self.up:
                if before // BEAT_S < self.clinic.now // BEAT_S:
                    for device in self.rooms:
                        self.beat(device)
                self.lookout.look()

    def open(self) -> set[tuple[str, Kind]]:
        """What is told to be wrong now."""
        return {(alert.subject, alert.kind) for alert in self.alerts.open()}

    def close(self) -> None:
        self.sightings.close()


def told(alerts: Alerts, now: int) -> list[tuple[str, Kind]]:
    """All that was ever told, in order."""
    every = [*alerts.open(), *alerts.over(now)]
    return [(alert.subject, alert.kind) for alert in sorted(every, key=lambda alert: (alert.opened, alert.id))]
