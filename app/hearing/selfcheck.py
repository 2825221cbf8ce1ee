"""Whether the microphones can be believed: every one alive, none clipped; a sentence when not."""

import numpy as np
from numpy.typing import NDArray

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
        self._energy = np.zeros(microphones)
        self._clipped = np.zeros(microphones)
        self._samples = 0
        self._blocks = 0
        self._zeros = 0
        self._alive = False
        self._trouble: str | None = None

    def inspect(self, samples: NDArray[np.int16]) -> str | None:
        """What is wrong after one more block, in a sentence, or None.

        samples: (microphone, sample)
        """
        wide = samples.astype(np.float32)
        self._energy += np.einsum("ms,ms->m", wide, wide)
        self._clipped += np.count_nonzero(np.abs(wide) >= CLIPPED, axis=1)
        self._samples += samples.shape[1]
        self._blocks += 1
        if self._blocks == PERIOD:
            self._trouble = self._judge()
            self._energy[:], self._clipped[:], self._samples, self._blocks = 0, 0, 0, 0
        return self._trouble

    def _judge(self) -> str | None:
        """The first thing that is wrong with the period."""
        self._alive |= bool(self._energy.any())
        self._zeros = 0 if self._energy.any() else self._zeros + 1
        if self._zeros >= (ZERO_LATER if self._alive else ZERO_AT_FIRST):
            return "the microphones deliver nothing but zeros: unplug the array and plug it in again"
        dead = np.flatnonzero(self._energy < FAR_BELOW * np.median(self._energy))
        if len(dead):
            return f"microphone {dead[0] + 1} is silent: have the array looked at"
        clipped = np.flatnonzero(self._clipped > CLIPPED_SHARE * self._samples)
        if len(clipped):
            return f"microphone {clipped[0] + 1} is overdriven: lower its gain"
        return None
