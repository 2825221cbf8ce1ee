"""Pulling the plug of a unit in a session again and again: how soon it is back, and whether anything leaks.

    python -m tests.room.unplug [CYCLES]

Each cycle removes the array from a sound daemon of our own and puts it back. Prints the recoveries, and what the unit's
process holds after the first cycles and at the end.
"""

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.firmware.test_capture import Daemon, environment_of
from tests.room.units import Unit, size_of, unit

WARM_UP = 2
"""Cycles after which all that is loaded late is loaded."""


@dataclass(frozen=True)
class Held:
    """What a process holds."""

    bytes: int
    threads: int
    files: int
    children: int


def held(room: Unit) -> Held:
    at = Path(f"/proc/{room.process.pid}")
    return Held(
        size_of(room.process.pid),
        len(list((at / "task").iterdir())),
        len(list((at / "fd").iterdir())),
        len(room.children),
    )


def cycles(daemon: Daemon, room: Unit, count: int) -> tuple[list[float], list[Held]]:
    """Seconds each recovery took, and what the unit held after each."""
    recoveries, after = [], []
    room.do("press 0.2")
    room.listening()
    for _ in range(count):
        daemon.unplug()
        room.until(lambda state: not state.live)
        daemon.replug()
        back = time.monotonic()
        recoveries.append(room.until(lambda state: state.live).at_s - back)
        frames = room.states[-1].frames
        room.until(lambda state, frames=frames: state.live and state.frames > frames)  # type: ignore[misc]  # a default
        after.append(held(room))
    return recoveries, after


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(environment_of(Path(folder)), Path(folder))
        daemon.start()
        try:
            with unit(daemon, Path(folder) / "state") as room:
                recoveries, after = cycles(daemon, room, count)
        finally:
            daemon.kill()
    first, last = after[min(WARM_UP, count) - 1], after[-1]
    print(  # noqa: T201 - a command
        f"{count} cycles; back after {np.median(recoveries):.1f} s (median), {max(recoveries):.1f} s (longest)\n"
        f"after cycle {min(WARM_UP, count)}: {first.bytes / 1e6:.1f} MB, {first.threads} threads, {first.files} files, "
        f"{first.children} child\n"
        f"after cycle {count}: {last.bytes / 1e6:.1f} MB, {last.threads} threads, {last.files} files, "
        f"{last.children} child"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 20)
