"""Run by test_capture.py in a process of its own, whose environment names its sound system: capture, and write it down.

    capturing.py DEVICE BLOCKS PATIENCE FILE.npz

prints `open`, then `block` at each block, then `closed`. After a SoundError: its sentence on stderr, and exit 1.

    capturing.py --go-on DEVICE

captures for good and opens again after every fault, as a room unit does; prints what it meets, a line each:
`block SECONDS FIRST`, with the first sample of channel 0, or `fault SECONDS SENTENCE`, on the machine's own clock.
"""

import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np

from firmware.errors import SoundError
from firmware.microphones import PortAudioArray
from firmware.sound import ArrayGeometry, Block

HEXAGON = tuple(
    (40.0 * x, 40.0 * y, 0.0) for x, y in ((1, 0), (0.5, 0.9), (-0.5, 0.9), (-1, 0), (-0.5, -0.9), (0.5, -0.9))
)
GEOMETRY = ArrayGeometry("hexagon", 16_000, tuple(range(6)), HEXAGON)
RETRY_S = 0.5


def main() -> int:
    if sys.argv[1] == "--go-on":
        go_on(PortAudioArray(GEOMETRY, sys.argv[2], sound_server=True))
    device, count, patience, path = sys.argv[1:]
    microphones = PortAudioArray(GEOMETRY, device, sound_server=True, patience=float(patience))
    try:
        blocks = capture(microphones, int(count))
    except SoundError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the test reads it
        return 1
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
        print("open", flush=True)  # noqa: T201 - the test reads it
        for block in islice((block for block in microphones if block), count):
            blocks.append(block)
            print("block", flush=True)  # noqa: T201 - the test reads it
    finally:
        microphones.close()
        print("closed", flush=True)  # noqa: T201 - the test reads it
    return blocks


def go_on(microphones: PortAudioArray) -> None:
    while True:
        try:
            microphones.open()
            for block in microphones:
                if block:
                    print("block", time.monotonic(), block.samples[0, 0], flush=True)  # noqa: T201 - the test reads it
        except SoundError as error:
            microphones.close()
            print("fault", time.monotonic(), error, flush=True)  # noqa: T201 - the test reads it
            time.sleep(RETRY_S)


if __name__ == "__main__":
    sys.exit(main())
