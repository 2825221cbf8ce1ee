"""What the numbers of a session need, and nothing more: counts, and durations in no order."""

from bisect import insort
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from heapq import merge
from typing import Any, Self

from app.conversation.vocabulary import LAPSE, Event, Kind, Overlap, Place, Silence, Stretch, Turn, Unit
from app.hearing.seats import Role, Seat

CONTEXTS = tuple(f"{before.value}_{after.value}" for before in Role for after in Role)
"""Before and after of a silence, by role."""


class TallyError(ValueError):
    """A tally that cannot be read or added; says why in one sentence."""


@dataclass(slots=True)
class Tally:
    """Counts and sorted durations, in frames of 10 ms; no order of events can be read from it."""

    roles: list[str | None]
    """The role of each seat, in the order of the seats; empty without seats."""
    speech: list[int]
    """Frames of speech by seat, listener responses included; one entry, the voice, without seats."""
    talk: dict[str, int]
    """Frames of speech by role, listener responses left out."""
    open: int = 0
    measured: int = 0
    silent: int = 0
    """Measured frames outside every unit."""
    overlapped: int = 0
    units: int = 0
    blips: int = 0
    """Bursts too short for a word, which were dropped."""
    changes: int = 0
    """Changes of floor."""
    therapist_responses: int = 0
    long_silences: int = 0
    """Silences of 3 s and more, whatever their context."""
    long_by_context: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CONTEXTS, 0))
    turns: dict[str, list[int]] = field(default_factory=lambda: {role.value: [] for role in Role})
    """Lengths of turns by role, sorted."""
    offsets: dict[str, list[int]] = field(default_factory=lambda: {c: [] for c in CONTEXTS})
    """Floor-transfer offsets by role before and after, sorted."""

    @classmethod
    def of(cls, seats: Iterable[Seat]) -> Self:
        """An empty tally for some seats."""
        roles = [seat.role.value if seat.role else None for seat in seats]
        return cls(roles, [0] * max(1, len(roles)), {role.value: 0 for role in Role})

    @property
    def doubt(self) -> float:
        """Bursts too short for a word, a unit: the less sure the hearing, the more. A few units say little."""
        return (self.blips + 1) / (self.units + 10)

    def count(self, events: Iterable[Event]) -> None:
        """Add some events; each event of a session is to be counted once."""
        for event in events:
            if isinstance(event, Unit):
                self._count_unit(event)
            elif isinstance(event, Turn):
                self._count_turn(event)
            elif isinstance(event, Silence):
                self._count_silence(event)
            elif isinstance(event, Overlap):
                self.overlapped += event.frames
            else:
                self._count_stretch(event)

    def _role(self, seat: int | None) -> str | None:
        return self.roles[seat] if seat is not None and self.roles else None

    def _context(self, before: int | None, after: int | None) -> str | None:
        first, then = self._role(before), self._role(after)
        return f"{first}_{then}" if first and then else None

    def _count_unit(self, unit: Unit) -> None:
        self.units += 1
        self.speech[unit.seat] += unit.frames
        role = self._role(unit.seat)
        if unit.kind is Kind.LISTENER_RESPONSE:
            self.therapist_responses += role == Role.THERAPIST.value
        elif role:
            self.talk[role] += unit.frames

    def _count_turn(self, turn: Turn) -> None:
        role = self._role(turn.seat)
        if role:
            insort(self.turns[role], turn.frames)
        if turn.offset is not None:
            self.changes += 1
            context = self._context(turn.before, turn.seat)
            if context:
                insort(self.offsets[context], turn.offset)

    def _count_silence(self, silence: Silence) -> None:
        self.silent += silence.frames
        if silence.place is not Place.VOID and silence.frames >= LAPSE:
            self.long_silences += 1
            context = self._context(silence.before, silence.after)
            if context:
                self.long_by_context[context] += 1

    def _count_stretch(self, stretch: Stretch) -> None:
        self.open += stretch.frames
        self.measured += stretch.frames if stretch.measured else 0

    def plus(self, other: "Tally") -> "Tally":
        """The tally of two parts of one session. Raises TallyError for parts with other seats."""
        if self.roles != other.roles:
            raise TallyError("these tallies are of different seats: add only parts of one session")
        return Tally(**{f.name: _sum(getattr(self, f.name), getattr(other, f.name), f.name) for f in fields(self)})

    def as_json(self) -> dict[str, Any]:
        """Plain values for JSON; `from_json` reads them back."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: object) -> Self:
        """A tally from `as_json`. Raises TallyError for anything else."""
        names = {f.name for f in fields(cls)}
        if not isinstance(values, dict) or set(values) != names:
            raise TallyError("this is no tally of this version: it was written by another one or is damaged")
        empty = cls.of(())
        if not all(_is_like(values[name], getattr(empty, name)) for name in names):
            raise TallyError("this tally is damaged: a value is not of its kind")
        return cls(**values)


def _is_like(value: object, example: object) -> bool:
    """True for a value of the same type, and for entries with the same keys and types."""
    if isinstance(value, dict) and isinstance(example, dict):
        return value.keys() == example.keys() and all(_is_like(value[key], example[key]) for key in example)
    return type(value) is type(example)


def _sum(one: Any, other: Any, name: str) -> Any:  # noqa: ANN401 - one rule for each shape of field
    """The sum of one field of two tallies: numbers add, sorted durations merge, the rest goes entry by entry."""
    if isinstance(one, int):
        return one + other
    if isinstance(one, dict):
        return {key: _sum(one[key], other[key], key) for key in one}
    if name == "roles":
        return list(one)
    if name == "speech":
        return [a + b for a, b in zip(one, other, strict=True)]
    return list(merge(one, other))
