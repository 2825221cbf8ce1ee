"""Rehearsed sessions for evaluation: two people whose voices were not trained on, in rooms in full order."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.hearing.seats import Seat, parse_seats
from app.rehearsal.render import Line, RenderError, Staging, render, truth
from app.rehearsal.scenes import draw_scene
from app.rehearsal.talk import Spoken, Style, converse
from app.rehearsal.voices import Tape, has_quiet_floor, read_clip
from models.training.corpus import Clip, CorpusError, decode
from models.training.scenes import ONE_CIRCLE

NAMES = ("therapist", "client")
LEAST_VOICE_S = 6.0
"""A voice has at least so many seconds of clips."""
HEAD_TURNS_DEG = (-40.0, 0.0, 40.0)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What kind of rooms."""

    name: str
    rt60_s: tuple[float, float]
    snr_db: tuple[float, float]
    apart_deg: tuple[float, float]
    calibration_deg: float
    """Error of the calibrated seats, degrees rms."""


EASY = Conditions("easy", (0.3, 0.6), (6.0, 25.0), (60.0, 150.0), 3.0)
HARD = Conditions("hard", (0.35, 0.7), (3.0, 18.0), (40.0, 150.0), 9.0)
STYLES = (Style(), Style(silence_chance=0.06, lapse_chance=0.12))
"""Talk as it is, and with many more silences: in a few minutes there would be too few to judge."""


@dataclass(frozen=True, slots=True)
class Session:
    """A rendered session with its truth."""

    samples: NDArray[np.int16]  # (microphone, sample) of ONE_CIRCLE
    seats: tuple[Seat, ...]
    """As a calibration would have found them."""
    units: tuple[Spoken, ...]
    conditions: Conditions


def voices(clips: Sequence[Clip]) -> list[list[Path]]:
    """Clean clips by voice, or by source where speakers are not told. Raises CorpusError without two voices."""
    groups: dict[tuple[str, str], list[Clip]] = defaultdict(list)
    for clip in clips:
        if clip.kind == "speech" and has_quiet_floor(decode(clip.path)):
            groups[clip.source, clip.speaker or clip.path.parent.name].append(clip)
    enough = [g for g in groups.values() if sum(c.seconds for c in g) >= LEAST_VOICE_S]
    if len(enough) < 2:
        raise CorpusError(f"evaluation needs two voices with {LEAST_VOICE_S:.0f} s of clips each: add clips")
    return [[clip.path for clip in group] for group in enough]


def rehearse(clips: Sequence[Clip], conditions: Conditions, seconds: float, seeds: Sequence[int]) -> Iterator[Session]:
    """A session for each seed."""
    people = voices(clips)
    for seed in seeds:
        rng = np.random.default_rng([seed, len(conditions.name)])
        yield _session(people, conditions, seconds, rng)


def _session(people: list[list[Path]], conditions: Conditions, seconds: float, rng: np.random.Generator) -> Session:
    """One session."""
    pair = rng.choice(len(people), 2, replace=False)
    tapes = {name: _tape(people[k], rng) for name, k in zip(NAMES, pair, strict=True)}
    talk = converse(STYLES[int(rng.integers(len(STYLES)))], NAMES, seconds, rng)
    lines = [Line(unit.seat, unit.start_s, tapes[unit.seat].cut(unit.end_s - unit.start_s)) for unit in talk]
    scene = draw_scene(ONE_CIRCLE, 2, rng, rt60_s=conditions.rt60_s, apart_deg=conditions.apart_deg)
    chairs = {
        name: tuple(replace(talker, facing_deg=talker.facing_deg + turn) for turn in HEAD_TURNS_DEG)
        for name, talker in zip(NAMES, scene.talkers, strict=True)
    }
    staging = Staging(scene.room, scene.array, chairs, scene.fan, float(rng.uniform(*conditions.snr_db)))
    found = [azimuth + rng.normal(0, conditions.calibration_deg) for azimuth in scene.azimuths]
    return Session(
        _rendered(staging, lines, seconds, rng),
        parse_seats(",".join(f"{name}={azimuth % 360:.1f}" for name, azimuth in zip(NAMES, found, strict=True))),
        truth(lines),
        conditions,
    )


def _tape(paths: Sequence[Path], rng: np.random.Generator) -> Tape:
    """A voice's clips in some order."""
    return Tape(read_clip(paths[int(k)]) for k in rng.permutation(len(paths))[:40])


def _rendered(staging: Staging, lines: Sequence[Line], seconds: float, rng: np.random.Generator) -> NDArray[np.int16]:
    """The whole recording, softer if it would clip."""
    try:
        return np.concatenate(list(render(staging, lines, seconds, rng)), axis=1)
    except RenderError:
        quiet = replace(staging, level_dbfs=staging.level_dbfs - 10)
        return np.concatenate(list(render(quiet, lines, seconds, rng)), axis=1)


def flags(units: Sequence[Spoken], names: Sequence[str], frames: int) -> NDArray[np.bool_]:
    """(frame, seat) who speaks by the truth."""
    spoken = np.zeros((frames, len(names)), np.bool_)
    for unit in units:
        spoken[round(unit.start_s * 100) : round(unit.end_s * 100), names.index(unit.seat)] = True
    return spoken
