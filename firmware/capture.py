"""The process that holds the microphones: PortAudio's blocks onto a pipe; it can be killed at any moment.

    python -m firmware.capture PARENT PIPE LOOK WANTED

PortAudio hangs in many ways when a device goes (callbacks stop, reads and closing never return), so it lives here,
where nobody waits for it. It dies with the process that started it, and a core dump of it is never written.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from queue import Full, Queue
from typing import Any

import pyaudio

from firmware.confine import die_with, keep_memory
from firmware.devices import Found, Wanted, find_device
from firmware.errors import SoundError
from firmware.pipe import BLOCK, DEVICE, OPENED, REFUSED, SOURCE, Message, write
from firmware.servers import CHECK_S, Pledge

QUEUE_BLOCKS = 100
"""4 s: what the analysis may be late before sound is lost."""


class Ear:
    """PortAudio's callback and the bounded queue it fills."""

    def __init__(self) -> None:
        self.heard: Queue[Message] = Queue(QUEUE_BLOCKS)
        self._dropped = 0
        self._status = 0

    def hear(self, sound: bytes, frames: int, times: Mapping[str, float], status: int) -> tuple[None, int]:
        """Bytes into the queue, and nothing else."""
        status |= self._status
        try:
            self.heard.put_nowait(Message(BLOCK, sound, frames, times["input_buffer_adc_time"], status, self._dropped))
            self._dropped = self._status = 0
        except Full:
            self._dropped += frames
            self._status = status
        return None, pyaudio.paContinue


def main() -> int:
    """Capture until killed; a refusal is a message."""
    parent, pipe, look, wanted = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "look", json.loads(sys.argv[4])
    keep_memory()
    die_with(parent)
    try:
        capture(pipe, Wanted(**wanted), look_only=look)
    except SoundError as error:
        write(pipe, Message(REFUSED, str(error).encode()))
        return 1
    except BrokenPipeError:  # nobody listens any more
        return 1
    return 0


def capture(pipe: int, wanted: Wanted, *, look_only: bool) -> None:
    """Find the device, say its identity, and unless only that is asked send its blocks for good. Raises SoundError."""
    portaudio = pyaudio.PyAudio()
    found = find_device(portaudio, wanted)
    write(pipe, Message(DEVICE, found.identity.encode()))
    if look_only:
        return
    ear = Ear()
    start(portaudio, found, wanted, ear)
    write(pipe, Message(OPENED, b""))
    if found.card is None:
        send_pledged(pipe, ear, Pledge(os.getpid(), wanted.source))
    while True:
        write(pipe, ear.heard.get())


def start(portaudio: Any, found: Found, wanted: Wanted, ear: Ear) -> None:  # noqa: ANN401 - pyaudio has no types
    """Open the device and let it run. Raises SoundError."""
    try:
        portaudio.open(
            rate=wanted.rate,
            channels=wanted.channels,
            format=pyaudio.paInt16,
            input=True,
            input_device_index=found.index,
            frames_per_buffer=wanted.block,
            stream_callback=ear.hear,
        )
    except OSError as error:
        raise SoundError(refusal(error, wanted)) from error


def send_pledged(pipe: int, ear: Ear, pledge: Pledge) -> None:
    """Blocks from behind a sound server: each is sent only once it is known that its source is the one pledged.

    Raises SoundError when it is not.
    """
    first = ear.heard.get()
    source = pledge.check()
    write(pipe, Message(SOURCE, source.encode()))
    write(pipe, first)
    while True:
        time.sleep(CHECK_S)
        waiting = [ear.heard.get_nowait() for _ in range(ear.heard.qsize())]
        pledge.check()
        for message in waiting:
            write(pipe, message)


def refusal(error: OSError, wanted: Wanted) -> str:
    """PortAudio's error as a sentence that says what to do."""
    device = wanted.device
    sentences = {
        pyaudio.paInvalidSampleRate: f"'{device}' does not deliver {wanted.rate} Hz: use one that does",
        pyaudio.paInvalidChannelCount: (
            f"'{device}' does not deliver {wanted.channels} channels, which the array {wanted.array} needs: "
            f"give the array that fits it"
        ),
        pyaudio.paDeviceUnavailable: f"'{device}' is in use by another program: end that one first",
    }
    code = next((argument for argument in error.args if argument in sentences), None)
    if code is None:
        return (
            f"'{device}' cannot be opened ({error.args[-1]}): check that it is plugged in and that nothing else uses it"
        )
    return sentences[code]


if __name__ == "__main__":
    sys.exit(main())
