"""`fermata seats`: setting and checking seats by sitting and talking, told in words."""

import time
from collections.abc import Callable, Iterator

from app.cues.lamp import MICROPHONE_ON
from app.hearing.calibration import Again, Placed, Step, name_of
from app.hearing.hearing import Hearing
from app.hearing.model import Model
from app.hearing.seats import Seat
from app.room.seating import Seating
from firmware.board import Board
from firmware.light import Light

PATIENCE_S = 60.0
"""Seconds without a word after which it is given up."""


class SeatingError(Exception):
    """Seats that could not be set; says why in one sentence."""


def set_seats(
    board: Board, people: int, say: Callable[[str], None], stop: Callable[[], bool]
) -> tuple[tuple[Seat, ...], str | None]:
    """Seats for so many people, in the order in which they speak, and the array that heard them.

    Raises SeatingError when not all of them could be placed, BoardError when there is nothing to hear with.
    """
    seating = Seating(board, _hearing(board))
    say(f"{people} people, one after the other: sit down and say a sentence of some seconds. The therapist first.")
    for found in _rounds(board, seating, (), stop):
        if isinstance(found, Placed):
            say(f"  {in_words(found.seat)}; {found.agreement:.0%} of the sentence agrees.")
            if len(seating.seats) == people:
                break
        else:
            say(f"  {_said(found)}")
        say(f"Now {called(len(seating.seats))}.")
    _end(board, seating)
    if seating.trouble:
        raise SeatingError(seating.trouble)
    if len(seating.seats) < people:
        heard = ", ".join(seat.name for seat in seating.seats) or "nobody"
        raise SeatingError(f"of {people} people only {heard} could be placed: try again, the seats are as they were")
    return seating.seats, seating.array


def check_seats(board: Board, seats: tuple[Seat, ...], say: Callable[[str], None], stop: Callable[[], bool]) -> None:
    """Whose seat each sentence is heard from, until nobody speaks any more. Raises SeatingError."""
    seating = Seating(board, _hearing(board))
    say("Say a sentence in each seat; Ctrl+C ends it.")
    for found in _rounds(board, seating, seats, stop):
        say(f"  {_said(found)}")
    _end(board, seating)
    if seating.trouble:
        raise SeatingError(seating.trouble)


def _end(board: Board, seating: Seating) -> None:
    seating.end()
    board.lamp.show(Light.MICROPHONE, 0.0)


def in_words(seat: Seat) -> str:
    """A seat and where it is."""
    return f"{seat.name} at {seat.azimuth:.0f} degrees"


def called(number: int) -> str:
    """Who is to speak next."""
    return f"the {name_of(number)}"


def _said(found: Step) -> str:
    if isinstance(found, Again):
        return f"This is the {found.seat.name}'s seat."
    if isinstance(found, Placed):
        return f"A voice from {found.seat.azimuth:.0f} degrees, where no seat is."
    return f"Once more, please: {found.reason}."


def _hearing(board: Board) -> Callable[[], Hearing]:
    model = Model()
    return lambda: Hearing(board.geometry, (), model)


def _rounds(board: Board, seating: Seating, known: tuple[Seat, ...], stop: Callable[[], bool]) -> Iterator[Step]:
    """What each sentence brings, until there is no more to hear, or nobody has spoken for long."""
    seating.begin(known)
    board.lamp.show(Light.MICROPHONE, MICROPHONE_ON)
    spoke = time.monotonic()
    while not (stop() or seating.trouble or seating.over or time.monotonic() - spoke > PATIENCE_S):
        found = seating.next()
        if seating.heard:
            spoke = time.monotonic()
        if found:
            yield found
