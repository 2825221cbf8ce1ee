"""`fermata hub add-room`."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from app.hub.options import HubOptions


@click.command("add-room")
@click.argument("name")
@click.option("--days", type=click.IntRange(1, 7), default=7, show_default=True, help="How long the code is good.")
@click.option("--to", type=click.Path(path_type=Path), help="Write the room's settings to this new file instead.")
@click.pass_obj
def add_room(options: "HubOptions", name: str, days: int, to: Path | None) -> None:
    """Let a new unit join as a room; prints the settings file for its card.

    \b
    fermata hub add-room "Blue room" > fermata.toml
    fermata hub add-room "Blue room" --days 2 --to /media/card/fermata.toml
    """
    from app.hub.invitation import invite

    try:
        handle = None if to is None else os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise click.UsageError(f"{to} is there already: name a new file") from None
    text, invited = invite(options, name, days, int(time.time()))
    until = datetime.fromtimestamp(invited.ends, UTC).astimezone()
    if handle is None:
        click.echo(text, nl=False)
    else:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    where = f"{to}" if to else "this"
    click.echo(
        f"Copy {where} to the card of the room as fermata.toml. Its code works once, until {until:%Y-%m-%d %H:%M}: "
        "keep it as you would a key.",
        err=True,
    )
