"""`fermata seats`: where people sit, set by sitting and talking, shown, checked, forgotten."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import click

from app.settings import Settings
from app.sources import load
from app.verbs.common import notice, placed, stopping
from firmware.board import Board
from firmware.confine import keep_memory
from firmware.errors import ArrayError, WiringError


@click.command()
@click.argument("action", type=click.Choice(["set", "show", "check", "forget"]), default="set")
@click.option("--people", type=click.IntRange(2, 6), default=2, help="How many sit in the room.", show_default=True)
@click.option("--recording", type=click.Path(path_type=Path), help="A WAV or FLAC file in place of the microphones.")
@click.option("--array", metavar="NAME", help="With --recording: a shipped array, or an array file.")
@click.option("--seats", metavar="SEATS", help="With check: NAME[:ROLE]=DEGREES,… instead of the seats in force.")
@click.pass_obj
def seats(
    file: Path | None, /, action: str, people: int, recording: Path | None, array: str | None, seats: str | None
) -> None:
    """Set the seats: everybody sits down and says a sentence, the therapist first.

    They are kept with the array's id and hold from the next session on. What a recording brings is only shown. On a
    room unit stop its service first, so that the microphone light can be lit; or hold the button for 3 s instead.

    \b
    fermata seats
    fermata seats --people 4
    fermata seats show
    fermata seats check
    fermata seats --recording two-sentences.flac --array xvf3800
    """
    keep_memory()
    settings = load(file)
    if action == "show":
        show(settings)
    elif action == "forget":
        settings.paths.seats_file.unlink(missing_ok=True)
        click.echo("No calibrated seats are kept any more.")
    else:
        with stopping() as stop, closing(board_of(settings, recording, array)) as board:
            if action == "check":
                check(settings, board, seats, stop)
            else:
                keep = None if recording else settings.paths.seats_file
                set_them(board, people, keep, stop)


def show(settings: Settings) -> None:
    """Print the seats in force and where they come from."""
    from app.room.chairs import Chairs

    chairs = Chairs(settings.paths.seats_file, settings.placed_seats(), notice)
    if not chairs.seats:
        click.echo("No seats are set: run `fermata seats`, or hold the button for 3 s.")
    for seat in chairs.seats:
        click.echo(f"{seat.name} at {seat.azimuth:.0f} degrees, {seat.role.value if seat.role else 'no role'}")
    if chairs.array:
        click.echo(f"Calibrated with the array {chairs.array}.")
    elif chairs.seats:
        click.echo("As in the settings.")


def check(settings: Settings, board: Board, given: str | None, stop: Callable[[], bool]) -> None:
    """Say whose seat each sentence comes from."""
    from app.room.chairs import Chairs
    from app.seating import check_seats

    chairs = Chairs(settings.paths.seats_file, settings.placed_seats(), notice)
    known = placed(settings, given) if given else chairs.seats
    if not known:
        raise click.ClickException("no seats are set: run `fermata seats` first")
    board.microphones.check()
    if not given and (doubt := chairs.doubt(board.microphones.identity)):
        raise click.ClickException(doubt)
    check_seats(board, known, click.echo, stop)


def set_them(board: Board, people: int, keep: Path | None, stop: Callable[[], bool]) -> None:
    """Set the seats, and keep them in a file if one is given."""
    from app.room.chairs import Chairs
    from app.seating import set_seats

    board.microphones.check()
    found, identity = set_seats(board, people, click.echo, stop)
    if keep is None:
        click.echo("--seats " + ",".join(f"{seat.name}={seat.azimuth:.0f}" for seat in found))
        return
    Chairs(keep).keep(found, identity)
    click.echo(f"Kept in {keep}; they hold from the next session on.")


def board_of(settings: Settings, recording: Path | None, array: str | None) -> Board:
    """The microphones of this machine, or a recording in their place, as fast as it goes."""
    from firmware.board import open_room_board
    from firmware.geometry import load_array
    from firmware.pins import Pins
    from firmware.simulated import board_from_recording
    from firmware.switches import find_gpio

    if recording is None:
        at, pins = settings.microphones, Pins(**settings.pins.model_dump())
        geometry = load_array(array or at.array)
        try:
            gpio = find_gpio()
        except WiringError:  # a machine without lights has nothing to show them on
            return open_room_board(geometry, at.device, None, None, at.usb)
        return open_room_board(geometry, at.device, pins, gpio, at.usb)
    try:
        return board_from_recording(recording, array, None)
    except ArrayError as error:
        raise click.UsageError(str(error)) from error
