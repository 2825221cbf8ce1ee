"""Impulse responses of a simulated room, with the reverberation time that was asked for."""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import oaconvolve

from app.rehearsal.diffuse import coherent
from app.rehearsal.images import LEAD, Floats, Images, arrivals, distance_to, image_sources
from app.rehearsal.rooms import PlacedArray, Room, Source
from firmware.sound import SPEED_OF_SOUND

EARLY_S = 0.05
"""How long the quick variant follows single images."""
FADE_S = 0.01
"""How long its tail takes over."""


def impulse_responses(
    room: Room, array: PlacedArray, sources: tuple[Source, ...], rate: int, rng: np.random.Generator
) -> Floats:
    """Impulse responses (source, microphone, sample) by image sources in full order, as long as the RT60.

    The wall's absorption is solved for so that the decay of these very images has the asked RT60 (T30, -5 to -35 dB).
    The direct sound of each source reaches the array's centre at sample LEAD with gain 1 / metres.
    Raises ValueError when a source or the array is outside the room.
    """
    length = LEAD + int(room.rt60_s * rate)
    responses, absorption = [], None
    for source in sources:
        images = image_sources(room, array, source, room.rt60_s * SPEED_OF_SOUND, rng)
        absorption = absorption or _solve_absorption(images, room.rt60_s)
        responses.append(arrivals(images, absorption, array, rate, length))
    return np.stack(responses)


def quick_impulse_responses(
    room: Room, array: PlacedArray, sources: tuple[Source, ...], rate: int, rng: np.random.Generator
) -> Floats:
    """The same in a few milliseconds, for training: single images for EARLY_S, then a decaying diffuse tail.

    The tail takes over the energy of the last images and is coherent between the microphones as a diffuse field is.
    Absorption by Eyring's formula. Raises ValueError when a source or the array is outside the room.
    """
    length = LEAD + int(max(room.rt60_s, 1.5 * EARLY_S) * rate)
    early = LEAD + int((EARLY_S + FADE_S) * rate)
    responses = np.zeros((len(sources), len(array.geometry.positions_mm), length), dtype=np.float32)
    fade = np.clip((np.arange(length) - (early - FADE_S * rate)) / (FADE_S * rate), 0, 1)
    decay = 10 ** (-3 * (np.arange(length) - early) / rate / room.rt60_s)
    for response, source in zip(responses, sources, strict=True):
        images = image_sources(
            room, array, source, (EARLY_S + FADE_S) * SPEED_OF_SOUND + distance_to(array, source), rng
        )
        response[:, :early] = arrivals(images, _eyring(room), array, rate, early)
        recent = response[:, early - int(2 * FADE_S * rate) : early] / decay[early - int(2 * FADE_S * rate) : early]
        tail = coherent(rng.standard_normal((len(response), length)), array.microphones_m(), rate) * decay
        tail *= np.sqrt(np.mean(recent**2))
        response[:] = np.sqrt(1 - fade) * response + np.sqrt(fade) * tail
    return responses


def play(dry: NDArray[np.float32], response: Floats) -> Floats:
    """A dry sound (sample,) heard through one source's responses (microphone, sample): (microphone, sample).

    Flight time is left out: the direct sound stays where the dry sound is. The result is longer by the reverberation.
    """
    wet: Floats = oaconvolve(response, dry[np.newaxis, :], axes=1)[:, LEAD:].astype(np.float32)
    return wet


def _eyring(room: Room) -> float:
    """Eyring's absorption exponent a reflection of softness 1 takes from the amplitude, nepers."""
    x, y, z = room.size_m
    areas = np.array([y * z, y * z, x * z, x * z, x * y, x * y])
    return float(12 * np.log(10) * x * y * z / (SPEED_OF_SOUND * room.rt60_s * (areas @ np.asarray(room.softness))))


def _solve_absorption(images: Images, rt60_s: float) -> float:
    """The amplitude exponent, nepers, with which these images (the direct sound left out) decay in the asked time."""
    step = rt60_s / 200
    when = np.minimum((images.distance / SPEED_OF_SOUND / step).astype(np.int64), 200)
    grain = 0.5
    taken = np.round(images.swallowed / grain).astype(np.int64)
    width = int(np.max(taken)) + 1
    weights = images.distance.astype(np.float64) ** -2
    energy = np.bincount(when * width + taken, weights=weights, minlength=201 * width).reshape(201, width)
    energy[:, 0] = 0
    low, high = 1e-3, 10.0
    for _ in range(40):
        middle = np.sqrt(low * high)
        decayed = energy @ np.exp(-2 * middle * grain * np.arange(width))
        low, high = (middle, high) if decay_time(decayed, step) > rt60_s else (low, middle)
    return float(np.sqrt(low * high))


def decay_time(energy: NDArray[np.float64], step_s: float) -> float:
    """RT60 in seconds by Schroeder's backward integration of energy over time, a line through -5 to -35 dB (T30)."""
    left = np.cumsum(energy[::-1])[::-1]
    level = 10 * np.log10(np.maximum(left / left[0], 1e-12))
    part = np.flatnonzero((level <= -5) & (level >= -35))
    if len(part) < 2:
        return 0.0
    slope = np.polyfit(part * step_s, level[part], 1)[0]
    return float(-60 / min(slope, -1e-9))
