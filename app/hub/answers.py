"""What the API answers, as programs read it: each number with its unit, interval, grade, n, or the reason why not."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from app.catalogue import RELEASED, Metric
from app.hub.alerts import Alert
from app.hub.conditions import HUB
from app.hub.periods import Period
from app.hub.rounds import Day, Ward
from app.hub.trends import Estimate, Span, Trends
from app.hub.views import clamped
from app.hub.ward_views import needs_a_look

DIGITS = 4


class Answer(BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class NumberAnswer(Answer):
    """The mean over all sessions of a period, as far as it is possible for the metric."""

    value: float
    low: float
    """Lower end of the 95 % interval."""
    high: float
    unit: str
    """1 is a share; s, 1/min, 1/10 min."""
    grade: Literal["A", "B", "C", "D"]
    """Of the evidence that it goes with anything; see /api/v1/catalogue."""
    sessions: int
    """n: how many sessions it rests on."""
    interval_shows: Literal["noise", "noise and scatter"]
    beyond_possible: bool
    """The noise carried an end, or all of it, beyond what is possible; it is given up to the edge."""


class PeriodAnswer(Answer):
    """A month or a quarter: numbers, or the reason why there are none."""

    period: str
    """2026-09, or 2026-Q3. A week belongs to the month of its Thursday."""
    sessions: int
    releases: int
    weeks_withheld: int
    """Weekly messages of rooms with too few sessions to release."""
    late: int
    """Weekly messages that came more than a week after its end: they are kept, and in no other number."""
    withheld: str | None
    """Why there are no numbers; null where there are."""
    numbers: dict[str, NumberAnswer]
    """By metric id."""


class WorldAnswer(Answer):
    """All real, or all simulated data; never both together."""

    data: Literal["real", "simulated"]
    off: str | None
    """Why no conversation metrics are shown at all; null where they are."""
    months: list[PeriodAnswer]
    quarters: list[PeriodAnswer]


class ClinicAnswer(Answer):
    """What the clinic's page shows of conversations."""

    clinic: str
    worlds: list[WorldAnswer]


class MetricAnswer(Answer):
    """What a number means, and what it does not."""

    id: str
    title: str
    definition: str
    unit: str
    low: float
    high: float
    """The possible range."""
    grade: Literal["A", "B", "C", "D"]
    evidence: str
    does_not_say: str


class RoomAnswer(Answer):
    """How a room's unit is; nothing in it varies with the room's use."""

    device: str
    name: str
    simulated: bool
    presence: Literal["online", "silent", "offline", "new"]
    needs_a_look: bool
    last_heartbeat: datetime | None
    microphones: str | None
    """ok, fault or unknown, as found at a fixed hour of the day."""
    clock: str | None
    """hub, or own: without the hub's time."""
    certificate_ends: datetime | None
    outbox_waiting: int | None
    """Weekly reports not yet acknowledged."""
    outbox_dropped: int | None
    """Heartbeats dropped for want of room."""
    software: str | None


class DayAnswer(Answer):
    """What is left of a room's heartbeats of one day."""

    day: str
    heard_s: int
    heartbeats: int
    microphone_faults: int
    without_hub_time: int
    most_waiting: int
    dropped: int
    software: str


class RoomDaysAnswer(Answer):
    """A room and its last days."""

    room: RoomAnswer
    days: list[DayAnswer]


class AlertAnswer(Answer):
    """Something wrong with a device."""

    id: int
    kind: str
    room: str | None
    """The device id, if it is about a room."""
    hub: str | None
    """The hub's name, if it is about a hub."""
    name: str
    since: datetime
    opened: datetime
    closed: datetime | None
    """When it was over; null: it is not."""
    seen_by: str | None
    seen_at: datetime | None


class AlertsAnswer(Answer):
    """All open alerts, and those of the last 30 days that are over."""

    open: list[AlertAnswer]
    over: list[AlertAnswer]


class Refused(Answer):
    """Why something was not answered."""

    detail: str


def clinic_answer(clinic: str, shown: list[Trends]) -> ClinicAnswer:
    """What the gate lets through, in numbers."""
    worlds = [
        WorldAnswer(
            data="simulated" if each.simulated else "real",
            off=each.off.value if each.off else None,
            months=[_period(span, each) for span in each.months],
            quarters=[_period(span, each) for span in each.quarters],
        )
        for each in shown
    ]
    return ClinicAnswer(clinic=clinic, worlds=worlds)


def catalogue_answer() -> list[MetricAnswer]:
    """Every metric that the API may give."""
    return [
        MetricAnswer(
            id=metric.id,
            title=metric.title,
            definition=metric.formula,
            unit=metric.unit,
            low=low,
            high=high,
            grade=metric.grade.name,
            evidence=metric.evidence,
            does_not_say=metric.does_not_say,
        )
        for metric in RELEASED
        for low, high in [metric.released or (0.0, 0.0)]
    ]


def room_answer(ward: Ward, now: int) -> RoomAnswer:
    """How a room is."""
    room = ward.room
    return RoomAnswer(
        device=room.device,
        name=ward.name,
        simulated=bool(room.simulated),
        presence=room.presence(now).value,
        needs_a_look=needs_a_look(ward, now),
        last_heartbeat=_moment(room.heartbeat),
        microphones=room.microphones,
        clock=room.clock,
        certificate_ends=_moment(ward.certificate_ends),
        outbox_waiting=room.waiting,
        outbox_dropped=room.dropped,
        software=room.software,
    )


def day_answer(day: Day) -> DayAnswer:
    """A day of a room."""
    return DayAnswer(
        day=day.day,
        heard_s=day.heard_s,
        heartbeats=day.heartbeats,
        microphone_faults=day.faults,
        without_hub_time=day.own_clock,
        most_waiting=day.waiting,
        dropped=day.dropped,
        software=day.software,
    )


def alert_answer(alert: Alert) -> AlertAnswer:
    """An alert."""
    return AlertAnswer(
        id=alert.id,
        kind=alert.kind,
        room=alert.device,
        hub=alert.subject.removeprefix(HUB) if alert.subject.startswith(HUB) else None,
        name=alert.name,
        since=_at(alert.since),
        opened=_at(alert.opened),
        closed=_moment(alert.closed),
        seen_by=alert.seen_by,
        seen_at=_moment(alert.seen_at),
    )


def _period(span: Span, trends: Trends) -> PeriodAnswer:
    numbers = {
        metric.id: _number(metric, span.estimates[metric.id]) for metric in RELEASED if metric.id in span.estimates
    }
    off = trends.off.value if trends.off else None
    return PeriodAnswer(
        period=_name(span.period),
        sessions=span.sessions,
        releases=span.releases,
        weeks_withheld=span.withheld,
        late=span.late,
        withheld=None if numbers else span.reason.value if span.reason else off or "not_released",
        numbers=numbers,
    )


def _number(metric: Metric, estimate: Estimate) -> NumberAnswer:
    *numbers, beyond = clamped(metric, estimate)
    value, low, high = (round(number, DIGITS) for number in numbers)
    return NumberAnswer(
        value=value,
        low=low,
        high=high,
        unit=metric.unit,
        grade=metric.grade.name,
        sessions=estimate.sessions,
        interval_shows="noise and scatter" if estimate.scatter else "noise",
        beyond_possible=beyond,
    )


def _name(period: Period) -> str:
    if period.length == 1:
        return f"{period.year}-{period.first_month:02}"
    return f"{period.year}-Q{period.number}"


def _at(then: int) -> datetime:
    return datetime.fromtimestamp(then, UTC)


def _moment(then: int | None) -> datetime | None:
    return None if then is None else _at(then)
