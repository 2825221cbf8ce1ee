"""Which of the machine's devices is the array: the one that fits, and never another."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware.errors import SoundError

CARD = re.compile(r"\(hw:(\d+)(?:,\d+)?\)$")
"""How PortAudio ends the name of a device that is a card's own."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which device, and what it must be."""

    device: str
    """Its PortAudio name or a part of it, or its number."""
    channels: int
    """At least so many."""
    array: str
    """The array's name, for the sentences."""
    rate: int = 16_000
    """Hz."""
    block: int = 640
    """Samples of each block; these two are said here so that the capturing process needs no numpy."""
    usb: str | None = None
    """Vendor and product as `2886:001a`; nothing else is taken then."""
    sound_server: bool = False
    """A device behind a sound server will do: for trying out, watched by `firmware.servers`."""
    source: str | None = None
    """Behind a sound server: the source it gave before; None if any will do."""


@dataclass(frozen=True, slots=True)
class Found:
    """The device."""

    index: int
    """PortAudio's number."""
    name: str
    card: int | None
    """ALSA's card; None behind a sound server."""
    identity: str
    """What tells this array from another one: USB vendor, product and serial number, or else its name."""


def find_device(portaudio: Any, wanted: Wanted, root: Path = Path("/")) -> Found:  # noqa: ANN401 - pyaudio has no types
    """The one input device that is wanted; `root` is where /proc and /sys lie. Raises SoundError."""
    devices = [portaudio.get_device_info_by_index(i) for i in range(portaudio.get_device_count())]
    inputs = {int(d["index"]): str(d["name"]) for d in devices if d["maxInputChannels"] > 0}
    there = "this machine has " + (", ".join(f"{i} '{n}'" for i, n in inputs.items()) or "no microphones at all")
    found = named(wanted.device, inputs)
    if not found:
        raise SoundError(
            f"there is no microphone array '{wanted.device}': {there}; plug it in, end what uses it, or name another"
        )
    if wanted.usb:
        found = [index for index in found if usb_of(card_of(inputs[index]), root) == wanted.usb.lower()]
        if not found:
            raise SoundError(f"no '{wanted.device}' has the USB id {wanted.usb}: plug that one in, or name another id")
    if len(found) > 1:
        raise SoundError(
            f"'{wanted.device}' fits {len(found)} devices: unplug one, or give the whole name or the number; {there}"
        )
    (index,) = found
    name, card = inputs[index], card_of(inputs[index])
    if card is None and not wanted.sound_server:
        raise SoundError(
            f"'{name}' lies behind a sound server, which may put another microphone in its place: "
            f"name the card itself, with hw: in its name"
        )
    has = int(devices[index]["maxInputChannels"])
    if has < wanted.channels:
        raise SoundError(
            f"'{name}' has {has} channel{'s' * (has != 1)}, but the array {wanted.array} needs {wanted.channels}: "
            f"name the right device, or give the array that fits it"
        )
    return Found(index, name, card, identity_of(name, card, root))


def named(device: str, inputs: dict[int, str]) -> list[int]:
    """The devices of this number or name; a whole name goes before a part of one."""
    if device.isdecimal():
        return [index for index in inputs if index == int(device)]
    exact = [index for index, name in inputs.items() if name == device]
    return exact or [index for index, name in inputs.items() if device.lower() in name.lower()]


def card_of(name: str) -> int | None:
    """ALSA's card number in PortAudio's name of a device; None behind a sound server."""
    found = CARD.search(name)
    return int(found[1]) if found else None


def usb_of(card: int | None, root: Path = Path("/")) -> str | None:
    """Vendor and product of a USB card, as `2886:001a`; None for what is none."""
    return None if card is None else read_line(root / f"proc/asound/card{card}/usbid")


def identity_of(name: str, card: int | None, root: Path = Path("/")) -> str:
    """What tells this device from another one, wherever it is plugged in."""
    usb = usb_of(card, root)
    if usb is None:
        return CARD.sub("", name).strip()
    serial = read_line(root / f"sys/class/sound/card{card}/device/../serial")
    return f"usb {usb} {serial}" if serial else f"usb {usb}"


def read_line(path: Path) -> str | None:
    """The first line of a small file; None where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None
