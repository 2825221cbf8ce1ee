"""When a cue is due: a decision a block, sparse by rule.

                                            cannot_measure   silence_held   check_in
    at most 6 cues in 50 min                      x               x            x, and one of them is kept for it
    90 s of dark between two                      x               x            x
    5 min between two of the same (10 min for     -               x            once
        mostly_you)
    none in the first 5 min                       -               x            x
    none within 3 s of the client's speech        x               -            x
    none in the client's silence                  x               -            x

Time between two cues runs from the dark after one to the start of the next. While nothing can be measured
cannot_measure is the only one. A voice that may be anybody's counts as the client's.
"""

from collections import deque
from dataclasses import dataclass

from app.conversation.vocabulary import Now, frames
from app.cues.fading import FADE_IN_S, FADE_OUT_S
from app.cues.lamp import HOLD_S, LONGEST_GLOW_S
from app.cues.presets import Choice
from app.cues.wishes import CannotMeasure, SilenceHeld, Wish, wishes_of

PLANNED_S = 50 * 60.0


@dataclass(frozen=True, slots=True)
class Sparseness:
    """How rarely cues come, in frames."""

    budget: int = 6
    """Cues in any `period`."""
    period: int = frames(50 * 60)
    between: int = frames(90)
    opening: int = frames(5 * 60)
    """Nothing but cannot_measure at the begin of a session."""
    after_client: int = frames(3)
    longest: int = frames(LONGEST_GLOW_S)
    """By then every cue that is not steady has ended by itself."""
    held: int = frames(HOLD_S)
    """A steady cue that nobody has asked for ends by itself after this."""
    rise: int = frames(FADE_IN_S)
    """A steady cue that ends while it still rises is let rise first."""
    fade: int = frames(FADE_OUT_S)
    """A steady cue that ends is dark by then."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The ids of the cues that begin and end now."""

    started: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()


NOTHING = Decision()


class Policy:
    """Which cue begins and which ends; asked once a block, with the session's frames as its clock."""

    def __init__(
        self, choice: Choice | None = None, planned_s: float = PLANNED_S, sparseness: Sparseness | None = None
    ) -> None:
        self._rules = sparseness or Sparseness()
        self._wishes = wishes_of(choice or Choice(), frames(planned_s))
        self._starts: deque[int] = deque(maxlen=self._rules.budget)
        self._on: tuple[Wish, int] | None = None  # the one cue that is shown, and since when
        self._last_end: int | None = None
        self._ends: dict[str, int] = {}
        self._asked = 0  # frame
        self._unknown: int | None = None  # the frame in which somebody was last heard who may be anybody

    def decide(self, now: Now) -> Decision:
        """What begins and ends at this moment; times must not go back."""
        before, self._asked = self._asked, now.frame
        if None in now.speaking:
            self._unknown = now.frame
        due = [wish for wish in self._wishes if wish.is_due(now)]
        if self._on:
            return self._end_if_over(now, before)
        for wish in due:
            if self._may_start(wish, now):
                self._on = (wish, now.frame)
                self._starts.append(now.frame)
                wish.shown(now)
                return Decision(started=(wish.id,))
            if wish.has_own_place:
                break
        return NOTHING

    def finish(self) -> Decision:
        """The session ends, and with it what is shown."""
        shown, self._on = self._on, None
        return Decision(ended=(shown[0].id,)) if shown else NOTHING

    def _end_if_over(self, now: Now, asked_before: int) -> Decision:
        if self._on is None:
            return NOTHING
        wish, since = self._on
        if wish.is_steady:
            has_lapsed = now.frame - asked_before >= self._rules.held
            if not (has_lapsed or wish.is_over(now)):
                return NOTHING
            let_go = asked_before + self._rules.held if has_lapsed else now.frame
            ended = max(let_go, since + self._rules.rise) + self._rules.fade
        else:
            if now.frame - since < self._rules.longest:
                return NOTHING
            ended = now.frame
        self._on = None
        self._last_end = self._ends[wish.id] = ended
        return Decision(ended=(wish.id,))

    def _may_start(self, wish: Wish, now: Now) -> bool:
        frame, rules = now.frame, self._rules
        is_too_soon = self._last_end is not None and frame - self._last_end < rules.between
        is_repeated = wish.id in self._ends and frame - self._ends[wish.id] < wish.apart
        tells_state = isinstance(wish, CannotMeasure)
        is_held_back = not tells_state and (frame < rules.opening or not now.measurable)
        is_clients = not isinstance(wish, SilenceHeld) and self._is_clients_moment(now)
        return not (is_too_soon or is_repeated or is_held_back or is_clients or self._is_spent(wish, now))

    def _is_spent(self, wish: Wish, now: Now) -> bool:
        """No place of the budget is left, those apart that are kept for others."""
        taken = sum(now.frame - start < self._rules.period for start in self._starts)
        kept = sum(other.is_waiting(now) for other in self._wishes if other is not wish)
        return taken + kept >= self._rules.budget

    def _is_clients_moment(self, now: Now) -> bool:
        """The client, or who may be the client, has just stopped speaking, or holds a silence."""
        quiet = [] if now.client_quiet_for is None else [now.client_quiet_for]
        quiet += [] if self._unknown is None else [now.frame - self._unknown]
        has_just_spoken = any(0 < frames_ago < self._rules.after_client for frames_ago in quiet)
        is_theirs = now.client_has_floor or (now.holder is None and self._unknown is not None)
        return has_just_spoken or (now.silent_for > 0 and is_theirs)
