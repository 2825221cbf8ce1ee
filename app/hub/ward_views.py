"""A room on the board and a room's days, in words and ready to be laid out."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from app.hub.days import day_of
from app.hub.rooms import Presence
from app.hub.rounds import SHOWN_DAYS, Day, Ward
from app.hub.standing import CERTIFICATE_S, WAITING
from app.hub.words import Words

MOST_H = 24

SYMBOLS = {Presence.ONLINE: "●", Presence.SILENT: "◐", Presence.OFFLINE: "○", Presence.NEW: "◌"}


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a room's card."""

    name: str
    text: str
    bad: bool = False


@dataclass(frozen=True, slots=True)
class WardView:
    """A room's card."""

    device: str
    name: str
    simulated: bool
    presence: str
    symbol: str
    standing: str
    look: bool
    """Somebody should look after it."""
    notes: tuple[str, ...]
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class DayView:
    """A line of a room's health."""

    day: str
    machine: str
    """As machines write it."""
    heard: str
    hours: float
    """For the drawing."""
    notes: str
    bad: bool
    software: str


def needs_a_look(ward: Ward, now: int) -> bool:
    """Whether somebody should look after a room: it is away, cannot hear, or cannot be heard much longer."""
    room = ward.room
    away = room.presence(now) in {Presence.OFFLINE, Presence.SILENT}
    return away or room.unwell or _ends_soon(ward, now) or (room.waiting or 0) > WAITING


def ward_view(ward: Ward, last_week: str | None, now: int, say: Words) -> WardView:
    """A room in words."""
    room = ward.room
    presence, unknown = room.presence(now), say("unknown")
    waiting = say("waiting", n=room.waiting) if room.waiting else say("waiting_none")
    facts = (
        Fact(
            say("heartbeat"),
            say("never") if room.heartbeat is None else say.ago(room.heartbeat, now),
            presence is Presence.SILENT,
        ),
        Fact(say("microphones"), say(f"microphones_{room.microphones}") if room.microphones else unknown, room.unwell),
        Fact(say("last_week"), say("never") if last_week is None else say.week(last_week)),
        Fact(say("waiting"), unknown if room.waiting is None else waiting, (room.waiting or 0) > WAITING),
        Fact(say("certificate"), _certificate(ward, now, say), _ends_soon(ward, now)),
        Fact(say("clock"), say(f"clock_{room.clock}") if room.clock else unknown),
        Fact(say("software"), room.software or unknown),
    )
    notes = [say("silent_note")] if presence is Presence.SILENT else []
    if room.dropped:
        notes.append(say("dropped", n=room.dropped))
    return WardView(
        device=room.device,
        name=ward.name,
        simulated=bool(room.simulated),
        presence=presence.value,
        symbol=SYMBOLS[presence],
        standing=_standing(ward, presence, now, say),
        look=needs_a_look(ward, now),
        notes=tuple(notes),
        facts=facts,
    )


def _standing(ward: Ward, presence: Presence, now: int, say: Words) -> str:
    if ward.registered and ward.certificate_ends is None and ward.room.heartbeat is None:
        return say("invited")
    if presence is Presence.OFFLINE and ward.room.since is not None:
        return say.since(say(presence.value), ward.room.since, now)
    return say(presence.value)


def days_view(days: list[Day], now: int, say: Words) -> tuple[DayView, ...]:
    """A room's days, the newest first, those without a word between the first and today too."""
    if not days:
        return ()
    known = {day.day: day for day in days}
    first, today = date.fromisoformat(min(known)), day_of(now)
    length = min((today - first).days + 1, SHOWN_DAYS)
    before: dict[str, int] = {}
    for older, newer in zip(days[1:], days, strict=False):
        before[newer.day] = older.dropped
    return tuple(_day(today - timedelta(days=ago), known, before, today, say) for ago in range(length))


def _day(day: date, known: dict[str, Day], before: dict[str, int], today: date, say: Words) -> DayView:
    line = known.get(day.isoformat())
    label = say("today_so_far", day=say.day(day)) if day == today else say.day(day)
    if line is None:
        return DayView(label, day.isoformat(), say("heard_not"), 0.0, "", day != today, "")
    hours = min(line.heard_s / 3600, MOST_H)
    notes = []
    if line.faults:
        notes.append(say("day_faults", n=line.faults))
    if line.own_clock:
        notes.append(say("day_own_clock", n=line.own_clock))
    if line.waiting > WAITING:
        notes.append(say("day_waiting", n=line.waiting))
    if (dropped := line.dropped - before.get(line.day, line.dropped)) > 0:
        notes.append(say("day_dropped", n=dropped))
    return DayView(
        label,
        day.isoformat(),
        say("heard_hours", hours=say.number(hours, 1)),
        hours,
        " ".join(notes),
        bool(line.faults),
        line.software,
    )


def _ends_soon(ward: Ward, now: int) -> bool:
    return ward.certificate_ends is not None and ward.certificate_ends - now < CERTIFICATE_S


def _certificate(ward: Ward, now: int, say: Words) -> str:
    if ward.certificate_ends is None:
        return say("certificate_none") if ward.registered else say("certificate_unneeded")
    day = say.day(datetime.fromtimestamp(ward.certificate_ends, UTC).astimezone().date())
    if ward.certificate_ends <= now:
        return say("certificate_ended", day=day)
    return say("certificate_late" if _ends_soon(ward, now) else "certificate_until", day=day)
