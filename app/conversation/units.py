"""Probabilities, frame by frame, to edges in time order: where each seat's units begin and end.

    p >= onset   ......########..###............#...........      speech begins at `onset`, ends below `offset`
    runs               [      ]  [ ]            x                 a run under `min_speech` is a blip and dropped
    units              [           ]                              runs less than `min_pause` apart are one unit

Blips go first, so a click in the middle of a pause does not bridge it.
"""

from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from app.conversation.edges import Edge, What
from app.hearing.activity import Activity


@dataclass(frozen=True, slots=True)
class UnitRules:
    """How probabilities become units."""

    onset: float = 0.5
    """Probability at which a silent seat begins to speak."""
    offset: float = 0.5
    """Probability below which a speaking seat falls silent."""
    min_pause: int = 20
    """Frames: a shorter break does not split a unit (200 ms, as usual for inter-pausal units)."""
    min_speech: int = 6
    """Frames: a shorter run is a click, not a word (the shortest words last about 80 ms)."""
    tail: int = 0
    """Frames by which speech is taken to have ended earlier than it fell silent: a room rings on."""
    others: tuple[float, ...] = ()
    """Thresholds by which the same activity is read as well, to see how far the numbers move."""


HEARD = UnitRules(min_pause=16, tail=8, others=(0.3, 0.7))
"""For what was heard: in rehearsed rooms (RT60 0.3 to 0.7 s) speech ends 80 ms late, so short breaks are filled."""


NEVER = 2**62
"""A frame that no session reaches."""


class _Seat:
    """One seat's state."""

    __slots__ = ("active", "began", "paused", "run", "speaking")

    def __init__(self) -> None:
        self.active = False  # above the threshold
        self.run: int | None = None  # where an active run began that is not yet long enough to count
        self.speaking = False  # inside a unit
        self.began = 0  # where that unit began
        self.paused: int | None = None  # where that unit last fell silent


class Units:
    """A stage that turns activity into edges."""

    def __init__(self, seats: int, rules: UnitRules | None = None) -> None:
        self.rules = rules or UnitRules()
        # Thresholds as float32, so that frames compare the same way one by one and as an array.
        self._on, self._off = float(np.float32(self.rules.onset)), float(np.float32(self.rules.offset))
        self._seats = tuple(_Seat() for _ in range(seats))
        self._frame = 0
        self._measurable = True
        self._edges: list[Edge] = []
        self._length = 1  # frames in the last block
        self.blips = 0
        """Runs that were dropped as too short for a word: many of them where hearing is unsure."""
        self._restate()

    def follow(self, activity: Activity) -> tuple[list[Edge], int]:
        """The edges that became certain, in time order, and the frame before which all edges are now known.

        Frames that were skipped count as not measurable. Raises ValueError for frames that were told before.
        """
        first, length = activity.first, len(activity.speech)
        if not length:
            return self._told()
        speech = activity.seats if activity.seats.shape[1] else activity.speech[:, None]
        is_whole = b"\0" not in activity.measurable.tobytes()
        if is_whole and first == self._frame and self._goes_on(speech, length):
            if self._frame >= self._plain_from and not self._edges:
                return [], self._frame - self._lag
            return self._told()
        if first < self._frame:
            raise ValueError(f"frame {first} was told before: activity must go forward from {self._frame}")
        if first > self._frame:
            self._break(first)
        if is_whole:
            self._hear(speech)
        else:
            self._hear_in_parts(speech, activity.measurable)
        return self._told()

    def _goes_on(self, speech: NDArray[np.float32], length: int) -> bool:
        """Whether frames bring no change and no conclusion: most do not; if so they are taken."""
        end = self._frame + length
        if not self._measurable or end >= self._deadline:
            return False
        if length != self._length:
            self._length = length
            self._restate()
        if (speech >= self._thresholds).tobytes() != self._same:
            return False
        self._frame = end
        return True

    def finish(self) -> list[Edge]:
        """The edges that remain when the activity ends here."""
        self._close(self._frame)
        return self._told()[0]

    @property
    def frame(self) -> int:
        """How many frames have been told."""
        return self._frame

    def _restate(self) -> None:
        """Remember what a block without any change looks like."""
        active = [seat.active for seat in self._seats]
        row = np.array([self._off if on else self._on for on in active], np.float32)
        self._thresholds = np.tile(row, (self._length, 1))  # three times as fast to compare with as one row
        self._same = bytes(active) * self._length
        waits = [self.rules.min_speech + seat.run for seat in self._seats if seat.run is not None]
        waits += [self.rules.min_pause + seat.paused for seat in self._seats if seat.paused is not None]
        self._deadline = min(waits, default=NEVER)
        speaking = [seat.began for seat in self._seats if seat.speaking]
        self._lag = self.rules.tail if speaking else 0
        self._plain_from = max(speaking) + self.rules.min_speech + self.rules.tail if speaking else 0
        if waits:
            self._plain_from = NEVER

    def _hear_in_parts(self, speech: NDArray[np.float32], measurable: NDArray[np.bool_]) -> None:
        at = 0
        for good, run in groupby(measurable.tolist()):
            length = len(list(run))
            if good:
                self._hear(speech[at : at + length])
            else:
                self._break(self._frame + length)
            at += length

    def _hear(self, speech: NDArray[np.float32]) -> None:
        """Take measurable frames, (frame, seat)."""
        if not self._measurable:
            self._measurable = True
            self._edges.append((self._frame, What.RESUME, -1))
        first, self._frame = self._frame, self._frame + len(speech)
        for number, (seat, column) in enumerate(zip(self._seats, speech.T.tolist(), strict=True)):
            self._scan(number, seat, first, column)
            self._settle(number, seat, self._frame)
        self._restate()

    def _scan(self, number: int, seat: _Seat, first: int, column: list[float]) -> None:
        on, off = self._on, self._off
        for frame, p in enumerate(column, first):
            if seat.active:
                if p < off:
                    self._settle(number, seat, frame)
                    seat.active = False
                    if seat.run is None:
                        seat.paused = frame
                    else:
                        self.blips += 1
                    seat.run = None
            elif p >= on:
                self._settle(number, seat, frame)
                seat.active, seat.run = True, frame

    def _settle(self, number: int, seat: _Seat, frame: int) -> None:
        """Draw the conclusions that the time up to a frame allows; the seat has not changed since its last change."""
        if seat.run is not None and frame - seat.run >= self.rules.min_speech:
            if seat.paused is not None and seat.run - seat.paused >= self.rules.min_pause:
                self._stop(number, seat, seat.paused)
            if not seat.speaking:
                seat.began = seat.run
                self._edges.append((seat.run, What.START, number))
            seat.speaking, seat.run, seat.paused = True, None, None
        elif seat.run is None and seat.paused is not None and frame - seat.paused >= self.rules.min_pause:
            self._stop(number, seat, seat.paused)

    def _stop(self, number: int, seat: _Seat, frame: int) -> None:
        if seat.paused is not None:
            frame = self._ended(seat, frame)
        self._edges.append((frame, What.STOP, number))
        seat.speaking, seat.paused = False, None

    def _ended(self, seat: _Seat, frame: int) -> int:
        """Where a unit that fell silent at a frame is taken to have ended."""
        return max(frame - self.rules.tail, min(seat.began + self.rules.min_speech, frame))

    def _close(self, frame: int) -> None:
        """End every unit at a frame, or where its seat had last fallen silent."""
        for number, seat in enumerate(self._seats):
            self._settle(number, seat, frame)
            if seat.speaking:
                self._stop(number, seat, frame if seat.paused is None else seat.paused)
            seat.active, seat.run = False, None
        self._restate()

    def _break(self, until: int) -> None:
        """Nothing can be measured from here up to a frame."""
        if self._measurable:
            self._close(self._frame)
            self._edges.append((self._frame, What.BREAK, -1))
            self._measurable = False
        self._frame = until

    def _told(self) -> tuple[list[Edge], int]:
        if self._frame >= self._plain_from:
            known = self._frame - self._lag
        else:
            known = min(map(self._earliest, self._seats), default=self._frame)
        if not self._edges:
            return [], known
        if known >= self._frame:
            known, edges = self._frame, self._edges
            self._edges = []
        else:
            edges = [edge for edge in self._edges if edge[0] < known]
            self._edges = [edge for edge in self._edges if edge[0] >= known]
        return (sorted(edges) if len(edges) > 1 else edges), known

    def _earliest(self, seat: _Seat) -> int:
        """The first frame at which a seat may still get an edge."""
        if seat.paused is not None:
            ended = self._ended(seat, seat.paused)
            return ended if seat.run is None else min(ended, seat.run)
        if seat.run is not None:
            return seat.run
        return self._ended(seat, self._frame) if seat.speaking else self._frame
