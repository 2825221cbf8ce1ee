"""One session: what is heard becomes turns, silences, numbers, and wishes for light."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from app.conversation.conversation import Conversation
from app.conversation.errors import Errors, read_errors
from app.conversation.metrics import Measured, measure
from app.conversation.tally import Tally
from app.conversation.units import HEARD
from app.conversation.vocabulary import FRAMES_PER_S, Event, Now
from app.cues.policy import Decision, Policy
from app.hearing.hearing import Heard
from app.hearing.seats import Seat


def errors_of_hearing() -> Errors:
    """What the shipped model gets wrong, by metric, as measured by models/evaluation."""
    return read_errors((files("models") / "errors.json").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Cued:
    """A cue that began."""

    at_s: float
    """Seconds since the session's begin."""
    cue: str


@dataclass(frozen=True, slots=True)
class Moment:
    """What one more block has brought."""

    heard: Heard
    events: tuple[Event, ...]
    now: Now
    decided: Decision
    """The cues that begin and end."""


@dataclass(slots=True)
class Session:
    """Analyses one session; time is the sound's own, so a recording gives the same however fast it is played."""

    seats: Sequence[Seat]
    errors: Errors | None
    """What the hearing gets wrong; None for a score, which is exact."""
    policy: Policy
    cued: list[Cued] = field(default_factory=list)
    _conversation: Conversation = field(init=False)

    def __post_init__(self) -> None:
        self._conversation = Conversation(self.seats, None if self.errors is None else HEARD)

    def follow(self, heard: Heard) -> Moment:
        """Take what was heard of one block."""
        events = self._conversation.follow(heard.settled, heard.live)
        now = self._conversation.now
        decided = self.policy.decide(now)
        self.cued += [Cued(now.frame / FRAMES_PER_S, cue) for cue in decided.started]
        return Moment(heard, events, now, decided)

    def drain(self, heard: Heard) -> tuple[Event, ...]:
        """Take what came too late to be shown: it counts, and no cue begins."""
        return self._conversation.follow(heard.settled, heard.live)

    def finish(self) -> tuple[Event, ...]:
        """The last events, at the session's end."""
        return self._conversation.finish()

    def tally(self) -> Tally:
        """The session's counts and unordered durations so far."""
        return self._conversation.tally()

    def numbers(self) -> dict[str, Measured]:
        """Every metric of the session so far."""
        return measure(self.tally(), self.errors, self._conversation.other_tallies())
