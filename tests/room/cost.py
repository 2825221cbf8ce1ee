"""What a unit costs: seconds from its start to ready, and of core an hour, on a live stream of six channels.

    python -m tests.room.cost [SECONDS]

A unit in a session hears the bundled recording, in a loop, through a sound daemon of our own.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from app.rehearsal.record import RECORDING
from tests.firmware.test_capture import CHANNELS, RATE, Daemon, environment_of
from tests.room.units import cpu_of, size_of, unit

MARGIN_S = 20.0


def main(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        daemon = Daemon(environment_of(folder), folder)
        daemon.start()
        try:
            measure(daemon, seconds)
        finally:
            daemon.kill()


def measure(daemon: Daemon, seconds: float) -> None:
    talk, _ = soundfile.read(RECORDING / "two-people.flac", dtype="int16")
    stream = np.zeros((round((seconds + MARGIN_S) * RATE), CHANNELS), np.int16)
    stream[:, 2:] = np.resize(talk, (len(stream), 4))
    (daemon.folder / "talk.raw").write_bytes(stream.tobytes())
    with daemon.play(daemon.folder / "talk.raw") as player, unit(daemon, daemon.folder / "state") as room:
        ready = next(at_s for at_s, said in room.told if said == "READY=1") - room.begun
        idle, begun = cpu_of(room.process.pid), time.monotonic()
        room.wait(lambda: time.monotonic() - begun > MARGIN_S / 4)
        idle = (cpu_of(room.process.pid) - idle) / (time.monotonic() - begun)
        room.do("press 0.2")
        room.listening(2.0)
        (capture,) = room.children
        before, begun = (cpu_of(room.process.pid), cpu_of(capture)), time.monotonic()
        first = room.states[-1].frames
        room.wait(lambda: time.monotonic() - begun > seconds)
        took = time.monotonic() - begun
        heard = (room.states[-1].frames - first) / 100
        main_s, capture_s = (cpu_of(p) - b for p, b in zip((room.process.pid, capture), before, strict=True))
        print(  # noqa: T201 - a command
            f"ready after {ready:.1f} s; idle {3600 * idle:.0f} s of core an hour\n"
            f"in a session, over {took:.0f} s ({heard:.0f} s heard): listen {3600 * main_s / took:.0f}, its capture "
            f"{3600 * capture_s / took:.0f} s of core an hour; {size_of(room.process.pid) / 1e6:.0f} and "
            f"{size_of(capture) / 1e6:.0f} MB"
        )
        player.kill()


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 60.0)
