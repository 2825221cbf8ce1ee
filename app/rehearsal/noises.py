"""Sounds of a room that are not speech: ventilation from all sides, a fan in one place, knocks."""

import numpy as np
from numpy.typing import NDArray

from app.rehearsal.diffuse import coherent
from app.rehearsal.rooms import PlacedArray


def sloped_noise(
    shape: tuple[int, ...], db_per_octave: float, rate: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Independent Gaussian noises along the last axis, falling by a slope above 100 Hz, of standard deviation 1."""
    spectra = np.fft.rfft(rng.standard_normal(shape), axis=-1)
    hz = np.fft.rfftfreq(shape[-1], 1 / rate)
    slope = (1 + (hz / 100) ** 2) ** (db_per_octave / 20 / np.log10(4)) * (hz > 30)
    noise: NDArray[np.float64] = np.fft.irfft(spectra * slope, shape[-1], axis=-1)
    noise /= max(float(noise.std()), 1e-12)
    return noise


def ventilation(array: PlacedArray, samples: int, rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Noise of a ventilated room, (microphone, sample), coherent as a diffuse field is, of standard deviation 1."""
    places = array.microphones_m()
    return coherent(sloped_noise((len(places), samples), rng.uniform(-6, -3), rate, rng), places, rate)


def fan(samples: int, rate: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A computer's or heater's fan, (sample,), to be placed: broad noise and the tones of its blades; rms 1."""
    when = np.arange(samples) / rate
    sound = sloped_noise((samples,), -4, rate, rng)
    blades = rng.uniform(90, 300)
    drift = np.cumsum(rng.standard_normal(samples)) * 2e-3
    for harmonic in range(1, 6):
        strength = rng.uniform(0.05, 0.4) / harmonic
        sound += strength * np.sin(2 * np.pi * harmonic * (blades * when + drift) + rng.uniform(0, 2 * np.pi))
    return np.asarray(sound / sound.std(), dtype=np.float32)


def knock(rate: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """One knock on wood, a cup put down, a step: a few decaying resonances, (sample,), peak 1, about 0.2 s."""
    when = np.arange(int(0.2 * rate)) / rate
    sound = np.zeros(len(when))
    for _ in range(int(rng.integers(3, 7))):
        hz, fall = np.exp(rng.uniform(np.log(120), np.log(4000))), rng.uniform(0.008, 0.05)
        sound += rng.uniform(0.2, 1) * np.exp(-when / fall) * np.sin(2 * np.pi * hz * when)
    sound += 0.3 * rng.standard_normal(len(when)) * np.exp(-when / 0.003)
    return np.asarray(sound / np.abs(sound).max(), dtype=np.float32)
