"""Run by test_capture.py in a process of its own, whose environment names its sound system: capture, and write it down.

    capturing.py DEVICE BLOCKS PATIENCE FILE.npz

prints `open`, then `block` at each block, then `closed`. After a SoundError: its sentence on stderr, then what a
second opening says, and exit 1.
"""

import sys
from itertools import islice
from pathlib import Path

import numpy as np

from firmware.errors import SoundError
from firmware.microphones import PortAudioArray
from firmware.sound import ArrayGeometry, Block

HEXAGON = tuple(
    (40.0 * x, 40.0 * y, 0.0) for x, y in ((1, 0), (0.5, 0.9), (-0.5, 0.9), (-1, 0), (-0.5, -0.9), (0.5, -0.9))
)


def main() -> int:
    device, count, patience, path = sys.argv[1:]
    microphones = PortAudioArray(
        ArrayGeometry("hexagon", 16_000, tuple(range(6)), HEXAGON), device, patience=float(patience)
    )
    try:
        blocks = capture(microphones, int(count))
    except SoundError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1 if again_fails(microphones) else 2
    np.savez(
        Path(path),
        samples=np.stack([block.samples for block in blocks]),
        starts=np.array([block.start for block in blocks]),
        lost=np.array([block.lost for block in blocks]),
    )
    return 0


def capture(microphones: PortAudioArray, count: int) -> list[Block]:
    blocks = []
    try:
        microphones.open()
        print("open", flush=True)  # noqa: T201 - the test waits for it
        for block in islice(microphones, count):
            blocks.append(block)
            print("block", flush=True)  # noqa: T201
    finally:
        microphones.close()
        print("closed", flush=True)  # noqa: T201
    return blocks


def again_fails(microphones: PortAudioArray) -> bool:
    try:
        microphones.open()
    except SoundError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return True
    microphones.close()
    return False


if __name__ == "__main__":
    sys.exit(main())
