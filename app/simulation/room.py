"""One simulated room: its numbers on the wire, its messages, and which of them wait for the hub's word."""

import random
import secrets
from dataclasses import dataclass, field

from app.release.release import RANGES, Rules, compose
from app.sync import wire

SOFTWARE = "simulated"
SESSIONS = 25
"""In a week; as a room that is used five times a day."""


@dataclass(slots=True)
class Waiting:
    """A message without an acknowledgement."""

    payload: bytes
    sent: float | None = None
    """When it was published first."""
    tries: int = 0


@dataclass(slots=True)
class SimulatedRoom:
    """A room of which nothing is real but the form of its messages; everything it says is marked as simulated."""

    device: str
    dice: random.Random
    epoch: str = field(default_factory=lambda: secrets.token_hex(16))
    next_seq: int = 0
    boot: int = 0
    waiting: dict[int, Waiting] = field(default_factory=dict)

    def beat(self) -> int:
        """Make a heartbeat; its number."""
        releases = sum(len(each.payload) == wire.SIZES["release"] for each in self.waiting.values())
        return self._put(
            wire.Heartbeat(software=SOFTWARE, microphones="ok", clock="hub", outbox_waiting=releases, outbox_dropped=0)
        )

    def release(self, week: str) -> int:
        """Make the week's release, of sessions that nobody held; its number."""
        sessions = [
            {metric: low + (high - low) * self.dice.betavariate(3, 4) for metric, (low, high) in RANGES.items()}
            for _ in range(SESSIONS)
        ]
        return self._put(compose(sessions, week, Rules(), self.dice))

    def birth(self) -> wire.State:
        """Count a connection; what is said at its beginning."""
        self.boot += 1
        return wire.State(state="birth", epoch=self.epoch, boot=self.boot, next_seq=self.next_seq)

    def death(self) -> wire.State:
        """What is said at its end."""
        return wire.State(state="death", epoch=self.epoch, boot=self.boot)

    def _put(self, body: wire.Release | wire.Heartbeat) -> int:
        seq = self.next_seq
        envelope = wire.Envelope(device=self.device, epoch=self.epoch, seq=seq, simulated=True, body=body)
        self.waiting[seq] = Waiting(wire.seal(envelope))
        self.next_seq += 1
        return seq
