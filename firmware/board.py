"""The board: microphones, lamp, session button and privacy switch, real or simulated."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from firmware.errors import WiringError
from firmware.geometry import load_array
from firmware.light import Light
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
class Pins:
    """GPIO numbers (BCM) of everything on the header; none of them is one that I2S arrays need."""

    left: int = 12
    right: int = 13
    microphone: int = 24
    button: int = 23
    privacy: int = 25

    def __post_init__(self) -> None:
        """Raises WiringError for a pin used twice."""
        pins = [self.left, self.right, self.microphone, self.button, self.privacy]
        twice = next((pin for pin in pins if pins.count(pin) > 1), None)
        if twice is not None:
            raise WiringError(
                f"GPIO {twice} is used twice: give each light, the button and the switch a pin of its own"
            )


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

    The microphones stay closed until `microphones.open()`. Without `pins` the real microphones come with a simulated
    lamp, button and switch; `gpio` is a gpiozero pin factory, by default this machine's. Raises BoardError.
    """
    if recording is not None:
        return board_from_recording(recording, array, pace)
    return open_room_board(load_array(REFERENCE_ARRAY if array is None else array), device, pins, gpio)


def open_room_board(
    geometry: ArrayGeometry,
    device: str | int | None,
    pins: Pins | None,
    gpio: Any,  # noqa: ANN401 - gpiozero has no types
    usb: str | None = None,
) -> RoomBoard:
    """The board with real microphones; `usb` is the id they must have. Raises BoardError."""
    from firmware.microphones import PortAudioArray

    # A unit with pins opens the card itself; on a machine without, a sound server may lie between.
    microphones = PortAudioArray(geometry, device, usb=usb, sound_server=pins is None)
    name = f"Microphones '{microphones.device}' with the array {geometry.name}"
    with ExitStack() as release:
        release.callback(microphones.close)
        if pins is None:
            lamp, button, privacy = SimulatedLamp(), SimulatedButton(), SimulatedSwitch()
            notice = f"{name}; lamp, button and privacy switch are simulated."
            return RoomBoard(geometry, microphones, lamp, button, privacy, (notice,), release.pop_all())
        from firmware.lamp import PwmLamp
        from firmware.switches import PrivacySwitch, PushButton, find_gpio

        factory = find_gpio() if gpio is None else gpio
        lights = {Light.LEFT: pins.left, Light.RIGHT: pins.right, Light.MICROPHONE: pins.microphone}
        pwm = PwmLamp(lights, factory)
        release.callback(pwm.close)
        push = PushButton(pins.button, factory)
        release.callback(push.close)
        switch = PrivacySwitch(pins.privacy, factory)
        release.callback(switch.close)
        return RoomBoard(geometry, microphones, pwm, push, switch, (f"{name}; real board.",), release.pop_all())
