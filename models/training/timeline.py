"""Talk made of clips: who says which clip when, as a dry track and labels for each talker."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.hearing.features import HOP, RATE
from models.training.voices import Utterance, fade
from models.training.whisper import whisper

Floats = NDArray[np.float32]


WHISPERING = 0.05
"""Share of talkers who whisper."""


@dataclass(frozen=True, slots=True)
class Talk:
    """What every talker says, without a room."""

    tracks: Floats  # (talker, sample)
    speech: Floats  # (talker, frame) 0..1


@dataclass(frozen=True, slots=True)
class Manner:
    """How people talk with each other in a stream."""

    tight: bool
    """Short gaps only."""
    overlap: float
    """How often the next talker begins before the end."""
    response: float
    """How often a short word falls into another's talk."""


def draw_manner(rng: np.random.Generator) -> Manner:
    """A third of streams are tight; overlap and responses as in talk between friends at most."""
    return Manner(bool(rng.random() < 0.35), float(rng.uniform(0.0, 0.3)), float(rng.uniform(0.0, 0.3)))


def lay_out(talkers: Sequence[Sequence[Utterance]], frames: int, manner: Manner, rng: np.random.Generator) -> Talk:
    """A stretch of talk; every clip begins on a frame, so labels need no interpolation."""
    tracks = np.zeros((len(talkers), frames * HOP), np.float32)
    speech = np.zeros((len(talkers), frames), np.float32)
    loudness = 10 ** (rng.uniform(-10, 0, len(talkers)) / 20)
    whispers = rng.random(len(talkers)) < WHISPERING
    loudness[whispers] *= 10 ** (-8 / 20)
    at, who = int(rng.integers(-100, 150)), int(rng.integers(len(talkers)))
    while at < frames:
        for _ in range(int(rng.integers(1, 4))):
            said = utter(talkers[who], rng)
            if whispers[who]:
                said = Utterance(whisper(said.samples, rng), said.speech)
            _place(tracks[who], speech[who], said, at, loudness[who] * swaying(len(said.speech), rng))
            if len(talkers) > 1 and rng.random() < manner.response:
                other = _another(who, len(talkers), rng)
                short = min((utter(talkers[other], rng) for _ in range(3)), key=lambda u: len(u.speech))
                begin = at + int(rng.integers(len(said.speech)))
                gain = loudness[other] * swaying(len(short.speech), rng)
                _place(tracks[other], speech[other], short, begin, gain)
            at += len(said.speech) + _gap(manner, rng)
        if len(talkers) > 1:
            who = _another(who, len(talkers), rng)
            if rng.random() < manner.overlap:
                at -= int(rng.uniform(20, 150))
    return Talk(tracks, speech)


def utter(talker: Sequence[Utterance], rng: np.random.Generator) -> Utterance:
    """Something a talker says; in a third of the longer clips, with a silence of 80 to 450 ms cut in."""
    said = talker[int(rng.integers(len(talker)))]
    if len(said.speech) < 120 or rng.random() > 0.35:
        return said
    level = np.square(said.samples[: len(said.speech) * HOP].reshape(-1, HOP)).mean(1)
    inner = slice(30, len(said.speech) - 30)
    cut = 30 + int(np.argmin(np.convolve(level, np.ones(3), "same")[inner] * rng.uniform(0.5, 1.5, len(level[inner]))))
    pause = int(rng.integers(8, 46))
    before, after = fade(said.samples[: cut * HOP]), fade(said.samples[cut * HOP :])
    return Utterance(
        np.concatenate([before, np.zeros(pause * HOP, np.float32), after]),
        np.concatenate([said.speech[:cut], np.zeros(pause, np.float32), said.speech[cut:]]),
    )


def _another(who: int, count: int, rng: np.random.Generator) -> int:
    return int((who + rng.integers(1, count)) % count)


def swaying(frames: int, rng: np.random.Generator) -> Floats:
    """(frame,) a gain as free talk has it and read clips have not: up and down, a third trailing off by 3 to 12 dB."""
    knots = np.arange(0, frames + 40, 40)
    decibels = np.interp(np.arange(frames), knots, rng.normal(0, rng.uniform(0, 4), len(knots))) + rng.uniform(-3, 3)
    if rng.random() < 0.35:
        decibels -= np.linspace(0, rng.uniform(3, 12), frames)
    return np.asarray(10 ** (decibels / 20), np.float32)


def _gap(manner: Manner, rng: np.random.Generator) -> int:
    """Frames until the next clip begins."""
    if manner.tight:
        return int(rng.uniform(4, 35) if rng.random() < 0.7 else rng.uniform(35, 120))
    kind = rng.random()
    return int(rng.uniform(4, 40) if kind < 0.45 else rng.uniform(40, 150) if kind < 0.8 else rng.uniform(150, 350))


def _place(track: Floats, speech: Floats, said: Utterance, at: int, gain: Floats) -> None:
    """Adds a clip to a track at a frame, what lies outside left out."""
    first, last = max(0, at), min(len(speech), at + len(said.speech))
    if last <= first:
        return
    steady = np.interp(np.arange(len(gain) * HOP) / HOP, np.arange(len(gain)) + 0.5, gain)
    sound = fade(said.samples[: len(said.speech) * HOP], RATE // 200) * steady.astype(np.float32)
    track[first * HOP : last * HOP] += sound[(first - at) * HOP : (last - at) * HOP]
    speech[first:last] = np.maximum(speech[first:last], said.speech[first - at : last - at])
