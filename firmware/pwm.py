"""The kernel's PWM channels: brightness in whole nanoseconds, on pins that an overlay has given to them.

/sys/class/pwm/pwmchipN/            device -> …/fe20c000.pwm      which chip it is; N changes from kernel to kernel
                        export                                    write M to get pwmM
                        pwmM/       period duty_cycle polarity enable
"""

import time
from dataclasses import dataclass
from pathlib import Path

from firmware.errors import WiringError

SYSFS = Path("/sys/class/pwm")
PERIOD_NS = 4_000_000
"""250 Hz, beyond flicker; a clock of 10 MHz behind it makes that 40,000 steps."""
CHANNELS = {
    "20c000.pwm": {12: 0, 13: 1, 18: 0, 19: 1},  # Raspberry Pi 3, 4 and Zero 2 W
    "1f00098000.pwm": {12: 0, 13: 1, 18: 2, 19: 3},  # Raspberry Pi 5
}
"""By the end of the chip's address, which GPIO hangs on which channel."""
PATIENCE_S = 2.0
"""udev gives a new channel to its group a moment after it appears."""


@dataclass(frozen=True, slots=True)
class Channel:
    """Where a channel is."""

    chip: Path
    number: int

    @property
    def folder(self) -> Path:
        """Its files, once it is exported."""
        return self.chip / f"pwm{self.number}"


def find_channel(gpio: int, sysfs: Path = SYSFS) -> Channel | None:
    """The kernel's channel for a pin; None where there is none."""
    for chip in sorted(sysfs.glob("pwmchip*")):
        device = (chip / "device").resolve().name
        for address, channels in CHANNELS.items():
            if device.endswith(address) and gpio in channels:
                return Channel(chip, channels[gpio])
    return None


class KernelLead:
    """A light on a channel of the kernel's PWM, dark until set. Raises WiringError where it cannot be had.

    The channel shines on when the process dies: `firmware/dark.py` darkens it then.
    """

    def __init__(self, channel: Channel, name: str, patience_s: float = PATIENCE_S) -> None:
        self._folder, self._name = channel.folder, name
        self._duty = -1  # ns
        try:
            if not channel.folder.exists():  # else a process that died has left it
                (channel.chip / "export").write_text(str(channel.number))
            self._prepare(patience_s)
        except OSError as error:
            raise self._trouble(error) from error
        self.set(0.0)

    def set(self, duty: float) -> None:
        """Share of the time that it is on, 0..1. Raises WiringError when the kernel refuses."""
        nanoseconds = round(duty * PERIOD_NS)
        if nanoseconds == self._duty:
            return
        try:
            (self._folder / "duty_cycle").write_text(str(nanoseconds))
        except OSError as error:
            raise self._trouble(error) from error
        self._duty = nanoseconds

    def close(self) -> None:
        """Dark. Raises WiringError when the kernel refuses."""
        try:
            darken(self._folder)
        except OSError as error:
            raise self._trouble(error) from error

    def _prepare(self, patience_s: float) -> None:
        deadline = time.monotonic() + patience_s
        while True:
            try:
                darken(self._folder)
                break
            except OSError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.02)
        (self._folder / "polarity").write_text("normal")
        (self._folder / "period").write_text(str(PERIOD_NS))
        (self._folder / "enable").write_text("1")

    def _trouble(self, error: OSError) -> WiringError:
        return WiringError(
            f"{self._name} cannot use the kernel's PWM at {self._folder} ({error.strerror}): "
            "let the group gpio write there, or set pins.pwm to software"
        )


def darken(folder: Path) -> None:
    """Turn a channel off, whoever had turned it on. Raises OSError."""
    (folder / "duty_cycle").write_text("0")
    (folder / "enable").write_text("0")


def exported(sysfs: Path = SYSFS) -> list[Path]:
    """The channels on the header that somebody uses, or has used."""
    chips = {channel.chip for gpio in (12, 13, 18, 19) if (channel := find_channel(gpio, sysfs))}
    return sorted(folder for chip in chips for folder in chip.glob("pwm[0-9]*") if (folder / "duty_cycle").exists())
