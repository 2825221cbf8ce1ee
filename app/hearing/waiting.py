"""Live frames that are still to be settled."""

import numpy as np

from app.hearing.activity import Activity
from app.hearing.features import BLOCK_FRAMES
from app.hearing.model import SETTLED_LAG


class Waiting:
    """At most as many frames as the settled outputs lie behind, and a block."""

    def __init__(self, seats: int) -> None:
        most = SETTLED_LAG + BLOCK_FRAMES
        self._speech = np.zeros(most, np.float32)
        self._seats = np.zeros((most, seats), np.float32)
        self._measurable = np.zeros(most, np.bool_)
        self._count = 0

    def __len__(self) -> int:
        """Number of frames."""
        return self._count

    def add(self, live: Activity) -> None:
        """A block more at the end."""
        new = slice(self._count, self._count + len(live))
        self._speech[new], self._seats[new], self._measurable[new] = live.speech, live.seats, live.measurable
        self._count = new.stop

    def take(self, count: int) -> Activity:
        """The first so many, which wait no more; counted from 0."""
        taken = Activity(0, self._speech[:count].copy(), self._seats[:count].copy(), self._measurable[:count].copy())
        for each in (self._speech, self._seats, self._measurable):
            each[: self._count - count] = each[count : self._count]
        self._count -= count
        return taken
