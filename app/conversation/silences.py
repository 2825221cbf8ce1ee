"""Silences between their end and the moment when their context is known.

before        after = client    after = therapist
client        client_client     client_therapist      before: who held the floor when the silence began
therapist     therapist_client  therapist_therapist   after: the next speaker with a unit over 1 s, or the holder
"""

from collections import deque
from dataclasses import dataclass

from app.conversation.verdicts import RESPONSE, Run
from app.conversation.vocabulary import Place, Silence


@dataclass(slots=True)
class _Waiting:
    start: int
    end: int
    before: int
    after: int | None = None
    place: Place | None = None

    def told(self) -> Silence:
        return Silence(self.start, self.end, self.before, self.after, self.place or Place.GAP)


class Silences:
    """Gives each silence its place and its context; silences and units come in order of time."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._runs: deque[Run] = deque()

    def ended(self, start: int, end: int, before: int) -> None:
        """A silence that has ended; `before` held the floor when it began."""
        self._waiting.append(_Waiting(start, end, before))

    def followed(self, run: Run, place: Place | None) -> None:
        """The next unit: it goes on with the holder's turn (PAUSE), takes the floor (GAP), or neither (None)."""
        if self._waiting:
            self._runs.append(run)
            for silence in self._waiting:
                silence.place = silence.place or place

    def settle(self) -> list[Silence]:
        """The silences whose context is known: a unit that runs is not yet known to be over 1 s."""
        while self._runs:
            run = self._runs[0]
            asking = [s for s in self._waiting if s.after is None and s.end <= run.start]
            is_long = run.end is not None and run.end - run.start > RESPONSE
            for silence in asking:
                if is_long or run.seat == silence.before:
                    silence.after = run.seat
            if run.end is None and any(silence.after is None for silence in asking):
                break
            self._runs.popleft()
        told = []
        while self._waiting and self._waiting[0].after is not None and self._waiting[0].place is not None:
            told.append(self._waiting.popleft().told())
        return told

    def close(self) -> list[Silence]:
        """All that wait, with what is known of their context: nothing more comes."""
        told = self.settle() + [silence.told() for silence in self._waiting]
        self._waiting.clear()
        self._runs.clear()
        return told
