"""A room as its unit's health tells it."""

from dataclasses import dataclass
from enum import Enum

SILENT_AFTER_S = 15 * 60
"""Three heartbeats missed at one every five minutes."""


class Presence(Enum):
    """Whether a room can be counted on, in the order of worry."""

    OFFLINE = "offline"
    SILENT = "silent"
    """Connected, but no heartbeat for a while."""
    NEW = "new"
    """Never heard from by heartbeat."""
    ONLINE = "online"


@dataclass(frozen=True, slots=True)
class Room:
    """What is known of one room unit; times are the hub's, seconds since 1970 UTC, None: not known yet."""

    device: str
    simulated: bool | None
    state: str | None
    """birth or death, as on the wire."""
    since: int | None
    heartbeat: int | None
    software: str | None
    microphones: str | None
    clock: str | None
    waiting: int | None
    dropped: int | None

    def presence(self, now: int) -> Presence:
        """How the room stands at a time."""
        if self.state == "death":
            return Presence.OFFLINE
        if self.heartbeat is None:
            return Presence.NEW
        return Presence.ONLINE if now - self.heartbeat <= SILENT_AFTER_S else Presence.SILENT

    @property
    def unwell(self) -> bool:
        """Whether its microphones report a fault."""
        return self.microphones == "fault"
