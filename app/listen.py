"""`fermata listen`, the process with the microphones and without a network: one room, until it is told to stop."""

import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial

from app.conversation.metrics import EXACT, Errors
from app.conversation.score import Score
from app.cues.lamp import Lights
from app.cues.policy import Policy
from app.hearing.hearing import Hearing
from app.hearing.model import Model
from app.hearing.seats import Seat
from app.release.ledger import Ledger
from app.release.release import Rules
from app.room.life import Life
from app.room.room import Room
from app.room.rota import Rota
from app.room.session import Moment, Session, errors_of_hearing
from app.room.source import Sound, Source, Staves
from app.settings import Settings
from app.sync.clock import Clock
from app.sync.outbox import Outbox
from firmware.board import Board, RoomBoard, open_room_board
from firmware.geometry import load_array
from firmware.pins import Pins

IDLE_S = 0.05
"""Seconds between two looks at the button while nothing is heard; also the lamp's step."""
CHORES_S = 30.0


class Files:
    """What `listen` keeps: the ledger, which only it opens, and the outbox, which `send` shares."""

    def __init__(self, settings: Settings, simulated: bool) -> None:
        self._open = ExitStack()
        with ExitStack() as opening:
            self.ledger = Ledger(settings.paths.ledger_file)
            opening.callback(self.ledger.shut)
            self.outbox = Outbox(settings.paths.outbox_file, settings.room.device, simulated=simulated)
            opening.callback(self.outbox.shut)
            self._open = opening.pop_all()

    def shut(self) -> None:
        """Close both."""
        self._open.close()


class Listen:
    """A room unit at work. Raises DurableError when a file fails."""

    def __init__(
        self,
        settings: Settings,
        files: Files,
        board: Board,
        source: Source,
        seats: tuple[Seat, ...],
        errors: Errors | None,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.seats, self._files, self._clock = seats, files, Clock(time.time, time.monotonic)
        self._rota = Rota(
            ledger=files.ledger,
            outbox=files.outbox,
            rules=Rules(settings.release.rho, settings.release.min_sessions),
            weekday=settings.release.weekday,
            hour=settings.release.hour,
            dice=secrets.SystemRandom(),
            now=self.now,
            notify=notify,
        )
        self.room = Room(
            board=board,
            source=source,
            ledger=files.ledger,
            life=Life(settings.session.planned_minutes * 60),
            lights=Lights(settings.cues.dimmer, night=settings.cues.night),
            errors=errors,
            make_session=lambda: Session(
                seats, errors, Policy(settings.cues.choice, settings.session.planned_minutes * 60)
            ),
            clock=time.monotonic,
            today=lambda: self.now().date(),
        )

    def now(self) -> datetime:
        """The time of day, UTC, never below what the hub has told."""
        self._clock.hear(self._files.outbox.hub_time())
        return datetime.fromtimestamp(self._clock.now(), UTC)

    def run(self, stop: Callable[[], bool], look: Callable[[Moment | None], None] = lambda _: None) -> None:
        """Serve the room until told to stop; a session that is open then is ended as by its button."""
        self.room.recover()
        self._rota.catch_up()
        chores_at = time.monotonic()
        while not stop():
            if time.monotonic() >= chores_at:
                self._rota.tick()
                chores_at = time.monotonic() + CHORES_S
            moment = self.room.step()
            if self.room.session:
                self._rota.see(fault=not self.room.source.live)
            look(moment)
            if moment is None:
                time.sleep(IDLE_S)
        self.room.close()


def listen_to_sound(
    settings: Settings,
    files: Files,
    board: Board,
    seats: tuple[Seat, ...],
    notify: Callable[[str], None] = lambda _: None,
) -> Listen:
    """A room with microphones, or with a recording in their place."""
    model = Model()
    hearing = partial(Hearing, board.geometry, seats, model)
    source = Sound(board, hearing, time.monotonic)
    return Listen(settings, files, board, source, hearing().seats, errors_of_hearing(), notify)


def listen_to_score(settings: Settings, files: Files, board: Board, score: Score, pace: float | None) -> Listen:
    """A room where a score takes the microphones' place."""
    source = Staves(score, pace, time.monotonic, time.sleep)
    return Listen(settings, files, board, source, score.seats, EXACT)


def serve(
    settings: Settings,
    seats: tuple[Seat, ...],
    stop: Callable[[], bool],
    notify: Callable[[str], None],
    with_keys: Callable[[Listen, RoomBoard, Callable[[], bool]], None] | None = None,
) -> None:
    """Be the room unit of this machine until told to stop; `with_keys` takes the place of the pins.

    Raises BoardError and DurableError.
    """
    array, device = settings.microphones.array, settings.microphones.device
    wired = None if with_keys else Pins(**settings.pins.model_dump())
    board = open_room_board(load_array(array), device, wired, None)
    try:
        board.microphones.check()
        notify(board.notices[0])
        files = Files(settings, simulated=False)
        try:
            listen = listen_to_sound(settings, files, board, seats, notify)
            if with_keys:
                with_keys(listen, board, stop)
            else:
                listen.run(stop)
        finally:
            files.shut()
    finally:
        board.close()
