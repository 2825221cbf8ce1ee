"""A corpus on disk: a folder of sound files and its manifest.csv, decoded once to 16 kHz mono and kept."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import resample_poly

from app.hearing.features import RATE

NEEDED = ("path", "source", "licence", "seconds", "kind")


class CorpusError(Exception):
    """A corpus that cannot be used; says in one sentence why."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One file of a corpus."""

    path: Path
    source: str
    licence: str
    speaker: str
    seconds: float
    kind: str
    """speech, noise, rir or conversation."""
    label: str


def read_manifest(folder: Path, name: str = "manifest.csv") -> tuple[Clip, ...]:
    """The clips of a folder's manifest. Raises CorpusError."""
    try:
        with (folder / name).open(newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise CorpusError(
            f"{folder} has no {name} that can be read ({error.strerror}): name a corpus folder"
        ) from error
    missing = [name for name in NEEDED if rows and name not in rows[0]]
    if not rows or missing:
        lack = f"lacks the columns {', '.join(missing)}" if missing else "is empty"
        raise CorpusError(f"{folder / name} {lack}: see the card for the format")
    return tuple(
        Clip(
            folder / row["path"],
            row["source"],
            row["licence"],
            row.get("speaker") or "",
            float(row["seconds"]),
            row["kind"],
            row.get("label") or "",
        )
        for row in rows
    )


def decode(path: Path) -> NDArray[np.float32]:
    """A sound file as 16 kHz mono, -1..1. Raises CorpusError when it cannot be read or is empty."""
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise CorpusError(f"{path} cannot be read: remove it from the manifest, or mend it") from error
    if len(samples) == 0:
        raise CorpusError(f"{path} has no samples: remove it from the manifest")
    mono = samples.mean(axis=1)
    return np.asarray(mono if rate == RATE else resample_poly(mono, RATE, rate), np.float32)


CLIPPED = 0.999
CLIPPED_SHARE = 0.002


def is_clipped(samples: NDArray[np.float32]) -> bool:
    """Whether more of the sound lies at full scale than a few peaks."""
    return bool((np.abs(samples) >= CLIPPED).mean() > CLIPPED_SHARE)
