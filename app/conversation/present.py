"""What can be said at once: who speaks in this very frame, and for how long there has been silence."""

import numpy as np

from app.conversation.units import UnitRules
from app.hearing.activity import Activity


class Present:
    """Follows live activity with the thresholds of the units but without waiting; good for light, not for numbers."""

    def __init__(self, seats: int, clients: frozenset[int], rules: UnitRules) -> None:
        self.frame = 0
        self.measurable = True
        self.speaking = (False,) * seats
        self._clients = clients
        self._on, self._off = float(np.float32(rules.onset)), float(np.float32(rules.offset))
        self._heard = 0  # the frame after the last with speech, or where silence could first be measured
        self._client_heard: int | None = None
        self._length = 1  # frames in the last block
        self._restate()

    @property
    def silent_for(self) -> int:
        """Frames of silence up to now; 0 where nothing can be measured."""
        return self.frame - self._heard if self.measurable else 0

    @property
    def client_quiet_for(self) -> int | None:
        """Frames since a client was last heard; None before the first time."""
        return None if self._client_heard is None else self.frame - self._client_heard

    def follow(self, activity: Activity) -> None:
        """Take the newest frames; frames that were skipped could not be measured."""
        length = len(activity.speech)
        if not length:
            return
        speech = activity.seats if activity.seats.shape[1] else activity.speech[:, None]
        if length != self._length:
            self._length = length
            self._restate()
        if not (
            activity.first == self.frame
            and self.measurable
            and (speech >= self._thresholds).tobytes() == self._same
            and b"\0" not in activity.measurable.tobytes()
        ):
            self._trace(activity.first, speech.tolist(), activity.measurable.tolist())
            self._restate()
        self.frame = end = activity.first + length
        if self._somebody:
            self._heard = end
            if self._client:
                self._client_heard = end

    def _trace(self, first: int, rows: list[list[float]], measurable: list[bool]) -> None:
        """Frame by frame, where something changes."""
        if first > self.frame:
            self._lose()
        for frame, (row, good) in enumerate(zip(rows, measurable, strict=True), first):
            if not good:
                self._lose()
                continue
            if not self.measurable:
                self.measurable, self._heard = True, frame
            self.speaking = tuple(
                p >= (self._off if on else self._on) for p, on in zip(row, self.speaking, strict=True)
            )
            self._mark(frame + 1)

    def _lose(self) -> None:
        self.measurable, self.speaking = False, (False,) * len(self.speaking)

    def _mark(self, end: int) -> None:
        if any(self.speaking):
            self._heard = end
            if any(self.speaking[seat] for seat in self._clients):
                self._client_heard = end

    def _restate(self) -> None:
        row = np.array([self._off if on else self._on for on in self.speaking], np.float32)
        self._thresholds = np.tile(row, (self._length, 1))  # three times as fast to compare with as one row
        self._same = bytes(self.speaking) * self._length
        self._somebody = any(self.speaking)
        self._client = any(self.speaking[seat] for seat in self._clients)
