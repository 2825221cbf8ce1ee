"""The lamp: two hooded lights and the microphone light, dimmed as the eye takes it."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

from gpiozero import PWMLED
from gpiozero.exc import GPIOZeroError

from firmware.errors import WiringError
from firmware.light import Light
from firmware.pins import NAMES, Pins
from firmware.pwm import SYSFS, Channel, KernelLead, find_channel

PWM_HZ = 200
"""Fast enough not to flicker at the edge of sight, slow enough for software PWM."""
FINEST = 0.01
"""Software PWM knows whole per cents; what is to be seen is not rounded to dark."""
STEPS_NOTICE = (
    "The hooded lights are dimmed by software, in steps that show at the dim end: for smooth light add "
    "dtoverlay=pwm-2chan,pin=12,func=4,pin2=13,func2=4 to /boot/firmware/config.txt and start anew."
)


def duty_of(brightness: float) -> float:
    """The share of time a light must be on to look so bright, both 0..1: CIE 1931 lightness, turned round."""
    lightness = 100 * brightness
    return lightness / 903.3 if lightness <= 8 else float(((lightness + 16) / 116) ** 3)


class Lead(Protocol):
    """The wire to one light."""

    def set(self, duty: float) -> None:
        """Share of the time that it is on, 0..1."""

    def close(self) -> None:
        """Dark, and given back."""


class SoftwareLead:
    """A light on any pin, switched by this process. Raises WiringError where the pin cannot be had."""

    def __init__(self, pin: int, name: str, factory: Any) -> None:  # noqa: ANN401 - gpiozero has no types
        try:
            self._led = PWMLED(pin, frequency=PWM_HZ, pin_factory=factory)
        except GPIOZeroError as error:
            raise WiringError(f"{name} cannot use GPIO {pin} ({error}): give another pin") from error
        self._duty = 0.0

    def set(self, duty: float) -> None:
        """Share of the time that it is on, 0..1, in whole per cents."""
        duty = max(FINEST, round(duty, 2)) if duty else 0.0
        if duty != self._duty:
            self._led.value = self._duty = duty

    def close(self) -> None:
        """Dark, pin released."""
        self._led.close()


class LeadLamp:
    """Three lights, dark until shown."""

    def __init__(self, leads: Mapping[Light, Lead]) -> None:
        self._leads = dict(leads)

    def show(self, light: Light, brightness: float) -> None:
        """Set one light to a brightness 0..1, at once; it stays until the next. Raises WiringError if it cannot."""
        if not 0.0 <= brightness <= 1.0:
            raise ValueError(f"a brightness is between 0 and 1, not {brightness}")
        self._leads[light].set(duty_of(brightness))

    def close(self) -> None:
        """All lights dark, pins released; one that cannot be does not keep the others lit. Raises WiringError."""
        with ExitStack() as closing:
            for lead in self._leads.values():
                closing.callback(lead.close)
            self._leads.clear()


def open_lamp(pins: Pins, factory: Any, sysfs: Path | None = None) -> tuple[LeadLamp, tuple[str, ...]]:  # noqa: ANN401
    """The lamp on these pins, and what the user should know of it. Raises WiringError, all pins given back."""
    wanted = {Light.LEFT: pins.left, Light.RIGHT: pins.right, Light.MICROPHONE: pins.microphone}
    kernel = kernel_channels(pins, sysfs or SYSFS)
    leads: dict[Light, Lead] = {}
    try:
        for light, pin in wanted.items():
            name = NAMES[light.value]
            leads[light] = KernelLead(kernel[light], name) if light in kernel else SoftwareLead(pin, name, factory)
    except WiringError:
        LeadLamp(leads).close()
        raise
    return LeadLamp(leads), () if kernel else (STEPS_NOTICE,)


def kernel_channels(pins: Pins, sysfs: Path) -> Mapping[Light, Channel]:
    """The kernel's channels for both hooded lights, or none. Raises WiringError where they are asked for in vain."""
    found = {light: find_channel(pin, sysfs) for light, pin in ((Light.LEFT, pins.left), (Light.RIGHT, pins.right))}
    if pins.pwm == "software":
        return {}
    channels = {light: channel for light, channel in found.items() if channel}
    if len(channels) < len(found):
        if pins.pwm == "auto":
            return {}
        raise WiringError(
            f"the kernel has no PWM for GPIO {pins.left} and {pins.right}: take 12 and 13 and add "
            f"dtoverlay=pwm-2chan,pin=12,func=4,pin2=13,func2=4 to /boot/firmware/config.txt"
        )
    if channels[Light.LEFT] == channels[Light.RIGHT]:
        raise WiringError(
            f"GPIO {pins.left} and {pins.right} hang on one channel of the kernel's PWM, so both glow alike: "
            "take 12 and 13"
        )
    return channels
