"""`fermata send`."""

from pathlib import Path

import click

from app.sources import load, sourced
from app.verbs.common import notice, stopping


@click.command()
@click.option("--show", is_flag=True, help="Print what would leave and what has left, byte for byte; send nothing.")
@click.pass_obj
def send(file: Path | None, show: bool) -> None:
    """Carry the outbox's messages to the hub, without devices.

    Where the settings have a code for it, join the hub first; renew the certificate in time.

    \b
    fermata send
    fermata send --show
    """
    from app.send import send as carry
    from app.show import show as lines

    if show:
        for line in lines(load(file)):
            click.echo(line)
        return
    with stopping() as stop:
        settings, origin = sourced(file)
        carry(settings, stop, notice, origin.get("join.code"))
