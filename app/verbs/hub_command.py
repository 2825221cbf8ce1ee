"""`fermata hub command`: what may be asked of a room's unit, and what came of it."""

import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from app.hub.options import HubOptions
    from app.hub.orders import Asked
    from app.sync.command import Deed


@click.group("command", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Ask something of a room's unit; without more, show what was asked and what came of it.

    This is all that can be asked. Nothing on the list records, streams or opens a shell, and a unit's rho, its fewest
    sessions and its ranges cannot be changed from here.

    \b
    fermata hub command
    fermata hub command set blue-room cues.dimmer 0.3
    fermata hub command rename blue-room "Garden room"
    fermata hub command rotate-certificate blue-room
    fermata hub command reboot blue-room
    fermata hub command update blue-room 0.2.0 SHA256
    fermata hub command key
    """
    if context.invoked_subcommand is None:
        show(context.obj)


@command.command("set")
@click.argument("room")
@click.argument("name")
@click.argument("value")
@click.pass_obj
def set_(options: "HubOptions", room: str, name: str, value: str) -> None:
    """Change a setting of the ROOM: one under `cues`, or session.planned_minutes."""
    from app.sync.command import Set

    ask(options, room, lambda: Set(name=name, value=read(value)))


@command.command()
@click.argument("room")
@click.argument("name")
@click.pass_obj
def rename(options: "HubOptions", room: str, name: str) -> None:
    """Change the name that the ROOM's unit goes by among people."""
    from app.sync.command import Rename

    ask(options, room, lambda: Rename(name=name))


@command.command("rotate-certificate")
@click.argument("room")
@click.pass_obj
def rotate_certificate(options: "HubOptions", room: str) -> None:
    """Have the ROOM's unit make a new key and fetch a certificate for it."""
    from app.sync.command import RotateCertificate

    ask(options, room, RotateCertificate)


@command.command()
@click.argument("room")
@click.pass_obj
def reboot(options: "HubOptions", room: str) -> None:
    """Have the ROOM's machine start anew, at its next fixed hour and never in a session."""
    from app.sync.command import Reboot

    ask(options, room, Reboot)


@command.command()
@click.argument("room")
@click.argument("version")
@click.argument("sha256")
@click.pass_obj
def update(options: "HubOptions", room: str, version: str, sha256: str) -> None:
    """Note at the ROOM's unit which software it shall have; installing it is another's work."""
    from app.sync.command import Update

    ask(options, room, lambda: Update(version=version, sha256=sha256))


@command.command()
@click.pass_obj
def key(options: "HubOptions") -> None:
    """Print what a unit's own fermata.toml must say, by which it knows the hub's commands."""
    from app.hub.orders import Signer

    click.echo(f'[hub]\ncommand_key = "{Signer(options.state).public}"')


def ask(options: "HubOptions", room: str, make: "Callable[[], Deed]") -> None:
    """Sign it and lay it ready; a running hub sends it within seconds, or when the unit is there again."""
    from pydantic import ValidationError

    from app.hub.orders import Orders, Signer

    try:
        deed = make()
    except ValidationError as error:
        first = error.errors()[0]
        raise click.UsageError(f"{first['loc'][0]} = {first['input']!r} cannot be sent: {first['msg']}") from error
    with closing(Orders(options.where)) as orders:
        number = orders.ask(Signer(options.state), room, deed, int(time.time()))
    click.echo(f"Command {number} for {room} is laid ready. Its result comes with a heartbeat: fermata hub command")


def show(options: "HubOptions") -> None:
    """What was asked and what came of it."""
    from app.hub.orders import Orders

    with closing(Orders(options.where)) as orders:
        asked, refusals = orders.all(), orders.refusals()
    for each in asked:
        click.echo(f"{each.number}  {each.device}  {what(each)}: {standing(each)}")
    for room, reasons in refusals.items():
        click.echo(f"{room} has refused commands ({', '.join(reasons)}).")
    if not asked and not refusals:
        click.echo("Nothing was asked of any room yet: fermata hub command --help")


def what(asked: "Asked") -> str:
    """What was asked, in the words of the command line."""
    from app.sync.command import Command, Order

    deed = Order.model_validate_json(Command.model_validate_json(asked.payload).order).deed
    return " ".join([deed.kind, *(str(value) for name, value in deed.model_dump().items() if name != "kind")])


def standing(asked: "Asked") -> str:
    """How it stands."""
    if asked.outcome is None:
        ends = datetime.fromtimestamp(asked.expires, UTC).astimezone()
        return f"no answer yet, good until {ends:%Y-%m-%d}" if asked.expires > time.time() else "never answered"
    if asked.outcome == "taken":
        return "taken, to be done at the room's fixed hour"
    return f"refused ({asked.reason})" if asked.outcome == "refused" else asked.outcome


def read(value: str) -> bool | float | str:
    """A value as typed: true, false, a number, or a word."""
    if value in {"true", "false"}:
        return value == "true"
    try:
        return float(value)
    except ValueError:
        return value
