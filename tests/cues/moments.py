"""Sessions as the policy sees them: a few moments, unfolded block by block."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hypothesis import strategies as st

from app.conversation.vocabulary import Now, frames
from app.hearing.seats import Role

T, C = Role.THERAPIST, Role.CLIENT
BLOCK = 4
FIVE_MINUTES = frames(300)


@dataclass(frozen=True)
class Moment:
    """A stretch of a session in which nothing changes."""

    lasts_s: float
    what: Role | None  # who speaks; None is silence
    measurable: bool = True


def unfold(moments: Iterable[Moment], block: int = BLOCK) -> Iterator[Now]:
    """What the policy is told, block by block: the floor goes to who has spoken for over a second."""
    frame = 0
    holder, held_since, heard, client_heard = None, None, 0, None
    for moment in moments:
        begin = frame
        if not moment.measurable:
            holder = held_since = None
        for _ in range(max(1, frames(moment.lasts_s) // block)):
            frame += block
            if moment.measurable and moment.what:
                heard = frame
                client_heard = frame if moment.what is C else client_heard
                if moment.what is not holder and frame - begin > 100:
                    holder, held_since = moment.what, begin
            if not moment.measurable:
                heard = frame
            speaking = (moment.what,) if moment.what and moment.measurable else ()
            quiet = None if client_heard is None else frame - client_heard
            yield Now(frame, moment.measurable, speaking, holder, held_since, frame - heard, quiet)


MOMENTS = st.builds(
    Moment,
    st.one_of(st.floats(0.1, 4), st.floats(4, 40), st.floats(55, 200)),
    st.sampled_from([T, T, C, None]),
    st.sampled_from([True, True, True, False]),
)
