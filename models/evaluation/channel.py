"""One channel of held-out speech with its truth: meetings, and clean clips joined with known gaps, made harder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.hearing.features import HOP, RATE
from app.rehearsal.noises import sloped_noise
from app.rehearsal.reverberation import impulse_responses, play
from app.rehearsal.scenes import draw_scene
from app.rehearsal.voices import faded, has_quiet_floor, levelled, speaking_frames
from models.training.channels import ONE
from models.training.corpus import Clip, CorpusError, decode
from models.training.whisper import whisper

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

PIECE_S = 15.0
"""A piece holds clips of about so many seconds."""
GAPS_S = (0.1, 1.5)
"""Any between, short ones more often (uniform in the logarithm)."""
MARGIN = 5
"""Frames that stay of a clip before its first and after its last speech."""
LEVEL_DBFS = -26.0
"""Of the loud frames, as recorded."""
FLOOR_DB = 30.0
"""The recording's own noise under the speech, as recorded."""
QUIETER_DB = 32.0
CROWD = 6
"""Talkers in babble."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one channel with its truth."""

    samples: NDArray[np.int16]
    spoken: Flags  # (frame,)


@dataclass(frozen=True, slots=True)
class Dry:
    """Clean clips one after another with gaps; truth by the level of each clip, by no detector."""

    clips: tuple[Floats, ...]  # levelled, whole frames each
    gaps: tuple[int, ...]  # frames before the first, between them, after the last

    def joined(self, change: Callable[[Floats], Floats] = lambda clip: clip) -> Floats:
        """The sound (sample,), each clip changed, as long as it was."""
        parts = [np.zeros(self.gaps[0] * HOP, np.float32)]
        for clip, gap in zip(self.clips, self.gaps[1:], strict=True):
            parts += [change(clip), np.zeros(gap * HOP, np.float32)]
        return np.concatenate(parts)

    def spoken(self) -> Flags:
        """(frame,) whether somebody speaks."""
        parts = [np.zeros(self.gaps[0], np.bool_)]
        for clip, gap in zip(self.clips, self.gaps[1:], strict=True):
            parts += [speaking_frames(clip)[: len(clip) // HOP], np.zeros(gap, np.bool_)]
        return np.concatenate(parts)


def meetings(clips: Sequence[Clip], quieter_db: float = 0.0) -> list[Piece]:
    """Recordings with turns by hand in an .rttm beside them; turns bridge short pauses."""
    pieces = []
    for clip in clips:
        turns = clip.path.with_suffix(".rttm")
        if clip.kind == "conversation" and turns.exists():
            samples = np.round(decode(clip.path) * 10 ** (-quieter_db / 20) * 32767).astype(np.int16)
            pieces.append(Piece(samples[: len(samples) // HOP * HOP], read_rttm(turns, len(samples) // HOP)))
    return pieces


def read_rttm(path: Path, frames: int) -> Flags:
    """(frame,) whether anybody speaks by an RTTM file."""
    spoken = np.zeros(frames, np.bool_)
    for line in path.read_text().splitlines():
        fields = line.split()
        if fields and fields[0] == "SPEAKER":
            start = float(fields[3])
            spoken[round(start * 100) : round((start + float(fields[4])) * 100)] = True
    return spoken


def dry(clips: Sequence[Clip], minutes: float, seed: int = 1) -> list[Dry]:
    """Held-out clips with a quiet floor in any order, at most so many minutes. Raises CorpusError without any."""
    rng = np.random.default_rng(seed)
    spoken = [clip for clip in clips if clip.kind == "speech"]
    pieces, some, seconds = list[Dry](), list[Floats](), 0.0
    for k in rng.permutation(len(spoken)):
        clip = decode(spoken[int(k)].path)
        if not has_quiet_floor(clip):
            continue
        some.append(_trimmed(levelled(clip)))
        if sum(map(len, some)) > PIECE_S * RATE:
            gaps = GAPS_S[0] * (GAPS_S[1] / GAPS_S[0]) ** rng.random(len(some) + 1) * 100
            pieces.append(Dry(tuple(some), tuple(map(round, gaps.tolist()))))
            seconds += sum(map(len, some)) / RATE + gaps.sum() / 100
            some = []
        if seconds > 60 * minutes:
            break
    if not pieces:
        raise CorpusError(f"evaluation needs {PIECE_S:.0f} s of clean clips: add some of kind speech")
    return pieces


def _trimmed(clip: Floats) -> Floats:
    """The clip's speech with MARGIN around it, in whole frames, so that gaps are as long as they are said to be."""
    said = np.flatnonzero(speaking_frames(clip)[: len(clip) // HOP])
    if not len(said):
        return clip[:0]
    return faded(clip[max(0, said[0] - MARGIN) * HOP : min(len(clip) // HOP, said[-1] + 1 + MARGIN) * HOP])


@dataclass(frozen=True, slots=True)
class Condition:
    """What happens to clean speech on its way to the microphone."""

    name: str
    rt60_s: float = 0.0
    ventilation_db: float | None = None
    """Level of speech over the noise."""
    babble_db: float | None = None
    is_whispered: bool = False
    quieter_db: float = 0.0


AS_RECORDED = Condition("as recorded")
CONDITIONS = (
    AS_RECORDED,
    Condition("RT60 .6 s", rt60_s=0.6),
    Condition("RT60 .35 s, ventilation 10 dB", rt60_s=0.35, ventilation_db=10.0),
    Condition("RT60 .35 s, ventilation 5 dB", rt60_s=0.35, ventilation_db=5.0),
    Condition("RT60 .35 s, ventilation 0 dB", rt60_s=0.35, ventilation_db=0.0),
    Condition("babble 10 dB", babble_db=10.0),
    Condition("32 dB quieter", quieter_db=QUIETER_DB),
    Condition("whisper", is_whispered=True),
)


def record(pieces: Sequence[Dry], condition: Condition, seed: int = 1) -> list[Piece]:
    """What the microphone gets of each piece; the same in every run."""
    crowd = [piece.joined() for piece in pieces]
    return [_record(piece, condition, crowd, np.random.default_rng([seed, k])) for k, piece in enumerate(pieces)]


def _record(piece: Dry, condition: Condition, crowd: Sequence[Floats], rng: np.random.Generator) -> Piece:
    sound = piece.joined(lambda clip: whisper(clip, rng) if condition.is_whispered else clip)
    spoken = piece.spoken()
    if condition.rt60_s:
        sound = _in_room(sound, condition.rt60_s, rng)
    power = float(np.square(sound[np.repeat(spoken, HOP)]).mean())
    if condition.ventilation_db is not None:
        air = sloped_noise((len(sound),), rng.uniform(-6, -3), RATE, rng)
        sound = sound + air * np.sqrt(power) * 10 ** (-condition.ventilation_db / 20)
    if condition.babble_db is not None:
        talk = sum(_any_stretch(crowd[int(k)], len(sound), rng) for k in rng.permutation(len(crowd))[:CROWD])
        sound = sound + talk * np.sqrt(power / np.square(talk).mean()) * 10 ** (-condition.babble_db / 20)
    floor = sloped_noise((len(sound),), -4.5, RATE, rng) * np.sqrt(power) * 10 ** (-FLOOR_DB / 20)
    scaled = (sound + floor) * np.sqrt(0.5 / power) * 10 ** ((LEVEL_DBFS - condition.quieter_db) / 20) * 32767
    return Piece(np.round(scaled).clip(-32768, 32767).astype(np.int16), spoken)


def _in_room(sound: Floats, rt60_s: float, rng: np.random.Generator) -> Floats:
    """As loud as it was, in a drawn room in full order; the direct sound stays where it was, and so does the truth."""
    scene = draw_scene(ONE, 1, rng, rt60_s=(rt60_s, rt60_s))
    wet = play(sound, impulse_responses(scene.room, scene.array, scene.talkers, RATE, rng)[0])[0, : len(sound)]
    return wet * np.float32(np.sqrt(np.square(sound).mean() / np.square(wet).mean()))


def _any_stretch(sound: Floats, length: int, rng: np.random.Generator) -> Floats:
    """So many samples from anywhere in a sound, from its start again at its end."""
    start = int(rng.integers(len(sound)))
    return np.take(sound, np.arange(start, start + length), mode="wrap")
