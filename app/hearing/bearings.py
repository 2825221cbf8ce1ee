"""Bearings of speech: about once a second where it came from, whoever sits there.

The steered response with phase transform (SRP-PHAT, DiBiase 2000) of a quarter of a second of speech, less that of the
room when nobody speaks: without that a fan would be the strongest voice. The sharper half of the peaks are bearings;
the others are reverberation and two voices at once.
"""

from collections import deque
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from app.hearing.features import steer
from firmware.sound import ArrayGeometry

STEP_DEG = 5.0
HEARD_HZ = (500.0, 4000.0)
CHUNK = 6
"""Blocks of speech in a row (240 ms) that make one bearing."""
REST = 4
"""One block in so many is enough to know the room by."""
LEAST_REST, MOST_REST = 6, 60
"""How many of those must have been heard, and how many are remembered (10 s of silence)."""
PEAKS = 150
"""Recent peaks that a new one is compared with."""

Complex = NDArray[np.complex64]


class Bearings:
    """The stage from phases to bearings, for an array that hears all around."""

    def __init__(self, geometry: ArrayGeometry, hz: NDArray[np.float64]) -> None:
        """Takes phases at these frequencies, rising."""
        low, high = np.searchsorted(hz, HEARD_HZ).tolist()
        self._bins = slice(low, high, 2)  # neighbours tell the same
        used = hz[self._bins]
        pairs = np.array(list(combinations(range(len(geometry.positions_mm)), 2)))
        self._one, self._other = pairs.T
        around = np.arange(0.0, 360.0, STEP_DEG)
        aligned = steer(geometry, tuple(around.tolist()), used)
        toward = (aligned[:, self._one].conj() * aligned[:, self._other]).reshape(len(around), -1)
        self._toward = np.ascontiguousarray(toward, np.complex64).view(np.float32) / np.float32(toward.shape[1])
        self._room: Complex = np.zeros((len(pairs), len(used)), np.complex64)
        self._rest = self._skipped = 0
        self._chunk = np.zeros_like(self._room)
        self._chunks = 0
        self._peaks: deque[float] = deque(maxlen=PEAKS)

    def take(self, phases: Complex, *, speaking: bool | None) -> float | None:
        """One more block: the azimuth of speech, degrees in [0, 360), if this block completes a bearing.

        phases: (microphone, frame, bin) of unit length; speaking: whether somebody certainly speaks
        """
        if speaking and self._rest >= LEAST_REST:
            return self._speak(phases)
        self._chunks = 0
        if speaking is False:
            self._skipped = (self._skipped + 1) % REST
            if not self._skipped:
                self._rest = min(self._rest + 1, MOST_REST)
                self._room += (self._cross(phases) - self._room) * np.float32(1 / self._rest)
        return None

    def _speak(self, phases: Complex) -> float | None:
        if not self._chunks:
            self._chunk[:] = 0
        self._chunk += self._cross(phases)
        self._chunks += 1
        if self._chunks < CHUNK:
            return None
        self._chunks = 0
        response = self._toward @ (self._chunk / CHUNK - self._room).view(np.float32).ravel()
        best = int(response.argmax())
        self._peaks.append(float(response[best]))
        if self._peaks[-1] < sorted(self._peaks)[len(self._peaks) // 2]:
            return None
        return STEP_DEG * best

    def _cross(self, phases: Complex) -> Complex:
        """(pair, bin) mean product of two microphones' phases, over every other frame: they overlap."""
        some = phases[:, ::2, self._bins]
        product = some[self._one] * some.conj()[self._other]
        mean: Complex = np.add.reduce(product, axis=1) * np.float32(1 / product.shape[1])
        return mean
