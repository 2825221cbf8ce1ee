"""From lines of dry speech to what an array records of them in a room, with its truth, piece by piece.

SNR here is speech against noise at the array, both averaged over the microphones and above 100 Hz: the power of the
reverberant speech over the time in which somebody speaks by the truth, against the power of all noise together.
Every seat speaks equally loud in its chair; who sits farther arrives softer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import ceil
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from app.rehearsal.noises import Fan, ventilation
from app.rehearsal.reverberation import impulse_responses, play
from app.rehearsal.rooms import PlacedArray, Room, Source
from app.rehearsal.talk import SHORTEST_S, Spoken
from app.rehearsal.voices import FRAME_S, RATE, Cut, Tape, speaking_frames

PIECE_S = 10.0
"""Seconds rendered at a time: an hour needs no more memory than this."""
FADE_S = 0.1
"""One stretch of noise passes into the next for so long."""
AIR_DB_PER_OCTAVE = -4.5
"""Slope of the ventilation's noise above 100 Hz."""
LONGEST_S = 30.0
"""A longer stretch from one seat is rendered in parts."""
LISTEN_S = 120.0
"""The level is set by so many seconds of the talk."""


class RenderError(ValueError):
    """A recording that cannot be rendered as asked; says what to change."""


@dataclass(frozen=True, slots=True)
class Line:
    """A stretch of dry speech from one seat."""

    seat: str
    start_s: float
    sound: NDArray[np.float32] | Cut  # (sample,) levelled as app.rehearsal.voices does: loud frames have rms 1


def say(talk: Iterable[Spoken], voices: Mapping[str, Tape]) -> tuple[Line, ...]:
    """The talk as lines, each cut from its seat's tape; what is longer than LONGEST_S in several."""
    return tuple(
        Line(unit.seat, start, voices[unit.seat].cut(min(LONGEST_S, unit.end_s - start)))
        for unit in talk
        for start in (unit.start_s + part * LONGEST_S for part in range(ceil((unit.end_s - unit.start_s) / LONGEST_S)))
        if unit.end_s - start > FRAME_S / 2
    )


@dataclass(frozen=True, slots=True)
class Staging:
    """Where everything stands, how loud, how noisy."""

    room: Room
    array: PlacedArray
    seats: Mapping[str, tuple[Source, ...]]
    """Per seat one source for each way the head turns; a line has one of them, drawn."""
    fan: Source
    snr_db: float
    fan_db: float = -6.0
    """The fan's power at the array against the diffuse ventilation's."""
    level_dbfs: float = -36.0
    """Level of the speech at the array, decibels under a full-scale square wave."""


def truth(lines: Sequence[Line]) -> tuple[Spoken, ...]:
    """The inter-pausal units of some lines by the level of their dry sound, in order of start; 10 ms grid.

    Silences under 200 ms inside a seat's speech are bridged.
    """
    runs = sorted(
        (line.seat, round(line.start_s + first * FRAME_S, 2), round(line.start_s + past * FRAME_S, 2))
        for line in lines
        for first, past in _runs(speaking_frames(np.asarray(line.sound)))
    )
    units: list[Spoken] = []
    for seat, start, end in runs:
        if units and units[-1].seat == seat and start - units[-1].end_s < SHORTEST_S - 1e-9:
            units[-1] = replace(units[-1], end_s=max(units[-1].end_s, end))
        else:
            units.append(Spoken(seat, start, end))
    return tuple(sorted(units, key=lambda unit: (unit.start_s, unit.seat)))


def render(
    staging: Staging, lines: Sequence[Line], seconds: float, rng: np.random.Generator
) -> Iterator[NDArray[np.int16]]:
    """The recording in pieces (microphone, sample) of PIECE_S at 16 kHz, that many seconds in all.

    Room in full order. Raises RenderError when it would clip, a line has no seat, or nobody speaks.
    """
    stage = _Stage(staging, lines, rng)
    size, total = int(PIECE_S * RATE), int(seconds * RATE)
    for start in range(0, total, size):
        piece = (stage.speech(start, size) + stage.noise(size))[:, : total - start] * 32768
        if np.abs(piece).max() > 32767:
            raise RenderError("the recording would clip: lower level_dbfs")
        yield np.round(piece).astype(np.int16)


class _Stage:
    """A rendering as it goes on: what still reverberates, and the noise that runs through."""

    def __init__(self, staging: Staging, lines: Sequence[Line], rng: np.random.Generator) -> None:
        missing = {line.seat for line in lines} - set(staging.seats)
        if missing:
            raise RenderError(f"there is no chair for {', '.join(sorted(missing))}: give each seat a place")
        self._array, self._rng = staging.array, rng
        self._responses = {
            seat: impulse_responses(staging.room, staging.array, ways, RATE, rng)
            for seat, ways in staging.seats.items()
        }
        self._fan = Fan.draw(rng)
        (self._fan_response,) = impulse_responses(staging.room, staging.array, (staging.fan,), RATE, rng)
        self._lines = sorted(lines, key=attrgetter("start_s"))
        self._ways = [int(rng.integers(len(staging.seats[line.seat]))) for line in self._lines]
        self._next = 0
        self._ringing = np.zeros((len(staging.array.geometry.positions_mm), 0))
        self._noise_tail: NDArray[np.float64] | None = None
        self._set_levels(staging)

    def speech(self, start: int, size: int) -> NDArray[np.float64]:
        """The next so many samples of speech and its reverberation, from a sample on."""
        while self._next < len(self._lines) and self._lines[self._next].start_s * RATE < start + size:
            wet = self._wet(self._next) * self._speech_gain
            at = round(self._lines[self._next].start_s * RATE) - start
            missing = at + wet.shape[1] - self._ringing.shape[1]
            self._ringing = np.pad(self._ringing, ((0, 0), (0, max(0, missing))))
            self._ringing[:, at : at + wet.shape[1]] += wet
            self._next += 1
        self._ringing = np.pad(self._ringing, ((0, 0), (0, max(0, size - self._ringing.shape[1]))))
        out: NDArray[np.float64] = self._ringing[:, :size]
        self._ringing = self._ringing[:, size:]
        return out

    def noise(self, size: int) -> NDArray[np.float64]:
        """The next so many samples of noise; stretches pass into each other at equal power."""
        fade = int(FADE_S * RATE)
        stretch: NDArray[np.float64] = self._air_gain * self._air(size + fade) + self._fan_gain * self._placed_fan(
            size + fade
        )
        if self._noise_tail is not None:
            turn = np.linspace(0, np.pi / 2, fade)
            stretch[:, :fade] = np.sin(turn) * stretch[:, :fade] + np.cos(turn) * self._noise_tail
        self._noise_tail = stretch[:, size:]
        return stretch[:, :size]

    def _wet(self, number: int) -> NDArray[np.float32]:
        line = self._lines[number]
        return play(np.asarray(line.sound), self._responses[line.seat][self._ways[number]])

    def _air(self, size: int) -> NDArray[np.float64]:
        return ventilation(self._array, size, RATE, self._rng, AIR_DB_PER_OCTAVE)

    def _placed_fan(self, size: int) -> NDArray[np.float32]:
        run_up = self._fan_response.shape[1]
        heard = play(self._fan.run(size + run_up, RATE, self._rng), self._fan_response)
        return heard[:, run_up : run_up + size]

    def _set_levels(self, staging: Staging) -> None:
        """Gains so that speech has its level and noise its SNR, by the first LISTEN_S of the talk."""
        heard = [n for n, line in enumerate(self._lines) if line.start_s < self._lines[0].start_s + LISTEN_S]
        spoken = _anybody_s(truth([self._lines[n] for n in heard]))
        if not spoken:
            raise RenderError("nobody speaks in these lines: give lines with speech")
        speech = sum(float((above_100_hz(self._wet(n)) ** 2).mean(axis=0).sum()) for n in heard) / (spoken * RATE)
        level = 10 ** (staging.level_dbfs / 20)
        self._speech_gain = float(level / np.sqrt(speech))
        noise = (level * 10 ** (-staging.snr_db / 20)) ** 2
        share = 10 ** (staging.fan_db / 10)
        size = int(PIECE_S * RATE)
        self._air_gain = float(np.sqrt(noise / (1 + share) / power(self._air(size))))
        self._fan_gain = float(np.sqrt(noise * share / (1 + share) / power(self._placed_fan(size))))


def _anybody_s(units: Sequence[Spoken]) -> float:
    """Seconds in which at least one seat speaks."""
    spoken, past = 0.0, 0.0
    for unit in units:
        spoken += max(0.0, unit.end_s - max(past, unit.start_s))
        past = max(past, unit.end_s)
    return spoken


def above_100_hz(sound: NDArray[Any]) -> NDArray[np.float64]:
    """A sound (…, sample) without what lies below 100 Hz, where there is no speech but all the rumble."""
    return np.asarray(sosfilt(butter(4, 100, "highpass", fs=RATE, output="sos"), sound, axis=-1))


def power(sound: NDArray[Any]) -> float:
    """Mean square over all microphones and samples, above 100 Hz."""
    return float(np.mean(above_100_hz(sound) ** 2))


def _runs(flags: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First and past-the-last index of each run of True."""
    at = 0
    for flag, group in groupby(flags.tolist()):
        length = sum(1 for _ in group)
        if flag:
            yield at, at + length
        at += length
