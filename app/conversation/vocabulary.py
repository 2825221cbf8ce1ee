"""The words of a conversation as frozen values; times are whole frames of 10 ms, half-open [start, end)."""

from dataclasses import dataclass
from enum import Enum

from app.hearing.activity import FRAME_S
from app.hearing.seats import Role

FRAMES_PER_S = round(1 / FRAME_S)


def frames(seconds: float) -> int:
    """The nearest whole number of frames to a time in seconds."""
    return round(seconds * FRAMES_PER_S)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time."""

    start: int
    """First frame, counted from the session's begin."""
    end: int
    """The frame after the last."""

    @property
    def frames(self) -> int:
        """Length in frames."""
        return self.end - self.start

    @property
    def start_s(self) -> float:
        """Begin, seconds."""
        return self.start / FRAMES_PER_S

    @property
    def end_s(self) -> float:
        """End, seconds."""
        return self.end / FRAMES_PER_S

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.frames / FRAMES_PER_S


class Kind(Enum):
    """What a unit is to the floor; the values are those of `fermata replay --units`."""

    TURN = "turn"
    LISTENER_RESPONSE = "listener_response"


@dataclass(frozen=True, slots=True)
class Unit(Span):
    """An inter-pausal unit: one seat's speech without a break of `min_pause` or more."""

    seat: int
    """Index into the seats of the conversation."""
    kind: Kind = Kind.TURN


@dataclass(frozen=True, slots=True)
class Turn(Span):
    """One seat's units, listener responses and asides apart, until another seat takes the floor."""

    seat: int
    speech: int
    """Frames of speech in it, inner pauses left out."""
    before: int | None
    """The seat that had the floor before; None at the begin and after what could not be measured."""
    offset: int | None
    """Floor-transfer offset in frames: > 0 a gap, < 0 an overlap; None without a turn before."""


class Place(Enum):
    """Where a silence lies."""

    PAUSE = "pause"  # inside a turn
    GAP = "gap"  # between turns of different seats
    PLAIN = "plain"  # no context: at either end of the session, or the seats are not known
    VOID = "void"  # touches what could not be measured, so its true length is not known


LAPSE = frames(3.0)
"""A gap this long is a lapse; silences this long are counted (PICS' threshold, Levitt 2001)."""


@dataclass(frozen=True, slots=True)
class Silence(Span):
    """A stretch outside every unit, told once it has ended and its context is known."""

    before: int | None
    """The seat that held the floor."""
    after: int | None
    """The next seat with a unit over 1 s, or the holder whatever the length."""
    place: Place

    @property
    def is_lapse(self) -> bool:
        """True for a gap of 3 s or more."""
        return self.place is Place.GAP and self.frames >= LAPSE


@dataclass(frozen=True, slots=True)
class Overlap(Span):
    """Two seats or more speak at once."""

    change: bool
    """True if the floor changed hands in it."""


@dataclass(frozen=True, slots=True)
class Stretch(Span):
    """A part of the session that could be measured, or could not."""

    measured: bool


Event = Unit | Turn | Silence | Overlap | Stretch
"""What a conversation tells, each once and never revised; a unit is told when it is over and judged, a turn when it is
over, so the order is that of certainty."""


@dataclass(frozen=True, slots=True)
class Now:
    """The present, for cues: who speaks comes from live activity, who holds the floor from the settled one."""

    frame: int
    """Frames since the session's begin."""
    measurable: bool
    speaking: tuple[Role | None, ...]
    """The roles of those who speak in this frame; empty in silence and where nothing can be measured."""
    holder: Role | None
    """The role of the seat that holds the floor."""
    held_since: int | None
    """The frame at which that turn began; None if nobody holds the floor."""
    silent_for: int
    """Frames of silence up to now; 0 while somebody speaks and where nothing can be measured."""
    client_quiet_for: int | None
    """Frames since a client was last heard, 0 while one speaks; None before the first time."""

    @property
    def therapist_speaks(self) -> bool:
        """True while a therapist is heard."""
        return Role.THERAPIST in self.speaking

    @property
    def client_speaks(self) -> bool:
        """True while a client is heard."""
        return Role.CLIENT in self.speaking

    @property
    def therapist_has_floor(self) -> bool:
        """True in a therapist's turn."""
        return self.holder is Role.THERAPIST

    @property
    def client_has_floor(self) -> bool:
        """True in a client's turn."""
        return self.holder is Role.CLIENT
