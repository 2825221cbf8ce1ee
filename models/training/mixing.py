"""Batches for training: streams cut, mixed, coloured and levelled anew each time, in the domain of mel powers.

Rows with directions come from rendered scenes; rows without are speech and noise of one channel, powers added.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from app.hearing.features import BLOCK_FRAMES, HALF_FRAMES, MELS
from app.hearing.inputs import CONTEXT, DIRECTED, FAINT, LEVEL_MEMORY, MEL_FLOOR, STEEP, relative
from models.training.scenes import draw_level, draw_snr
from models.training.streams import FRAMES, Streams

Floats = NDArray[np.float32]

STREAM_LEVEL_DB = -20.0
"""Level of speech and of noise in the streams of one channel."""
BOUNDARY = 7
"""Frames around a boundary of speech that count twice."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of consecutive blocks, inputs and truths."""

    shared: Floats  # (row, block, SHARED)
    direction: Floats  # (row, block, DIRECTED)
    loudness: Floats  # (row, block, LOUDNESS)
    seat: Floats  # (row, frame) truth of this seat
    anybody: Floats  # (row, frame)
    seat_weight: Floats  # (row, frame) 0 where the row has no seat
    any_weight: Floats  # (row, frame)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a batch is made of."""

    rows: int = 48
    frames: int = 600
    with_directions: float = 0.55
    """Share of rows from scenes."""
    deaf: float = 0.08
    """Share of those whose directions are zeroed, as with one channel."""


class Mixer:
    """Draws batches."""

    def __init__(self, scenes: Streams, speech: Streams, noise: Streams, recipe: Recipe) -> None:
        self._scenes = scenes
        self._speech = speech
        self._noise = noise
        self._recipe = recipe

    def draw(self, rng: np.random.Generator) -> Batch:
        """A new batch."""
        rows, frames = self._recipe.rows, self._recipe.frames
        seated = round(rows * self._recipe.with_directions)
        power = np.empty((rows, frames, MELS), np.float32)
        direction = np.zeros((rows, frames // BLOCK_FRAMES, DIRECTED), np.float32)
        truth = np.zeros((2, rows, frames), np.float32)
        weight = np.zeros((2, rows, frames), np.float32)
        for row in range(rows):
            begin = int(rng.integers((FRAMES - frames) // BLOCK_FRAMES + 1)) * BLOCK_FRAMES
            cut = slice(begin, begin + frames)
            if row < seated:
                which = int(rng.integers(len(self._scenes.stream)))
                stream = self._scenes.stream[which]
                power[row] = self._recolour(self._scenes.power[stream, cut], rng)
                truth[0, row], truth[1, row] = self._scenes.seats[which, cut], self._scenes.anybody[stream, cut]
                if rng.random() >= self._recipe.deaf:
                    direction[row] = self._scenes.direction[
                        which, begin // BLOCK_FRAMES : (begin + frames) // BLOCK_FRAMES
                    ]
                    weight[0, row] = 1.0 + near_boundaries(truth[0, row] > 127)
            else:
                power[row], truth[1, row] = self._mix(cut, rng)
            weight[1, row] = 1.0 + near_boundaries(truth[1, row] > 127)
        levels = followed(power)
        shared, louder = windows(relative(np.log(power), levels)), windows(loudness(power, levels))
        return Batch(shared, direction, louder, truth[0] / 255, truth[1] / 255, weight[0], weight[1])

    def _recolour(self, log_power: NDArray[np.float16], rng: np.random.Generator) -> Floats:
        """A scene's powers through another equaliser, at another level."""
        gain = equaliser(rng) + rng.uniform(-6, 6) / 10 * np.log(10)
        return np.asarray(np.exp(log_power.astype(np.float32) + gain.astype(np.float32)) + MEL_FLOOR)

    def _mix(self, cut: slice, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Powers of one channel's speech in noise, and the truth (0..255) of anybody speaking."""
        which = int(rng.integers(len(self._speech.power)))
        truth = self._speech.anybody[which, cut].astype(np.float32)
        speech = np.exp(self._speech.power[which, cut].astype(np.float32) + equaliser(rng))
        noise = self._some_noise(cut, rng)
        if rng.random() < 0.25:
            noise = noise + 10 ** (rng.uniform(-15, 5) / 10) * self._some_noise(cut, rng)
        if rng.random() < 0.12:
            speech, truth = np.zeros_like(speech), np.zeros_like(truth)
        elif rng.random() < 0.3:
            self._silence(speech, truth, rng)
        level = 10 ** ((draw_level(rng) - STREAM_LEVEL_DB) / 10)
        mixed = level * (speech + 10 ** (-draw_snr(rng) / 10) * noise) * np.exp(equaliser(rng))
        return np.asarray(mixed + MEL_FLOOR, np.float32), truth

    def _some_noise(self, cut: slice, rng: np.random.Generator) -> Floats:
        which = int(rng.integers(len(self._noise.power)))
        return np.asarray(np.exp(self._noise.power[which, cut].astype(np.float32) + equaliser(rng)), np.float32)

    def _silence(self, speech: Floats, truth: Floats, rng: np.random.Generator) -> None:
        """Makes 1.5 to 4 s, from a moment of no speech on to another, silent, in place."""
        quiet = np.flatnonzero(truth < 25)
        if len(quiet) < 2:
            return
        begin = int(rng.choice(quiet))
        ends = quiet[(quiet > begin + 150) & (quiet < begin + 400)]
        if len(ends):
            end = int(rng.choice(ends))
            floor = np.percentile(speech, 3, axis=0)
            speech[begin:end] = np.minimum(speech[begin:end], floor)
            truth[begin:end] = 0


def equaliser(rng: np.random.Generator) -> Floats:
    """(MELS,) a smooth random colour, log power: a few dB up and down, now and then a cut at an end."""
    knots = rng.normal(0, rng.uniform(0, 4.5), 6)
    decibels = np.interp(np.linspace(0, 5, MELS), np.arange(6), knots)
    if rng.random() < 0.2:
        decibels[: int(rng.integers(1, 8))] -= rng.uniform(5, 25)
    if rng.random() < 0.2:
        decibels[-int(rng.integers(1, 12)) :] -= rng.uniform(5, 30)
    return np.asarray(decibels / 10 * np.log(10), np.float32)


def followed(power: Floats) -> Floats:
    """(row, frame) the level that `Inputs` follows, of powers that include their floor, for whole rows at once."""
    mean = power.mean(2)
    level = lfilter([1 - LEVEL_MEMORY], [1, -LEVEL_MEMORY], mean, axis=1)
    weight = 1 - LEVEL_MEMORY ** np.arange(1, mean.shape[1] + 1)
    return np.asarray(np.log(level / weight), np.float32)


def loudness(power: Floats, levels: Floats) -> Floats:
    """(row, frame, 2) the loudness that `Inputs` finds, of the same powers and their log levels."""
    sums = np.stack([power.sum(2), power @ STEEP], axis=2) / (MELS * np.exp(levels)[..., None])
    return np.asarray(np.log(sums + FAINT) / 3.0, np.float32)


def windows(frames: Floats) -> Floats:
    """(row, block, …) of (row, frame, …): each block's frames after those before it, zeros before the first."""
    rows, count, width = frames.shape
    padded = np.concatenate([np.zeros((rows, CONTEXT, width), np.float32), frames], axis=1)
    views = np.lib.stride_tricks.sliding_window_view(padded, CONTEXT + BLOCK_FRAMES, axis=1)[:, ::BLOCK_FRAMES]
    return np.ascontiguousarray(views.transpose(0, 1, 3, 2)).reshape(rows, count // BLOCK_FRAMES, -1)


def first_half(shared: Floats, louder: Floats) -> Floats:
    """(…, BEGUN) of blocks' inputs (…, SHARED) and (…, LOUDNESS): what a glance at the first half of each shows."""
    seen = slice(CONTEXT, CONTEXT + HALF_FRAMES)
    parts = [each.reshape(*each.shape[:-1], CONTEXT + BLOCK_FRAMES, -1)[..., seen, :] for each in (shared, louder)]
    return np.concatenate([part.reshape(*part.shape[:-2], -1) for part in parts], axis=-1)


def near_boundaries(spoken: NDArray[np.bool_]) -> Floats:
    """(frame,) 1 within BOUNDARY frames of a change, else 0."""
    changes = np.flatnonzero(spoken[1:] != spoken[:-1]) + 1
    near = np.zeros(len(spoken), np.float32)
    for change in changes:
        near[max(0, change - BOUNDARY) : change + BOUNDARY] = 1.0
    return near
