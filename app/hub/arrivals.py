"""What comes in over the wire, sorted: a message to keep, a unit's state, or something to set aside."""

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from app.hub.periods import thursday
from app.sync import wire

MAX_COUNT = 2**53  # as wire.Count: what JSON numbers hold exactly
MAX_SOFTWARE = 100
MIN_SESSIONS = 10  # no room may release fewer
EPOCH = re.compile(r"[0-9a-f]{32}")
DEVICE = re.compile(r"[a-z0-9-]{1,48}")


@dataclass(frozen=True, slots=True)
class Arrival:
    """Some bytes on a device's topic."""

    device: str
    leaf: str
    """The topic's last word: m or state."""
    payload: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """A valid message; (device, epoch, seq) is its identity."""

    arrival: Arrival
    envelope: wire.Envelope
    sha256: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A unit's birth or death."""

    device: str
    state: wire.State

    @property
    def is_birth(self) -> bool:
        """The unit is there."""
        return self.state.state == "birth"


@dataclass(frozen=True, slots=True)
class Aside:
    """Something the hub cannot take: it is kept as it came, with the reason."""

    arrival: Arrival
    reason: str
    sha256: str
    key: tuple[str, int] | None
    """(epoch, seq) if they can be read."""
    acknowledge: bool
    """False for a newer version: the device shall keep it until the hub can read it."""


Sorted = Accepted | Standing | Aside


def sort(arrival: Arrival) -> Sorted | None:
    """What an arrival is; None for a state that was cleared."""
    if arrival.leaf == "state":
        return _state(arrival) if arrival.payload else None
    sha256 = wire.fingerprint(arrival.payload)
    content = _content(arrival.payload)
    key = _key(content)
    version = content.get("v")
    if type(version) is int and version != wire.MAJOR:
        return Aside(arrival, f"version {version} is unknown to this hub", sha256, key, acknowledge=False)
    try:
        envelope = wire.unseal(arrival.payload)
    except wire.WireError as error:
        return Aside(arrival, str(error), sha256, key, acknowledge=key is not None)
    fault = _fault(arrival.device, envelope)
    if fault:
        return Aside(arrival, fault, sha256, key, acknowledge=True)
    return Accepted(arrival, envelope, sha256)


def _state(arrival: Arrival) -> Standing | Aside:
    try:
        if DEVICE.fullmatch(arrival.device):
            return Standing(arrival.device, wire.State.model_validate_json(arrival.payload))
        reason = "its topic names no device"
    except ValidationError as error:
        reason = f"not a state of this version: {error.errors()[0]['msg']}"
    return Aside(arrival, reason, wire.fingerprint(arrival.payload), None, acknowledge=False)


def _content(payload: bytes) -> dict[str, Any]:
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _key(content: dict[str, Any]) -> tuple[str, int] | None:
    epoch, seq = content.get("epoch"), content.get("seq")
    if isinstance(epoch, str) and EPOCH.fullmatch(epoch) and type(seq) is int and 0 <= seq <= MAX_COUNT:
        return epoch, seq
    return None


def _fault(device: str, envelope: wire.Envelope) -> str | None:
    """What is wrong with a well-formed message, in a sentence; None if nothing is."""
    if envelope.device != device:
        return f"it says it comes from {envelope.device}, but came from {device}"
    if isinstance(envelope.body, wire.Release):
        return _release_fault(envelope.body)
    if isinstance(envelope.body, wire.Result):
        return None
    software = envelope.body.software
    if not software.isprintable() or len(software) > MAX_SOFTWARE:
        return "its software's name cannot be shown"
    return None


def _release_fault(release: wire.Release) -> str | None:
    try:
        thursday(release.week)
    except ValueError:
        return f"there is no week {release.week}"
    sums, ranges = release.sums or {}, release.ranges
    faults = {
        f"a rho of {release.rho} is not possible": not (math.isfinite(release.rho) and release.rho > 0),
        "it is withheld and yet has sessions": release.sums is None and release.sessions > 0,
        f"a release of {release.sessions} sessions must never leave a room": release.sums is not None
        and release.sessions < MIN_SESSIONS,
        "its sums and ranges name different metrics": release.sums is not None and sums.keys() != ranges.keys(),
        "a sum is larger than any sum can be": any(abs(total) > MAX_COUNT for total in sums.values()),
        "a range is empty or endless": not all(
            math.isfinite(high - low) and low < high for low, high in ranges.values()
        ),
    }
    return next((sentence for sentence, true in faults.items() if true), None)
