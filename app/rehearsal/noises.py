"""Sounds of a room that are not speech: ventilation from all sides, a fan in one place, knocks."""

from dataclasses import dataclass

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


def ventilation(
    array: PlacedArray, samples: int, rate: int, rng: np.random.Generator, db_per_octave: float | None = None
) -> NDArray[np.float64]:
    """Noise of a ventilated room, (microphone, sample), coherent as a diffuse field is, of standard deviation 1.

    Without a slope one between -6 and -3 dB an octave is drawn.
    """
    places, slope = array.microphones_m(), rng.uniform(-6, -3) if db_per_octave is None else db_per_octave
    return coherent(sloped_noise((len(places), samples), slope, rate, rng), places, rate)


@dataclass(frozen=True, slots=True)
class Fan:
    """A computer's or heater's fan: broad noise, and the tones of its blades."""

    blades_hz: float
    tones: tuple[float, ...]
    """Amplitude of each harmonic of the blades, against noise of rms 1."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Fan":
        """Any fan."""
        return cls(float(rng.uniform(90, 300)), tuple(float(rng.uniform(0.05, 0.4)) / n for n in range(1, 6)))

    def run(self, samples: int, rate: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Its sound, (sample,), to be placed in a room; rms 1."""
        turned = (
            2 * np.pi * (self.blades_hz * np.arange(samples) / rate + 2e-3 * np.cumsum(rng.standard_normal(samples)))
        )
        sound = sloped_noise((samples,), -4, rate, rng)
        for harmonic, strength in enumerate(self.tones, start=1):
            sound += strength * np.sin(harmonic * turned + rng.uniform(0, 2 * np.pi))
        return np.asarray(sound / sound.std(), dtype=np.float32)


def fan(samples: int, rate: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """The sound of any fan, (sample,), rms 1."""
    return Fan.draw(rng).run(samples, rate, rng)


def knock(rate: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """One knock on wood, a cup put down, a step: a few decaying resonances, (sample,), peak 1, about 0.2 s."""
    when = np.arange(int(0.2 * rate)) / rate
    sound = np.zeros(len(when))
    for _ in range(int(rng.integers(3, 7))):
        hz, fall = np.exp(rng.uniform(np.log(120), np.log(4000))), rng.uniform(0.008, 0.05)
        sound += rng.uniform(0.2, 1) * np.exp(-when / fall) * np.sin(2 * np.pi * hz * when)
    sound += 0.3 * rng.standard_normal(len(when)) * np.exp(-when / 0.003)
    return np.asarray(sound / np.abs(sound).max(), dtype=np.float32)
