"""When a cue is due: a decision a block, sparse by rule.

    at most 6 cues in 50 min, 90 s between two, 5 min between two of the same
    none in the first 5 min (cannot_measure excepted)
    none within 3 s of the client's speech ending, none in the client's silence
    cannot_measure stays while it lasts and holds back all others

Time between two cues runs from the dark after one to the start of the next.
"""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from app.conversation.vocabulary import Now, frames
from app.cues.fading import FADE_OUT_S


@dataclass(frozen=True, slots=True)
class Sparseness:
    """How rarely cues come, in frames."""

    budget: int = 6
    """Cues in any `period`."""
    period: int = frames(50 * 60)
    between: int = frames(90)
    same: int = frames(5 * 60)
    opening: int = frames(5 * 60)
    """Nothing but cannot_measure at the begin of a session."""
    after_client: int = frames(3)
    longest: int = frames(8)
    """By then every cue that is not steady has ended by itself."""
    fade: int = frames(FADE_OUT_S)
    """A steady cue that ends is dark by then."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The ids of the cues that begin and end now."""

    started: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()


NOTHING = Decision()


class Wish(Protocol):
    """A cue's own reason to be shown."""

    id: str
    is_steady: bool
    """Shown while it lasts, not once."""

    def is_due(self, now: Now) -> bool:
        """True while the cue has reason to begin; asked once a block, in order of time."""

    def is_over(self, now: Now) -> bool:
        """True when a steady cue has no reason to stay."""

    def shown(self, now: Now) -> None:
        """It begins now."""


class CannotMeasure:
    """Nothing could be measured for a while; it stays until measuring has been possible for a while."""

    id = "cannot_measure"
    is_steady = True

    def __init__(self, after: int = frames(2), until: int = frames(10)) -> None:
        self._after, self._until = after, until  # frames
        self._was_measurable = True
        self._since = 0

    def is_due(self, now: Now) -> bool:
        """True when it has lasted."""
        if now.measurable is not self._was_measurable:
            self._was_measurable, self._since = now.measurable, now.frame
        return not now.measurable and now.frame - self._since >= self._after

    def is_over(self, now: Now) -> bool:
        """True when the room has been measurable for some time."""
        return now.measurable and now.frame - self._since >= self._until

    def shown(self, now: Now) -> None:
        """Nothing to remember."""


class FloorHeldLong:
    """The therapist's turn has lasted long, and goes on; once a turn."""

    id = "floor_held_long"
    is_steady = False

    def __init__(self, after: int = frames(60)) -> None:
        self._after = after  # frames
        self._told: int | None = None  # begin of the turn that was last told

    def is_due(self, now: Now) -> bool:
        """True while the therapist speaks on in a long turn that was not told before."""
        return (
            now.therapist_has_floor
            and now.held_since is not None
            and now.held_since != self._told
            and now.frame - now.held_since > self._after
            and now.therapist_speaks
        )

    def is_over(self, now: Now) -> bool:  # noqa: ARG002 - it ends by itself
        """Never asked of a cue that is not steady."""
        return False

    def shown(self, now: Now) -> None:
        """One turn is told once."""
        self._told = now.held_since


class Policy:
    """Which cue begins and which ends; asked once a block."""

    def __init__(self, long_turn: int = frames(60), sparseness: Sparseness | None = None) -> None:
        self._rules = sparseness or Sparseness()
        self._wishes: tuple[Wish, ...] = (CannotMeasure(), FloorHeldLong(long_turn))
        self._starts: deque[int] = deque(maxlen=self._rules.budget)
        self._on: tuple[Wish, int] | None = None  # the one cue that is shown, and since when
        self._last_end: int | None = None
        self._ends: dict[str, int] = {}

    def decide(self, now: Now) -> Decision:
        """What begins and ends at this moment; times must not go back."""
        due = [wish for wish in self._wishes if wish.is_due(now)]
        if self._on:
            return self._end_if_over(now)
        for wish in due:
            if self._may_start(wish, now):
                self._on = (wish, now.frame)
                self._starts.append(now.frame)
                wish.shown(now)
                return Decision(started=(wish.id,))
        return NOTHING

    def finish(self) -> Decision:
        """The session ends, and with it what is shown."""
        shown, self._on = self._on, None
        return Decision(ended=(shown[0].id,)) if shown else NOTHING

    def _end_if_over(self, now: Now) -> Decision:
        if self._on is None:
            return NOTHING
        wish, since = self._on
        if not (wish.is_over(now) if wish.is_steady else now.frame - since >= self._rules.longest):
            return NOTHING
        self._on = None
        self._last_end = self._ends[wish.id] = now.frame + (self._rules.fade if wish.is_steady else 0)
        return Decision(ended=(wish.id,))

    def _may_start(self, wish: Wish, now: Now) -> bool:
        rules, frame = self._rules, now.frame
        is_spent = len(self._starts) == rules.budget and frame - self._starts[0] < rules.period
        is_too_soon = self._last_end is not None and frame - self._last_end < rules.between
        is_repeated = wish.id in self._ends and frame - self._ends[wish.id] < rules.same
        is_held_back = not wish.is_steady and (frame < rules.opening or not now.measurable)
        return not (is_spent or is_too_soon or is_repeated or is_held_back or self._is_clients_moment(now))

    def _is_clients_moment(self, now: Now) -> bool:
        """The client has just stopped speaking, or holds a silence."""
        has_just_spoken = now.client_quiet_for is not None and 0 < now.client_quiet_for < self._rules.after_client
        return has_just_spoken or (now.silent_for > 0 and now.client_has_floor)
