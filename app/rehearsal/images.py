"""Image sources of a shoebox room (Allen & Berkley 1979, JASA 65:943), all at once."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from app.rehearsal.rooms import PlacedArray, Room, Source
from firmware.sound import SPEED_OF_SOUND

Floats = NDArray[np.float32]

OVERSAMPLING = 16
"""Arrival times are rounded to a sixteenth of a sample: 4 µs at 16 kHz, 0.06 rad rms at 8 kHz."""
LEAD = 32
"""Samples before the direct sound reaches the array's centre: room for nearer microphones and for filter ringing."""
JITTER_M = 0.08
"""Images are moved at random by up to this much, against sweeping echoes (De Sena et al. 2015, IEEE TASLP 23:774)."""
LOW_CUT_HZ = 60.0
"""Images all of one sign pile up near 0 Hz; this takes it away."""


@dataclass(frozen=True, slots=True)
class Images:
    """The image sources of one source, seen from the array's centre."""

    places: Floats  # (image, xyz) metres from the array's centre
    facing: Floats  # (image, xyz) unit vectors
    swallowed: Floats  # (image,) sum of the softness of the surfaces it was reflected by
    distance: Floats  # (image,) metres
    source: Source


def distance_to(array: PlacedArray, source: Source) -> float:
    """Metres from the array's centre to a source."""
    return float(np.linalg.norm(np.subtract(source.place_m, array.centre_m)))


def image_sources(room: Room, array: PlacedArray, source: Source, reach: float, rng: np.random.Generator) -> Images:
    """All image sources within a reach of metres (Allen & Berkley 1979), moved a little, but for the source itself."""
    for name, place in (("array", array.centre_m), ("source", source.place_m)):
        if not all(0 < at < size for at, size in zip(place, room.size_m, strict=True)):
            raise ValueError(f"the {name} at {place} is outside the room of {room.size_m} metres; move it inside")
    axes = []
    for axis, (size, at, centre) in enumerate(zip(room.size_m, source.place_m, array.centre_m, strict=True)):
        most = int(np.ceil(reach / (2 * size))) + 1
        trips, mirrored = (grid.ravel() for grid in np.meshgrid(np.arange(-most, most + 1), (0, 1), indexing="ij"))
        soft = np.abs(trips - mirrored) * room.softness[2 * axis] + np.abs(trips) * room.softness[2 * axis + 1]
        axes.append((2 * trips * size + (1 - 2 * mirrored) * at - centre, soft, 1 - 2 * mirrored))
    (x, x_soft, x_sign), (y, y_soft, y_sign), (z, z_soft, _) = axes
    near = x[:, None, None] ** 2 + y[:, None] ** 2 + z**2 < max(reach, 1.001 * distance_to(array, source)) ** 2
    i, j, k = np.nonzero(near)
    swallowed = (x_soft[i] + y_soft[j] + z_soft[k]).astype(np.float32)
    places = np.stack([x[i], y[j], z[k]], axis=1).astype(np.float32)
    jitter = rng.uniform(-JITTER_M, JITTER_M, places.shape).astype(np.float32)
    itself = np.linalg.norm(places - np.subtract(source.place_m, array.centre_m), axis=1) < 1e-3
    places += np.where(itself[:, None], 0, jitter)
    angle = np.deg2rad(source.facing_deg)
    facing = np.stack([x_sign[i] * np.cos(angle), y_sign[j] * np.sin(angle), np.zeros(len(i))], axis=1)
    distance = np.linalg.norm(places, axis=1)
    return Images(places, facing.astype(np.float32), swallowed, distance.astype(np.float32), source)


def arrivals(images: Images, absorption: float, array: PlacedArray, rate: int, length: int) -> Floats:
    """Responses (microphone, sample): images counted at fine arrival times, then low-passed and decimated."""
    fine = next_fast_len(length, real=True) * OVERSAMPLING
    start = LEAD - distance_to(array, images.source) / SPEED_OF_SOUND * rate
    count = len(array.geometry.positions_mm)
    gains = 10 ** (np.asarray(array.gains_db or (0.0,) * count) / 20)
    lags = np.asarray(array.delays_us or (0.0,) * count) * 1e-6 * rate
    walls = np.exp(-absorption * images.swallowed)
    responses = np.empty((count, length), dtype=np.float32)
    for m, microphone in enumerate((array.microphones_m() - np.asarray(array.centre_m)).astype(np.float32)):
        path = microphone - images.places
        far = np.sqrt(np.einsum("id,id->i", path, path))
        toward = np.einsum("id,id->i", path, images.facing) / far
        loud = walls / far * (1 + images.source.directivity * (toward - 1)) * gains[m]
        at = np.round((far.astype(np.float64) / SPEED_OF_SOUND * rate + start + lags[m]) * OVERSAMPLING).astype(
            np.int64
        )
        heard = (at >= 0) & (at < length * OVERSAMPLING)
        counted = np.bincount(at[heard], weights=loud[heard], minlength=fine)
        spectrum = np.fft.rfft(counted)[: fine // OVERSAMPLING // 2 + 1] * _band(fine // OVERSAMPLING, rate)
        responses[m] = np.fft.irfft(spectrum, fine // OVERSAMPLING)[:length]
    return responses


@lru_cache(maxsize=8)
def _band(length: int, rate: int) -> NDArray[np.complex128]:
    """The pass band: a causal low cut, and a soft end below half the sample rate."""
    hz = np.fft.rfftfreq(length, 1 / rate)
    low = (1j * hz / (1j * hz + LOW_CUT_HZ)) ** 2
    end = np.clip((rate / 2 - hz) / (0.08 * rate / 2), 0, 1)
    band: NDArray[np.complex128] = low * np.sin(np.pi / 2 * end) ** 2
    return band
