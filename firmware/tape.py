"""A recording as a tape: read in small pieces, brought to 16 kHz, cut into blocks."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr  # type: ignore[import-untyped]  # ships types, but not the mark that says so
from numpy.typing import NDArray

from firmware.errors import SoundError
from firmware.sound import BLOCK_SAMPLES, SAMPLE_RATE

PIECE_S = 0.25
"""What is read at once: memory stays the same however long the recording."""
FULL_SCALE = 32768


class Tape:
    """A WAV or FLAC file (or what else libsndfile reads). Raises SoundError if it cannot be read, or is empty."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise SoundError(f"there is no recording {path}: give a WAV or FLAC file")
        try:
            info = soundfile.info(path)
        except soundfile.LibsndfileError as error:
            raise SoundError(f"the recording {path} cannot be read: give a WAV or FLAC file") from error
        if info.frames == 0:
            raise SoundError(f"the recording {path} is empty: give one with sound")
        self.channels: int = info.channels
        self.sample_rate: int = info.samplerate
        self.seconds: float = info.frames / info.samplerate

    def play(self, rows: tuple[int, ...]) -> Iterator[NDArray[np.int16]]:
        """These channels as (channel, sample) at 16 kHz, BLOCK_SAMPLES at a time, the last one shorter.

        Raises SoundError where the file breaks off or is no sound.
        """
        rest = np.empty((0, len(rows)), np.float32)
        for piece in self._at_16_khz(rows):
            sound = np.concatenate([rest, piece])
            whole = len(sound) - len(sound) % BLOCK_SAMPLES
            for start in range(0, whole, BLOCK_SAMPLES):
                yield as_block(sound[start : start + BLOCK_SAMPLES])
            rest = sound[whole:]
        if len(rest):
            yield as_block(rest)

    def _at_16_khz(self, rows: tuple[int, ...]) -> Iterator[NDArray[np.float32]]:
        if self.sample_rate == SAMPLE_RATE:
            yield from self._pieces(rows)
            return
        resampler = soxr.ResampleStream(self.sample_rate, SAMPLE_RATE, len(rows), dtype="float32")
        for piece in self._pieces(rows):
            yield resampler.resample_chunk(piece)
        yield resampler.resample_chunk(np.empty((0, len(rows)), np.float32), last=True)

    def _pieces(self, rows: tuple[int, ...]) -> Iterator[NDArray[np.float32]]:
        """Pieces as (sample, channel), -1..1; integers of up to 24 bits come through float32 exactly."""
        count = 0
        try:
            with soundfile.SoundFile(self.path) as file:
                while len(piece := file.read(round(PIECE_S * self.sample_rate), dtype="float32", always_2d=True)):
                    if not np.isfinite(piece).all():
                        raise SoundError(
                            f"the recording {self.path} holds what is no number near {count / self.sample_rate:.1f} s: "
                            f"export it again"
                        )
                    count += len(piece)
                    yield np.ascontiguousarray(piece[:, rows])
        except soundfile.LibsndfileError as error:
            raise SoundError(f"the recording {self.path} breaks off at {count / self.sample_rate:.1f} s") from error
        if count / self.sample_rate < self.seconds:
            raise SoundError(
                f"the recording {self.path} breaks off at {count / self.sample_rate:.1f} of {self.seconds:.1f} s: "
                f"copy it again"
            )


def as_block(sound: NDArray[np.float32]) -> NDArray[np.int16]:
    """(sample, channel) in -1..1 as read-only int16 (channel, sample); what is louder is clipped."""
    loud = np.rint(sound.T * FULL_SCALE)
    samples: NDArray[np.int16] = loud.clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int16, order="C")
    samples.flags.writeable = False
    return samples
