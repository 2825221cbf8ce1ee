"""Streams in rooms with an array: 1 to 4 people in seats, an honest room, noise from all sides and from places."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from app.hearing.features import HOP, RATE
from app.rehearsal.noises import fan, knock, ventilation
from app.rehearsal.reverberation import play, quick_impulse_responses
from app.rehearsal.rooms import Source
from app.rehearsal.scenes import Scene, draw_scene
from firmware.sound import ArrayGeometry
from models.training.streams import FRAMES, Stream, sense
from models.training.timeline import Talk, draw_manner, lay_out
from models.training.voices import Noises, Voices

Floats = NDArray[np.float32]

STEERING_ERROR = 7.0
"""Degrees rms between a seat and what its calibration found."""
MIXTURES = 2
"""How often a rendered talk is used, each time with new noise and level."""


def circle(microphones: int, radius: float, turn: float = 45.0) -> tuple[tuple[float, float, float], ...]:
    """Positions in mm on a circle."""
    angles = np.radians(turn + np.arange(microphones) * 360.0 / microphones)
    return tuple((float(radius * np.cos(a)), float(radius * np.sin(a)), 0.0) for a in angles)


def line(microphones: int, spacing: float) -> tuple[tuple[float, float, float], ...]:
    """Positions in mm on the x axis."""
    return tuple(((m - (microphones - 1) / 2) * spacing, 0.0, 0.0) for m in range(microphones))


ONE_CIRCLE = ArrayGeometry("circle", RATE, (0, 1, 2, 3), circle(4, 32.5))
"""The reference array's circle."""


def draw_geometry(rng: np.random.Generator) -> ArrayGeometry:
    """Some array: mostly four microphones on a small circle, also squares, lines, pairs and six on a circle."""
    kind = rng.random()
    if kind < 0.45:
        positions = circle(4, 32.5)
    elif kind < 0.60:
        positions = circle(4, float(rng.uniform(25, 60)), float(rng.uniform(0, 90)))
    elif kind < 0.70:
        positions = circle(6, float(rng.uniform(35, 60)))
    elif kind < 0.82:
        positions = line(4, float(rng.uniform(25, 40)))
    else:
        positions = line(2, float(rng.uniform(50, 120)))
    return ArrayGeometry("drawn", RATE, tuple(range(len(positions))), positions)


def tells_apart(geometry: ArrayGeometry, azimuths: Sequence[float]) -> bool:
    """Whether an array can tell azimuths apart: a line hears front and back alike."""
    if any(abs(y) > 1e-6 for _, y, _ in geometry.positions_mm):
        return True
    along = np.sort(np.cos(np.radians(azimuths)))
    return bool((np.diff(along) > 0.45).all())


class SceneStreams:
    """Draws streams of talk in rooms."""

    def __init__(self, voices: Voices, noises: Noises) -> None:
        self._voices = voices
        self._noises = noises

    def draw(self, rng: np.random.Generator) -> Iterable[Stream]:
        """One rendered talk with several noises."""
        geometry = draw_geometry(rng)
        people = int(rng.choice([1, 2, 3, 4], p=[0.06, 0.64, 0.2, 0.1]))
        scene = draw_scene(geometry, people, rng, rt60_s=(0.15, 0.75), apart_deg=(35.0, 180.0))
        while not tells_apart(geometry, scene.azimuths):
            people = min(people, 3)
            scene = draw_scene(geometry, people, rng, rt60_s=(0.15, 0.75), apart_deg=(35.0, 180.0))
        talk = lay_out([self._voices.talker(rng) for _ in range(people)], FRAMES, draw_manner(rng), rng)
        wet = self._play(scene, talk, rng)
        for _ in range(MIXTURES):
            yield self._mix(scene, talk, wet, rng)

    def _play(self, scene: Scene, talk: Talk, rng: np.random.Generator) -> Floats:
        """The talk at the microphones, (microphone, sample), speech at rms 1."""
        responses = quick_impulse_responses(scene.room, scene.array, scene.talkers, RATE, rng)
        wet = np.sum(
            [play(track, response)[:, : FRAMES * HOP] for track, response in zip(talk.tracks, responses, strict=True)],
            axis=0,
        )
        spoken = np.repeat(talk.speech.max(0) > 0.5, HOP)
        level = np.sqrt(np.square(wet[:, spoken]).mean()) if spoken.any() else 1.0
        return np.asarray(wet / level, np.float32)

    def _mix(self, scene: Scene, talk: Talk, wet: Floats, rng: np.random.Generator) -> Stream:
        """The talk in noise at some level, through the features of the seats, of which one may be empty or unknown."""
        silent = rng.random() < 0.05
        mixed = self._noise(scene, rng) * 10 ** (-draw_snr(rng) / 20) + (0.0 if silent else wet)
        mixed *= 10 ** (draw_level(rng) / 20)
        samples = np.clip(np.round(mixed * 32768), -32768, 32767).astype(np.int16)
        speech = np.zeros_like(talk.speech) if silent else talk.speech
        known = np.arange(len(speech))
        if len(known) > 1 and rng.random() < 0.12:  # somebody speaks who has no seat
            known = known[:-1]
        azimuths = tuple(float(scene.azimuths[k] + rng.normal(0, STEERING_ERROR)) for k in known)
        seats = speech[known]
        if len(known) < 4 and rng.random() < 0.12:  # a seat in which nobody sits
            empty = _free_azimuth(azimuths, rng)
            azimuths, seats = (*azimuths, empty), np.concatenate([seats, np.zeros((1, FRAMES), np.float32)])
        return sense(samples, scene.array.geometry, azimuths, seats, speech.max(0))

    def _noise(self, scene: Scene, rng: np.random.Generator) -> Floats:
        """Noise at the microphones, (microphone, sample), at rms 1: from all sides, a fan, knocks, real sounds."""
        length = FRAMES * HOP
        noise = ventilation(scene.array, length, RATE, rng)
        if rng.random() < 0.4:
            noise += rng.uniform(0.3, 1.5) * self._placed(fan(length, RATE, rng), scene.fan, scene, rng)
        if rng.random() < 0.5:
            noise += rng.uniform(0.3, 2.0) * self._placed(
                self._noises.stretch(length, rng), _somewhere(scene, rng), scene, rng
            )
        noise /= np.sqrt(np.square(noise).mean())
        if rng.random() < 0.3:
            knocks = np.zeros(length, np.float32)
            for _ in range(int(rng.integers(1, 6))):
                one, at = knock(RATE, rng), int(rng.integers(length - RATE))
                knocks[at : at + len(one)] += one * rng.uniform(0.3, 1.0)
            noise += rng.uniform(1, 10) * self._placed(knocks, _somewhere(scene, rng), scene, rng, whole=False)
        return np.asarray(noise, np.float32)

    def _placed(
        self, sound: Floats, place: Source, scene: Scene, rng: np.random.Generator, whole: bool = True
    ) -> Floats:
        """A sound from a place in the room, (microphone, sample), at rms 1 or (not whole) at the sound's own scale."""
        response = quick_impulse_responses(scene.room, scene.array, (place,), RATE, rng)[0]
        wet = play(sound, response)[:, : len(sound)]
        return wet / float(np.sqrt(np.square(wet).mean()) + 1e-9 if whole else np.abs(wet).max() + 1e-9)


def draw_snr(rng: np.random.Generator) -> float:
    """Speech over noise, dB: mostly a usable room, sometimes a bad or a silent one."""
    low, high = ((-4.0, 3.0), (3.0, 22.0), (22.0, 50.0))[int(rng.choice(3, p=[0.1, 0.6, 0.3]))]
    return float(rng.uniform(low, high))


def draw_level(rng: np.random.Generator) -> float:
    """Active level of speech, dBFS: mostly where gains are set, a third anywhere."""
    return float(rng.uniform(-38, -16) if rng.random() < 0.67 else rng.uniform(-60, -12))


def _free_azimuth(azimuths: Sequence[float], rng: np.random.Generator) -> float:
    """An azimuth as far as possible from the others, of a few tries."""
    tries = rng.uniform(0, 360, 12)
    apart = [min((abs((t - a + 180) % 360 - 180) for a in azimuths), default=180.0) for t in tries]
    return float(tries[int(np.argmax(apart))])


def _somewhere(scene: Scene, rng: np.random.Generator) -> Source:
    """Any place in the room but not in its walls, and not at the array."""
    while True:
        place = tuple(float(rng.uniform(0.3, size - 0.3)) for size in scene.room.size_m)
        if np.linalg.norm(np.subtract(place, scene.array.centre_m)) > 0.4:
            return Source((place[0], place[1], place[2]))
