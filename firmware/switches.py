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
from firmware.press import LONGEST_S, Press

BOUNCE_S = 0.03
"""Contacts chatter for some milliseconds; nobody presses shorter than this."""
SETTLED_S = 0.5
"""Two contacts of one switch may move this far apart."""


def find_gpio() -> Any:  # noqa: ANN401 - gpiozero has no types
    """This machine's pins, lgpio's before others. Raises WiringError where there are none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PinFactoryFallback)  # its end is the error below
            return Device._default_pin_factory()  # noqa: SLF001 - gpiozero has no public way to ask
    except GPIOZeroError as error:
        raise WiringError(
            "this machine has no GPIO pins, so there is no lamp to show that it listens: run it on a Raspberry Pi with "
            "lgpio (pip install 'fermata[pi]', or the package python3-lgpio), or with --keys to draw the lamp here"
        ) from error


class PushButton:
    """The session button, between its pin and ground. Raises WiringError where the pin cannot be had.

    A press ends when the button is let go, or when it has lasted LONGEST_S. One that was down already when it was first
    seen has no beginning, and counts for nothing until it is let go.
    """

    def __init__(self, pin: int, factory: Any, clock: Callable[[], float] = time.monotonic) -> None:  # noqa: ANN401
        self._clock = clock
        self._began: deque[float] = deque(maxlen=1)  # since when; who takes it out ends the press
        self._finished: deque[Press] = deque()
        try:
            self._contact = Button(pin, bounce_time=BOUNCE_S, pin_factory=factory)
        except GPIOZeroError as error:
            raise WiringError(f"the button cannot use GPIO {pin} ({error}): give another pin") from error
        self._contact.when_pressed = self._down
        self._contact.when_released = self._up

    def presses(self) -> list[Press]:
        """The presses that ended since this was last asked, oldest first."""
        if self._began and self._clock() - self._began[0] >= LONGEST_S:
            self._up()
        return [self._finished.popleft() for _ in range(len(self._finished))]

    def close(self) -> None:
        """Release the pin."""
        self._contact.close()

    def _down(self) -> None:
        self._began.append(self._clock())

    def _up(self) -> None:
        try:
            seconds = self._clock() - self._began.pop()
        except IndexError:  # it had ended already, or its beginning was not seen
            return
        if seconds >= BOUNCE_S:
            self._finished.append(Press(seconds))


class PrivacySwitch:
    """Read-back of the microphones' power behind the privacy switch, and of the switch where it has two contacts.

    Both high while it stands open, and pulled low inside, so a broken wire reads as closed. Where the two disagree it
    reads as closed too, and says so. Raises WiringError where a pin cannot be had.
    """

    def __init__(
        self,
        pin: int,
        factory: Any,  # noqa: ANN401 - gpiozero has no types
        position: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._apart_since: float | None = None
        self._contacts: list[Any] = []
        for name, each in (("power", pin), ("switch", position)):
            try:
                if each is not None:
                    self._contacts.append(DigitalInputDevice(each, pull_up=False, pin_factory=factory))
            except GPIOZeroError as error:
                self.close()
                raise WiringError(
                    f"the privacy switch ({name}) cannot use GPIO {each} ({error}): give another pin"
                ) from error

    def is_open(self) -> bool:
        """Whether the microphones have power, and the switch agrees."""
        return all(contact.is_active for contact in self._contacts)

    @property
    def trouble(self) -> str | None:
        """What is wrong with the switch, in a sentence."""
        power, *position = (bool(contact.is_active) for contact in self._contacts)
        if not position or position[0] is power:
            self._apart_since = None
            return None
        now = self._clock()
        self._apart_since = now if self._apart_since is None else self._apart_since
        if now - self._apart_since < SETTLED_S:
            return None
        if power:
            return "the privacy switch is shut and the microphones still have power: unplug the box, see to its wires"
        return "the privacy switch is open and the microphones have no power: see to the wires behind it"

    def close(self) -> None:
        """Release the pins."""
        for contact in self._contacts:
            contact.close()
