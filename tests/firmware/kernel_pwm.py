"""The kernel's PWM as files: what /sys/class/pwm looks like on each model, for the lamp to write to."""

from pathlib import Path

CHIPS = {
    "Raspberry Pi 3 or Zero 2 W": {"pwmchip0": ("soc/3f20c000.pwm", 2)},
    "Raspberry Pi 4": {"pwmchip0": ("soc/fe20c000.pwm", 2), "pwmchip2": ("soc/fe20c800.pwm", 2)},
    "Raspberry Pi 5": {
        "pwmchip0": ("107d517a80.pwm", 2),
        "pwmchip2": ("axi/1000120000.pcie/1f00098000.pwm", 4),
        "pwmchip6": ("axi/1000120000.pcie/1f0009c000.pwm", 4),
    },
}
"""Chips with what their device is called, and how many channels; a Pi 5 has one for its fan, and numbers that vary."""
HEADER = {"Raspberry Pi 3 or Zero 2 W": "pwmchip0", "Raspberry Pi 4": "pwmchip0", "Raspberry Pi 5": "pwmchip2"}


def lay(root: Path, model: str, *, exported: bool = True) -> Path:
    """The tree of a model; without `exported` nobody answers a write to `export`."""
    sysfs = root / "class" / "pwm"
    sysfs.mkdir(parents=True)
    for chip, (device, channels) in CHIPS[model].items():
        place = root / "devices" / device / "pwm" / chip
        place.mkdir(parents=True)
        (place / "device").symlink_to(root / "devices" / device)
        (place / "export").write_text("")
        (place / "npwm").write_text(f"{channels}\n")
        (sysfs / chip).symlink_to(place)
        for channel in range(channels if exported else 0):
            add_channel(place, channel)
    return sysfs


def add_channel(chip: Path, channel: int) -> None:
    """What a write to `export` brings."""
    folder = chip / f"pwm{channel}"
    folder.mkdir()
    for name, value in (("period", "0"), ("duty_cycle", "0"), ("enable", "0"), ("polarity", "normal")):
        (folder / name).write_text(value)


def read(folder: Path) -> dict[str, str]:
    """What stands in a channel."""
    return {name: (folder / name).read_text() for name in ("period", "duty_cycle", "enable", "polarity")}
