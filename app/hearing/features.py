"""What the net is told about a block of sound: mel band powers, and per seat how much of it comes from there.

Directions use the plane-wave model: a sound from azimuth t reaches the microphone at p metres before the array's
centre by p . (cos t, sin t) / c. For each seat the microphones are aligned accordingly, and per band come

    cosine      mean cosine of the phase error between microphones (as in SRP-PHAT, DiBiase 2000)
    null ratio  log of the power in the beam toward the seat over the power that a null on the seat lets through

both relative to what a diffuse field would give on this array, so that one net serves many arrays.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmware.sound import SPEED_OF_SOUND, ArrayGeometry

RATE = 16_000
"""Hz; everything in hearing is at this rate."""
HOP = 160
"""Samples from one frame to the next (10 ms)."""
WINDOW = 400
"""Samples that a frame looks at (25 ms), ending at the frame's end."""
FFT = 512
BLOCK_FRAMES = 4
"""Frames that are handled together (40 ms)."""
BLOCK = BLOCK_FRAMES * HOP
HALF_FRAMES = BLOCK_FRAMES // 2
HALF = BLOCK // 2
"""Samples of the first half of a block (20 ms), at which there is a glance."""
MELS = 40
MEL_RANGE = (60.0, 7600.0)
"""Hz."""
BANDS = 12
"""Direction bands, equally wide on the mel scale."""
BAND_RANGE = (200.0, 7000.0)
"""Hz."""
DIRECTION = 2 * BANDS
"""Direction values per seat and frame: the cosines, then the null ratios."""
SMOOTHING = 0.6
"""How much of the last frame stays in the powers of the null ratio."""
FULL_SCALE = 32768.0
"""A 16-bit sample of full scale."""
ROUNDING_POWER = 1.0 / 32768.0**2 / 12.0
"""Power of the rounding error of 16-bit samples in -1..1: no level is lower."""

Floats = NDArray[np.float32]


class Features(NamedTuple):
    """A block as the net's inputs are made from it."""

    mel: Floats  # (frame, MELS) power, mean over the microphones
    directions: Floats  # (seat, frame, DIRECTION); (0, frame, DIRECTION) without seats or with one microphone


class Ears:
    """The stage from samples to features; remembers the last 15 ms of sound and lightly smoothed powers.

    What it works in is made once: arrays of a few KB stay in the cache, and cost more to make than to fill.
    """

    def __init__(self, geometry: ArrayGeometry, azimuths: tuple[float, ...]) -> None:
        microphones = len(geometry.positions_mm)
        self._recent = np.zeros((microphones, WINDOW - HOP + BLOCK), np.float32)  # in units of 16-bit samples
        self._frames = np.lib.stride_tricks.as_strided(  # (microphone, frame, sample), a view of the above
            self._recent,
            (microphones, BLOCK_FRAMES, WINDOW),
            (self._recent.strides[0], HOP * self._recent.itemsize, self._recent.itemsize),
            writeable=False,
        )
        self._window = (np.hanning(WINDOW + 1)[:-1] / FULL_SCALE).astype(np.float32)
        self._padded = np.zeros((microphones, BLOCK_FRAMES, FFT))  # numpy below 2 transforms nothing but doubles
        self._windowed = self._padded[:, :, :WINDOW]
        self._spectra = np.zeros((microphones, BLOCK_FRAMES, FFT // 2 + 1), np.complex64)
        self._parts = self._spectra.view(np.float32)
        self._squares = np.zeros_like(self._parts)
        self._real, self._imaginary = self._squares[:, :, ::2], self._squares[:, :, 1::2]
        self._power = np.zeros(self._spectra.shape, np.float32)
        self._first_mel = np.ascontiguousarray(mel_bank().T, np.float32)  # BLAS is faster with the longer side first
        self._mel = self._first_mel / np.float32(microphones)
        self._begun = np.zeros(WINDOW - HOP + HALF, np.float32)
        self._begun_frames = np.lib.stride_tricks.sliding_window_view(self._begun, WINDOW)[::HOP]
        self.directions = Directions(geometry, azimuths) if azimuths and microphones > 1 else None
        self._nowhere = np.zeros((0, BLOCK_FRAMES, DIRECTION), np.float32)

    def sense(self, samples: Floats | NDArray[np.int16]) -> Features:
        """The features of the next block.

        samples: (microphone, BLOCK), 16-bit, or floats at -1..1
        """
        self._recent[:, : WINDOW - HOP] = self._recent[:, BLOCK:]
        now = self._recent[:, WINDOW - HOP :]
        now[:] = samples
        if samples.dtype != np.int16:
            now *= FULL_SCALE
        np.multiply(self._frames, self._window, out=self._windowed)
        self._spectra[:] = np.fft.rfft(self._padded)
        np.multiply(self._parts, self._parts, out=self._squares)
        np.add(self._real, self._imaginary, out=self._power)
        total = np.add.reduce(self._power) if len(samples) > 1 else self._power[0]
        mel = self._mel.dot(total.T).T
        if self.directions is None:
            return Features(mel, self._nowhere)
        return Features(mel, self.directions.look(self._spectra, self._power, total))

    def glance(self, samples: NDArray[np.int16]) -> Floats:
        """(HALF_FRAMES, MELS) power of the block that comes next, by its first half; nothing of it is remembered.

        samples: (HALF,) of the first microphone, 16-bit: how loud it is one microphone tells as well as all of them
        """
        self._begun[: WINDOW - HOP] = self._recent[0, BLOCK:]
        self._begun[WINDOW - HOP :] = samples
        spectra = np.fft.rfft(self._begun_frames * self._window, FFT)
        power = (spectra.real**2 + spectra.imag**2).astype(np.float32)
        mel: Floats = self._first_mel.dot(power.T).T
        return mel


class Directions:
    """How much of a spectrum comes from each seat; needs two microphones or more."""

    def __init__(self, geometry: ArrayGeometry, azimuths: tuple[float, ...]) -> None:
        frequencies = np.arange(FFT // 2 + 1) * RATE / FFT
        bank = band_bank(frequencies)
        self._bins = slice(int(np.flatnonzero(bank.sum(1))[0]), int(np.flatnonzero(bank.sum(1))[-1]) + 1)
        self._bank = bank[self._bins].astype(np.float32)
        self.hz = frequencies[self._bins]
        """Of the bins it looks at."""
        width = self._bank.sum(0)
        self._mics = len(geometry.positions_mm)
        steering = steer(geometry, azimuths, frequencies[self._bins])
        self._steering = np.ascontiguousarray(steering.transpose(1, 0, 2)[:, :, None], np.complex64)
        diffuse = self._diffuse(geometry, steering, frequencies[self._bins], width)
        pairs = self._mics * (self._mics - 1)
        cosine = (diffuse * self._mics - self._mics) / pairs
        self._cosine_scale = (1.0 / (width * pairs * (1.1 - cosine)))[:, None].astype(np.float32)
        self._cosine_offset = ((self._mics / pairs + cosine) / (1.1 - cosine))[:, None].astype(np.float32)
        self._diffuse_ratio = np.log(diffuse / (self._mics - diffuse))[:, None].astype(np.float32)
        self._floor = (self._mics * ROUNDING_POWER * np.hanning(WINDOW).sum() * width).astype(np.float32)
        self._smooth = smoothing_matrix()
        self._make_room(len(azimuths))

    def _make_room(self, seats: int) -> None:
        """The arrays that it works in."""
        bins = len(self._bank)
        self._level = np.zeros((self._mics, BLOCK_FRAMES, bins), np.float32)
        self._both = np.zeros((self._mics, 1, 2 * BLOCK_FRAMES, bins), np.complex64)  # spectra, then phases alone
        self.phases = self._both[:, 0, BLOCK_FRAMES:]
        """Of the last block, (microphone, frame, bin) of unit length; the next block overwrites them."""
        self._aligned = np.zeros((self._mics, seats, 2 * BLOCK_FRAMES, bins), np.complex64)
        self._beams = np.zeros(self._aligned.shape[1:], np.complex64)
        self._parts = self._beams.view(np.float32)
        self._twice = np.repeat(self._bank, 2, axis=0)  # for real and imaginary parts
        self._whole = self._bank * self._mics
        self._heard = np.zeros((seats + 1, 1 + BLOCK_FRAMES, BANDS), np.float32)  # the last smooth value, then the new

    def _diffuse(
        self, geometry: ArrayGeometry, steering: NDArray[np.complex128], hz: NDArray[np.float64], width: Floats
    ) -> Floats:
        """(seat, band) power of the aligned sum over the root of their number, in a diffuse field of power 1."""
        places = np.array(geometry.positions_mm) / 1000.0
        apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
        coherence = np.sinc(2.0 * hz * apart[..., None] / SPEED_OF_SOUND)
        beam = np.einsum("smf,mnf,snf->sf", steering, coherence, steering.conj()).real / self._mics
        return np.asarray(beam @ self._bank / width, np.float32)

    def look(self, spectra: NDArray[np.complex64], power: Floats, total: Floats) -> Floats:
        """(seat, frame, DIRECTION) of (microphone, frame, bin) spectra, their powers, and the sum of those."""
        spectra, level = spectra[:, :, self._bins], self._level
        np.add(power[:, :, self._bins], 1e-20, out=level)
        np.reciprocal(np.sqrt(level, out=level), out=level)
        self._both[:, 0, :BLOCK_FRAMES] = spectra
        np.multiply(spectra, level, out=self._both[:, 0, BLOCK_FRAMES:])
        np.add.reduce(np.multiply(self._steering, self._both, out=self._aligned), out=self._beams)
        np.multiply(self._parts, self._parts, out=self._parts)
        bands = self._parts @ self._twice  # (seat, frame of spectra then of phases, band)
        found: Floats = np.empty((len(bands), BLOCK_FRAMES, DIRECTION), np.float32)
        cosine = np.multiply(bands[:, BLOCK_FRAMES:], self._cosine_scale, out=found[:, :, :BANDS])
        cosine -= self._cosine_offset
        self._heard[:-1, 1:] = bands[:, :BLOCK_FRAMES]
        np.matmul(total[:, self._bins], self._whole, out=self._heard[-1, 1:])
        smooth = np.matmul(self._smooth, self._heard)
        self._heard[:, 0] = smooth[:, -1]
        away = np.maximum(smooth[-1] - smooth[:-1], 0.0)
        ratio: Floats = np.divide(smooth[:-1] + self._floor, away + self._floor, out=found[:, :, BANDS:])
        np.log(ratio, out=ratio)
        ratio -= self._diffuse_ratio
        return found


def steer(
    geometry: ArrayGeometry, azimuths: tuple[float, ...], frequencies: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """(seat, microphone, frequency) factors that align the microphones toward azimuths, degrees; frequencies in Hz."""
    places = np.array(geometry.positions_mm) / 1000.0
    angles = np.radians(azimuths)
    toward = np.stack([np.cos(angles), np.sin(angles), np.zeros_like(angles)], axis=1)
    early = toward @ places.T / SPEED_OF_SOUND
    return np.asarray(np.exp(-2j * np.pi * early[..., None] * frequencies))


def smoothing_matrix() -> Floats:
    """One-pole smoothing of a block, (frame, 1 + frame): from the last smooth value before it and the new ones."""
    steps = np.arange(BLOCK_FRAMES)
    lag = steps[:, None] - steps[None]
    mix = np.where(lag >= 0, (1.0 - SMOOTHING) * SMOOTHING ** np.maximum(lag, 0), 0.0)
    return np.asarray(np.concatenate([(SMOOTHING ** (steps + 1.0))[:, None], mix], axis=1), np.float32)


def mel(hz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Mel scale of O'Shaughnessy (1987), as in HTK."""
    return np.asarray(2595.0 * np.log10(1.0 + np.asarray(hz) / 700.0))


def mel_edges() -> NDArray[np.float64]:
    """(MELS + 2,) Hz, equally spaced in mel over MEL_RANGE: where the triangles begin, peak and end."""
    mels = np.linspace(mel(MEL_RANGE[0]), mel(MEL_RANGE[1]), MELS + 2)
    return np.asarray(700.0 * (10.0 ** (mels / 2595.0) - 1.0))


def mel_bank() -> Floats:
    """(bin, MELS) triangles of equal height, equally spaced in mel over MEL_RANGE."""
    edges = mel_edges()
    hz = np.arange(FFT // 2 + 1)[:, None] * RATE / FFT
    rise = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - hz) / (edges[2:] - edges[1:-1])
    return np.asarray(np.maximum(0.0, np.minimum(rise, fall)), np.float32)


def band_bank(frequencies: NDArray[np.float64]) -> Floats:
    """(bin, BANDS) rectangles, equally wide in mel over BAND_RANGE."""
    edges = np.linspace(mel(BAND_RANGE[0]), mel(BAND_RANGE[1]), BANDS + 1)
    at = mel(frequencies)[:, None]
    return ((at >= edges[:-1]) & (at < edges[1:])).astype(np.float32)
