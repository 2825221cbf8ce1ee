"""Which pin of the header does what, and how the lights are dimmed."""

from dataclasses import dataclass
from typing import Literal

from firmware.errors import WiringError

Pwm = Literal["auto", "kernel", "software"]

NAMES = {
    "left": "the left light",
    "right": "the right light",
    "microphone": "the microphone light",
    "button": "the session button",
    "privacy": "the microphones' power",
    "switch": "the privacy switch's position",
}


@dataclass(frozen=True, slots=True)
class Pins:
    """GPIO numbers (BCM) of everything on the header; none of them is one that I2S arrays need."""

    left: int = 12
    right: int = 13
    microphone: int = 24
    button: int = 23
    privacy: int = 25
    """Read-back of the microphones' power, behind the privacy switch."""
    switch: int | None = None
    """A second contact of the privacy switch, where there is one: high while it stands open."""
    pwm: Pwm = "auto"
    """What dims the hooded lights: the kernel's PWM, software, or the kernel's where it is to be had."""

    def __post_init__(self) -> None:
        """Raises WiringError for a pin used twice."""
        taken: dict[int, str] = {}
        for key, name in NAMES.items():
            pin = getattr(self, key)
            if pin is not None and pin in taken:
                raise WiringError(f"GPIO {pin} is given to {taken[pin]} and to {name}: give each a pin of its own")
            if pin is not None:
                taken[pin] = name
