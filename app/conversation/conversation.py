"""A conversation as it goes on: activity in, events out; the present for cues and the tally for numbers at any time."""

import copy
from collections.abc import Iterable
from dataclasses import replace

from app.conversation.edges import edges_of
from app.conversation.floor import Floor
from app.conversation.present import Present
from app.conversation.tally import Tally
from app.conversation.units import UnitRules, Units
from app.conversation.vocabulary import Event, Now, Place, Silence, Span, Turn, Unit
from app.hearing.activity import Activity
from app.hearing.seats import Role, Seat


class Reading:
    """What one set of rules makes of activity: its events, and their tally."""

    def __init__(self, seats: tuple[Seat, ...], rules: UnitRules | None) -> None:
        self._units = Units(max(1, len(seats)), rules)
        self.rules = self._units.rules
        self.floor = Floor()
        self.counted = Tally.of(seats)
        self._has_seats = bool(seats)
        self._is_over = False

    def follow(self, activity: Activity) -> tuple[Event, ...]:
        """The events that became certain with more activity."""
        edges, known = self._units.follow(activity)
        if not (edges or self.floor.waits):
            return ()
        return self._tell(self.floor.follow(edges, known))

    def finish(self) -> tuple[Event, ...]:
        """The last events, when the session ends with the last frame that was told; none the second time."""
        if self._is_over:
            return ()
        self._is_over = True
        self.counted.blips = self._units.blips
        edges, end = self._units.finish(), self._units.frame
        return self._tell(self.floor.follow(edges, end) + self.floor.finish(end))

    def tally(self) -> Tally:
        """The numbers so far, as if the session had ended here."""
        ended = copy.deepcopy(self)
        ended.finish()
        return ended.counted

    def _tell(self, events: list[Event]) -> tuple[Event, ...]:
        if not events:
            return ()
        told = tuple(events if self._has_seats else voices(events))
        self.counted.count(told)
        return told


class Conversation:
    """From who speaks in a frame to turns, silences and numbers; memory does not grow but for the tally's durations.

    Without seats there is one voice, `speech`: its units and silences are told, and no turns.
    """

    def __init__(self, seats: Iterable[Seat] = (), rules: UnitRules | None = None) -> None:
        self.seats = tuple(seats)
        self._roles = tuple(seat.role for seat in self.seats) or (None,)
        self._reading = Reading(self.seats, rules)
        rules = self._reading.rules
        self._others = tuple(Reading(self.seats, replace(rules, onset=at, offset=at)) for at in rules.others)
        clients = frozenset(seat for seat, role in enumerate(self._roles) if role is Role.CLIENT)
        self._present = Present(len(self._roles), clients, rules)

    def follow(self, activity: Activity, live: Activity | None = None) -> tuple[Event, ...]:
        """The events that became certain with more settled activity.

        `live` is the newest activity, a little ahead of the settled; without it the settled one drives `now` as well.
        """
        self._present.follow(activity if live is None else live)
        for other in self._others:
            other.follow(activity)
        return self._reading.follow(activity)

    def finish(self) -> tuple[Event, ...]:
        """The last events, when the session ends with the last frame that was told; none the second time."""
        for other in self._others:
            other.finish()
        return self._reading.finish()

    @property
    def now(self) -> Now:
        """The present, for cues."""
        floor = self._reading.floor
        holder = floor.holder if self.seats else None
        present = self._present
        return Now(
            frame=present.frame,
            measurable=present.measurable,
            speaking=tuple(role for role, on in zip(self._roles, present.speaking, strict=True) if on),
            holder=None if holder is None else self._roles[holder],
            held_since=None if holder is None else floor.held_since,
            silent_for=present.silent_for,
            client_quiet_for=present.client_quiet_for,
        )

    def tally(self) -> Tally:
        """The numbers so far, as if the session had ended here: a checkpoint."""
        return self._reading.tally()

    def other_tallies(self) -> tuple[Tally, ...]:
        """The same by the rules' other thresholds: where these differ hearing is unsure."""
        return tuple(other.tally() for other in self._others)


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
