"""Who is speaking, frame by frame: what hearing gives and what conversation takes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRAME_S = 0.01
"""Seconds from one frame to the next."""


@dataclass(frozen=True, slots=True)
class Activity:
    """A run of consecutive frames; a score gives the same, with probabilities 0 and 1."""

    first: int
    """Number of the first frame, counted from the session's begin."""
    speech: NDArray[np.float32]  # (frame,) P(anybody speaks)
    seats: NDArray[np.float32]  # (frame, seat) P(this seat speaks), in the order of the seats; (frame, 0) without seats
    measurable: NDArray[np.bool_]  # (frame,) False where nothing can be said: lost sound, a dead channel, noise

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.speech)
