"""What a microphone array delivers: blocks of samples, and the array's geometry."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SPEED_OF_SOUND = 343.0
"""m/s at 20 degrees Celsius."""

SAMPLE_RATE = 16_000
"""Hz, of every block, whatever the recording had."""

BLOCK_SAMPLES = 320
"""20 ms: the samples of each block but the last of a recording, which may be shorter."""


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of sound from all microphones at once."""

    samples: NDArray[np.int16]  # (channel, sample), read-only after creation; only microphones, ordered as positions_mm
    start: int
    """Number of the first sample, counted from the opening of the microphones; lost samples count too."""
    lost: int = 0
    """Samples that never arrived, directly before this block."""


@dataclass(frozen=True, slots=True)
class ArrayGeometry:
    """Where the microphones of an array sit."""

    name: str
    sample_rate: int
    """Hz, as the device delivers it."""
    channels: tuple[int, ...]
    """Which channels of the device's stream are microphones, counted from 0, in the order of `positions_mm`."""
    positions_mm: tuple[tuple[float, float, float], ...]
    """x, y, z of each microphone from the array's centre; azimuth 0 is +x, anticlockwise seen from above."""

    @property
    def stream_channels(self) -> int:
        """How many channels the device's stream has at least."""
        return max(self.channels, default=-1) + 1
