"""From features to the net's inputs: levels made relative, a little context, and for each seat its strongest rival.

The recent mean level is taken over power, not over log power: it follows speech, not the pauses. It is an input too,
told higher than it is where an array is so quiet that training hardly had the like.
"""

from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.hearing.features import (
    BANDS,
    BLOCK_FRAMES,
    DIRECTION,
    HALF_FRAMES,
    MELS,
    RATE,
    ROUNDING_POWER,
    WINDOW,
    Features,
    mel_bank,
    mel_edges,
)
from app.hearing.lift import Lift

Floats = NDArray[np.float32]

CONTEXT = 3
"""Earlier frames that are shown with each block."""
LEVEL_MEMORY = float(np.exp(-1.0 / 300.0))
"""How much of the mean power stays from frame to frame: a time constant of 3 s."""
SHARED = (CONTEXT + BLOCK_FRAMES) * (MELS + 1)
DIRECTED = BLOCK_FRAMES * 2 * DIRECTION
MEL_FLOOR = np.asarray(mel_bank().sum(0) * ROUNDING_POWER * np.square(np.hanning(WINDOW)).sum(), np.float32)
"""(MELS,) power that the rounding of 16-bit samples alone gives."""
FAINT = 1e-4
"""Of the mean level: the loudness of a frame goes no lower."""
STEEP = (4.0 * np.sin(np.pi * mel_edges()[1:-1] / RATE) ** 2).astype(np.float32)
"""(MELS,) power of the steps from sample to sample for power of the samples: rumble counts for little in it."""
LOUDER = np.stack([np.ones(MELS, np.float32), STEEP], axis=1)
"""(MELS, 2) what gives a frame's power and the power of its steps."""
TWO, THIRD = np.float32(2.0), np.float32(1.0 / 3.0)
"""Numbers of numpy's own: Python's cost more to convert than a block to count with."""
LOUDNESS = 2 * (CONTEXT + BLOCK_FRAMES)
BEGUN = HALF_FRAMES * (MELS + 3)
"""Values that a glance at a block's first half gives: its frames as the net will be shown them, and their loudness."""


class NetInputs(NamedTuple):
    """One step of the net, a row for each seat (one row of zeroed directions without seats)."""

    shared: Floats  # (row, SHARED)
    direction: Floats  # (row, DIRECTED)
    loudness: Floats  # (row, LOUDNESS) of each frame, its context's first: of its samples, of their steps
    """A third of the log of a power over the recent mean level; what looks ahead goes by it."""


class Inputs:
    """The stage from features to net inputs; remembers the mean level and the last frames."""

    def __init__(self) -> None:
        self._power = 0.0
        self._weight = 0.0
        self._frames = np.zeros((CONTEXT + BLOCK_FRAMES, MELS + 1), np.float32)
        self._loudness = [0.0] * LOUDNESS
        self._lift = Lift()
        self._peak = 0.0

    def prepare(self, features: Features) -> NetInputs:
        """The net's inputs for a block of features."""
        self._frames[:CONTEXT] = self._frames[BLOCK_FRAMES:]
        loudness, self._peak = self._show(features.mel, self._frames[CONTEXT:])
        self._loudness = [*self._loudness[-2 * CONTEXT :], *loudness]
        direction = rivals(features.directions)
        shared = self._frames.reshape(1, SHARED).repeat(len(direction), axis=0)
        return NetInputs(shared, direction, np.array([self._loudness] * len(direction), np.float32))

    def glance(self, mel: Floats) -> Floats:
        """(1, BEGUN) of the powers (HALF_FRAMES, MELS) of a block's first half; nothing of it is remembered."""
        power, weight = self._power, self._weight
        frames = np.empty((HALF_FRAMES, MELS + 1), np.float32)
        loudness, _ = self._show(mel, frames)
        self._power, self._weight = power, weight
        return np.concatenate([frames.reshape(1, -1), np.array([loudness], np.float32)], axis=1)

    def attend(self, speech: Floats) -> None:
        """What the net made of the block just prepared, P(anybody speaks) (frame,): so it knows how loud speech is."""
        self._lift.attend(self._peak, min(speech.tolist()))

    def _show(self, mel: Floats, out: Floats) -> tuple[list[float], float]:
        """Writes frames of powers (frame, MELS) as the net is shown them; the loudness of each, the loudest's power."""
        powers = mel + MEL_FLOOR
        loudness: list[float] = []
        levels, loudest = [], 0.0
        for power, steps in powers.dot(LOUDER).tolist():
            mean = self._follow(power / MELS)
            whole = MELS * mean
            loudness += log(power / whole + FAINT) / 3.0, log(steps / whole + FAINT) / 3.0
            levels.append(log(mean))
            loudest = max(loudest, power)
        relative(np.log(powers, out=powers), np.array(levels, np.float32), self._lift.height, out)
        return loudness, loudest / MELS

    def _follow(self, power: float) -> float:
        """The running mean of frame powers up to and with this one, without bias toward the start's zero."""
        self._power = LEVEL_MEMORY * self._power + (1.0 - LEVEL_MEMORY) * power
        self._weight = LEVEL_MEMORY * self._weight + (1.0 - LEVEL_MEMORY)
        return self._power / self._weight


def relative(log_powers: Floats, levels: Floats, lift: float = 0.0, out: Floats | None = None) -> Floats:
    """(…, frame, MELS + 1) scaled log powers less their level, and the level, of (…, frame, MELS) and (…, frame).

    lift: by how much the level is told higher than it is.
    """
    both = np.empty((*log_powers.shape[:-1], MELS + 1), np.float32) if out is None else out
    np.subtract(log_powers, (levels - TWO)[..., None], out=both[..., :MELS])
    both[..., MELS] = levels + np.float32(6.0 + lift)
    both *= THIRD
    return both


def rivals(directions: Floats) -> Floats:
    """(row, DIRECTED) of (seat, BLOCK_FRAMES, DIRECTION): each seat's directions with those of its strongest rival.

    The rival is the other seat with the highest mean null ratio over the block. A lone seat's rival is all zeros.
    """
    seats = len(directions)
    if seats == 0:
        return NOWHERE
    both = np.empty((seats, BLOCK_FRAMES, 2, DIRECTION), np.float32)
    np.multiply(directions, DIRECTION_SCALE, out=both[:, :, 0])
    both[:, :, 1] = both[strongest_others(directions), :, 0] if seats > 1 else 0.0
    return both.reshape(seats, DIRECTED)


def strongest_others(directions: Floats) -> NDArray[np.intp] | slice:
    """Which other seat each seat's rival is, of two seats or more."""
    if len(directions) == 2:
        return slice(None, None, -1)
    strength = directions[:, :, BANDS:].sum(axis=(1, 2))
    best, second = np.argsort(-strength, kind="stable")[:2]
    return np.where(np.arange(len(directions)) == best, second, best)


NOWHERE = np.zeros((1, DIRECTED), np.float32)
"""The directions of nobody."""
NOWHERE.setflags(write=False)
DIRECTION_SCALE = np.repeat(np.array([2.0, 0.5], np.float32), BANDS)
"""One over the typical spread of the cosines and the null ratios."""
