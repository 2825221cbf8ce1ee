"""Sounds and arrays for the tests of hearing, made on the spot."""

import numpy as np
from numpy.typing import NDArray

from app.hearing.features import RATE, steer
from firmware.sound import ArrayGeometry

ONE = ArrayGeometry("one", RATE, (0,), ((0.0, 0.0, 0.0),))
CIRCLE = ArrayGeometry(
    "circle",
    RATE,
    (0, 1, 2, 3),
    tuple((float(32.5 * np.cos(angle)), float(32.5 * np.sin(angle)), 0.0) for angle in np.radians([45, 135, 225, 315])),
)
PAIR = ArrayGeometry("pair", RATE, (0, 1), ((-40.0, 0.0, 0.0), (40.0, 0.0, 0.0)))


def plane_wave(
    geometry: ArrayGeometry, azimuth: float, seconds: float, seed: int = 0, noise: float = 0.01
) -> NDArray[np.float32]:
    """White noise from one azimuth at rms .05, with a little noise of each microphone's own, (microphone, sample)."""
    rng = np.random.default_rng(seed)
    samples = round(seconds * RATE)
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    ahead = steer(geometry, (azimuth,), np.fft.rfftfreq(samples, 1 / RATE))[0]
    arrived = np.fft.irfft(spectrum * ahead.conj(), samples)
    own = noise * rng.standard_normal((len(geometry.positions_mm), samples))
    return np.asarray(0.05 * (arrived + own), np.float32)


def as_samples(sound: NDArray[np.float32]) -> NDArray[np.int16]:
    """Sound at -1..1 as 16-bit samples."""
    return np.asarray(np.clip(np.round(sound * 32768), -32768, 32767), np.int16)


def babble(channels: int, seconds: float, seed: int) -> NDArray[np.int16]:
    """Noise that comes and goes, for laws that do not care what is heard."""
    rng = np.random.default_rng(seed)
    samples = round(seconds * RATE)
    swell = np.repeat(10 ** rng.uniform(-3, -1, samples // 1600 + 1), 1600)[:samples]
    return as_samples(np.asarray(swell * rng.standard_normal((channels, samples)), np.float32))
