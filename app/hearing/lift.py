"""How much higher than it is a quiet array's level is told to the net: by nothing in the usual range, slowly below it.

The net was trained on speech down to -60 dBFS, most of it above -38. What counts is the loudest frame of speech lately:
it rises at once and falls only while somebody speaks, so silence, or a room's own noise, does not make an array quiet.

loudest frame of speech   -71 ... -56 dBFS ... 0
level told higher by       30 ...   0      ... 0 dB
"""

from math import log

from app.hearing.features import BLOCK_FRAMES, FFT, MELS, WINDOW

DB = log(10.0) / 10.0
"""A decibel in the logarithm of power."""
FULL_SCALE = FFT / 2 * WINDOW * 3 / 8 / MELS
"""Mean power of a frame's mels where the sound's mean square is 1: half a spectrum of a window whose square is 3/8."""
USUAL = FULL_SCALE * 10 ** (-56 / 10)
"""Power of the loudest frame of speech from which a level is told as it is."""
SLOPE = 2.0
"""dB told for each that is missing: speech that quiet is heard worse than speech as quiet as USUAL."""
MOST = 30 * DB
FALL = 10 ** (-2 * BLOCK_FRAMES / 100 / 10)
"""How much of the loudest is left after a block of speech: it falls by 2 dB a second."""
BELIEVED = 0.3
"""P(anybody speaks) above which all through a block it is speech: in a quiet array little reaches more."""
ENOUGH = 50
"""Blocks of speech (2 s) before which nothing is said of an array: somebody far off may be the first to speak."""


class Lift:
    """Follows how loud speech is."""

    def __init__(self) -> None:
        self.height = 0.0
        """By how much the level is to be told higher, in the logarithm of power; 0 to MOST."""
        self._loudest = 0.0
        self._heard = 0

    def attend(self, peak: float, speech: float) -> None:
        """One more block: the power of its loudest frame, and the least P(anybody speaks) in it."""
        if speech <= BELIEVED:
            return
        self._heard += 1
        self._loudest = max(self._loudest * FALL, peak)
        if self._heard >= ENOUGH:
            self.height = 0.0 if self._loudest >= USUAL else min(MOST, SLOPE * log(USUAL / self._loudest))
