"""From a session's tally to its numbers: each with unit, 95 % interval and grade, or withheld with a sentence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from app.catalogue import METRICS, RELEASED, Metric, Needs
from app.conversation.errors import Errors
from app.conversation.intervals import LONG_TURN, margin, yardstick
from app.conversation.quantiles import durations, quantile_s
from app.conversation.tally import Tally
from app.conversation.vocabulary import FRAMES_PER_S, frames

EXACT = None
"""The errors of a score: it is the truth, so its intervals have no width."""
ENOUGH = frames(60.0)
"""Of speech for shares, measured for rates."""
ENOUGH_EVENTS = {Needs.MEDIAN: 5, Needs.P90: 10}

T, C = "therapist", "client"
CC, CT, TC, TT = f"{C}_{C}", f"{C}_{T}", f"{T}_{C}", f"{T}_{T}"


@dataclass(frozen=True, slots=True)
class Measured:
    """One number of a session; either the first three are given or `withheld` says why not."""

    value: float | None
    low: float | None
    high: float | None
    """The interval in which the truth lies in 95 of 100 sessions: what the hearing may have got wrong."""
    unit: str
    grade: str
    """B moderate, C weak, D descriptive: how good the evidence is that it goes with anything."""
    withheld: str | None

    def as_json(self) -> dict[str, float | str | None]:
        """As `fermata replay --json` prints it."""
        return asdict(self)


def measure(tally: Tally, errors: Errors | None, others: Sequence[Tally] = ()) -> dict[str, Measured]:
    """Every metric of the catalogue; `errors` is what the hearing gets wrong, or EXACT.

    `others` are the same session read with other thresholds; without them intervals lack what those tell. Where the
    hearing's error was never measured a metric is withheld: no interval is invented.
    """
    return {metric.id: _measured(metric, tally, errors, others) for metric in METRICS}


def spread(metric: Metric, tally: Tally, others: Sequence[Tally]) -> float:
    """How far a metric moves to either side with other thresholds; those that withhold it do not count."""
    readings = [VALUES[metric.id](each) for each in (tally, *others) if _reason(metric, each) is None]
    return (max(readings) - min(readings)) / 2 if readings else 0.0


def released(measured: Mapping[str, Measured]) -> dict[str, float | None]:
    """The values of the metrics that may wait for a release; None where withheld."""
    return {metric.id: measured[metric.id].value for metric in RELEASED}


def _measured(metric: Metric, tally: Tally, errors: Errors | None, others: Sequence[Tally]) -> Measured:
    reason = _reason(metric, tally)
    value = None if reason else VALUES[metric.id](tally)
    if value is None:
        return Measured(None, None, None, metric.unit, metric.grade.name, reason)
    if errors is EXACT or metric.needs is Needs.NOTHING:
        return Measured(value, value, value, metric.unit, metric.grade.name, None)
    if reason := _unknown(metric, tally, errors):
        return Measured(None, None, None, metric.unit, metric.grade.name, reason)
    off = margin(
        value,
        yardstick(metric.id, tally),
        spread(metric, tally, others),
        errors.by_metric[metric.id],
        errors.growth(tally.doubt),
    )
    least, most = metric.possible
    low = value - off.below if least is None else max(least, value - off.below)
    high = value + off.above if most is None else min(most, value + off.above)
    return Measured(value, low, high, metric.unit, metric.grade.name, None)


def _unknown(metric: Metric, tally: Tally, errors: Errors) -> str | None:
    """Why it is not known how far a metric is off, or None."""
    if metric.id not in errors.by_metric:
        return "how far the hearing is off here was never measured"
    if tally.doubt > errors.most_doubt:
        return "speech was heard too unsurely"
    if errors.most_seats is not None and len(tally.roles) > errors.most_seats:
        return f"how far the hearing is off with {len(tally.roles)} seats was never measured"
    if tally.measured < frames(errors.shortest_s):
        return f"how far the hearing is off in less than {errors.shortest_s:g} s was never measured"
    return None


def _reason(metric: Metric, tally: Tally) -> str | None:
    """Why a metric is withheld whatever the hearing, or None."""
    if metric.needs_seats and not tally.roles:
        return "without seats it is not known who speaks"
    missing = [role for role in (T, C) if role not in tally.roles]
    if metric.needs_roles and missing:
        return f"no seat has the role {' or '.join(missing)}"
    if _has(metric, tally) < _needed(metric.needs):
        return metric.needs.value
    if metric.id == "listener_responses" and not tally.talk[C]:
        return "the client had no turn"
    return None


def _needed(needs: Needs) -> int:
    """Events, or frames."""
    return 0 if needs is Needs.NOTHING else ENOUGH_EVENTS.get(needs, ENOUGH)


def _has(metric: Metric, tally: Tally) -> int:
    """What there is of that which a metric needs: events, or frames."""
    if metric.needs is Needs.SHARE:
        return tally.talk[T] + tally.talk[C]
    if metric.needs in ENOUGH_EVENTS:
        return _events(metric.id, tally)
    return tally.measured


def _events(name: str, tally: Tally) -> int:
    if name == "client_ended_share":
        return tally.long_by_context[CC] + tally.long_by_context[CT]
    return len(durations(name, tally))


def _per(count: float, period_s: float, within: int) -> float:
    """How many there are in so many seconds of some frames."""
    return count * period_s * FRAMES_PER_S / within


VALUES: dict[str, Callable[[Tally], float]] = {
    "therapist_talk_share": lambda t: t.talk[T] / (t.talk[T] + t.talk[C]),
    "therapist_turn_median": lambda t: quantile_s("therapist_turn_median", t, 0.5),
    "therapist_turn_p90": lambda t: quantile_s("therapist_turn_p90", t, 0.9),
    # Turns of two therapists may overlap, so their sum could exceed the time there was.
    "long_turn_share": lambda t: min(1.0, sum(turn for turn in t.turns[T] if turn > LONG_TURN) / t.measured),
    "client_turn_median": lambda t: quantile_s("client_turn_median", t, 0.5),
    "switches_per_minute": lambda t: _per(t.changes, 60, t.measured),
    "listener_responses": lambda t: _per(t.therapist_responses, 60, t.talk[C]),
    "silence_share": lambda t: t.silent / t.measured,
    "long_pauses": lambda t: _per(t.long_silences, 600, t.measured),
    f"long_pauses_{CC}": lambda t: _per(t.long_by_context[CC], 600, t.measured),
    f"long_pauses_{CT}": lambda t: _per(t.long_by_context[CT], 600, t.measured),
    f"long_pauses_{TC}": lambda t: _per(t.long_by_context[TC], 600, t.measured),
    f"long_pauses_{TT}": lambda t: _per(t.long_by_context[TT], 600, t.measured),
    "client_ended_share": lambda t: t.long_by_context[CC] / (t.long_by_context[CC] + t.long_by_context[CT]),
    f"response_offset_{CT}": lambda t: quantile_s(f"response_offset_{CT}", t, 0.5),
    f"response_offset_{TC}": lambda t: quantile_s(f"response_offset_{TC}", t, 0.5),
    "coverage": lambda t: t.measured / t.open if t.open else 0.0,
}
"""The formulas of the catalogue; each is asked only when the metric is not withheld, so no denominator is 0."""
