"""Whether the microphones can be believed: every one alive, none clipped; a sentence when not."""

import numpy as np
from numpy.typing import NDArray

MEMORY = 25
"""Blocks (1 s) that the check looks back on: trouble shows, and goes, about that much later."""
CLIPPED = 32_700
"""A sample beyond this, of 32,768, is clipped."""
CLIPPED_SHARE = 0.005
"""Share of clipped samples in one second that is trouble."""
FAR_BELOW = 10.0**-3
"""Power, relative to the median microphone, below which a microphone is dead (-30 dB)."""
LONG_ZERO = 125
"""Blocks (5 s) of digital zero in all channels that no living microphone gives."""


class SelfCheck:
    """The stage from samples to trouble; counts blocks, knows no clock."""

    def __init__(self, microphones: int) -> None:
        self._power = np.zeros((MEMORY, microphones))
        self._clipped = np.zeros((MEMORY, microphones))
        self._seen = 0
        self._zero = 0

    def inspect(self, samples: NDArray[np.int16]) -> str | None:
        """What is wrong after one more block, in a sentence, or None.

        samples: (microphone, sample)
        """
        wide = samples.astype(np.float32)
        row = self._seen % MEMORY
        self._power[row] = np.square(wide).mean(1)
        self._clipped[row] = (np.abs(wide) >= CLIPPED).mean(1)
        self._seen += 1
        self._zero = 0 if samples.any() else self._zero + 1
        return self._trouble() if self._seen >= MEMORY else None

    def _trouble(self) -> str | None:
        """The first thing that is wrong with the last second."""
        if self._zero >= LONG_ZERO:
            return "the microphones deliver nothing but zeros: unplug the array and plug it in again"
        power = self._power.mean(0)
        dead = np.flatnonzero(power < FAR_BELOW * np.median(power))
        if len(dead):
            return f"microphone {dead[0] + 1} is silent: have the array looked at"
        clipped = np.flatnonzero(self._clipped.mean(0) > CLIPPED_SHARE)
        if len(clipped):
            return f"microphone {clipped[0] + 1} is overdriven: lower its gain"
        return None
