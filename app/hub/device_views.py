"""A room's unit as the registry knows it, in words and ready to be laid out."""

from dataclasses import dataclass
from datetime import UTC, datetime

from app.hub.members import Member
from app.hub.words import Words


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A line of the page of devices."""

    device: str
    name: str
    standing: str
    certificate: str
    asked: str
    """What it was asked and has not answered; empty: nothing."""
    joined: bool
    revoked: bool
    bad: bool


def device_view(member: Member, asked: int, now: int, say: Words) -> DeviceView:
    """A unit in words."""
    return DeviceView(
        device=member.device,
        name=member.name,
        standing=_standing(member, say),
        certificate=_certificate(member, now, say),
        asked=say("device_asked", n=asked) if asked else "",
        joined=member.certificate_ends is not None,
        revoked=member.revoked is not None,
        bad=member.locked or (member.certificate_ends is not None and member.certificate_ends <= now),
    )


def _standing(member: Member, say: Words) -> str:
    if member.revoked is not None:
        return say("device_revoked", day=_day(member.revoked, say))
    if member.certificate_ends is not None:
        return say("device_joined")
    if member.locked:
        return say("device_locked")
    return say("device_invited", day=_day(member.code_ends, say)) if member.code_ends else say("device_code_ended")


def _certificate(member: Member, now: int, say: Words) -> str:
    if member.certificate_ends is None or member.revoked is not None:
        return say("certificate_none")
    day = _day(member.certificate_ends, say)
    return say("certificate_ended" if member.certificate_ends <= now else "certificate_until", day=day)


def _day(moment: int, say: Words) -> str:
    return say.day(datetime.fromtimestamp(moment, UTC).astimezone().date())
