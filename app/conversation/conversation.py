"""A conversation as it goes on: activity in, events out; the present for cues and the tally for numbers at any time."""

import copy
from collections.abc import Iterable

from app.conversation.edges import edges_of
from app.conversation.floor import Floor
from app.conversation.present import Present
from app.conversation.tally import Tally
from app.conversation.units import UnitRules, Units
from app.conversation.vocabulary import Event, Now, Place, Silence, Span, Turn, Unit
from app.hearing.activity import Activity
from app.hearing.seats import Role, Seat


class Conversation:
    """From who speaks in a frame to turns, silences and numbers; memory does not grow but for the tally's durations.

    Without seats there is one voice, `speech`: its units and silences are told, and no turns.
    """

    def __init__(self, seats: Iterable[Seat] = (), rules: UnitRules | None = None) -> None:
        self.seats = tuple(seats)
        self._roles = tuple(seat.role for seat in self.seats) or (None,)
        self._units = Units(len(self._roles), rules)
        self._floor = Floor()
        clients = frozenset(seat for seat, role in enumerate(self._roles) if role is Role.CLIENT)
        self._present = Present(len(self._roles), clients, self._units.rules)
        self._tally = Tally.of(self.seats)
        self._is_over = False

    def follow(self, activity: Activity, live: Activity | None = None) -> tuple[Event, ...]:
        """The events that became certain with more settled activity.

        `live` is the newest activity, a little ahead of the settled; without it the settled one drives `now` as well.
        """
        self._present.follow(activity if live is None else live)
        edges, known = self._units.follow(activity)
        return self._tell(self._floor.follow(edges, known))

    def finish(self) -> tuple[Event, ...]:
        """The last events, when the session ends with the last frame that was told; none the second time."""
        if self._is_over:
            return ()
        self._is_over = True
        return self._tell(
            self._floor.follow(self._units.finish(), self._units.frame) + self._floor.finish(self._units.frame)
        )

    @property
    def now(self) -> Now:
        """The present, for cues."""
        holder = self._floor.holder if self.seats else None
        present = self._present
        return Now(
            frame=present.frame,
            measurable=present.measurable,
            speaking=tuple(role for role, on in zip(self._roles, present.speaking, strict=True) if on),
            holder=None if holder is None else self._roles[holder],
            held_since=None if holder is None else self._floor.held_since,
            silent_for=present.silent_for,
            client_quiet_for=present.client_quiet_for,
        )

    def tally(self) -> Tally:
        """The numbers so far, as if the session had ended here: a checkpoint."""
        ended = copy.deepcopy(self)
        ended.finish()
        return ended._tally  # noqa: SLF001 - its own copy

    def _tell(self, events: list[Event]) -> tuple[Event, ...]:
        if not events:
            return ()
        told = tuple(events if self.seats else voices(events))
        self._tally.count(told)
        return told


def voices(events: Iterable[Event]) -> Iterable[Event]:
    """What can be told when it is not known who speaks: no turns, and silences without context."""
    for event in events:
        if isinstance(event, Silence) and event.place is not Place.VOID:
            yield Silence(event.start, event.end, None, None, Place.PLAIN)
        elif not isinstance(event, Turn):
            yield event


def recount(
    seats: tuple[Seat, ...], units: Iterable[Unit], length: int, unmeasured: Iterable[Span] = ()
) -> tuple[tuple[Event, ...], Tally]:
    """A whole session from units instead of sound: its events and its tally.

    `length` is the session's in frames; `unmeasured` are its spans where nothing could be measured. Raises ValueError
    for a unit of no length, of no seat, or outside the session.
    """
    units = tuple(units)
    for unit in units:
        if not (0 <= unit.start < unit.end <= length and 0 <= unit.seat < len(seats)):
            raise ValueError(f"{unit} is no unit of a session of {length} frames and {len(seats)} seats")
    floor = Floor()
    events = floor.follow(edges_of(units, unmeasured, UnitRules().min_pause), length) + floor.finish(length)
    tally = Tally.of(seats)
    tally.count(events)
    return tuple(events), tally
