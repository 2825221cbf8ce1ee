"""Rehearsed sound that stays in a folder: to render it takes longer than to hear it again with another model."""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from app.rehearsal.voices import RATE
from app.validation.plan import Plan, Rooms
from app.validation.sessions import Rehearsal, rehearse

PIECE = 10 * RATE


@dataclass(frozen=True, slots=True)
class Kept(Rehearsal):
    """A session whose sound is read where it lies, and written there when it is made."""

    file: Path

    def sound(self, level_db: float = 0.0) -> Iterator[NDArray[np.int16]]:
        """What the array records, (microphone, sample), piece by piece; RenderError if it would clip."""
        if self.file.exists():
            for piece in soundfile.blocks(self.file, PIECE, dtype="int16", always_2d=True):
                yield np.ascontiguousarray(piece.T)
            return
        partly = self.file.with_suffix(".part")
        with soundfile.SoundFile(partly, "w", RATE, len(self.staging.array.geometry.positions_mm), format="FLAC") as to:
            for piece in Rehearsal.sound(self, level_db):
                to.write(piece.T)
                yield piece
        partly.rename(self.file)


@dataclass(frozen=True, slots=True)
class Keeping:
    """Rehearses as `rehearse` does, and keeps the sound in a folder if there is one."""

    folder: Path | None

    def __call__(self, plan: Plan, rooms: Rooms, number: int) -> Rehearsal:
        """One session; the same each time. Raises PlanError and VoiceError."""
        session = rehearse(plan, rooms, number)
        if self.folder is None:
            return session
        folder = self.folder / f"{plan.seed}-{digest(plan)}"
        folder.mkdir(parents=True, exist_ok=True)
        values = {field.name: getattr(session, field.name) for field in fields(Rehearsal)}
        return Kept(**values, file=folder / f"{rooms.name}-{number}.flac")


def digest(plan: Plan) -> str:
    """A few letters that differ where the sound of two plans would, however many sessions they have."""
    kinds = [asdict(rooms) for rooms in plan.rooms]
    clips = [path.name for clips in plan.people.values() for path in clips]
    told = repr((plan.array, sorted(plan.people), clips, kinds, plan.minutes, plan.seats, plan.turns))
    return hashlib.sha256(told.encode()).hexdigest()[:8]
