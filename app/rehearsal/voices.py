"""Dry voices: clips of speech, brought to one scale, and tapes of them that talk is cut from."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import DTypeLike, NDArray
from scipy.signal import butter, sosfiltfilt

RATE = 16000
"""Hz; all rehearsals are rendered at it."""
FRAME_S = 0.01
SPEECH_DB = 30.0
"""Speech is what lies within so many decibels of the loud frames of its clip, above LOWEST_HZ."""
LOWEST_HZ = 300.0
"""The telephone band's lower edge: below it breath on a near microphone is as loud as speech, and is none."""
BLIP_FRAMES = 6
"""Shorter bursts are clicks and lips, not speech; the rules of units say the same."""
FLOOR_DB = -38.0
"""Quiet frames of a clip under its loud ones; a louder background would count as speech by the level."""
EDGE_S = 0.005
"""Cuts are faded for so long."""


class VoiceError(ValueError):
    """A voice that cannot be used; says which and why."""


def read_clip(path: Path, from_s: float = 0.0, to_s: float | None = None) -> NDArray[np.float32]:
    """A stretch of a one-channel clip at 16 kHz, (sample,). Raises VoiceError."""
    try:
        sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise VoiceError(f"cannot read the clip {path}: {error}") from error
    if rate != RATE or sound.shape[1] != 1:
        raise VoiceError(f"the clip {path} has {sound.shape[1]} channels at {rate} Hz: give one channel at {RATE} Hz")
    stretch = sound[round(from_s * RATE) : None if to_s is None else round(to_s * RATE), 0]
    if not len(stretch):
        raise VoiceError(f"the clip {path} ends before {from_s} s: give a stretch inside it")
    return faded(stretch)


def faded(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sound with soft edges."""
    edge = min(int(EDGE_S * RATE), len(sound) // 2)
    ramp = np.ones(len(sound), dtype=np.float32)
    ramp[:edge] = np.arange(edge) / max(edge, 1)
    ramp[len(sound) - edge :] = ramp[:edge][::-1]
    return sound * ramp


def frame_levels(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Level of each 10 ms frame over the 30 ms around it, (frame,) in dB re rms 1."""
    hop = int(FRAME_S * RATE)
    energy = np.pad(sound.astype(np.float64) ** 2, (0, -len(sound) % hop)).reshape(-1, hop).mean(axis=1)
    around = np.convolve(np.pad(energy, 1), np.ones(3) / 3, mode="valid")
    levels: NDArray[np.float64] = 10 * np.log10(around + 1e-12)
    return levels


def levelled(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sound scaled so that its loud frames (95th percentile) have rms 1."""
    return np.asarray(sound / 10 ** (np.percentile(frame_levels(sound), 95) / 20), dtype=np.float32)


def has_quiet_floor(sound: NDArray[np.float32]) -> bool:
    """Whether the level of a clip tells its speech from its background."""
    return bool(np.percentile(frame_levels(levelled(sound)), 5) < FLOOR_DB)


def speaking_frames(sound: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which 10 ms frames of a levelled dry sound are speech, (frame,): by level, not by a detector."""
    edge = RATE // 10
    voice = sosfiltfilt(butter(4, LOWEST_HZ, "highpass", fs=RATE, output="sos"), np.pad(sound, edge))
    flags = frame_levels(voice[edge : len(voice) - edge].astype(np.float32)) > -SPEECH_DB
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    for first, past in edges.reshape(-1, 2):
        if past - first < BLIP_FRAMES:
            flags[first:past] = False
    return flags


class Tape:
    """One person's speech without its longer pauses, from which any length can be cut, again and again."""

    def __init__(self, clips: Iterable[NDArray[np.float32]], longest_pause_s: float = 0.15) -> None:
        kept = [part for clip in clips for part in _without_pauses(levelled(clip), longest_pause_s)]
        if not kept:
            raise VoiceError("a tape needs at least one clip with speech: give more clips")
        self._sound = np.concatenate(kept)
        self._at = 0

    def cut(self, seconds: float) -> "Cut":
        """The next so many seconds, with soft edges; from the start again at the end."""
        cut = Cut(self._sound, self._at, round(seconds * RATE))
        self._at = (self._at + cut.samples) % len(self._sound)
        return cut


@dataclass(frozen=True, slots=True)
class Cut:
    """A stretch of a tape; its samples are taken off when numpy asks for them, so that hours of talk need no memory."""

    tape: NDArray[np.float32] = field(repr=False)
    start: int
    samples: int

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> NDArray[np.float32]:
        """(sample,) with soft edges."""
        wanted = np.arange(self.start, self.start + self.samples) % len(self.tape)
        return np.asarray(faded(self.tape[wanted]), dtype)


def _without_pauses(sound: NDArray[np.float32], longest_s: float) -> Iterator[NDArray[np.float32]]:
    """The stretches of a sound in which no silence is longer than that."""
    speech = np.flatnonzero(speaking_frames(sound))
    hop = int(FRAME_S * RATE)
    for stretch in np.split(speech, np.flatnonzero(np.diff(speech) > longest_s / FRAME_S) + 1):
        if len(stretch) > BLIP_FRAMES:
            yield faded(sound[stretch[0] * hop : (stretch[-1] + 1) * hop])


def tapes(folder: Path, seats: Iterable[str]) -> Mapping[str, Tape]:
    """A tape a seat from a folder of clips: the clips in order of their names, dealt out in turn. Raises VoiceError."""
    names = tuple(seats)
    paths = sorted(path for path in folder.rglob("*") if path.suffix in {".flac", ".wav", ".ogg", ".opus"})
    if len(paths) < len(names):
        raise VoiceError(f"{folder} has {len(paths)} clips for {len(names)} seats: give a folder with more")
    return {name: Tape(read_clip(path) for path in paths[n :: len(names)]) for n, name in enumerate(names)}
