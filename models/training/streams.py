"""Streams: stretches of simulated sound as the net hears them, with truth, kept in shards on disk."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from click import progressbar
from numpy.typing import NDArray

from app.hearing.features import BLOCK, BLOCK_FRAMES, MELS, Ears
from app.hearing.inputs import DIRECTED, rivals
from firmware.sound import ArrayGeometry

Floats = NDArray[np.float32]

FRAMES = 1200
"""Frames of a stream (12 s)."""
SHARD = 50
"""Streams in a file."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One stretch of sound through `Ears`, the rows of `direction` and `seats` being its seats (none: one channel)."""

    power: NDArray[np.float16]  # (FRAMES, MELS) log mel power
    direction: NDArray[np.float16]  # (seat, block, DIRECTED)
    seats: NDArray[np.uint8]  # (seat, FRAMES) P(seat speaks) * 255
    anybody: NDArray[np.uint8]  # (FRAMES,) the same for anybody


def sense(
    samples: NDArray[np.int16], geometry: ArrayGeometry, azimuths: tuple[float, ...], seats: Floats, anybody: Floats
) -> Stream:
    """Sound (microphone, sample) and truths (seat, FRAMES), (FRAMES,) as a stream, by the product's own features."""
    ears = Ears(geometry, azimuths)
    power = np.empty((FRAMES, MELS), np.float16)
    direction = np.zeros((len(azimuths), FRAMES // BLOCK_FRAMES, DIRECTED), np.float16)
    for block in range(FRAMES // BLOCK_FRAMES):
        features = ears.sense(samples[:, block * BLOCK : (block + 1) * BLOCK] * np.float32(1 / 32768))
        power[block * BLOCK_FRAMES : (block + 1) * BLOCK_FRAMES] = np.log(features.mel + 1e-9)
        if azimuths:
            direction[:, block] = rivals(features.directions)
    return Stream(power, direction, np.round(seats * 255).astype(np.uint8), np.round(anybody * 255).astype(np.uint8))


def make(
    folder: Path, name: str, count: int, draw: Callable[[np.random.Generator], Iterable[Stream]], seed: int
) -> None:
    """Fills a folder with shards of streams; shards already there are kept, so an interrupted run goes on.

    Each shard has a random state of its own from (seed, shard): what is in it does not depend on the others.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with progressbar(range(-(-count // SHARD)), label=f"{name} streams") as shards:
        for shard in shards:
            path = folder / f"{name}-{shard:04d}.npz"
            if path.exists():
                continue
            rng = np.random.default_rng([seed, shard, sum(name.encode())])
            streams: list[Stream] = []
            while len(streams) < SHARD:
                streams.extend(draw(rng))
            save(path, streams)


def save(path: Path, streams: list[Stream]) -> None:
    """Writes a shard whole or not at all."""
    part = path.with_suffix(".part.npz")
    np.savez(
        part,
        power=np.stack([s.power for s in streams]),
        direction=np.concatenate([s.direction for s in streams]),
        seats=np.concatenate([s.seats for s in streams]),
        anybody=np.stack([s.anybody for s in streams]),
        rows=[len(s.seats) for s in streams],
    )
    part.replace(path)


@dataclass(frozen=True, slots=True)
class Streams:
    """Many streams in memory."""

    power: NDArray[np.float16]  # (stream, FRAMES, MELS)
    anybody: NDArray[np.uint8]  # (stream, FRAMES)
    direction: NDArray[np.float16]  # (row, block, DIRECTED)
    seats: NDArray[np.uint8]  # (row, FRAMES)
    stream: NDArray[np.int64]  # (row,) the stream that a row belongs to


def read(folder: Path, name: str, count: int) -> Streams:
    """The first `count` streams of a name, or as many as there are, in whole shards."""
    kept = []
    for path in sorted(folder.glob(f"{name}-????.npz"))[: -(-count // SHARD)]:
        with np.load(path) as shard:
            kept.append({key: shard[key] for key in shard.files})
    rows = np.concatenate([shard["rows"] for shard in kept])
    whole = {key: np.concatenate([shard[key] for shard in kept]) for key in ("power", "anybody", "direction", "seats")}
    return Streams(**whole, stream=np.repeat(np.arange(len(rows)), rows))
