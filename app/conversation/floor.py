"""The floor: from the edges of units to turns, overlaps and silences.

A unit is judged when all that its verdict can depend on is known, in order of start, so no verdict is ever revised.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from app.conversation.edges import Edge, What
from app.conversation.silences import Silences
from app.conversation.verdicts import CLOSE, LONGEST_ASIDE, Run, Verdict, judge
from app.conversation.vocabulary import Event, Kind, Overlap, Place, Silence, Stretch, Turn, Unit


@dataclass(slots=True)
class _Turn:
    seat: int
    start: int
    last: Run
    speech: int = 0


@dataclass(slots=True)
class _Unit(Run):
    """A unit on its way through the floor."""

    kind: Kind | None = None
    turn: _Turn | None = None


class Floor:
    """A stage that turns edges into events; between two breaks it knows one floor."""

    def __init__(self) -> None:
        self._begun = 0  # of the current stretch
        self._measured = True
        self._fresh()

    def _fresh(self) -> None:
        """Forget who spoke, as at the begin and after a break."""
        self._running: dict[int, _Unit] = {}
        self._queue: deque[_Unit | tuple[int, int, type]] = deque()  # units, ended silences and overlaps, undecided
        self._silences = Silences()
        self._turn: _Turn | None = None
        self._ended: deque[_Turn] = deque()  # turns that are over, their last unit perhaps still running
        self._before: tuple[int, int] | None = None  # seat and end of the turn told last
        self._taken: deque[int] = deque(maxlen=8)  # where the floor was taken lately
        self._silent_from = self._begun
        self._overlap_from = 0

    @property
    def waits(self) -> bool:
        """Whether something may become certain by time alone."""
        return bool(self._queue)

    @property
    def holder(self) -> int | None:
        """The seat that holds the floor, as far as it is decided."""
        return self._turn.seat if self._turn else None

    @property
    def held_since(self) -> int | None:
        """The frame at which the holder's turn began."""
        return self._turn.start if self._turn else None

    def follow(self, edges: list[Edge], until: int) -> list[Event]:
        """The events that became certain. Edges come in time order, and all before the frame `until` are known."""
        events: list[Event] = []
        for frame, what, seat in edges:
            if self._queue:
                self._decide(frame, events)
            if what is What.START:
                self._start(frame, seat)
            elif what is What.STOP:
                self._stop(frame, seat, events)
            else:
                self._cut(frame, what is What.RESUME, events)
        if self._queue:
            self._decide(until, events)
        return events

    def finish(self, frame: int) -> list[Event]:
        """The last events, when the session ends at a frame; every unit has stopped."""
        events: list[Event] = []
        self._end_stretch(frame, Place.PLAIN, events)
        return events

    def _start(self, frame: int, seat: int) -> None:
        if not self._running and frame > self._silent_from:
            self._queue.append((self._silent_from, frame, Silence))
        unit = _Unit(seat, frame)
        self._running[seat] = unit
        self._queue.append(unit)
        if len(self._running) == 2:
            self._overlap_from = frame

    def _stop(self, frame: int, seat: int, events: list[Event]) -> None:
        unit = self._running.pop(seat)
        unit.end = frame
        if not self._running:
            self._silent_from = frame
        elif len(self._running) == 1 and frame > self._overlap_from:
            self._queue.append((self._overlap_from, frame, Overlap))
        if unit.kind is not None:
            self._tell(unit, events)
            events += self._silences.settle()

    def _cut(self, frame: int, resumes: bool, events: list[Event]) -> None:
        """What can be measured ends here, or begins again."""
        if resumes is self._measured:
            return
        if resumes:
            if frame > self._begun:
                events.append(Stretch(self._begun, frame, measured=False))
        else:
            self._end_stretch(frame, Place.VOID, events)
        self._begun, self._measured = frame, resumes
        self._fresh()

    def _end_stretch(self, frame: int, place: Place, events: list[Event]) -> None:
        """Judge what is left by what is known, and tell it."""
        if self._measured:
            # Nothing more will be said, which is certain only once every wait is over.
            self._decide(frame + LONGEST_ASIDE + CLOSE, events)
            events += self._silences.close()
            if self._turn:
                self._ended.append(self._turn)
                self._turn = None
            self._tell_turns(events)
            if frame > self._silent_from:
                is_all = self._silent_from == self._begun
                events.append(
                    Silence(self._silent_from, frame, None, None, Place.VOID if is_all and self._begun else place)
                )
        if frame > self._begun:
            events.append(Stretch(self._begun, frame, self._measured))

    def _edge_place(self) -> Place:
        """The place of a silence before the first unit of a stretch."""
        return Place.VOID if self._begun else Place.PLAIN

    def _decide(self, until: int, events: list[Event]) -> None:
        """Judge from the head of the queue as far as the verdicts are certain."""
        queue = self._queue
        while queue:
            item = queue[0]
            if isinstance(item, tuple):
                queue.popleft()
                self._place(*item, events)
                continue
            if item.start >= until:
                break
            item = self._holder_first(item)
            verdict = judge(item, self._turn.last if self._turn else None, self._units(), until)
            if verdict is None:
                break
            queue.popleft()
            self._apply(item, verdict, events)

    def _place(self, start: int, end: int, what: type, events: list[Event]) -> None:
        if what is Overlap:
            events.append(Overlap(start, end, any(start <= taken < end for taken in self._taken)))
        elif self._turn is None:
            events.append(Silence(start, end, None, None, self._edge_place()))
        else:
            self._silences.ended(start, end, self._turn.seat)

    def _holder_first(self, head: _Unit) -> _Unit:
        """Of units that start together the holder's is judged first."""
        if self._turn and head.seat != self._turn.seat:
            for place, other in enumerate(self._queue):
                if isinstance(other, _Unit) and other.seat == self._turn.seat and other.start == head.start:
                    del self._queue[place]
                    self._queue.appendleft(other)
                    return other
        return head

    def _units(self) -> Iterator[_Unit]:
        """The units that wait for their verdict."""
        return (item for item in self._queue if isinstance(item, _Unit))

    def _apply(self, unit: _Unit, verdict: Verdict, events: list[Event]) -> None:
        unit.kind = Kind.LISTENER_RESPONSE if verdict is Verdict.RESPONSE else Kind.TURN
        place = None
        if verdict is Verdict.TAKES:
            place = Place.GAP
            if self._turn:
                self._ended.append(self._turn)
                self._taken.append(unit.start)
                self._tell_turns(events)
            unit.turn = self._turn = _Turn(unit.seat, unit.start, unit)
        elif verdict is Verdict.GOES_ON and self._turn:
            place = Place.PAUSE
            unit.turn, self._turn.last = self._turn, unit
        self._silences.followed(unit, place)
        if unit.end is not None:
            self._tell(unit, events)
        events += self._silences.settle()

    def _tell(self, unit: _Unit, events: list[Event]) -> None:
        """A unit that is both judged and over."""
        if unit.end is not None and unit.kind is not None:
            events.append(Unit(unit.start, unit.end, unit.seat, unit.kind))
            if unit.turn:
                unit.turn.speech += unit.end - unit.start
            if self._ended:
                self._tell_turns(events)

    def _tell_turns(self, events: list[Event]) -> None:
        while self._ended and (end := self._ended[0].last.end) is not None:
            turn = self._ended.popleft()
            before, offset = (self._before[0], turn.start - self._before[1]) if self._before else (None, None)
            events.append(Turn(turn.start, end, turn.seat, turn.speech, before, offset))
            self._before = (turn.seat, end)
