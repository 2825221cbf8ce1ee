"""A long session from a file, faster than life: whether memory stays flat, and samples with time.

    python -m tests.room.marathon [HOURS]

The bundled recording is played in a loop as the microphones of a room, as fast as it goes. Memory is read every minute
of the session.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.cues.lamp import Lights
from app.cues.policy import Policy
from app.hearing.hearing import Hearing
from app.hearing.model import Model
from app.hearing.seats import parse_seats
from app.rehearsal.record import RECORDING
from app.release.ledger import Ledger
from app.room.life import Life
from app.room.room import Room
from app.room.session import Session, errors_of_hearing
from app.room.source import Sound
from firmware.geometry import load_array
from firmware.simulated import SimulatedBoard, SimulatedSwitch, TapeArray
from firmware.sound import SAMPLE_RATE, Block
from firmware.tape import Tape
from tests.room.units import size_of

SETTLED_S = 300.0
"""Seconds of the session after which memory must be flat."""
SLOP_S = 0.2
"""What hearing and settling hold back."""


class Loop(Tape):
    """A recording that begins anew at its end."""

    def play(self, rows: tuple[int, ...]) -> Iterator[NDArray[np.int16]]:
        while True:
            yield from super().play(rows)


class Counted(TapeArray):
    """Counts what it has given."""

    heard = 0

    def __iter__(self) -> Iterator[Block]:
        for block in super().__iter__():
            self.heard += block.samples.shape[1]
            yield block


@dataclass
class Run:
    """What a long session has shown."""

    samples: int = 0
    """That the microphones gave."""
    frames: int = 0
    """That the session counts, measured or not."""
    sizes: list[tuple[float, int]] = field(default_factory=list)
    """Seconds of the session, and resident bytes then."""
    took_s: float = 0.0

    @property
    def drift_s(self) -> float:
        """The session's time less the sound's."""
        return self.frames / 100 - self.samples / SAMPLE_RATE

    @property
    def swing(self) -> float:
        """How far memory went from what it was once it had settled, bytes."""
        settled = [size for at_s, size in self.sizes if at_s >= min(SETTLED_S, self.sizes[-1][0] / 2)]
        return max(abs(size - settled[0]) for size in settled)


def run(hours: float, folder: Path) -> Run:
    """One session of so many hours, on a clock that goes with the sound."""
    array, found, switch = load_array("xvf3800"), Run(), SimulatedSwitch()
    tape = Counted(Loop(RECORDING / "two-people.flac"), array, switch, pace=None)
    board, model, ledger = SimulatedBoard(tape, (), privacy=switch), Model(), Ledger(folder / "ledger.sqlite")
    seats, errors = parse_seats("therapist=30,client=150"), errors_of_hearing()
    room = Room(
        board=board,
        source=Sound(board, lambda: Hearing(array, seats, model), lambda: found.samples / SAMPLE_RATE),
        ledger=ledger,
        life=Life(hours * 3600),
        lights=Lights(),
        errors=errors,
        make_session=lambda: Session(seats, errors, Policy()),
        clock=lambda: found.samples / SAMPLE_RATE,
        today=lambda: date(2026, 3, 4),
    )
    board.button.press()
    begun = time.monotonic()
    while found.samples < hours * 3600 * SAMPLE_RATE:
        if room.step():
            found.samples = tape.heard
        minute = int(found.samples / SAMPLE_RATE // 60)
        if len(found.sizes) <= minute:
            found.sizes.append((minute * 60.0, own_size()))
    assert room.session
    found.frames, found.took_s = room.session.tally().open, time.monotonic() - begun
    room.close()
    ledger.shut()
    return found


def own_size() -> int:
    """Resident bytes of this process."""
    return size_of(os.getpid())


def main(hours: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = run(hours, Path(folder))
    first = next(size for at_s, size in found.sizes if at_s >= min(SETTLED_S, found.sizes[-1][0] / 2))
    print(  # noqa: T201 - a command
        f"{hours:g} h in {found.took_s:.0f} s: {first / 1e6:.1f} MB after 5 min, within "
        f"{found.swing / 1e6:.1f} MB of that until the end; the session's time differs "
        f"from the sound's by {1000 * found.drift_s:.0f} ms"
    )


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 3.0)
