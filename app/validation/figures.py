"""The figures of many sessions, each for the rules alone and for the whole analysis."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from app.validation.compare import Compared, Count
from app.validation.outcome import Outcome

Stage = Callable[[Outcome], Compared]
Get = Callable[[Sequence[Outcome], bool], float | None]
"""From some sessions and whether sound was heard (or the true activity taken) to a figure."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table of errors."""

    name: str
    unit: str
    must: float
    aim: float
    get: Get
    least: bool = False
    """True where more is better."""

    def reached(self, value: float) -> str:
        """Which of the two goals a value reaches, in one word."""
        for goal, word in ((self.aim, "aim"), (self.must, "must")):
            if value >= goal if self.least else value <= goal:
                return word
        return "short"


def _off(outcomes: Sequence[Outcome], name: str, *, heard: bool) -> list[tuple[float, float]]:
    """How far a metric is off, and its true value, in each session that has both."""
    pairs = []
    for outcome in outcomes:
        number = outcome.numbers[name]
        found = number.heard.value if heard else number.from_truth
        if found is not None and number.true is not None:
            pairs.append((found - number.true, number.true))
    return pairs


def talk_share(outcomes: Sequence[Outcome], heard: bool) -> float | None:
    """Mean error of the therapist's talk share over sessions."""
    return _mean([abs(off) for off, _ in _off(outcomes, "therapist_talk_share", heard=heard)])


def worst_talk_share(outcomes: Sequence[Outcome], heard: bool) -> float | None:
    """The greatest of them."""
    return max((abs(off) for off, _ in _off(outcomes, "therapist_talk_share", heard=heard)), default=None)


def turn_median(outcomes: Sequence[Outcome], heard: bool) -> float | None:
    """Mean relative error of the median of therapist turns over sessions."""
    return _mean([abs(off) / true for off, true in _off(outcomes, "therapist_turn_median", heard=heard) if true])


def counted(outcomes: Sequence[Outcome], what: str, heard: bool) -> Count:
    """What was found of something in all sessions together."""
    counts: list[Count] = [getattr(o.heard if heard else o.rules, what) for o in outcomes]
    return reduce(add, counts, Count())


def silences(outcomes: Sequence[Outcome], heard: bool) -> float | None:
    """F1 of silences of 3 s and more, both ends within 0.3 s."""
    return counted(outcomes, "silences", heard).f1


def contexts(outcomes: Sequence[Outcome], heard: bool) -> float | None:
    """Share of the silences in both whose context is right."""
    return counted(outcomes, "contexts", heard).recall


def responses_found(outcomes: Sequence[Outcome], heard: bool) -> float | None:
    """Share of the listener responses that were found."""
    return counted(outcomes, "responses", heard).recall


def responses_right(outcomes: Sequence[Outcome], heard: bool) -> float | None:
    """Share of the found that are listener responses."""
    return counted(outcomes, "responses", heard).precision


def changes_found(outcomes: Sequence[Outcome], heard: bool) -> float | None:
    """Share of the changes of floor that were found."""
    return counted(outcomes, "turns", heard).recall


def offset(outcomes: Sequence[Outcome], heard: bool) -> float | None:
    """Median error of the floor-transfer offset, milliseconds, over all changes of floor in both."""
    off = [1000 * each for o in outcomes for each in (o.heard if heard else o.rules).offsets_off_s]
    return float(np.median(off)) if off else None


def inexact(outcomes: Sequence[Outcome], heard: bool) -> float | None:
    """Sessions in which the rules did not give the truth's numbers from the true activity; only for the rules."""
    return None if heard else float(sum(not outcome.is_exact for outcome in outcomes))


def lag(outcomes: Sequence[Outcome], heard: bool) -> float | None:
    """Work for a block of the longest session's last minute against new hearing and rules; only for all of it."""
    timed = [(o.seconds, o.old_and_new_block_s) for o in outcomes if o.old_and_new_block_s]
    if not heard or not timed:
        return None
    _, (old, new) = max(timed)
    return old / new - 1


def rules_cost(outcomes: Sequence[Outcome], heard: bool) -> float | None:
    """Seconds of one core for the rules on an hour of activity; only for the rules."""
    return None if heard else _mean([outcome.rules_s_per_hour for outcome in outcomes])


def hearing_cost(outcomes: Sequence[Outcome], heard: bool) -> float | None:
    """Seconds of one core for the hearing of an hour of sound."""
    return _mean([outcome.hearing_s_per_hour for outcome in outcomes]) if heard else None


FIGURES = (
    Figure("therapist talk share, mean error of a session", "1", 0.03, 0.015, talk_share),
    Figure("the same, worst session", "1", 0.03, 0.015, worst_talk_share),
    Figure("median of therapist turns, mean relative error", "1", 0.15, 0.08, turn_median),
    Figure("silences >= 3 s, F1 at +-0.3 s", "1", 0.90, 0.97, silences, least=True),
    Figure("their floor context right", "1", 0.90, 0.95, contexts, least=True),
    Figure("listener responses <= 1 s found", "1", 0.85, 0.92, responses_found, least=True),
    Figure("precision of those", "1", 0.70, 0.70, responses_right, least=True),
    Figure("changes of floor found", "1", 0.90, 0.95, changes_found, least=True),
    Figure("floor-transfer offset, median error", "ms", 80, 40, offset),
    Figure("sessions not exact from the true activity", "", 0, 0, inexact),
    Figure("work for a block of the last minute against a session just begun", "1", 0.10, 0.10, lag),
    Figure("rules, an hour of activity", "s", 1.0, 0.3, rules_cost),
    Figure("hearing, an hour of sound", "s", 35, 20, hearing_cost),
)


@dataclass(frozen=True, slots=True)
class Interval:
    """How honest a metric's intervals are."""

    sessions: int
    bias: float
    """Mean of heard minus true."""
    mean_error: float
    p95_error: float
    inside: float | None
    """Share of the sessions in which the truth is in the interval; None where none has one."""
    width: float | None
    """Mean width."""

    @property
    def widths_per_error(self) -> float | None:
        """Mean width over mean error; None where no error was made."""
        return self.width / self.mean_error if self.width is not None and self.mean_error else None


def interval(outcomes: Sequence[Outcome], name: str) -> Interval | None:
    """A metric's intervals over sessions; None where it is always withheld."""
    numbers = [outcome.numbers[name] for outcome in outcomes]
    off = np.array([number.off for number in numbers if number.off is not None])
    if not len(off):
        return None
    held = [float(number.holds) for number in numbers if number.holds is not None]
    widths = [n.heard.high - n.heard.low for n in numbers if n.heard.high is not None and n.heard.low is not None]
    far = np.abs(off)
    return Interval(
        len(off), float(off.mean()), float(far.mean()), float(np.quantile(far, 0.95)), _mean(held), _mean(widths)
    )


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
