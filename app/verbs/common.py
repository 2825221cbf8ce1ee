"""What several verbs share: seats and recordings as given, notices, stopping in good order, missing extras."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from app.hearing.seats import Seat, SeatError, parse_seats
from app.settings import Settings
from firmware.errors import ArrayError
from firmware.simulated import SimulatedBoard, board_from_recording


def tape_and_seats(
    settings: Settings, recording: Path, array: str | None, seats: str | None, pace: float | None
) -> tuple[SimulatedBoard, tuple[Seat, ...]]:
    """A recording's board and the seats in it. What cannot be meant is an error of usage."""
    try:
        return board_from_recording(recording, array, pace), placed(settings, seats)
    except ArrayError as error:
        raise click.UsageError(str(error)) from error


def placed(settings: Settings, seats: str | None) -> tuple[Seat, ...]:
    """The seats as given, or as in the settings."""
    if not seats:
        return settings.placed_seats()
    try:
        return parse_seats(seats)
    except SeatError as error:
        raise click.UsageError(str(error)) from error


def notice(sentence: str) -> None:
    """Say something to whoever started this."""
    click.echo(f"fermata: {sentence}", err=True)


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Whether SIGTERM or SIGINT has asked to stop; work then ends in good order."""
    asked = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal asked
        asked = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Imports that an extra brings; where it is missing, one sentence that says how to have it."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise click.ClickException(
            f"this needs {missing.name}, which is not installed: pip install 'fermata[{extra}]'"
        ) from missing
