"""The cues' own reasons: each looks at the present, block by block, and says when it would like to be shown."""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from app.conversation.vocabulary import Now, frames
from app.cues.presets import Choice

APART = frames(5 * 60)


class Wish(Protocol):
    """A cue's own reason to be shown."""

    id: str
    is_steady: bool
    """Shown while it lasts, not once."""
    apart: int
    """Frames of dark between two of the same."""
    has_own_place: bool
    """One place of the budget is kept for it, and nothing else takes its time."""

    def is_due(self, now: Now) -> bool:
        """True while the cue has reason to begin; asked once a block, in order of time."""

    def is_over(self, now: Now) -> bool:
        """True when a steady cue has no reason to stay."""

    def is_waiting(self, now: Now) -> bool:
        """True while the place that is kept for it may still be needed."""

    def shown(self, now: Now) -> None:
        """It begins now."""


class Cue:
    """What most cues have in common: shown once, not again for five minutes, no place of its own."""

    id = ""
    is_steady = False
    apart = APART
    has_own_place = False

    def is_over(self, now: Now) -> bool:  # noqa: ARG002 - a steady cue says it better
        """A cue that is not steady ends by itself."""
        return False

    def is_waiting(self, now: Now) -> bool:  # noqa: ARG002
        """No place is kept."""
        return False

    def shown(self, now: Now) -> None:
        """Nothing to remember."""


class CannotMeasure(Cue):
    """Nothing could be measured for a while; it stays until measuring has been possible for a while.

    It tells a state, so it may come in the first minutes, and again as soon as the dark between two cues allows.
    """

    id = "cannot_measure"
    is_steady = True
    apart = 0

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


class FloorHeldLong(Cue):
    """The therapist's turn has lasted long, and goes on; once a turn."""

    id = "floor_held_long"

    def __init__(self, after: int) -> None:
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

    def shown(self, now: Now) -> None:
        """One turn is told once."""
        self._told = now.held_since


@dataclass(slots=True)
class Stretch:
    """How much was spoken in about a second, in frames."""

    begin: int
    therapist: int = 0
    clients: int = 0


class MostlyYou(Cue):
    """Of the talk of the last three minutes most was the therapist's; clients add up."""

    id = "mostly_you"
    apart = frames(10 * 60)

    def __init__(self, share: float, over: int = frames(3 * 60), least: int = frames(60)) -> None:
        self._share, self._over, self._least = share, over, least
        self._stretches: deque[Stretch] = deque()
        self._therapist = self._clients = self._frame = 0  # frames

    def is_due(self, now: Now) -> bool:
        """True while the therapist alone speaks, and has for most of a minute or more of talk."""
        self._count(now)
        talk = self._therapist + self._clients
        return (
            now.therapist_speaks
            and not now.client_speaks
            and talk >= self._least
            and self._therapist >= self._share * talk
        )

    def _count(self, now: Now) -> None:
        """Take the frames since last asked; more than a second was lost, and nobody is said to have spoken in it."""
        passed, self._frame = now.frame - self._frame, now.frame
        while self._stretches and self._stretches[0].begin < now.frame - self._over:
            gone = self._stretches.popleft()
            self._therapist -= gone.therapist
            self._clients -= gone.clients
        if passed > frames(1) or not now.speaking:
            return
        if not self._stretches or now.frame - self._stretches[-1].begin >= frames(1):
            self._stretches.append(Stretch(now.frame - passed))
        if now.therapist_speaks:
            self._stretches[-1].therapist += passed
            self._therapist += passed
        if now.client_speaks:
            self._stretches[-1].clients += passed
            self._clients += passed


class SilenceHeld(Cue):
    """It has been silent for a while, and there is no need to act; it stays until somebody speaks."""

    id = "silence_held"
    is_steady = True

    def __init__(self, after: int) -> None:
        self._after = after  # frames

    def is_due(self, now: Now) -> bool:
        """True from so much silence on."""
        return now.silent_for >= self._after

    def is_over(self, now: Now) -> bool:
        """True as soon as somebody speaks, or nothing can be measured."""
        return now.silent_for == 0


class CheckIn(Cue):
    """Five minutes are left: time to ask how this was for the client. Once, and no more than three minutes late."""

    id = "check_in"
    has_own_place = True

    def __init__(self, planned: int, before: int = frames(5 * 60), late: int = frames(3 * 60)) -> None:
        self._begin, self._end = planned - before, planned - before + late  # frames
        self._is_told = False

    def is_due(self, now: Now) -> bool:
        """True from five minutes before the planned end on, for three minutes."""
        return not self._is_told and self._begin <= now.frame < self._end

    def is_waiting(self, now: Now) -> bool:
        """True until it was told or its time is over."""
        return not self._is_told and now.frame < self._end

    def shown(self, now: Now) -> None:  # noqa: ARG002
        """Once a session."""
        self._is_told = True


def wishes_of(choice: Choice, planned: int) -> tuple[Wish, ...]:
    """The cues that are on, the most pressing first; `planned` is the session's length in frames."""
    every: tuple[Wish, ...] = (
        CannotMeasure(),
        CheckIn(planned),
        FloorHeldLong(frames(choice.long_turn)),
        MostlyYou(choice.mostly_you_share),
        SilenceHeld(frames(choice.silence)),
    )
    return tuple(wish for wish in every if wish.id in choice.on)
