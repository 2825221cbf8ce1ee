"""The compass: which way a stretch of voice came from, whatever the room adds to it.

The direction is the peak of the steered response with phase transform (SRP-PHAT, DiBiase 2000), over the moments at
which sound sets in: what follows is as much the walls'. Whether to believe it is judged by how many moments agree.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from app.hearing.features import HOP, RATE
from app.hearing.rows import hears_around, row_along
from app.hearing.seats import apart
from firmware.sound import SPEED_OF_SOUND, ArrayGeometry

WINDOW = 512
"""Samples that a frame looks at (32 ms), ending at the frame's end."""
HEARD_HZ = (300.0, 5000.0)
"""Where speech has a direction on an array of a few centimetres."""
NO_TWIN = 1.5
"""Shortest wavelength, in distances of the nearest microphones: shorter ones come from several directions at once."""
FRAMES_PER_S = RATE // HOP
STEP_DEG = 3
"""Of the grid of directions."""
COARSE = 3
"""Steps of the grid on which single frames are looked at."""
SPARSE = 2
"""And of how many bins of it one is taken."""
DECAY = 0.87
"""Of power in 10 ms: what rings longer than a second to -60 dB is no room for talk."""
ABOVE_NOISE = 40.0
"""Of the power that the noise is followed at: 3 dB above its mean."""
FALL, RISE = 0.9, 1.003
"""The noise is followed so far a frame: fast down, 1.3 dB a second up. So it lies at its dips, far below its mean."""
FLOOR = 1e-8
"""Power below which nothing is heard yet."""
TINY = 1e-12
ENOUGH = 8
"""Bins in which sound must set in for a frame to have a direction of its own."""
TILTS_DEG = (0.0, 35.0)
"""People's heads are above an array on a table."""
NEAR_DEG = 20.0
"""Frames within this of each other agree."""
FAR_DEG = 35.0
"""Frames beyond this speak for somebody else."""
LEAST_FRAMES = 20
"""Frames with a direction of their own without which nothing can be said."""
SWAPPED = 1.04
"""How much better two swapped microphones must explain the sound before it is said that they are: measured in 160
sentences of rehearsed rooms it is 1.005 at most where none are, and more than this in 8 of 10 where two are."""

Complex = NDArray[np.complex64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Bearing:
    """Where a sentence came from."""

    azimuth: float
    """Degrees in [0, 360)."""
    agreement: float
    """Share of its frames that agree."""
    second: float
    """Frames that agree on the next best direction, relative to those."""
    swapped: tuple[int, int] | None
    """Two microphones which, swapped, would explain the sound much better; counted from 0."""


class Compass:
    """The directions an array of two microphones or more can tell; follows what the room rings with, block by block."""

    def __init__(self, geometry: ArrayGeometry) -> None:
        places = np.array(geometry.positions_mm)[:, :2]
        hz = np.arange(WINDOW // 2 + 1) * RATE / WINDOW
        nearest = min(float(np.linalg.norm(one - other)) for one, other in combinations(places, 2)) / 1000
        highest = min(HEARD_HZ[1], SPEED_OF_SOUND / (NO_TWIN * max(nearest, 1e-3)))
        self.bins = np.flatnonzero((hz >= HEARD_HZ[0]) & (hz <= highest))
        self.azimuths = _azimuths(geometry)
        self.steering = _steer(geometry, self.azimuths, hz[self.bins])
        self._coarse = self.azimuths[::COARSE]
        self.microphones = len(places)
        self._window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
        self._ringing = np.zeros(len(self.bins))
        self._noise = np.zeros(len(self.bins))
        self._seen = False

    def phases(self, sound: Floats) -> Complex:
        """(frame, bin, microphone) of the next block, of unit length where sound sets in and 0 elsewhere.

        sound: (microphone, WINDOW - HOP + BLOCK). What the room may still be ringing with, and what is hardly louder
        than its noise, tells of other directions.
        """
        frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW, axis=1)[:, ::HOP]
        spectra = np.fft.rfft(frames * self._window)[:, :, self.bins].transpose(1, 2, 0)
        power = np.square(np.abs(spectra)).mean(2) + TINY
        direct = np.zeros(power.shape, np.bool_)
        for number, now in enumerate(power):
            direct[number] = (now >= self._ringing) & (now >= self._noise * ABOVE_NOISE)
            self._ringing = np.maximum(now, self._ringing * DECAY)
            self._noise = np.clip(now, self._noise * FALL, self._noise * RISE) if self._seen else now
            self._seen = bool(now.max() > FLOOR)
        return np.asarray(spectra / np.abs(spectra + TINY) * direct[:, :, None], np.complex64)

    def peaks(self, phases: Complex) -> NDArray[np.float64]:
        """(frame,) azimuth where each frame's own response is highest, on a coarse grid."""
        power = np.zeros((len(phases), len(self._coarse)), np.float32)
        for number in range(0, len(self.bins), SPARSE):
            beams = phases[:, number] @ self.steering[0, ::COARSE, number].T
            power += np.square(beams.real) + np.square(beams.imag)
        return np.asarray(self._coarse[power.argmax(1)])

    def respond(self, coherence: Complex) -> Floats:
        """(azimuth,) steered response, 0..1, at the better of the tilts, to (bin, microphone, microphone)."""
        beams = np.einsum("tabm,bmn->tabn", self.steering, coherence, optimize=True) * self.steering.conj()
        return np.asarray(beams.sum(3).real.mean(2).max(0) / self.microphones**2, np.float32)

    def bearing(self, phases: Complex) -> Bearing | None:
        """Where the frames of a sentence came from; None where too little of it stands out from noise and room."""
        by_bin = phases.transpose(1, 2, 0)
        coherence = by_bin @ by_bin.conj().transpose(0, 2, 1)
        total = np.trace(coherence, axis1=1, axis2=2).real.sum() / self.microphones
        coherence *= len(coherence) / max(1.0, float(total))
        response = self.respond(coherence)
        best = int(response.argmax())
        found = self.peaks(phases[np.abs(phases[:, :, 0]).sum(1) >= ENOUGH])
        if len(found) < LEAST_FRAMES:
            return None
        agree = np.array([(apart(found, at) <= NEAR_DEG).mean() for at in self.azimuths])
        near = apart(self.azimuths, self.azimuths[best]) <= NEAR_DEG
        far = apart(self.azimuths, self.azimuths[best]) >= FAR_DEG
        agreement = float(agree[near].max())
        azimuth = float(self.azimuths[best] + STEP_DEG * self._between(response, best)) % 360
        return Bearing(
            azimuth,
            agreement,
            float(agree[far].max()) / max(agreement, 1e-9),
            self._swapped(coherence, float(response[best])),
        )

    def _between(self, response: Floats, best: int) -> float:
        """Where the peak lies between its neighbours, in steps, by a parabola."""
        if len(self.azimuths) * STEP_DEG < 360 and best in {0, len(response) - 1}:
            return 0.0
        low, mid, high = (float(response[(best + step) % len(response)]) for step in (-1, 0, 1))
        bend = low - 2 * mid + high
        return 0.0 if bend >= 0 else float(np.clip((low - high) / (2 * bend), -0.5, 0.5))

    def _swapped(self, coherence: Complex, straight: float) -> tuple[int, int] | None:
        """The pair whose exchange makes the sound much more like one that comes from somewhere."""
        floor = 1 / self.microphones
        tries = {}
        for one, other in combinations(range(self.microphones), 2):
            order = list(range(self.microphones))
            order[one], order[other] = other, one
            tries[one, other] = float(self.respond(coherence[:, order][:, :, order]).max())
        pair = max(tries, key=tries.__getitem__)
        return pair if tries[pair] - floor > SWAPPED * max(straight - floor, 0.01) else None


def _azimuths(geometry: ArrayGeometry) -> NDArray[np.float64]:
    """All around; for a row of microphones, which cannot tell its front from its back, the half that x or y faces."""
    if hears_around(geometry):
        return np.arange(0.0, 360.0, STEP_DEG)
    return np.asarray(row_along(geometry) + np.arange(0.0, 180.0 + STEP_DEG / 2, STEP_DEG))


def _steer(geometry: ArrayGeometry, azimuths: NDArray[np.float64], hz: NDArray[np.float64]) -> Complex:
    """(tilt, azimuth, bin, microphone) factors that align the microphones."""
    angles, tilts = np.radians(azimuths), np.radians(TILTS_DEG)
    level = np.stack([np.cos(angles), np.sin(angles), np.zeros_like(angles)], axis=1)
    up = np.array([0.0, 0.0, 1.0])
    toward = np.cos(tilts)[:, None, None] * level + np.sin(tilts)[:, None, None] * up
    early = toward @ np.array(geometry.positions_mm).T / 1000 / SPEED_OF_SOUND
    return np.asarray(np.exp(-2j * np.pi * early[:, :, None, :] * hz[None, None, :, None]), np.complex64)
