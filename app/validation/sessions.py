"""Rehearsed sessions: a room, people in their chairs, talk with its truth, and the sound an array takes of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.conversation.units import UnitRules
from app.conversation.vocabulary import Unit, frames
from app.hearing.seats import Seat, SeatError, check_seats, role_of
from app.rehearsal.render import Line, Staging, render, say, truth
from app.rehearsal.scenes import Scene, draw_scene
from app.rehearsal.talk import Spoken, Style, converse
from app.rehearsal.voices import Tape, read_clip
from app.validation.plan import Plan, PlanError, Rooms
from firmware.sound import ArrayGeometry

STYLES = (Style(), Style(silence_chance=0.06, lapse_chance=0.12))
"""Talk as it is, and talk with many more silences, in turn."""
HEAD_TURNS_DEG = (-40.0, 0.0, 40.0)
ROOM_AFTER_S = 2.0
"""A session with given turns goes on so long after the last."""
CLIPS = 40
"""Of one person, at most."""
LEAST_COSINE = 0.45
"""How far apart a line of microphones must see two people, in the cosine of the angle to its axis."""
TRIES = 200


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A session before it is heard."""

    rooms: str
    number: int
    staging: Staging
    lines: tuple[Line, ...]
    seats: tuple[Seat, ...]
    """As a calibration would have found them."""
    units: tuple[Unit, ...]
    """The truth, by the level of the dry voices; what is shorter than any word is no unit."""
    frames: int
    seed: tuple[int, ...]

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.frames / 100

    def sound(self, level_db: float = 0.0) -> Iterator[NDArray[np.int16]]:
        """What the array records, (microphone, sample), piece by piece; RenderError if it would clip."""
        staging = replace(self.staging, level_dbfs=self.staging.level_dbfs + level_db)
        return render(staging, self.lines, self.seconds, np.random.default_rng(self.seed))


def rehearse(plan: Plan, rooms: Rooms, number: int) -> Rehearsal:
    """One session; the same each time. Raises PlanError and VoiceError."""
    seed = (plan.seed, number, *rooms.name.encode())
    rng = np.random.default_rng(seed)
    seconds = float(rng.uniform(*plan.minutes)) * 60
    if plan.turns:
        talk = plan.turns
        seconds = max(turn.end_s for turn in talk) + ROOM_AFTER_S
    else:
        talk = converse(STYLES[number % len(STYLES)], plan.names, seconds, rng)
    lines = _spoken(plan, talk, rng)
    scene = _scene(plan, rooms, rng)
    chairs = {
        name: tuple(replace(talker, facing_deg=talker.facing_deg + turn) for turn in HEAD_TURNS_DEG)
        for name, talker in zip(plan.names, scene.talkers, strict=True)
    }
    staging = Staging(scene.room, scene.array, chairs, scene.fan, float(rng.uniform(*rooms.snr_db)))
    length = frames(seconds)
    seats = _calibrated(plan, scene, rooms.calibration_deg, rng)
    return Rehearsal(rooms.name, number, staging, lines, seats, _units(lines, plan.names, length), length, seed)


def _spoken(plan: Plan, talk: tuple[Spoken, ...], rng: np.random.Generator) -> tuple[Line, ...]:
    """The talk in voices, one person a seat."""
    persons = [list(plan.people.values())[int(k)] for k in rng.permutation(len(plan.people))[: len(plan.names)]]
    tapes = {
        name: Tape(read_clip(clips[int(k)]) for k in rng.permutation(len(clips))[:CLIPS])
        for name, clips in zip(plan.names, persons, strict=True)
    }
    return say(talk, tapes)


def _units(lines: tuple[Line, ...], names: tuple[str, ...], length: int) -> tuple[Unit, ...]:
    """The truth in frames."""
    least = UnitRules().min_speech
    placed = (Unit(frames(u.start_s), min(frames(u.end_s), length), names.index(u.seat)) for u in truth(lines))
    return tuple(unit for unit in placed if unit.frames >= least)


def _scene(plan: Plan, rooms: Rooms, rng: np.random.Generator) -> Scene:
    """A room in which the array can tell the people apart. Raises PlanError."""
    fixed = tuple(seat.azimuth for seat in plan.seats)
    for _ in range(TRIES):
        try:
            scene = draw_scene(
                plan.array, len(plan.names), rng, rt60_s=rooms.rt60_s, apart_deg=rooms.apart_deg, azimuths=fixed
            )
        except ValueError as error:
            raise PlanError(str(error)) from error
        if tells_apart(plan.array, scene.azimuths):
            return scene
        if fixed:
            break
    raise PlanError(
        f"the array {plan.array.name} is a line and cannot tell {len(plan.names)} such seats apart: "
        "seat people at other angles with --seats, or take another array"
    )


def tells_apart(array: ArrayGeometry, azimuths: tuple[float, ...]) -> bool:
    """Whether an array can tell azimuths apart: a line hears front and back alike, one microphone nothing."""
    places = np.asarray(array.positions_mm)[:, :2]
    _, spread, axes = np.linalg.svd(places - places.mean(axis=0), full_matrices=True)
    if len(places) == 1 or len(azimuths) < 2 or (len(spread) > 1 and spread[1] > 1.0):
        return True
    along = np.sort(np.cos(np.deg2rad(azimuths) - np.arctan2(axes[0, 1], axes[0, 0])))
    return bool((np.diff(along) > LEAST_COSINE).all())


def _calibrated(plan: Plan, scene: Scene, off_deg: float, rng: np.random.Generator) -> tuple[Seat, ...]:
    """The seats as somebody who sat and talked in each would have got them."""
    roles = [seat.role for seat in plan.seats] or [role_of(name) for name in plan.names]
    for _ in range(TRIES):
        found = [float(azimuth + rng.normal(0, off_deg)) % 360 for azimuth in scene.azimuths]
        try:
            return check_seats(map(Seat, plan.names, roles, found))
        except SeatError:
            continue  # two seats on one spot: a calibration would have refused it as well
    raise PlanError("these seats are too near each other to be calibrated: set them farther apart")
