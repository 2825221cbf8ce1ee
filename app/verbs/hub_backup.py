"""`fermata hub backup` and `fermata hub restore`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from app.hub.options import HubOptions


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def backup(options: "HubOptions", file: Path) -> None:
    """Copy the hub's database into a new FILE; the hub may run meanwhile.

    The keys of the clinic are not in it: keep a copy of `authority` and `command.key`, from the hub's folder, apart.

    \b
    fermata hub backup /mnt/safe/hub-2026-11-23.sqlite
    """
    from app.hub.backup import backup as copy

    size = copy(of_a_file(options), file)
    click.echo(f"{file} has it all, {size / 1e6:.1f} MB; `fermata hub restore` puts it back.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def restore(options: "HubOptions", file: Path) -> None:
    """Put a FILE that `backup` wrote in the database's place; stop the hub first.

    Rooms then send again what they have kept, the releases of the last 100 days.

    \b
    systemctl stop fermata-hub
    fermata hub restore /mnt/safe/hub-2026-11-23.sqlite
    systemctl start fermata-hub
    """
    from time import time

    from app.hub.backup import restore as put_back
    from app.hub.serve import alone

    with alone(options.state):
        aside = put_back(of_a_file(options), file, int(time()))
    click.echo(f"The hub has the state of {file}; rooms will send again what came since.")
    if aside:
        click.echo(f"What was there before lies as {aside}; remove it once all is well.")


def of_a_file(options: "HubOptions") -> Path:
    """The database's file; a PostgreSQL has tools of its own."""
    if isinstance(options.where, str):
        raise click.UsageError(
            "this hub keeps its data in PostgreSQL: use pg_dump and pg_restore, and after a restore "
            "UPDATE meta SET value = md5(random()::text) WHERE key = 'generation'; DELETE FROM meta WHERE "
            "key = 'reopened'; INSERT INTO meta SELECT 'reopened', to_timestamp(max(received))::date || ' ' || "
            "current_date + 7 FROM messages"
        )
    return options.where
