"""Greeting: at a session's begin each person says a sentence, and whoever sits in another's seat is noticed."""

from collections.abc import Sequence

import numpy as np

from app.hearing.activity import Activity
from app.hearing.seats import Seat

SPEAKING = 0.5
"""Probability from which a seat speaks."""
SENTENCE = 100
"""Frames (1 s) that one seat must have spoken alone to have said its sentence."""


class Greeting:
    """Follows the first sentences of a session, which come in the order of the seats, the therapist's first."""

    def __init__(self, seats: Sequence[Seat]) -> None:
        self._expected = list(seats)
        self._seats = tuple(seats)
        self._spoken = np.zeros(len(self._seats), np.int64)
        self._trouble: str | None = None

    def follow(self, activity: Activity) -> str | None:
        """Take some frames; why this session cannot be measured, in a sentence, or None."""
        if len(self._expected) < 2 or self._trouble:  # the last one can only sit where nobody else does
            return self._trouble
        speaking = activity.seats >= SPEAKING
        self._spoken += speaking[speaking.sum(1) == 1].sum(0)
        waiting = [number for number, seat in enumerate(self._seats) if seat in self._expected]
        first = max(waiting, key=lambda number: int(self._spoken[number]))
        if self._spoken[first] >= SENTENCE:
            expected = self._expected.pop(0)
            if self._seats[first] is not expected:
                self._trouble = (
                    f"the {expected.name} was to speak and a voice came from the {self._seats[first].name}'s seat: "
                    "change seats and begin a new session, or set the seats anew"
                )
            self._spoken[:] = 0
        return self._trouble
