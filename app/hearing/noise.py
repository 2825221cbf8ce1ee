"""Whether speech stands out from the room's noise: a sentence when it does not."""

from math import exp

import numpy as np

from app.hearing.features import Floats

SPEECH_BLOCKS, SILENT_BLOCKS = 750, 250
"""Blocks over which the two powers are averaged: 30 s and 10 s."""
LEAST_SPEECH, LEAST_SILENCE = 375, 50
"""Blocks without which nothing is said."""
TOO_LITTLE, ENOUGH = 10**0.24, 10**0.3
"""Power while somebody speaks over that of silence: below 2.4 dB it is too loud here, until it is over 3 dB again.

Rehearsed: 3.0 dB where noise is as strong as speech (single talk exactly right in .87 of the frames), 1.9 dB where it
is 3 dB stronger (.81), 1.1 dB at 6 dB (.66).
"""
TOO_LOUD = "it is too loud here for speech to stand out: close the window, or turn the fan down"


class Mean:
    """A mean that forgets, without bias toward its start."""

    def __init__(self, blocks: int) -> None:
        self._stays = exp(-1.0 / blocks)
        self._sum = self._weight = 0.0
        self.count = 0

    @property
    def value(self) -> float:
        """The mean; 0 before there is any."""
        return self._sum / self._weight if self._weight else 0.0

    def take(self, value: float) -> None:
        """One more."""
        self._sum = self._stays * self._sum + (1.0 - self._stays) * value
        self._weight = self._stays * self._weight + (1.0 - self._stays)
        self.count += 1


class Noise:
    """The stage from powers to trouble; counts blocks, knows no clock."""

    def __init__(self) -> None:
        self._speech, self._silence = Mean(SPEECH_BLOCKS), Mean(SILENT_BLOCKS)
        self._loud = False

    def attend(self, mel: Floats, speaking: bool | None) -> str | None:
        """What is wrong after one more block, in a sentence, or None.

        mel: (frame, MELS) power; speaking: whether somebody certainly speaks, None where that is not sure
        """
        if speaking is None:
            return TOO_LOUD if self._loud else None
        power = float(np.add.reduce(mel, None))
        if speaking:
            self._speech.take(power)
        else:
            self._silence.take(power)
            if self._speech.count >= LEAST_SPEECH and self._silence.count >= LEAST_SILENCE:
                bar = ENOUGH if self._loud else TOO_LITTLE
                self._loud = self._speech.value < bar * self._silence.value
        return TOO_LOUD if self._loud else None
