"""The board: microphones, lamp, session button and privacy switch, real or simulated."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from firmware.errors import WiringError
from firmware.geometry import load_array
from firmware.light import Light
from firmware.pins import Pins
from firmware.press import Press
from firmware.simulated import (
    SimulatedButton,
    SimulatedLamp,
    SimulatedSwitch,
    board_from_recording,
)
from firmware.sound import ArrayGeometry, Block

REFERENCE_ARRAY = "xvf3800"


class Microphones(Protocol):
    """Sound in. Nothing is heard before `open` or after `close`; SoundError where it cannot be had or stops."""

    def check(self) -> None:
        """See that they are there, without listening. Raises SoundError."""

    @property
    def identity(self) -> str | None:
        """What tells this array from another one; None until it was found."""
        ...

    @property
    def is_open(self) -> bool:
        """Sound is taken, though none may have come yet."""
        ...

    def open(self) -> None: ...  # noqa: D102 - the class says it
    def close(self) -> None: ...  # noqa: D102
    def __iter__(self) -> Iterator[Block | None]:
        """Blocks, with None in between when for a moment there is none."""
        ...


class Lamp(Protocol):
    """Light out."""

    def show(self, light: Light, brightness: float) -> None:
        """Set one light to a brightness 0..1, at once."""

    def close(self) -> None:
        """All lights dark."""


class Button(Protocol):
    """The session button."""

    def presses(self) -> list[Press]:
        """The presses that ended since this was last asked, oldest first; never waits."""
        ...


class Privacy(Protocol):
    """The privacy switch, read back."""

    def is_open(self) -> bool:
        """Whether the microphones have power."""
        ...

    @property
    def trouble(self) -> str | None:
        """What is wrong with the switch, in a sentence."""
        ...


class Board(Protocol):
    """All that a room unit has of hardware."""

    @property
    def geometry(self) -> ArrayGeometry:
        """Where the microphones sit."""
        ...

    @property
    def microphones(self) -> Microphones:
        """Sound in."""
        ...

    @property
    def lamp(self) -> Lamp:
        """Light out."""
        ...

    @property
    def button(self) -> Button:
        """The session button."""
        ...

    @property
    def privacy(self) -> Privacy:
        """The privacy switch."""
        ...

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know, one sentence each; the first says which board it is."""
        ...

    def close(self) -> None:
        """Microphones closed, lights dark, pins released."""


@dataclass(frozen=True, slots=True)
class RoomBoard:
    """A board with real microphones."""

    geometry: ArrayGeometry
    microphones: Microphones
    lamp: Lamp
    button: Button
    privacy: Privacy
    notices: tuple[str, ...]
    _release: ExitStack

    def close(self) -> None:
        """Microphones closed, lights dark, pins released."""
        self._release.close()


def open_board(
    *,
    array: str | Path | None = None,
    device: str | int | None = None,
    recording: str | Path | None = None,
    pace: float | None = 1.0,
    pins: Pins | None = None,
    gpio: Any = None,  # noqa: ANN401 - gpiozero has no types
) -> Board:
    """The board of this machine, or a simulated one when there is a recording; its first notice says which.

    The microphones stay closed until `microphones.open()`. Without `pins` it takes the usual ones, and on a machine
    that has none a simulated lamp, button and switch, and says how to get real ones; `pins` given must be there.
    `gpio` is a gpiozero pin factory, by default this machine's. Raises BoardError.
    """
    if recording is not None:
        return board_from_recording(recording, array, pace)
    geometry = load_array(REFERENCE_ARRAY if array is None else array)
    if pins is None and gpio is None:
        from firmware.switches import find_gpio

        try:
            gpio = find_gpio()
        except WiringError as error:
            return open_room_board(geometry, device, None, None, because=str(error))
    return open_room_board(geometry, device, pins or Pins(), gpio)


def open_room_board(
    geometry: ArrayGeometry,
    device: str | int | None,
    pins: Pins | None,
    gpio: Any,  # noqa: ANN401 - gpiozero has no types
    usb: str | None = None,
    because: str | None = None,
) -> RoomBoard:
    """The board with real microphones, and without `pins` a simulated lamp, button and switch, `because` of what.

    `usb` is the id that the microphones must have. Raises BoardError.
    """
    from firmware.microphones import PortAudioArray

    # A unit with pins opens the card itself; on a machine without, a sound server may lie between.
    microphones = PortAudioArray(geometry, device, usb=usb, sound_server=pins is None)
    name = f"Microphones '{microphones.device}' with the array {geometry.name}"
    with ExitStack() as release:
        release.callback(microphones.close)
        if pins is None:
            lamp, button, privacy = SimulatedLamp(), SimulatedButton(), SimulatedSwitch()
            notice = f"{name}; lamp, button and privacy switch are simulated{f': {because}' * bool(because)}."
            return RoomBoard(geometry, microphones, lamp, button, privacy, (notice,), release.pop_all())
        from firmware.lamp import open_lamp
        from firmware.switches import PrivacySwitch, PushButton, find_gpio

        factory = find_gpio() if gpio is None else gpio
        leads, notices = open_lamp(pins, factory)
        release.callback(leads.close)
        push = PushButton(pins.button, factory)
        release.callback(push.close)
        switch = PrivacySwitch(pins.privacy, factory, pins.switch)
        release.callback(switch.close)
        notices = (f"{name}; real board.", *notices)
        return RoomBoard(geometry, microphones, leads, push, switch, notices, release.pop_all())
