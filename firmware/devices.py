"""Which of the machine's devices is the array: the one that fits, and never another."""

from typing import Any

from firmware.errors import SoundError
from firmware.sound import ArrayGeometry


def find_device(portaudio: Any, wanted: str | int, geometry: ArrayGeometry) -> int:  # noqa: ANN401 - pyaudio has no types
    """PortAudio's number of the one input device that is wanted. Raises SoundError."""
    devices = [portaudio.get_device_info_by_index(i) for i in range(portaudio.get_device_count())]
    inputs = {int(d["index"]): d for d in devices if d["maxInputChannels"] > 0}
    names = ", ".join(f"{index} '{d['name']}'" for index, d in inputs.items())
    there = f"this machine has {names}" if inputs else "this machine has no microphones at all"
    if isinstance(wanted, int) or wanted.isdecimal():
        found = [index for index in inputs if index == int(wanted)]
    else:
        exact = [index for index, d in inputs.items() if d["name"] == wanted]
        found = exact or [index for index, d in inputs.items() if wanted.lower() in d["name"].lower()]
    if not found:
        raise SoundError(
            f"there is no microphone array '{wanted}': {there}; plug it in, end what uses it, or name another"
        )
    if len(found) > 1:
        raise SoundError(f"'{wanted}' fits {len(found)} devices: give the whole name or the number; {there}")
    has = int(inputs[found[0]]["maxInputChannels"])
    if has < geometry.stream_channels:
        raise SoundError(
            f"'{inputs[found[0]]['name']}' has {has} channels, but the array {geometry.name} needs "
            f"{geometry.stream_channels}: name the right device, or give the array that fits it"
        )
    return found[0]
