"""`fermata hub copy`."""

import sys
from contextlib import closing
from typing import TYPE_CHECKING

import click

from app.verbs.hub_backup import of_a_file

if TYPE_CHECKING:
    from app.hub.options import HubOptions


@click.command()
@click.option("--to", metavar="URL", required=True, help="An empty PostgreSQL, postgresql://USER@HOST/NAME.")
@click.pass_obj
def copy(options: "HubOptions", to: str) -> None:
    """Copy all of the hub's own file into an empty PostgreSQL; stop the hub first.

    All is written in one transaction and counted, or nothing is. Rooms notice nothing: the hub on the copy knows what
    the one on the file knew. The file stays as it was.

    \b
    systemctl stop fermata-hub
    fermata hub copy --to postgresql://fermata@db.north.example/fermata
    """
    from app.hub.moving import Move
    from app.hub.serve import alone

    file = of_a_file(options)
    with alone(options.state), closing(Move(file, to)) as move:
        total = sum(move.count().values())
        with click.progressbar(range(total), label="Copying", file=sys.stderr) as bar:
            there = move.move(bar.update)
    click.echo(f"{to} has all {sum(there.values()):,} rows of {file}. Now set it as hub.database and start the hub:")
    click.echo(f'[hub]\ndatabase = "{to}"')
    click.echo("Start no hub on the file again; remove it once all is well.")
