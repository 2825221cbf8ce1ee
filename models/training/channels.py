"""Streams of one channel: speech with its own background running on through the gaps, and noise, mixed later."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve, oaconvolve

from app.hearing.features import HOP, RATE
from app.rehearsal.noises import fan, knock, sloped_noise
from app.rehearsal.reverberation import play, quick_impulse_responses
from app.rehearsal.scenes import draw_scene
from firmware.sound import ArrayGeometry
from models.training.streams import FRAMES, Stream, sense
from models.training.timeline import Talk, draw_manner, lay_out
from models.training.voices import Noises, Utterance, Voices

Floats = NDArray[np.float32]

ONE = ArrayGeometry("one", RATE, (0,), ((0.0, 0.0, 0.0),))
LEVEL = 10 ** (-20 / 20)
"""Level of speech and of noise in the streams; mixing moves it."""
LENGTH = FRAMES * HOP


class ChannelStreams:
    """Draws speech streams and noise streams of one channel."""

    def __init__(self, voices: Voices, noises: Noises, responses: list[Floats]) -> None:
        self._voices = voices
        self._noises = noises
        self._responses = responses

    def draw_speech(self, rng: np.random.Generator) -> Iterable[Stream]:
        """Up to three people talking at LEVEL, two thirds in a room, with no noise but their recordings' own."""
        talkers = [self._voices.talker(rng) for _ in range(int(rng.choice([1, 2, 3], p=[0.45, 0.45, 0.1])))]
        talk = lay_out(talkers, FRAMES, draw_manner(rng), rng)
        wet = self._in_room(talk, rng) if rng.random() < 0.65 else talk.tracks.sum(0)
        spoken = np.repeat(talk.speech.max(0) > 0.5, HOP)
        wet = wet / (np.sqrt(np.square(wet[spoken]).mean()) if spoken.any() else 1.0)
        if rng.random() < 0.9:
            wet = wet + background(talkers[0], rng)
        yield _sense(wet, talk.speech.max(0))

    def draw_noise(self, rng: np.random.Generator) -> Iterable[Stream]:
        """Noise at LEVEL: recorded, made, or babble."""
        kind = rng.random()
        if kind < 0.6:
            noise = self._noises.stretch(LENGTH, rng)
        elif kind < 0.9:
            noise = made(rng)
        else:
            crowd = [self._voices.talker(rng) for _ in range(int(rng.integers(4, 9)))]
            noise = self._in_room(
                lay_out(
                    crowd,
                    FRAMES,
                    draw_manner(rng),
                    rng,
                ),
                rng,
            )
        if self._responses and rng.random() < 0.35:
            noise = fftconvolve(noise, self._responses[int(rng.integers(len(self._responses)))])[:LENGTH]
        yield _sense(noise / (np.sqrt(np.square(noise).mean()) + 1e-9), np.zeros(FRAMES, np.float32))

    def _in_room(self, talk: Talk, rng: np.random.Generator) -> Floats:
        """The talk at one microphone, by a recorded response or a drawn room."""
        if self._responses and rng.random() < 0.25:
            response = self._responses[int(rng.integers(len(self._responses)))]
            return np.asarray(oaconvolve(talk.tracks.sum(0), response)[:LENGTH], np.float32)
        people = min(3, len(talk.tracks))
        scene = draw_scene(ONE, people, rng, rt60_s=(0.15, 0.85))
        responses = quick_impulse_responses(scene.room, scene.array, scene.talkers, RATE, rng)
        return np.asarray(
            sum(play(track, responses[i % people])[0, :LENGTH] for i, track in enumerate(talk.tracks)), np.float32
        )


def _sense(sound: Floats, speech: Floats) -> Stream:
    samples = np.clip(np.round(sound[None] * LEVEL * 32768), -32768, 32767).astype(np.int16)
    return sense(samples, ONE, (), np.zeros((0, FRAMES), np.float32), speech)


def aligned(response: Floats) -> Floats:
    """A recorded impulse response without its flight time, at unit energy: labels stay where the dry sound is."""
    first = int(np.argmax(np.abs(response) > 0.3 * np.abs(response).max()))
    cut = response[max(0, first - 16) : first + RATE]
    return cut / float(np.sqrt(np.square(cut).sum()))


def background(talker: list[Utterance], rng: np.random.Generator) -> Floats:
    """Noise with the spectrum of a recording's quietest eighth: a recording's floor must not mean speech."""
    said = max((talker[int(rng.integers(len(talker)))] for _ in range(4)), key=lambda u: len(u.speech))
    frames = np.lib.stride_tricks.sliding_window_view(said.samples, 512)[::HOP]
    spectra = np.abs(np.fft.rfft(frames * np.hanning(512)))
    quiet = spectra[np.argsort(spectra.sum(1))[: max(2, len(spectra) // 8)]]
    shape = np.fft.irfft(np.sqrt(np.square(quiet).mean(0)), 512)
    shaped = fftconvolve(rng.standard_normal(LENGTH + 511), np.roll(shape, 256) * np.hanning(512), "valid")
    return np.asarray(shaped / np.sqrt(np.square(np.hanning(512)).sum()), np.float32)


def made(rng: np.random.Generator) -> Floats:
    """Synthetic noise: a slope, a fan, knocks, in some mix."""
    noise = sloped_noise((LENGTH,), rng.uniform(-7, 1), RATE, rng)
    if rng.random() < 0.5:
        swell = np.interp(np.arange(LENGTH), np.linspace(0, LENGTH, 13), rng.uniform(-12, 0, 13))
        noise = noise * 10 ** (swell / 20)
    if rng.random() < 0.4:
        noise = noise + rng.uniform(0.3, 2) * fan(LENGTH, RATE, rng)
    if rng.random() < 0.4:
        for _ in range(int(rng.integers(1, 12))):
            one, at = knock(RATE, rng), int(rng.integers(LENGTH - RATE))
            noise[at : at + len(one)] += one * rng.uniform(1, 20)
    return np.asarray(noise, np.float32)
