"""What people's hands can reach: the session button and the privacy switch."""

import time
import warnings
from collections import deque
from collections.abc import Callable
from typing import Any

from gpiozero import Button, DigitalInputDevice
from gpiozero.devices import Device
from gpiozero.exc import GPIOZeroError, PinFactoryFallback

from firmware.errors import WiringError
from firmware.press import Press

BOUNCE_S = 0.03
"""Contacts chatter for some milliseconds; nobody presses shorter than this."""


def find_gpio() -> Any:  # noqa: ANN401 - gpiozero has no types
    """This machine's pins, lgpio's before others. Raises WiringError where there are none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PinFactoryFallback)  # its end is the error below
            return Device._default_pin_factory()  # noqa: SLF001 - gpiozero has no public way to ask
    except GPIOZeroError as error:
        raise WiringError(
            "this machine has no GPIO pins: run on a Raspberry Pi with lgpio installed, or without pins"
        ) from error


class PushButton:
    """The session button, between its pin and ground. Raises WiringError where the pin cannot be had."""

    def __init__(self, pin: int, factory: Any, clock: Callable[[], float] = time.monotonic) -> None:  # noqa: ANN401
        self._clock = clock
        self._down_at: float | None = None
        self._finished: deque[Press] = deque()
        try:
            self._contact = Button(pin, bounce_time=BOUNCE_S, pin_factory=factory)
        except GPIOZeroError as error:
            raise WiringError(f"the button cannot use GPIO {pin} ({error}): give another pin") from error
        # A button that is down already has no beginning we saw: its release is no press.
        self._contact.when_pressed = self._down
        self._contact.when_released = self._up

    def presses(self) -> list[Press]:
        """The presses that ended since this was last asked, oldest first."""
        return [self._finished.popleft() for _ in range(len(self._finished))]

    def close(self) -> None:
        """Release the pin."""
        self._contact.close()

    def _down(self) -> None:
        self._down_at = self._clock()

    def _up(self) -> None:
        began, self._down_at = self._down_at, None
        if began is not None and (seconds := self._clock() - began) >= BOUNCE_S:
            self._finished.append(Press(seconds))


class PrivacySwitch:
    """Read-back of the switch in the microphones' power line: high when they have power.

    Pulled low, so a broken wire reads as closed. Raises WiringError where the pin cannot be had.
    """

    def __init__(self, pin: int, factory: Any) -> None:  # noqa: ANN401 - gpiozero has no types
        try:
            self._contact = DigitalInputDevice(pin, pull_up=False, pin_factory=factory)
        except GPIOZeroError as error:
            raise WiringError(f"the privacy switch cannot use GPIO {pin} ({error}): give another pin") from error

    def is_open(self) -> bool:
        """Whether the microphones have power."""
        return bool(self._contact.is_active)

    def close(self) -> None:
        """Release the pin."""
        self._contact.close()
