"""Random talk for laws: who speaks in each frame, with blips, overlaps and stretches that cannot be measured."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.conversation.conversation import Conversation
from app.conversation.vocabulary import Event
from app.hearing.activity import Activity
from app.hearing.seats import Seat, role_of

NAMES = ("therapist", "client-1", "client-2", "window")


@dataclass(frozen=True)
class Talk:
    seats: tuple[Seat, ...]
    speech: NDArray[np.bool_]  # (frame, seat), also in frames that cannot be measured
    measurable: NDArray[np.bool_]  # (frame,)

    @property
    def frames(self) -> int:
        return len(self.measurable)

    @property
    def heard(self) -> NDArray[np.bool_]:
        """Speech where it can be measured, (frame, seat)."""
        heard: NDArray[np.bool_] = self.speech & self.measurable[:, None]
        return heard

    def blocks(self, size: int) -> list[Activity]:
        seats = self.speech.astype(np.float32)
        return [
            Activity(i, seats[i : i + size].max(axis=1), seats[i : i + size], self.measurable[i : i + size])
            for i in range(0, self.frames, size)
        ]


def follow(talk: Talk, size: int = 4) -> tuple[Event, ...]:
    conversation = Conversation(talk.seats)
    events = [event for activity in talk.blocks(size) for event in conversation.follow(activity)]
    return (*events, *conversation.finish())


# Short and long runs in like measure, so that every threshold of the rules is crossed from both sides.
LENGTHS = st.one_of(st.integers(1, 9), st.integers(10, 40), st.integers(90, 320))


@st.composite
def talks(draw: st.DrawFn, most_seats: int = 4, breaks: bool = True) -> Talk:
    names = NAMES[: draw(st.integers(1, most_seats))]
    columns = [draw(runs()) for _ in names]
    lost = draw(runs()) if breaks and draw(st.booleans()) else np.zeros(0, np.bool_)
    frames = max(map(len, columns))
    speech = np.zeros((frames, len(names)), np.bool_)
    for seat, column in enumerate(columns):
        speech[: len(column), seat] = column
    measurable = np.ones(frames, np.bool_)
    measurable[: len(lost)] = ~lost[:frames]
    seats = tuple(Seat(name, role_of(name), 90.0 * place) for place, name in enumerate(names))
    return Talk(seats, speech, measurable)


@st.composite
def runs(draw: st.DrawFn) -> NDArray[np.bool_]:
    """True and false in turn, by their lengths."""
    lengths = draw(st.lists(LENGTHS, min_size=2, max_size=14))
    begins_true = draw(st.booleans())
    return np.repeat([(place % 2 == 0) is begins_true for place in range(len(lengths))], lengths)
