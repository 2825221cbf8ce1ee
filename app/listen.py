"""`fermata listen`, the process with the microphones and without a network: one room, until it is told to stop."""

import os
import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from app.attend import Attend
from app.conversation.errors import Errors
from app.conversation.metrics import EXACT
from app.conversation.score import Score
from app.cues.lamp import Lights
from app.cues.policy import Policy
from app.hearing.hearing import Hearing
from app.hearing.model import Model
from app.hearing.seats import Seat
from app.release.ledger import Ledger
from app.release.release import Rules
from app.room.chairs import Chairs
from app.room.greeting import Greeting
from app.room.life import Life
from app.room.room import Room
from app.room.rota import Rota
from app.room.seating import Seating
from app.room.session import Moment, Session, errors_of_hearing
from app.room.source import Sound, Source, Staves
from app.settings import Settings
from app.supervisor import Supervisor
from app.sync.outbox import Microphones, Outbox
from app.sync.told import Told
from firmware.board import Board, RoomBoard, open_room_board
from firmware.errors import SoundError
from firmware.geometry import load_array
from firmware.pins import Pins

IDLE_S = 0.05
"""Seconds between two looks at the button while nothing is heard; also the lamp's step."""
CHORES_S = 30.0
LOOK_S, LOOK_AGAIN_S = 600.0, 10.0
"""Seconds between two looks whether the microphones are there, while idle: where they were, and where they were not."""


class Files:
    """What `listen` keeps: the ledger and what it was told, which it opens alone; the outbox, which `send` shares."""

    def __init__(self, settings: Settings, simulated: bool) -> None:
        self._open = ExitStack()
        with ExitStack() as opening:
            self.ledger = Ledger(settings.paths.ledger_file)
            opening.callback(self.ledger.shut)
            self.told = Told(settings.paths.state / "told.sqlite")
            opening.callback(self.told.shut)
            self.outbox = Outbox(settings.paths.outbox_file, settings.room.device, simulated=simulated)
            opening.callback(self.outbox.shut)
            self._open = opening.pop_all()

    def shut(self) -> None:
        """Close them."""
        self._open.close()


class Listen:
    """A room unit at work. Raises DurableError when a file fails."""

    def __init__(
        self,
        settings: Settings,
        files: Files,
        board: Board,
        source: Source,
        chairs: Chairs,
        errors: Errors | None,
        notify: Callable[[str], None] = lambda _: None,
        seating: Seating | None = None,
    ) -> None:
        self.supervisor = Supervisor()
        self.looks = False
        """Whether it looks after its microphones while idle, as a unit does that people rely on."""
        self._notify, self._looked = notify, int(time.monotonic() // LOOK_S)
        self._attend = Attend(settings, files.ledger, files.outbox, files.told, notify)
        self._hour = settings.release.hour
        self._settings = settings = self._attend.settings
        self._rota = Rota(
            ledger=files.ledger,
            outbox=files.outbox,
            rules=Rules(settings.release.rho, settings.release.min_sessions),
            weekday=settings.release.weekday,
            hour=settings.release.hour,
            dice=secrets.SystemRandom(),
            now=self._attend.now,
            notify=notify,
            microphones=self._microphones,
        )
        self.room = Room(
            board=board,
            source=source,
            ledger=files.ledger,
            life=Life(settings.session.planned_minutes * 60),
            lights=Lights(settings.cues.dimmer, night=settings.cues.night),
            errors=errors,
            make_session=lambda: Session(
                self.seats, errors, Policy(self._settings.cues.choice, self._settings.session.planned_minutes * 60)
            ),
            clock=time.monotonic,
            today=lambda: self._attend.now().date(),
            chairs=chairs,
            seating=seating,
        )

    @property
    def seats(self) -> tuple[Seat, ...]:
        """The seats that a session now would tell apart."""
        return self.room.chairs.seats if len(self.room.board.geometry.positions_mm) != 1 else ()

    def look(self) -> None:
        """See whether the microphones are there, without listening, and say it: by light, as status, once in words."""
        microphones = self.room.board.microphones
        try:
            microphones.check()
            fault = self.room.chairs.doubt(microphones.identity)
        except SoundError as error:
            fault = str(error)
        if fault and fault != self.room.fault:
            self._notify(fault)
        self.room.fault = fault
        self.supervisor.status(f"No session can be heard: {fault}." if fault else "Ready for a session.")

    def _microphones(self) -> Microphones | None:
        """For the day's note: whether they are there, found without listening, or in a session whether they deliver."""
        if self.room.session:
            return "ok" if self.room.source.live else "fault"
        if not (self.room.idle and self.room.board.privacy.is_open()):  # without power they are neither well nor ill
            return None
        if self.looks:
            self.look()
        return "fault" if self.room.fault else "ok"

    def _look_if_due(self) -> None:
        """At fixed times, and not at all in a session: neither a status nor the time of a sentence tells of one."""
        slot = int(time.monotonic() // (LOOK_AGAIN_S if self.room.fault else LOOK_S))
        if self.looks and slot != self._looked and self.room.idle:
            self.look()
        self._looked = slot

    def _chores(self) -> None:
        """What has come from the hub and what is due by the clock; changed settings hold from the next session on."""
        in_session = self.room.session is not None
        self._attend.step(in_session=in_session)
        self._rota.tick()
        if self._attend.shall_reboot(self._hour, in_session=in_session):
            self._notify(ask_to_reboot(os.environ.get("RUNTIME_DIRECTORY")))
        new = self._attend.settings
        if new != self._settings and not in_session:
            self._settings = new
            self.room.life.planned_s = new.session.planned_minutes * 60
            self.room.lights = Lights(new.cues.dimmer, night=new.cues.night)

    def run(self, stop: Callable[[], bool], look: Callable[[Moment | None], None] = lambda _: None) -> None:
        """Serve the room until told to stop; a session that is open then is ended as by its button."""
        self.room.recover()
        self._rota.catch_up()
        chores_at = time.monotonic()
        while not stop():
            if time.monotonic() >= chores_at:
                self._chores()
                chores_at += CHORES_S * (1 + (time.monotonic() - chores_at) // CHORES_S)  # in step, whatever is heard
            self._look_if_due()
            moment = self.room.step()
            if moment or self.room.idle or not self.room.source.live:  # a known fault is met alive
                self.supervisor.alive()
            look(moment)
            if moment is None and not self.room.life.seating:
                time.sleep(IDLE_S)
        self.supervisor.stopping()
        self.room.close()


def listen_to_sound(
    settings: Settings,
    files: Files,
    board: Board,
    chairs: Chairs,
    notify: Callable[[str], None] = lambda _: None,
) -> Listen:
    """A room with microphones, or with a recording in their place."""
    model = Model()
    source = Sound(
        board,
        lambda: Hearing(board.geometry, chairs.seats, model),
        time.monotonic,
        chairs.doubt,
        lambda: Greeting(chairs.seats) if settings.session.greeting else None,
    )
    seating = Seating(board, lambda: Hearing(board.geometry, (), model))
    return Listen(settings, files, board, source, chairs, errors_of_hearing(), notify, seating)


def listen_to_score(settings: Settings, files: Files, board: Board, score: Score, pace: float | None) -> Listen:
    """A room where a score takes the microphones' place."""
    source = Staves(score, pace, time.monotonic, time.sleep)
    return Listen(settings, files, board, source, Chairs(None, score.seats), EXACT)


def ask_to_reboot(folder: str | None) -> str:
    """Lay the file that systemd/fermata-reboot.path waits for; a sentence on what was done."""
    if folder is None:
        return "the hub has asked to restart this machine, which is not set up for it: restart it by hand"
    Path(folder, "reboot").touch()
    return "the hub has asked to restart this machine"


def serve(
    settings: Settings,
    seats: tuple[Seat, ...] | None,
    stop: Callable[[], bool],
    notify: Callable[[str], None],
    with_keys: Callable[[Listen, RoomBoard, Callable[[], bool]], None] | None = None,
) -> None:
    """Be the room unit of this machine until told to stop; `with_keys` takes the place of the pins.

    With `seats` as given, else as calibrated, else as in the settings. A unit whose microphones are not there, or not
    as they should be, serves all the same, its microphone light says so, and it goes on as soon as it can.

    Raises BoardError and DurableError.
    """
    array, device = settings.microphones.array, settings.microphones.device
    wired = None if with_keys else Pins(**settings.pins.model_dump())
    board = open_room_board(load_array(array), device, wired, None, settings.microphones.usb)
    try:
        if with_keys:
            board.microphones.check()
        for notice in board.notices:
            notify(notice)
        files = Files(settings, simulated=False)
        try:
            listen = listen_to_sound(settings, files, board, chairs_of(settings, seats, notify), notify)
            listen.looks = True
            listen.look()
            listen.supervisor.ready()
            if with_keys:
                with_keys(listen, board, stop)
            else:
                listen.run(stop)
        finally:
            files.shut()
    finally:
        board.close()


def chairs_of(settings: Settings, seats: tuple[Seat, ...] | None, notify: Callable[[str], None]) -> Chairs:
    """The seats in force: as given; else as calibrated; else as in the settings."""
    kept = Chairs(settings.paths.seats_file, settings.placed_seats(), notify)
    if seats is not None:
        kept.insist(seats)
    return kept
