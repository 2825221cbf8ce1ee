"""Rehearsed sessions for evaluation: those of `fermata validate`, with held-out voices and whole in memory."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.hearing.seats import Seat
from app.rehearsal.render import Line, RenderError, Staging, render
from app.rehearsal.talk import Spoken
from app.rehearsal.voices import Tape, has_quiet_floor, read_clip
from app.validation.plan import EASY, HARD, NAMES, Plan
from app.validation.plan import Rooms as Conditions
from app.validation.sessions import CLIPS, HEAD_TURNS_DEG, STYLES
from app.validation.sessions import rehearse as rehearse_one
from models.training.corpus import Clip, CorpusError, decode
from models.training.scenes import ONE_CIRCLE

__all__ = [
    "EASY",
    "HARD",
    "HEAD_TURNS_DEG",
    "NAMES",
    "STYLES",
    "Conditions",
    "Session",
    "flags",
    "rehearse",
    "rendered",
    "tape",
    "voices",
]

LEAST_VOICE_S = 6.0
"""A voice has at least so many seconds of clips."""


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
    """A session for each seed, its whole sound in memory."""
    people = {str(number): tuple(person) for number, person in enumerate(voices(clips))}
    for seed in seeds:
        plan = Plan(ONE_CIRCLE, people, (conditions,), minutes=(seconds / 60, seconds / 60), seed=seed)
        session = rehearse_one(plan, conditions, seed)
        names = [seat.name for seat in session.seats]
        units = tuple(Spoken(names[unit.seat], unit.start_s, unit.end_s) for unit in session.units)
        sound = rendered(session.staging, session.lines, session.seconds, np.random.default_rng(session.seed))
        yield Session(sound, session.seats, units, conditions)


def rendered(staging: Staging, lines: Sequence[Line], seconds: float, rng: np.random.Generator) -> NDArray[np.int16]:
    """The whole recording (microphone, sample), softer if it would clip."""
    try:
        return np.concatenate(list(render(staging, lines, seconds, rng)), axis=1)
    except RenderError:
        quiet = replace(staging, level_dbfs=staging.level_dbfs - 10)
        return np.concatenate(list(render(quiet, lines, seconds, rng)), axis=1)


def tape(paths: Sequence[Path], rng: np.random.Generator) -> Tape:
    """A voice's clips in some order."""
    return Tape(read_clip(paths[int(k)]) for k in rng.permutation(len(paths))[:CLIPS])


def flags(units: Sequence[Spoken], names: Sequence[str], frames: int) -> NDArray[np.bool_]:
    """(frame, seat) who speaks by the truth."""
    spoken = np.zeros((frames, len(names)), np.bool_)
    for unit in units:
        spoken[round(unit.start_s * 100) : round(unit.end_s * 100), names.index(unit.seat)] = True
    return spoken
