"""How wide the interval of a number is: from what the hearing gets wrong, and how much of a session there is.

A number that rests on much is less off than one that rests on little, so an error is told in up to four parts:

    absolute    in the metric's unit, whatever the session
    relative    as a share of the value
    yardstick   in yardsticks of this session (below)
    spread      in how far the number moves when the same session is read with other thresholds (UnitRules.others)

which add as independent errors do:

    half width = growth x sqrt(absolute^2 + (relative x value)^2 + (yardstick x length)^2 + (spread x how far)^2)

It grows with the session's doubt (Errors.growth), and may be wider on one side, where hearing is biased to it. The half
width of a rate is cut to whole events, as its true value is a whole number of events away.

A yardstick is what the value would move if the hearing had got a few events wrong, so many as chance makes of n
independent ones, the square root of n:

    a rate      sqrt(n + 1) more or fewer events
    a quantile  sqrt(n) / 3 ranks up or down among the durations it is of
    a share     its standard error, as that of n turns or silences, or 1 / sqrt(measured minutes)
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import floor, hypot, sqrt

from app.conversation.errors import Error
from app.conversation.quantiles import durations, quantile_s
from app.conversation.tally import CONTEXTS, Tally
from app.conversation.vocabulary import FRAMES_PER_S, frames

LONG_TURN = frames(15.0)
NEAR_LIMIT = frames(1.0)
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Reach:
    """How far something goes below and above a value, in the metric's unit."""

    below: float
    above: float


@dataclass(frozen=True, slots=True)
class Yardstick(Reach):
    """A yardstick's length in a session."""

    event: float = 0.0
    """What one event more or less changes, where the true value is a whole number of them away; else 0."""


def margin(value: float, length: Yardstick, spread: float, error: Error, growth: float = 1.0) -> Reach:
    """How far the interval goes below and above a value, which moves by `spread` with other thresholds."""
    plain = hypot(error.get("absolute", 0.0), error.get("relative", 0.0) * value, error.get("spread", 0.0) * spread)
    per = error.get("yardstick", 0.0)
    below = growth * error.get("below", 1.0) * hypot(plain, per * length.below)
    above = growth * error.get("above", 1.0) * hypot(plain, per * length.above)
    if length.event:
        below, above = (floor(reach / length.event + ROUNDING) * length.event for reach in (below, above))
    return Reach(below, above)


def yardstick(name: str, tally: Tally) -> Yardstick:
    """The length of a metric's yardstick in a session in which the metric is not withheld."""
    measure = YARDSTICKS.get(name)
    return measure(tally) if measure else Yardstick(0.0, 0.0)


def _rate(count: float, period_s: float, within: int) -> Yardstick:
    """Of n events per so many seconds of some frames."""
    event = period_s * FRAMES_PER_S / within
    return Yardstick(sqrt(count + 1) * event, sqrt(count + 1) * event, event)


def _quantile(name: str, tally: Tally, share: float) -> Yardstick:
    """Of a quantile of n durations: what lies sqrt(n) / 3 ranks away."""
    count = len(durations(name, tally))
    middle, step = quantile_s(name, tally, share), sqrt(count) / 3 / max(1, count - 1)
    return Yardstick(
        middle - quantile_s(name, tally, share - step),
        quantile_s(name, tally, share + step) - middle,
    )


def _time_share(tally: Tally) -> Yardstick:
    """Of a share of the measured time."""
    return _even(1 / sqrt(tally.measured / FRAMES_PER_S / 60))


def _talk_share(tally: Tally) -> Yardstick:
    """Of the share of talk: the standard error of a share of n turns."""
    therapist, client = (tally.talk[role] / sum(tally.talk.values()) for role in ("therapist", "client"))
    return _even(sqrt(therapist * client / max(1, sum(map(len, tally.turns.values())))))


def _even(length: float) -> Yardstick:
    return Yardstick(length, length)


def _ended_share(tally: Tally) -> Yardstick:
    """Of the share of silences after the client that the client ended: one of them more or less, sqrt(n) times."""
    return _even(1 / sqrt(tally.long_by_context["client_client"] + tally.long_by_context["client_therapist"]))


def _long_turns(tally: Tally) -> Yardstick:
    """Of the time in long turns: those within 1 s of the limit, and a third of sqrt(n) turns of just that length."""
    turns = tally.turns["therapist"]
    few = sqrt(sum(turn > LONG_TURN for turn in turns)) / 3 * LONG_TURN
    just_over = sum(turn for turn in turns if LONG_TURN < turn <= LONG_TURN + NEAR_LIMIT)
    just_under = sum(turn for turn in turns if LONG_TURN - NEAR_LIMIT <= turn <= LONG_TURN)
    return Yardstick(hypot(just_over, few) / tally.measured, hypot(just_under, few) / tally.measured)


YARDSTICKS: dict[str, Callable[[Tally], Yardstick]] = {
    "therapist_talk_share": _talk_share,
    "therapist_turn_median": lambda t: _quantile("therapist_turn_median", t, 0.5),
    "therapist_turn_p90": lambda t: _quantile("therapist_turn_p90", t, 0.9),
    "long_turn_share": _long_turns,
    "client_turn_median": lambda t: _quantile("client_turn_median", t, 0.5),
    "switches_per_minute": lambda t: _rate(t.changes, 60, t.measured),
    "listener_responses": lambda t: _rate(t.therapist_responses, 60, t.talk["client"]),
    "silence_share": _time_share,
    "long_pauses": lambda t: _rate(t.long_silences, 600, t.measured),
    **{
        f"long_pauses_{context}": lambda t, context=context: _rate(t.long_by_context[context], 600, t.measured)  # type: ignore[misc]
        for context in CONTEXTS
    },
    "client_ended_share": _ended_share,
    **{
        f"response_offset_{context}": lambda t, context=context: _quantile(f"response_offset_{context}", t, 0.5)  # type: ignore[misc]
        for context in ("client_therapist", "therapist_client")
    },
}
