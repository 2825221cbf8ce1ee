"""A room's own numbers, where its owner has declared that many use it: one gate for the room's page and its export."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from app.catalogue import RELEASED
from app.hub.archive import Archive
from app.hub.days import day_of
from app.hub.declared import Declared, Spell
from app.hub.periods import Period, month, quarter, unbroken
from app.hub.rest import Verdicts
from app.hub.trends import Reason, Release, Span, Trends, by_week, estimate, trends
from app.hub.views import WorldView, world_view
from app.hub.words import Words


@dataclass(frozen=True, slots=True)
class RoomNumbers:
    """What may be shown of a room."""

    spell: Spell | None
    """When it stood declared last; None: never."""
    worlds: tuple[WorldView, ...] = ()
    """Of its real and of its simulated releases; none where it does not stand declared."""

    @property
    def told(self) -> bool:
        """Whether any number is in it."""
        return any(row.cells for world in self.worlds for row in (*world.months, *world.quarters))


def room_numbers(archive: Archive, device: str, declared: Declared, now: int, say: Words) -> RoomNumbers:
    """A room's own months and quarters beside those of its clinic."""
    if not declared.opens(device):
        return RoomNumbers(declared.spell(device))
    every, own = archive.weeks(), archive.of(device)
    worlds = []
    for kind in sorted({release.simulated for release in own}) or [False]:
        weeks = [week for week in every if week.simulated is kind]
        therapists, agreed = declared.therapists, declared.agreed
        whole = trends(weeks, day_of(now), simulated=kind, therapists=therapists, owner_agreed=agreed)
        found = archive.verdicts(whole, weeks, declared, now)
        mine = _own([release for release in own if release.simulated is kind], found, day_of(now), simulated=kind)
        worlds.append(replace(world_view(mine, therapists, say), wait=_wait(mine, say)))
    return RoomNumbers(declared.spell(device), tuple(worlds))


def _own(own: Sequence[Release], found: Verdicts, today: date, *, simulated: bool) -> Trends:
    """One room's periods, and what was found of them."""
    months, quarters = (_spans(own, period_of, found, today) for period_of in (month, quarter))
    return Trends(simulated, months, quarters, None)


def _spans(
    own: Sequence[Release], period_of: Callable[[str], Period], found: Verdicts, today: date
) -> tuple[Span, ...]:
    inside: dict[Period, list[Release]] = {each: [] for each in unbroken({period_of(r.week) for r in own})}
    for release in own:
        inside[period_of(release.week)].append(release)
    return tuple(_span(each, those, _reason(each, those, found, today)) for each, those in inside.items())


def _reason(each: Period, own: Sequence[Release], found: Verdicts, today: date) -> Reason | None:
    if today < _closes(each, own):
        return Reason.RUNNING
    return found[own[0].device, each] if any(release.sessions for release in own) else Reason.FEW_SESSIONS


def _closes(each: Period, own: Sequence[Release]) -> date:
    return max([each.closes_on(), *(release.closes for release in own)])


def _span(each: Period, own: Sequence[Release], reason: Reason | None) -> Span:
    weeks = by_week(own)
    made = {} if reason else {metric.id: estimate(metric.id, weeks) for metric in RELEASED}
    released = [release for release in own if release.sums is not None]
    return Span(
        period=each,
        sessions=sum(release.sessions for release in own),
        releases=len(released),
        withheld=len(own) - len(released),
        late=0,
        closes=_closes(each, own),
        estimates={metric: result for metric, result in made.items() if result},
        reason=reason,
    )


def _wait(own: Trends, say: Words) -> str:
    """How many sessions there are and when numbers can appear; nothing where any is shown."""
    spans = (*own.months, *own.quarters)
    if any(span.estimates for span in spans):
        return ""
    if not spans:
        return say("room_no_release")
    if any(span.reason is Reason.REST for span in spans):
        return say("room_wait_rest")
    last = own.quarters[-1]
    key = "room_wait_running" if last.reason is Reason.RUNNING else "room_wait_over"
    until = say.day(last.closes - timedelta(days=1))
    period = say.period(last.period)
    return say(key, n=last.sessions, period=period[0].upper() + period[1:], until=until)
