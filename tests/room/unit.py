"""Run by tests in a process of its own, whose environment names its sound system: a room unit with hands on stdin.

    unit.py STATE      the folder of its files

Real microphones through PortAudio; button, switch and lamp are simulated. Commands, a line each: `press SECONDS`,
`privacy open`, `privacy shut`. It prints `at SECONDS SESSION LIVE LIGHT FRAMES` whenever one of these changes, and each
second of a session: whether one is open, whether sound flows, whether the microphone light is lit, the frames so far.
"""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue

from app.hearing.seats import parse_seats
from app.listen import Listen, serve
from app.room.session import Moment
from app.sources import load
from app.verbs.common import notice, stopping
from firmware.board import RoomBoard
from firmware.confine import keep_memory
from firmware.light import Light
from firmware.simulated import SimulatedButton, SimulatedLamp, SimulatedSwitch

LIT = 0.02


def main() -> None:
    folder = Path(sys.argv[1])
    keep_memory()
    settings = load(
        None, {"paths": {"state": folder, "outbox": folder}, "microphones": {"device": "array6", "array": "xvf3800"}}
    )
    with stopping() as stop:
        serve(settings, parse_seats("therapist=30,client=150"), stop, notice, with_hands)


def with_hands(listen: Listen, board: RoomBoard, stop: Callable[[], bool]) -> None:
    commands: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=take, args=(commands,), daemon=True).start()
    shown, frames = "", 0

    def look(moment: Moment | None) -> None:
        nonlocal shown, frames
        obey(board, commands)
        if moment:
            frames = moment.now.frame
        assert isinstance(board.lamp, SimulatedLamp)
        light = board.lamp.brightness[Light.MICROPHONE] > LIT
        session = listen.room.session is not None
        now = f"{session:d} {session and listen.room.source.live:d} {light:d}"
        if now != shown or (session and frames % 100 < 4):
            shown = now
            print("at", time.monotonic(), now, frames, flush=True)  # noqa: T201 - the test reads it

    listen.run(stop, look)


def take(commands: "SimpleQueue[str]") -> None:
    for line in sys.stdin:
        commands.put(line)


def obey(board: RoomBoard, commands: "SimpleQueue[str]") -> None:
    assert isinstance(board.button, SimulatedButton)
    assert isinstance(board.privacy, SimulatedSwitch)
    try:
        verb, how = commands.get_nowait().split()
    except Empty:
        return
    if verb == "press":
        board.button.press(float(how))
    else:
        board.privacy.move(is_open=how == "open")


if __name__ == "__main__":
    main()
