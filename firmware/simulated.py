"""The same board without hardware: a recording in place of the microphones, keys in place of the buttons."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware.errors import ArrayError, SoundError
from firmware.geometry import array_for, fitting_arrays, load_array, rows_of, shipped_arrays
from firmware.light import Light
from firmware.press import Press
from firmware.sound import SAMPLE_RATE, ArrayGeometry, Block
from firmware.tape import Tape


class SimulatedLamp:
    """A lamp to look at: `brightness` of each light is what it shows now."""

    def __init__(self) -> None:
        self.brightness = dict.fromkeys(Light, 0.0)

    def show(self, light: Light, brightness: float) -> None:
        """Set one light to a brightness 0..1."""
        if not 0.0 <= brightness <= 1.0:
            raise ValueError(f"a brightness is 0..1, not {brightness}")
        self.brightness[light] = brightness

    def close(self) -> None:
        """All lights dark."""
        self.brightness = dict.fromkeys(Light, 0.0)


class SimulatedButton:
    """A button that a key presses."""

    def __init__(self) -> None:
        self._finished: deque[Press] = deque()

    def press(self, seconds: float = 0.2) -> None:
        """Press it, for so long, and let it go."""
        self._finished.append(Press(seconds))

    def presses(self) -> list[Press]:
        """The presses that ended since this was last asked, oldest first."""
        return [self._finished.popleft() for _ in range(len(self._finished))]


class SimulatedSwitch:
    """A privacy switch that a key moves."""

    def __init__(self) -> None:
        self._open = True
        self.trouble: str | None = None

    def move(self, *, is_open: bool) -> None:
        """Give the microphones power, or cut it."""
        self._open = is_open

    def is_open(self) -> bool:
        """Whether the microphones have power."""
        return self._open


class Silence:
    """The microphones of a board without any: a score takes their place."""

    geometry = ArrayGeometry("none", SAMPLE_RATE, (), ())
    identity: str | None = None
    is_open = False

    def check(self) -> None:
        """Raises SoundError: there is nothing to see."""
        self.open()

    def open(self) -> None:
        """Raises SoundError: there is nothing to open."""
        raise SoundError("this board has no microphones: a score takes their place")

    def close(self) -> None:
        """Nothing was open."""

    def __iter__(self) -> Iterator[Block]:
        """No block."""
        return iter(())


class TapeArray:
    """Microphones that a recording speaks through.

    The tape stops when they are closed and goes on when they are opened again; after its end it begins anew. At a
    `pace` of 1 a block comes when it would have been heard, at 20 twenty times sooner, at None as soon as asked for.
    """

    def __init__(
        self,
        tape: Tape,
        geometry: ArrayGeometry,
        switch: SimulatedSwitch,
        *,
        pace: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.geometry = geometry
        self.identity: str | None = f"recording {geometry.name}"
        self.plugged = True
        self._tape, self._rows = tape, rows_of(geometry, tape.channels)
        self._switch, self._pace, self._clock, self._sleep = switch, pace, clock, sleep
        self._playing: Iterator[NDArray[np.int16]] | None = None
        self.is_open = False
        self._next = 0
        self._begun = 0.0

    def check(self) -> None:
        """See that it is plugged in and has power. Raises SoundError."""
        self._check_power()

    def open(self) -> None:
        """Begin to listen; samples are counted from here. Raises SoundError when unplugged or without power."""
        self._check_power()
        self.is_open, self._next, self._begun = True, 0, self._clock()
        self._playing = self._playing or self._tape.play(self._rows)

    def close(self) -> None:
        """Stop listening."""
        self.is_open = False

    def __iter__(self) -> Iterator[Block]:
        """Blocks until `close` or the tape's end. Raises SoundError when it is unplugged or loses power."""
        if not self.is_open:
            raise SoundError("the microphones are closed: open them first")
        while self.is_open and self._playing is not None:
            samples = next(self._playing, None)
            if samples is None:
                self._playing = None
                return
            block = Block(samples, self._next)
            self._next += samples.shape[1]
            self._wait()
            self._check_power()
            yield block

    def _wait(self) -> None:
        if self._pace is not None:
            due = self._begun + self._next / SAMPLE_RATE / self._pace
            self._sleep(max(0.0, due - self._clock()))

    def _check_power(self) -> None:
        if not self.plugged:
            raise SoundError(f"the array {self.geometry.name} is unplugged: plug it in")
        if not self._switch.is_open():
            raise SoundError(f"the privacy switch has cut the power of the array {self.geometry.name}: open it")


@dataclass(frozen=True, slots=True)
class SimulatedBoard:
    """A board to try everything with; its parts have the keys that a real one has hands for."""

    microphones: TapeArray | Silence
    notices: tuple[str, ...]
    """What the user should know, one sentence each."""
    lamp: SimulatedLamp = field(default_factory=SimulatedLamp)
    button: SimulatedButton = field(default_factory=SimulatedButton)
    privacy: SimulatedSwitch = field(default_factory=SimulatedSwitch)

    @property
    def geometry(self) -> ArrayGeometry:
        """Where the microphones sit."""
        return self.microphones.geometry

    def unplug(self) -> None:
        """Pull the array's plug."""
        self._plug(is_in=False)

    def replug(self) -> None:
        """Put it in again."""
        self._plug(is_in=True)

    def close(self) -> None:
        """Microphones closed, lights dark."""
        self.microphones.close()
        self.lamp.close()

    def _plug(self, *, is_in: bool) -> None:
        if isinstance(self.microphones, TapeArray):
            self.microphones.plugged = is_in


def board_from_recording(path: str | Path, array: str | Path | None = None, pace: float | None = 1.0) -> SimulatedBoard:
    """A board that hears a recording, through the named array or the only one that fits.

    Raises SoundError for a recording, ArrayError for an array that cannot be used.
    """
    tape = Tape(Path(path))
    geometry = array_for(tape.channels) if array is None else load_array(array)
    if geometry in shipped_arrays() and geometry not in fitting_arrays(tape.channels):
        rows_of(geometry, tape.channels)  # too few channels have a sentence of their own
        raise ArrayError(
            f"{path} has {tape.channels} channels, which the array {geometry.name} does not deliver: "
            "give the array it was recorded with"
        )
    switch = SimulatedSwitch()
    microphones = TapeArray(tape, geometry, switch, pace=pace)
    return SimulatedBoard(microphones, tuple(notices_on(tape, geometry)), privacy=switch)


def board_without_sound() -> SimulatedBoard:
    """A board for scores: lamp, button and switch, no microphones."""
    return SimulatedBoard(Silence(), ("Simulated board, without microphones.",))


def notices_on(tape: Tape, geometry: ArrayGeometry) -> Iterator[str]:
    """What the user should know about a recording."""
    yield f"Simulated board: {tape.path} through the array {geometry.name}."
    if tape.sample_rate != SAMPLE_RATE:
        yield f"{tape.path} has {tape.sample_rate} Hz and is resampled to {SAMPLE_RATE} Hz."
    if tape.channels not in {len(geometry.channels), geometry.stream_channels}:
        used = ", ".join(str(channel) for channel in geometry.channels)
        yield f"Of the {tape.channels} channels of {tape.path} the array {geometry.name} takes {used}."
