"""`fermata hub revoke`."""

import time
from contextlib import closing
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from app.hub.options import HubOptions


@click.command()
@click.argument("room")
@click.pass_obj
def revoke(options: "HubOptions", room: str) -> None:
    """Shut a room's unit out, at once: it was lost, stolen, or is given away. What it has sent stays.

    \b
    fermata hub revoke blue-room
    """
    from app.hub.registry import Registry

    with closing(Registry(options.where)) as registry:
        member = registry.revoke(room, int(time.time()))
    click.echo(
        f"'{member.name}' ({member.device}) is shut out. "
        f'`fermata hub add-room "{member.name}"` lets another unit take its place.'
    )
