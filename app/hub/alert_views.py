"""An alert in words, for the page and for mails."""

from dataclasses import dataclass

from app.hub.alerts import Alert
from app.hub.conditions import HUB, STRANGERS, Kind
from app.hub.post import Standing
from app.hub.words import Words

TIMES = {Kind.AWAY, Kind.CERTIFICATE}
"""Kinds whose fact is a time."""


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert."""

    id: int
    device: str | None
    """The room's, for a link to its page."""
    name: str
    title: str
    told: str
    advice: str
    since: str
    machine: str
    """As machines write it."""
    until: str
    seen: str
    """By whom and when it was seen; empty: by nobody."""


def alert_view(alert: Alert, now: int, say: Words) -> AlertView:
    """An alert in words."""
    since, machine = say.moment(alert.since)
    return AlertView(
        id=alert.id,
        device=alert.device,
        name=_name(alert, say),
        title=say(f"alert_{alert.kind}"),
        told=_told(alert, now, say),
        advice=say(f"alert_{alert.kind}_do"),
        since=since,
        machine=machine,
        until="" if alert.closed is None else say.moment(alert.closed)[0],
        seen=say("alert_seen_by", name=alert.seen_by, time=say.moment(alert.seen_at or 0)[0]) if alert.seen_by else "",
    )


def count_view(total: int, unseen: int, say: Words) -> str:
    """How many alerts are open, in words; empty: none."""
    if not total:
        return ""
    return ", ".join([say("alerts_count", n=total), *([say("alerts_unseen", n=unseen)] if unseen else [])])


def mail_view(standing: Standing, say: Words) -> tuple[list[str], list[str]]:
    """How mail goes, in sentences: what is well, and what is not."""
    well = [say("mail_sent", time=say.moment(standing.sent)[0]) if standing.sent else say("mail_none_yet")]
    bad = [say("mail_refused", who=standing.refused)] if standing.refused else []
    if standing.failed is not None:
        again = say.moment(standing.failed + standing.wait_s)[0]
        bad.append(say("mail_failed", n=standing.failures, why=standing.why, time=again))
    return well, bad


def _name(alert: Alert, say: Words) -> str:
    if alert.subject == STRANGERS:
        return say("alert_strangers")
    return say("alert_hub", name=alert.name) if alert.subject.startswith(HUB) else alert.name


def _told(alert: Alert, now: int, say: Words) -> str:
    """What exactly is wrong."""
    fact = alert.fact or 0
    if alert.kind is Kind.AWAY and not fact:
        return say("alert_away_never")
    if alert.kind is Kind.CERTIFICATE and fact <= now:
        return say("alert_certificate_ended", time=say.moment(fact)[0])
    if alert.kind in TIMES:
        return say(f"alert_{alert.kind}_long", time=say.moment(fact)[0])
    return say(f"alert_{alert.kind}_long", n=fact)
