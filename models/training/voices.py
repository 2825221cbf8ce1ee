"""The voices and noises of a corpus in memory, with their labels, and how a stream draws from them."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from click import progressbar
from numpy.typing import NDArray
from scipy.signal import resample

from app.hearing.features import HOP, RATE
from models.training.corpus import Clip, CorpusError, decode, is_clipped

Floats = NDArray[np.float32]

WEIGHTS = {
    "picovoice-sti": 2.2,
    "picovoice-wwb": 1.6,
    "asterisk-core-sounds": 1.4,
    "ovos-ww": 0.9,
    "kerstin": 0.8,
    "arabic-sc": 0.7,
    "ovos-notww": 0.6,
    "audio-cmn": 0.15,
}
"""How often a talker comes from a source, relative to 1: varied voices and whole sentences more often."""
LEAST_SPEECH = 8
"""Frames of speech that a clip must have."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A clean clip and what is speech in it."""

    samples: Floats  # (sample,) at an active level of 1
    speech: Floats  # (frame,) 0..1


def load_sounds(clips: Sequence[Clip], kind: str) -> tuple[list[Clip], list[Floats]]:
    """All sounds of a kind that are fit for use; says how many are not. Raises CorpusError when none is."""
    kept, sounds, refused = [], [], 0
    with progressbar([clip for clip in clips if clip.kind == kind], label=f"decode {kind}") as bar:
        for clip in bar:
            sound = decode(clip.path)
            if is_clipped(sound) or np.abs(sound).max() < 1e-4 or len(sound) < 10 * HOP:
                refused += 1
                continue
            kept.append(clip)
            sounds.append(sound)
    if refused:
        print(f"{refused} {kind} clips are clipped, silent or too short, and left out")
    if not kept:
        raise CorpusError(f"the corpus has no usable sound of kind {kind}: training needs speech and noise")
    return kept, sounds


class Voices:
    """Talkers to draw: groups of utterances that share a speaker, or a source where speakers are not known."""

    def __init__(self, clips: Sequence[Clip], sounds: Sequence[Floats], labels: Sequence[Floats]) -> None:
        groups: dict[tuple[str, str], list[Utterance]] = {}
        for clip, sound, speech in zip(clips, sounds, labels, strict=True):
            spoken = np.repeat(speech > 0.5, HOP)
            if spoken.sum() >= LEAST_SPEECH * HOP:
                level = np.sqrt(np.square(sound[: len(spoken)][spoken]).mean())
                groups.setdefault((clip.source, clip.speaker), []).append(Utterance(sound / level, speech))
        self._groups = list(groups.values())
        share = {source: sum(1 for s, _ in groups if s == source) for source, _ in groups}
        weights = np.array([WEIGHTS.get(source, 1.0) / share[source] for source, _ in groups])
        self._weights = weights / weights.sum()

    def talker(self, rng: np.random.Generator) -> list[Utterance]:
        """All utterances of somebody."""
        return self._groups[int(rng.choice(len(self._groups), p=self._weights))]


def through_opus(sound: Floats) -> Floats:
    """The sound after the codec that much of the speech went through, so that the codec does not mean speech."""
    peak = float(np.abs(sound).max()) + 1e-9
    file = io.BytesIO()
    soundfile.write(file, sound / peak * 0.7, RATE, format="OGG", subtype="OPUS")
    file.seek(0)
    decoded, _ = soundfile.read(file, dtype="float32")
    return np.asarray(decoded[: len(sound)] * (peak / 0.7), np.float32)


class Noises:
    """Noise clips to draw stretches from."""

    def __init__(self, sounds: Sequence[Floats]) -> None:
        self._sounds = [sound / np.sqrt(np.square(sound).mean()) for sound in sounds]

    def stretch(self, samples: int, rng: np.random.Generator) -> Floats:
        """So much of one noise, at rms about 1, faster or slower, half of the time through the codec."""
        sound = self._sounds[int(rng.integers(len(self._sounds)))]
        sound = np.asarray(resample(sound, int(len(sound) / rng.uniform(0.75, 1.3))), np.float32)
        if rng.random() < 0.5:
            sound = through_opus(sound)
        out = np.zeros(samples, np.float32)
        at = 0 if len(sound) > samples else int(rng.integers(0, samples - len(sound) + 1))
        sparse = rng.random() < 0.4  # a single event rather than a loop of it
        while at < samples:
            begin = int(rng.integers(0, max(1, len(sound) - samples)))
            piece = sound[begin : begin + samples - at]
            out[at : at + len(piece)] += fade(piece)
            at += len(piece) + int(rng.integers(0, 2 * RATE) if sparse else 0)
        return out


def fade(sound: Floats, samples: int = HOP) -> Floats:
    """The sound with short fades at both ends."""
    ramp = np.linspace(0, 1, min(samples, len(sound) // 2), dtype=np.float32)
    faded = sound.copy()
    if len(ramp):
        faded[: len(ramp)] *= ramp
        faded[-len(ramp) :] *= ramp[::-1]
    return faded


def save_labels(path: Path, labels: Sequence[Floats]) -> None:
    """Keeps labels for the next run."""
    np.savez(path, frames=[len(one) for one in labels], speech=np.concatenate(labels).astype(np.float16))


def read_labels(path: Path) -> list[Floats]:
    """Labels as `save_labels` kept them."""
    with np.load(path) as kept:
        ends = np.cumsum(kept["frames"])[:-1]
        return [np.asarray(one, np.float32) for one in np.split(kept["speech"], ends)]
