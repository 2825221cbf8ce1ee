"""A room to try without hardware: a recording or a score as one session, or real microphones with keys for the rest."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from app.conversation.score import Score
from app.hearing.seats import Seat
from app.listen import Files, Listen, listen_to_score, listen_to_sound
from app.room.chairs import Chairs
from app.room.session import Moment, Session
from app.settings import Settings
from app.terminal.view import Terminal
from app.terminal.watch import Hands, Watch
from firmware.board import RoomBoard
from firmware.simulated import (
    SimulatedBoard,
    SimulatedButton,
    SimulatedSwitch,
    TapeArray,
    board_without_sound,
)

CONFIRMED_S = 4.0
"""Seconds in which the lamp says that a session was withdrawn."""


def play_recording(
    settings: Settings, board: SimulatedBoard, seats: tuple[Seat, ...], stop: Callable[[], bool]
) -> Session | None:
    """The board's recording as one session, begun by itself; None if it was withdrawn or left."""
    tape = board.microphones if isinstance(board.microphones, TapeArray) else None
    with rehearsal(settings) as files:
        listen = listen_to_sound(settings, files, board, Chairs(None, seats))
        return play(listen, Hands(board.button, board.privacy, tape), board.notices[0], stop)


def play_score(
    settings: Settings, score: Score, name: str, pace: float | None, stop: Callable[[], bool]
) -> Session | None:
    """A score as one session, in the same way; the lamp keeps its slow pace however fast the score is played."""
    board = board_without_sound()
    with rehearsal(settings) as files:
        listen = listen_to_score(settings, files, board, score, pace)
        return play(listen, Hands(board.button, board.privacy), f"Simulated board: {name}", stop)


def keep_room(listen: Listen, board: RoomBoard, stop: Callable[[], bool]) -> None:
    """A room with real microphones, and keys and a drawn lamp in place of the pins."""
    button, privacy = board.button, board.privacy
    if not (isinstance(button, SimulatedButton) and isinstance(privacy, SimulatedSwitch)):
        raise TypeError("keys cannot press a real button")
    with Terminal() as terminal:
        watch = Watch(
            board.notices[0], listen.room, Hands(button, privacy), lambda: listen.seats, terminal, time.monotonic
        )
        listen.run(lambda: watch.quit or stop(), watch.look)


def play(listen: Listen, hands: Hands, title: str, stop: Callable[[], bool]) -> Session | None:
    """One session from its begin to its end, in view."""
    played: Session | None = None
    over_at: float | None = None

    def look(moment: Moment | None) -> None:
        nonlocal played, over_at
        played = listen.room.session or played
        if over_at is None and played and listen.room.session is None:
            over_at = time.monotonic() + (CONFIRMED_S if listen.room.withdrew else 0.0)
        watch.look(moment)

    def is_over() -> bool:
        return stop() or watch.quit or (over_at is not None and time.monotonic() >= over_at)

    with Terminal() as terminal:
        watch = Watch(title, listen.room, hands, lambda: listen.seats, terminal, time.monotonic)
        hands.button.press()
        listen.run(is_over, look)
    return None if stop() or watch.quit or listen.room.withdrew else played


@contextmanager
def rehearsal(settings: Settings) -> Iterator[Files]:
    """Files for a session that is none: a ledger and an outbox that are gone afterwards."""
    with TemporaryDirectory(prefix="fermata-") as folder:
        paths = settings.paths.model_copy(update={"state": Path(folder), "outbox": Path(folder)})
        files = Files(settings.model_copy(update={"paths": paths}), simulated=True)
        try:
            yield files
        finally:
            files.shut()
