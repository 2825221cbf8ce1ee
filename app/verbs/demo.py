"""`fermata demo`."""

import click

from app.verbs.common import needing, stopping


@click.command()
@click.option("--once", is_flag=True, help="Headless, as fast as it goes; exit 0 only if every release has arrived.")
def demo(once: bool) -> None:
    """Watch a room and a hub on this machine, in three acts.

    \b
    fermata demo
    fermata demo --once
    """
    with needing("demo"):
        from app.demo.acts import demo as perform

    with stopping() as stop:
        outcome = perform(once, click.echo, stop)
        if outcome is None:
            raise click.Abort
        if not outcome.complete:
            raise click.ClickException("not every sealed release is in the hub's store")
