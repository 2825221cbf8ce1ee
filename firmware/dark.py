"""Every light dark, for when the process that had them is gone: `python -m firmware.dark [fermata.toml]`.

The kernel's PWM goes on, and the pins of a Raspberry Pi keep their level, when a process is killed. So a supervisor
runs this after each end of `listen`, however it came (ExecStopPost= of its unit), and before each start.
"""

import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from firmware.errors import WiringError
from firmware.lamp import open_lamp
from firmware.pins import Pins
from firmware.pwm import SYSFS, darken, exported

FILE = Path("/etc/fermata.toml")
PREFIX = "FERMATA_PINS__"


def pins_in(file: Path, environment: Mapping[str, str]) -> Pins:
    """The pins of a settings file and of the environment; the usual ones where these say nothing that can be used."""
    try:
        said: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8")).get("pins", {})
        for key, value in environment.items():
            if key.startswith(PREFIX):
                said[key.removeprefix(PREFIX).lower()] = value
        typed: dict[str, Any] = {key: value if key == "pwm" else int(value) for key, value in said.items()}
        return Pins(**typed)
    except (OSError, ValueError, TypeError, AttributeError, WiringError):
        return Pins()


def darken_all(pins: Pins, factory: Any = None, sysfs: Path = SYSFS) -> list[str]:  # noqa: ANN401 - gpiozero has no types
    """Darken what can be darkened; what cannot is told, a sentence each."""
    troubles = []
    for folder in exported(sysfs):
        try:
            darken(folder)
        except OSError as error:
            troubles.append(f"{folder} could not be darkened: {error.strerror}")
    try:
        if factory is None:
            from firmware.switches import find_gpio

            factory = find_gpio()
        # A pin that the kernel's PWM has is left to it: taken as a plain pin it would be cut off until a restart.
        open_lamp(pins, factory, sysfs)[0].close()
    except WiringError as error:
        troubles.append(str(error))
    return troubles


def main() -> int:
    """0 if every light is dark."""
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    troubles = darken_all(pins_in(file, os.environ))
    for trouble in troubles:
        print(f"fermata: {trouble}", file=sys.stderr)  # noqa: T201 - it is a command
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
