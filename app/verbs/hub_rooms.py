"""`fermata hub rooms`."""

import time
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from app.hub.members import Member
    from app.hub.options import HubOptions


@click.command()
@click.pass_obj
def rooms(options: "HubOptions") -> None:
    """Show every room that was added, and whether its unit may send.

    \b
    fermata hub rooms
    """
    from app.hub.registry import Registry

    now = int(time.time())
    with closing(Registry(options.where)) as registry:
        members = registry.members(now)
    if not members:
        click.echo('No room was added yet: fermata hub add-room "Blue room"')
    width = max((len(member.device) for member in members), default=0)
    for member in members:
        click.echo(f"{member.device:{width}}  {standing(member, now)}  ({member.name})")


def standing(member: "Member", now: int) -> str:
    """How a room stands, in a few words."""
    if member.revoked is not None:
        return f"revoked {day(member.revoked)}"
    if member.certificate_ends is not None:
        ended = member.certificate_ends <= now
        return f"joined, its certificate {'ended' if ended else 'is good until'} {day(member.certificate_ends)}"
    if member.locked:
        return "its code was tried too often: add it again"
    if member.code_ends is not None:
        return f"waits for its unit, until {day(member.code_ends)}"
    return "its code has ended: add it again"


def day(at: int) -> str:
    """A date, as this machine's people write it."""
    return f"{datetime.fromtimestamp(at, UTC).astimezone():%Y-%m-%d}"
