"""One session's figures: its numbers as they truly are, as the rules alone give them, and as they were heard."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.catalogue import METRICS
from app.conversation.errors import Errors
from app.conversation.metrics import EXACT, Measured, measure
from app.validation.compare import Compared, compare
from app.validation.sessions import Rehearsal
from app.validation.stages import Stages


@dataclass(frozen=True, slots=True)
class Number:
    """One metric of one session."""

    true: float | None
    from_truth: float | None
    """What the rules make of the true activity."""
    heard: Measured
    """What hearing and rules make of the sound, or why it is withheld."""

    @property
    def off(self) -> float | None:
        """Heard minus true; None where either is withheld."""
        return None if self.true is None or self.heard.value is None else self.heard.value - self.true

    @property
    def holds(self) -> bool | None:
        """Whether the truth is in the interval; None where there is none."""
        if self.off is None or self.true is None or self.heard.low is None or self.heard.high is None:
            return None
        return self.heard.low <= self.true <= self.heard.high


@dataclass(frozen=True, slots=True)
class Outcome:
    """One session's figures."""

    rooms: str
    number: int
    seconds: float
    rt60_s: float
    snr_db: float
    rules: Compared
    """The rules on the true activity, against the truth."""
    heard: Compared
    """The whole analysis on the sound, against the truth."""
    numbers: Mapping[str, Number]
    hearing_s_per_hour: float
    rules_s_per_hour: float
    old_and_new_block_s: tuple[float, float] | None
    behind_s: float

    @property
    def is_exact(self) -> bool:
        """Whether the rules made of the true activity exactly the truth's numbers."""
        return all(number.true == number.from_truth for number in self.numbers.values())


def outcome(rehearsal: Rehearsal, stages: Stages, errors: Errors) -> Outcome:
    """The figures of a session that was heard."""
    true, from_truth = measure(stages.true.tally, EXACT), measure(stages.from_truth.tally, EXACT)
    heard = measure(stages.heard.tally, errors, stages.heard.others)
    return Outcome(
        rehearsal.rooms,
        rehearsal.number,
        rehearsal.seconds,
        rehearsal.staging.room.rt60_s,
        rehearsal.staging.snr_db,
        compare(stages.from_truth, stages.true),
        compare(stages.heard, stages.true),
        {m.id: Number(true[m.id].value, from_truth[m.id].value, heard[m.id]) for m in METRICS},
        stages.hearing_cost.per_hour_s,
        stages.rules_cost.per_hour_s,
        stages.old_and_new_block_s,
        stages.behind_s,
    )
