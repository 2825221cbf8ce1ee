"""The weather of a storm: microphones, hearing and a ledger that the dice have written, for a room of its own code."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.hearing.activity import Activity
from app.hearing.hearing import Heard
from app.hearing.seats import Seat
from firmware.errors import SoundError
from firmware.simulated import SimulatedButton, SimulatedLamp, SimulatedSwitch
from firmware.sound import ArrayGeometry, Block

STEP_S = 0.4
SAMPLES = 6400
"""Of a step; blocks this long change no rule, and ten thousand storms have an end."""
WATCHDOG_S = 1.0
"""Sound that stalls longer is an error, as with real microphones."""
SOUND = np.zeros((2, SAMPLES), np.int16)


@dataclass
class Weather:
    """What happens just now."""

    dice: random.Random
    seats: tuple[Seat, ...]
    now: float = 0.0
    speaks: int | None = None
    """Which seat; none in silence."""
    measurable: bool = True
    plugged: bool = True
    stalled_until: float = 0.0
    lossy_until: float = 0.0
    """Sound that comes till then is lost on its way, and counted."""
    changes_at: float = 0.0

    def change_talk(self) -> None:
        """Another speaks, or nobody, for a while; now and then nothing can be measured."""
        if self.now < self.changes_at:
            return
        kind = self.dice.random()
        lasts = self.dice.uniform(55, 200) if kind < 0.12 else self.dice.uniform(*((4, 40) if kind < 0.5 else (0.4, 4)))
        self.changes_at = self.now + lasts
        speakers = [*range(max(1, len(self.seats)))]
        self.speaks = self.dice.choice([0, 0, *speakers, None])
        self.measurable = self.dice.random() > 0.12


@dataclass
class Microphones:
    """The board's microphones in a storm."""

    weather: Weather
    switch: SimulatedSwitch
    is_open: bool = False
    identity: str | None = "storm"
    geometry: ArrayGeometry = field(
        default_factory=lambda: ArrayGeometry("pair", 16_000, (0, 1), ((0.0, 0.0, 0.0), (50.0, 0.0, 0.0)))
    )
    _start: int = 0
    _last: float = 0.0
    """When the last block was delivered, or the microphones were opened."""
    _is_fresh: bool = True
    """What was missed before the first block is counted by who opened them."""

    def check(self) -> None:
        """Never asked."""

    def open(self) -> None:
        """Raises SoundError without plug or power."""
        if not (self.weather.plugged and self.switch.is_open()):
            raise SoundError("not there")
        self.is_open, self._last, self._is_fresh = True, self.weather.now, True

    def close(self) -> None:
        """No sound is taken."""
        self.is_open = False

    def __iter__(self) -> Iterator[Block | None]:
        """A block a step; None when there is none, with what was missed counted later. Raises as real ones do."""
        while True:
            if not (self.is_open and self.weather.plugged and self.switch.is_open()):
                raise SoundError("gone")
            now = self.weather.now
            if now < self.weather.stalled_until and now - self._last > WATCHDOG_S:
                raise SoundError("no block for too long")
            if now < max(self.weather.stalled_until, self.weather.lossy_until):
                yield None
                continue
            lost = 0 if self._is_fresh else max(0, round((now - self._last - STEP_S) * 16_000))
            self._last, self._is_fresh = now, False
            yield Block(SOUND, self._start, lost)
            self._start += SAMPLES


class Ears:
    """Hearing that the dice have written: what it hears is what the weather says."""

    def __init__(self, weather: Weather) -> None:
        self._weather, self._frame = weather, 0
        self.seats = weather.seats

    def hear(self, block: Block) -> Heard:
        """As many frames as the block has; lost ones are skipped."""
        self._frame += block.lost // 160
        weather, count = self._weather, block.samples.shape[1] // 160
        key = (weather.speaks, weather.measurable, len(self.seats), count)
        if key not in HEARD:
            speech = np.full(count, float(weather.speaks is not None), np.float32)
            seats = np.zeros((count, len(self.seats)), np.float32)
            if weather.speaks is not None and self.seats:
                seats[:, weather.speaks] = 1.0
            HEARD[key] = (speech, seats, np.full(count, weather.measurable, np.bool_))
        activity = Activity(self._frame, *HEARD[key])
        self._frame += count
        return Heard(activity, activity, activity.speech, None if weather.measurable else "storm")

    def finish(self) -> Heard:
        """Nothing is still to come."""
        return self.hear(Block(SOUND[:, :0], 0))


HEARD: dict[Any, Any] = {}


class Notes:
    """A ledger that keeps nothing but which session is open: the real one is tested elsewhere."""

    def __init__(self) -> None:
        self._open: str | None = None

    def open_session(self) -> str:
        """A session begins."""
        self._open = "a session"
        return self._open

    def checkpoint(self, session: str, text: str) -> None:
        """Nothing is kept."""

    def interrupted(self) -> tuple[str, str] | None:
        """The session that a kill has left open."""
        return (self._open, "") if self._open else None

    def close(self, *_: object) -> bool:
        """It is over."""
        self._open = None
        return True

    def withdraw(self, session: str) -> None:  # noqa: ARG002
        """It is erased."""
        self._open = None

    def forget(self, session: str) -> None:
        """It cannot be told apart."""

    def withdrawable(self) -> str | None:
        """None."""
        return None


@dataclass
class Board:
    """The simulated lamp, button and switch, and microphones of a storm."""

    microphones: Microphones
    privacy: SimulatedSwitch
    lamp: SimulatedLamp = field(default_factory=SimulatedLamp)
    button: SimulatedButton = field(default_factory=SimulatedButton)
    notices: tuple[str, ...] = ("Storm.",)

    @property
    def geometry(self) -> ArrayGeometry:
        """Where the microphones sit."""
        return self.microphones.geometry

    def close(self) -> None:
        """Closed and dark: also what the supervisor's command leaves behind after a kill."""
        self.microphones.close()
        self.lamp.close()
