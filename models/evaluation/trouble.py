"""Whether hearing notices what it cannot measure: a turned array, a third voice; and how often it is wrong about it.

    python -m models.evaluation.trouble --data FOLDER --seed 2

Sessions are rehearsed as for the other figures. An array is turned by turning the calibrated seats; a guest who has no
seat speaks for GUEST_S within a minute of every second session, while the two others listen.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from click import progressbar
from numpy.typing import NDArray

from app.hearing.features import BLOCK
from app.hearing.hearing import Hearing
from app.hearing.model import Model
from app.hearing.seats import Seat, parse_seats
from app.rehearsal.render import Staging, say, truth
from app.rehearsal.scenes import draw_scene
from app.rehearsal.talk import Spoken, converse
from app.rehearsal.voices import VoiceError
from firmware.sound import Block
from models.evaluation.seats import moved
from models.evaluation.sessions import (
    EASY,
    HARD,
    HEAD_TURNS_DEG,
    NAMES,
    STYLES,
    Conditions,
    rendered,
    tape,
    voices,
)
from models.training.corpus import CorpusError, read_manifest
from models.training.scenes import ONE_CIRCLE

GUEST = "guest"
AWAY_DEG = 50.0
"""The guest is at least so far from both seats: nearer ones are taken for whoever sits there."""
GUEST_S = 12.0
"""How long the guest speaks, within one minute."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A rendered session, in the midst of which a guest may speak for a minute."""

    samples: NDArray[np.int16]  # (microphone, sample) of ONE_CIRCLE
    seats: tuple[Seat, ...]
    """As a calibration would have found them; the guest has none."""
    units: tuple[Spoken, ...]
    guest_azimuth: float


def visit(
    people: list[list[Path]], conditions: Conditions, seconds: float, rng: np.random.Generator, *, guest: bool
) -> Visit:
    """One session; with a guest, who speaks from its middle on, while the two others listen."""
    names = (*NAMES, GUEST)
    tapes = {
        name: tape(people[int(k)], rng)
        for name, k in zip(names, rng.choice(len(people), 3, replace=False), strict=True)
    }
    talk = list(converse(STYLES[int(rng.integers(len(STYLES)))], NAMES, seconds, rng))
    said = list(guest_units(seconds / 2, rng)) if guest else []
    talk = [u for u in talk if all(u.end_s < g.start_s or u.start_s > g.end_s for g in said)] + said
    lines = say(talk, tapes)
    while True:
        scene = draw_scene(ONE_CIRCLE, 3, rng, rt60_s=conditions.rt60_s, apart_deg=(40.0, 180.0))
        first, second, third = scene.azimuths
        least, most = conditions.apart_deg
        if least <= apart(first, second) <= most and min(apart(third, first), apart(third, second)) >= AWAY_DEG:
            break
    chairs = {
        name: tuple(replace(talker, facing_deg=talker.facing_deg + turn) for turn in HEAD_TURNS_DEG)
        for name, talker in zip(names, scene.talkers, strict=True)
    }
    staging = Staging(scene.room, scene.array, chairs, scene.fan, float(rng.uniform(*conditions.snr_db)))
    found = [azimuth + rng.normal(0, conditions.calibration_deg) for azimuth in scene.azimuths[:2]]
    return Visit(
        rendered(staging, lines, seconds, rng),
        parse_seats(",".join(f"{name}={azimuth % 360:.1f}" for name, azimuth in zip(NAMES, found, strict=True))),
        truth(lines),
        third,
    )


def guest_units(from_s: float, rng: np.random.Generator) -> Sequence[Spoken]:
    """What the guest says within a minute: GUEST_S in stretches of 1.5 to 4 s."""
    units: list[Spoken] = []
    left, at = GUEST_S, from_s + 1.0
    while left > 0.3:
        length = min(left, float(rng.uniform(1.5, 4.0)))
        units.append(Spoken(GUEST, round(at, 2), round(at + length, 2)))
        left -= length
        at += length + float(rng.uniform(2.0, 12.0))
        at = min(at, from_s + 60.0 - left)
    return units


TURNS_DEG = (0.0, 20.0, 45.0, -45.0, 90.0)
BLOCKS_A_S = 25
SOON_S = 60.0
"""Seconds of speech within which a turned array is to be noticed."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """What one session, heard with the array turned by so much, has shown."""

    rooms: str
    turn: float
    guest: bool
    wrongly: float
    """Share of the time before the guest, or of all if there is none, that did not count."""
    soon: bool
    """Turned: noticed within SOON_S of speech. A guest: while one spoke, or a second later."""
    counted: float
    """Of a guest: share of their speech that counted all the same."""


def judge(session: Visit, rooms: str, turn: float, model: Model) -> Noticed:
    """Hears a session, and when it says that it cannot."""
    hearing = Hearing(ONE_CIRCLE, [moved(seat, turn) for seat in session.seats], model)
    starts = range(0, session.samples.shape[1] - BLOCK + 1, BLOCK)
    on = np.array([bool(hearing.hear(Block(session.samples[:, at : at + BLOCK], at)).trouble) for at in starts])
    speech, guest = blocks_of(session.units, len(on)), blocks_of([u for u in session.units if u.seat == GUEST], len(on))
    if guest.any():
        begin, end = int(guest.argmax()), int(np.flatnonzero(guest)[-1])
        soon = bool(on[begin : end + BLOCKS_A_S].any())
        return Noticed(rooms, turn, True, float(on[:begin].mean()), soon, float(1.0 - on[guest].mean()))
    soon = bool(on.any()) and float(speech[: on.argmax()].sum()) / BLOCKS_A_S <= SOON_S
    return Noticed(rooms, turn, False, float(on.mean()), soon, 1.0)


def blocks_of(units: Sequence[Spoken], count: int) -> NDArray[np.bool_]:
    """Which of so many blocks somebody speaks in."""
    spoken = np.zeros(count, np.bool_)
    for unit in units:
        spoken[int(unit.start_s * BLOCKS_A_S) : int(unit.end_s * BLOCKS_A_S)] = True
    return spoken


def try_all(
    people: list[list[Path]], model: Model, conditions: Conditions, sessions: int, minutes: float, seed: int
) -> Iterator[Noticed]:
    """Every session with the array as it was and turned, and half as many with a guest."""
    for number in range(sessions):
        rng = np.random.default_rng([seed, number, *conditions.name.encode()])
        plain = visit(people, conditions, minutes * 60, rng, guest=False)
        for turn in TURNS_DEG:
            yield judge(plain, conditions.name, turn, model)
        yield judge(visit(people, conditions, minutes * 60, rng, guest=True), conditions.name, 0.0, model)


def table(found: Sequence[Noticed]) -> str:
    """As Markdown."""
    rows = [HEADER]
    for rooms in dict.fromkeys(each.rooms for each in found):
        here = [each for each in found if each.rooms == rooms]
        straight = [each.wrongly for each in here if not each.turn]
        guests = [each for each in here if each.guest]
        soon = [np.mean([e.soon for e in here if abs(e.turn) == turn]) for turn in (20.0, 45.0, 90.0)]
        rows.append(
            f"| {rooms} | {sum(not e.guest and not e.turn for e in here)} + {len(guests)} with a guest | "
            f"{np.mean(straight):.3f}, {max(straight):.3f} | {' | '.join(f'{share:.2f}' for share in soon)} | "
            f"{np.mean([e.soon for e in guests]):.2f} | {np.mean([e.counted for e in guests]):.2f} |"
        )
    return "\n".join(rows)


HEADER = (
    "| rooms | sessions | wrongly cannot measure: mean, most of the time | turned by 20 | 45 | 90 degrees | "
    "guest noticed | guest's speech that counted |\n|---|---|---|---|---|---|---|---|"
)


def main() -> int:
    """Reads the arguments, rehearses, prints; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.evaluation.trouble", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a folder of held-out sound with manifest.csv")
    parser.add_argument("--model", type=Path, default=Path("models/hearing.tflite"))
    parser.add_argument("--sessions", type=int, default=10, help="of each kind (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=2.5, help="length of each (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=2, help="other rooms and people (default: %(default)s)")
    given = parser.parse_args()
    found: list[Noticed] = []
    try:
        people, model = voices(read_manifest(given.data)), Model(given.model)
        for conditions in (EASY, HARD):
            trials = try_all(people, model, conditions, given.sessions, given.minutes, given.seed)
            length = given.sessions * (len(TURNS_DEG) + 1)
            with progressbar(trials, length=length, label=f"{conditions.name} rooms", file=sys.stderr) as bar:
                found += bar
    except (CorpusError, VoiceError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Noticed within {SOON_S:.0f} s of speech; seed {given.seed}.", table(found), sep="\n\n")
    return 0


def apart(one: float, other: float) -> float:
    """Degrees between two azimuths, 0 to 180."""
    return abs((one - other + 180) % 360 - 180)


if __name__ == "__main__":
    sys.exit(main())
