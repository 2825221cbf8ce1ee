"""Runs a module by clocks that a proof moves: `clocked.py FILE MODULE …` adds the seconds that FILE holds.

FILE is two doubles, read anew at each look at a clock: how far the time of day is ahead of this machine's, and how far
the clock that only rises is. A running process meets a wrong time as a running
machine does, and a week as if it had been one.
"""

import mmap
import os
import runpy
import struct
import sys
import time
from pathlib import Path

CLOCKS = struct.Struct("dd")


def follow(file: Path) -> None:
    """From now on this process lives by the file's clocks."""
    handle = os.open(file, os.O_RDONLY)
    ahead = memoryview(mmap.mmap(handle, CLOCKS.size, prot=mmap.PROT_READ)).cast("d")
    os.close(handle)
    of_day, rising = time.time, time.monotonic
    time.time = lambda: of_day() + ahead[0]
    time.monotonic = lambda: rising() + ahead[1]


def set_ahead(file: Path, of_day: float, rising: float) -> None:
    """Move the clocks of who follows this file."""
    if not file.exists():
        file.write_bytes(CLOCKS.pack(0.0, 0.0))
    with file.open("r+b") as held:
        held.write(CLOCKS.pack(of_day, rising))


if __name__ == "__main__":
    follow(Path(sys.argv[1]))
    module, sys.argv = sys.argv[2], sys.argv[2:]
    runpy.run_module(module, run_name="__main__")
