"""The lamp: two hooded lights and the microphone light, each on a PWM pin."""

from typing import Any

from gpiozero import PWMLED
from gpiozero.exc import GPIOZeroError

from firmware.errors import WiringError
from firmware.light import Light

PWM_HZ = 200
"""Fast enough not to flicker at the edge of sight, slow enough for software PWM."""


class PwmLamp:
    """Three lights, dark until shown. Raises WiringError where a pin cannot be had."""

    def __init__(self, pins: dict[Light, int], factory: Any) -> None:  # noqa: ANN401 - gpiozero has no types
        self._lights: dict[Light, Any] = {}
        for light, pin in pins.items():
            try:
                self._lights[light] = PWMLED(pin, frequency=PWM_HZ, pin_factory=factory)
            except GPIOZeroError as error:
                self.close()
                raise WiringError(
                    f"the {light.value} light cannot use GPIO {pin} ({error}): give another pin"
                ) from error

    def show(self, light: Light, brightness: float) -> None:
        """Set one light to a brightness 0..1, at once; it stays until the next."""
        self._lights[light].value = brightness

    def close(self) -> None:
        """All lights dark, pins released."""
        for light in self._lights.values():
            light.close()
        self._lights.clear()
