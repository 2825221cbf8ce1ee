"""Whether the microphones can be believed: every one alive, none clipped, stuck or doubled; a sentence when not.

Swapped microphones are met where directions are: app/hearing/calibration.py.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from app.hearing.features import BLOCK

PERIOD = 25
"""Blocks (1 s) that are judged together: trouble shows, and goes, at most that much later."""
CLIPPED = 32_700
"""A sample beyond this, of 32,768, is clipped."""
CLIPPED_SHARE = 0.005
"""Share of clipped samples in a period that is trouble."""
FAR_BELOW = 10.0**-3
"""Power, relative to the median microphone, below which a microphone is dead (-30 dB)."""
ZERO_AT_FIRST = 5
"""Periods of digital zero in all channels, from the first sample on, that no living microphone gives."""
ZERO_LATER = 30
"""The same after there was sound: an edited recording may have digital silence in it."""


class SelfCheck:
    """The stage from samples to trouble; counts blocks, knows no clock."""

    def __init__(self, microphones: int) -> None:
        self._period = np.zeros((microphones, PERIOD * BLOCK), np.int16)
        self._filled = 0
        self._zeros = 0
        self._alive = False
        self._trouble: str | None = None

    def inspect(self, samples: NDArray[np.int16]) -> str | None:
        """What is wrong after one more block, in a sentence, or None.

        samples: (microphone, BLOCK)
        """
        self._period[:, self._filled : self._filled + BLOCK] = samples
        self._filled += BLOCK
        if self._filled == PERIOD * BLOCK:
            self._trouble = self._judge()
            self._filled = 0
        return self._trouble

    def _judge(self) -> str | None:
        """The first thing that is wrong with the period."""
        squares = np.square(self._period, dtype=np.float32)
        energy = squares.sum(1)
        self._alive |= bool(energy.any())
        self._zeros = 0 if energy.any() else self._zeros + 1
        if self._zeros >= (ZERO_LATER if self._alive else ZERO_AT_FIRST):
            return "the microphones deliver nothing but zeros: unplug the array and plug it in again"
        stuck = np.flatnonzero((self._period == self._period[:, :1]).all(1) & (energy > 0))
        if len(stuck):
            return f"microphone {stuck[0] + 1} is stuck at one value: unplug the array and plug it in again"
        dead = np.flatnonzero(energy < FAR_BELOW * np.median(energy))
        if len(dead):
            return f"microphone {dead[0] + 1} is silent: have the array looked at"
        clipped = np.flatnonzero((squares >= CLIPPED**2).mean(1) > CLIPPED_SHARE)
        if len(clipped):
            return f"microphone {clipped[0] + 1} is overdriven: lower its gain"
        return self._doubled() if energy.any() else None

    def _doubled(self) -> str | None:
        """Two microphones never hear the same to the last bit."""
        for one, other in combinations(range(len(self._period)), 2):
            if np.array_equal(self._period[one], self._period[other]):
                return (
                    f"microphones {one + 1} and {other + 1} deliver the very same sound: "
                    "check `channels` in the array's file"
                )
        return None
