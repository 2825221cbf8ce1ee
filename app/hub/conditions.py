"""What can be wrong with a device, when it counts, and what is wrong now: of devices only, never of conversations."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from app.hub.rooms import Presence, Room
from app.hub.rounds import Ward
from app.hub.standing import CERTIFICATE_S

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
AWAY_S = 30 * MINUTE_S
"""Without a word for so long a room is away. A restart, an update or a new router takes less."""
DISK_LOW, DISK_WELL = 2**30, 3 * 2**29
"""Bytes free: less than the first is too little, and it is enough again from the second on."""
ASIDE_S = DAY_S
"""So long after the last message that was set aside the trouble is taken to be over."""
AHEAD_S = 5 * MINUTE_S
"""A time that is further ahead of the clock than this was told by a clock that was wrong."""
HUB = "hub:"
"""With this begins the subject of what is wrong with a hub; no room's id has a colon."""
STRANGERS = ""
"""The subject of what units do that nobody has added."""


class Kind(StrEnum):
    """What can be wrong."""

    AWAY = "away"
    MICROPHONES = "microphones"
    CERTIFICATE = "certificate"
    CLOCK = "clock"
    OUTBOX = "outbox"
    UNACKNOWLEDGED = "unacknowledged"
    NEWER = "newer"
    ASIDE = "aside"
    DISK = "disk"
    STORING = "storing"


@dataclass(frozen=True, slots=True)
class Rule:
    """How long a trouble lasts before it is told, and how long it is gone before it is over; seconds."""

    after_s: int
    over_s: int


RULES: Mapping[Kind, Rule] = {
    Kind.AWAY: Rule(0, AWAY_S),  # the half hour is in the condition; as long again without a gap, and it is back
    Kind.MICROPHONES: Rule(10 * MINUTE_S, 10 * MINUTE_S),  # two heartbeats that say the same
    Kind.CERTIFICATE: Rule(0, 0),  # days make no haste, and a new certificate is certain
    Kind.CLOCK: Rule(HOUR_S, 10 * MINUTE_S),  # from a start until the hub's first word; it takes seconds
    Kind.OUTBOX: Rule(0, 0),  # counted from one day to the next, so it is steady already
    Kind.UNACKNOWLEDGED: Rule(HOUR_S, 10 * MINUTE_S),  # an answer takes seconds, and is asked for every 5 min at least
    Kind.NEWER: Rule(0, 0),  # over only when the hub can read it
    Kind.ASIDE: Rule(0, 0),  # it lasts a day by itself
    Kind.DISK: Rule(0, 0),  # two thresholds
    Kind.STORING: Rule(5 * MINUTE_S, 5 * MINUTE_S),  # a broker or database that is started anew is back in one
}

Key = tuple[str, Kind]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong now."""

    subject: str
    """A room's device id, HUB and a hub's name, or STRANGERS."""
    kind: Kind
    name: str
    """The subject as people call it."""
    fact: int | None = None
    """When it was last heard or its certificate ends (seconds since 1970 UTC); how many; mebibytes free."""


@dataclass(frozen=True, slots=True)
class Own:
    """How a hub itself is."""

    name: str
    free: int
    """Bytes, where its state is kept."""
    trouble: str | None
    """What keeps messages from being stored."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known at a moment."""

    wards: Sequence[Ward]
    lost: Mapping[str, int]
    """Per room, the messages it has dropped since the day before."""
    aside: Mapping[str, int]
    """Per room as the topic names it, the messages set aside within a day."""
    newer: Collection[str]
    """Rooms whose messages this hub is too old to read."""
    listening_since: int | None
    """Since when a hub has listened without a break; None: none does."""
    own: Own


@dataclass(slots=True)
class Findings:
    """What is wrong, and of what that cannot be told now: it stays as it was."""

    troubles: list[Trouble] = field(default_factory=list)
    unknown: set[Key] = field(default_factory=set)


def find(evidence: Evidence, now: int) -> Findings:
    """What is wrong now. Rehearsals' rooms come and go as they like, so nothing is wrong with them."""
    found = Findings()
    known = {ward.room.device: ward for ward in evidence.wards if not ward.room.simulated}
    for ward in known.values():
        _room(ward, evidence, now, found)
    names = {device: ward.name for device, ward in known.items()}
    found.troubles += _told_of(Kind.NEWER, dict.fromkeys(evidence.newer, 1), names)
    found.troubles += _told_of(Kind.ASIDE, evidence.aside, names)
    _hub(evidence.own, found)
    return found


def _room(ward: Ward, evidence: Evidence, now: int, found: Findings) -> None:
    room, ends = ward.room, ward.certificate_ends
    if ends is not None and ends - now < CERTIFICATE_S:
        found.troubles.append(Trouble(room.device, Kind.CERTIFICATE, ward.name, ends))
    sign = _last_sign(room, now)
    heard_from = evidence.listening_since
    online = room.presence(now) is Presence.ONLINE and (room.heartbeat or 0) <= now + AHEAD_S
    if not online:
        quiet = None if heard_from is None or sign is None else now - max(sign, heard_from)
        if quiet is not None and quiet >= AWAY_S:
            found.troubles.append(Trouble(room.device, Kind.AWAY, ward.name, sign))
        elif sign is not None:
            found.unknown.add((room.device, Kind.AWAY))
    said = {
        Kind.MICROPHONES: (room.unwell, None),
        Kind.CLOCK: (room.clock == "own", None),
        Kind.OUTBOX: (evidence.lost.get(room.device, 0) > 0, evidence.lost.get(room.device)),
        Kind.UNACKNOWLEDGED: (bool(room.waiting), room.waiting),
    }
    fresh = online and heard_from is not None and (room.heartbeat or 0) >= heard_from
    for kind, (wrong, fact) in said.items():
        if not fresh:
            found.unknown.add((room.device, kind))
        elif wrong:
            found.troubles.append(Trouble(room.device, kind, ward.name, fact))


def _last_sign(room: Room, now: int) -> int | None:
    """When a room last gave a sign, were it its last will; None if never. A time from a clock gone wrong is none."""
    signs = [at for at in (room.heartbeat, room.since) if at is not None]
    return max((at for at in signs if at <= now + AHEAD_S), default=0) if signs else None


def _told_of(kind: Kind, counts: Mapping[str, int], names: Mapping[str, str]) -> Iterator[Trouble]:
    """A trouble for each room that we know, and one for all others together: anybody can make up names."""
    yield from (Trouble(device, kind, names[device], n) for device, n in counts.items() if device in names)
    strange = sum(n for device, n in counts.items() if device not in names)
    if strange:
        yield Trouble(STRANGERS, kind, "", strange)


def _hub(own: Own, found: Findings) -> None:
    subject = HUB + own.name
    if own.free < DISK_LOW:
        found.troubles.append(Trouble(subject, Kind.DISK, own.name, own.free // 2**20))
    elif own.free < DISK_WELL:
        found.unknown.add((subject, Kind.DISK))
    if own.trouble:
        found.troubles.append(Trouble(subject, Kind.STORING, own.name))
