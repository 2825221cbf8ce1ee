"""How far off calibrated seats are, in simulated rooms: two people, a sentence of four seconds each.

    python -m tests.hearing.calibrating [ROOMS] [SEED] [ARRAY]

prints for easy and for hard rooms the error's median, 90th percentile and worst, and how many sentences placed nobody.
"""

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.hearing.calibration import Calibration, Placed, Step, Unclear
from app.hearing.features import BLOCK
from app.hearing.hearing import Hearing
from app.hearing.model import Model
from app.hearing.seats import Seat
from app.rehearsal.render import Line, Staging, render
from app.rehearsal.scenes import draw_scene
from app.rehearsal.voices import Tape, read_clip
from app.validation.people import people
from app.validation.plan import EASY, HARD, Rooms
from firmware.geometry import load_array
from firmware.sound import ArrayGeometry, Block

SENTENCE_S = 4.0
FIRST_S, EVERY_S = 1.0, 6.0


@dataclass(frozen=True)
class Sitting:
    """Two people who have said a sentence each."""

    sound: NDArray[np.int16]  # (microphone, sample)
    azimuths: tuple[float, ...]


def sit(geometry: ArrayGeometry, rooms: Rooms, number: int, seed: int = 1, together: bool = False) -> Sitting:
    """A room drawn at random, and its people; `together`: both speak at once."""
    rng = np.random.default_rng((seed, number, *rooms.name.encode()))
    scene = draw_scene(geometry, 2, rng, rt60_s=rooms.rt60_s, apart_deg=rooms.apart_deg)
    voices = list(people().values())
    tapes = [Tape(map(read_clip, voices[int(k)])) for k in rng.permutation(len(voices))[:2]]
    every = 0.0 if together else EVERY_S
    lines = tuple(Line(f"{i}", FIRST_S + every * i, tape.cut(SENTENCE_S)) for i, tape in enumerate(tapes))
    chairs = {f"{i}": (talker,) for i, talker in enumerate(scene.talkers)}
    staging = Staging(scene.room, scene.array, chairs, scene.fan, float(rng.uniform(*rooms.snr_db)))
    sound = np.concatenate(list(render(staging, lines, 2 * EVERY_S, rng)), axis=1)
    return Sitting(sound, scene.azimuths)


def calibrate(geometry: ArrayGeometry, sound: NDArray[np.int16], model: Model) -> list[Step]:
    """What calibration makes of a recording."""
    hearing, calibration = Hearing(geometry, (), model), Calibration(geometry)
    steps = []
    for start in range(0, sound.shape[1] - BLOCK + 1, BLOCK):
        block = Block(sound[:, start : start + BLOCK], start)
        steps.append(calibration.listen(block.samples, hearing.hear(block).live.speech))
    return [step for step in (*steps, calibration.finish()) if step]


def off(seat: Seat, azimuth: float) -> float:
    """How far a seat is from where somebody sits, degrees."""
    return abs((seat.azimuth - azimuth + 180) % 360 - 180)


def main(rooms: int, seed: int, array: str) -> None:
    geometry, model = load_array(array), Model()
    for kind in (EASY, HARD):
        errors, missed, unclear = [], 0, []
        for number in range(rooms):
            sitting = sit(geometry, kind, number, seed)
            steps = calibrate(geometry, sitting.sound, model)
            seats = [step.seat for step in steps if isinstance(step, Placed)]
            unclear += [step.reason for step in steps if isinstance(step, Unclear)]
            missed += max(0, len(sitting.azimuths) - len(seats))
            errors += [off(seat, at) for seat, at in zip(seats, sitting.azimuths, strict=False)]
        median, most, worst = np.percentile(errors, [50, 90, 100])
        print(  # noqa: T201 - a command
            f"{kind.name}: {len(errors)} seats, off by {median:.1f} degrees (median), {most:.1f} (p90), "
            f"{worst:.1f} (worst); {missed} not placed"
        )
        for reason in sorted(set(unclear)):
            print(f"   {unclear.count(reason)} x {reason}")  # noqa: T201


if __name__ == "__main__":
    asked = sys.argv[1:]
    main(int(asked[0]) if asked else 40, int(asked[1]) if asked[1:] else 2, asked[2] if asked[2:] else "xvf3800")
