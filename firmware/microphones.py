"""A microphone array through PortAudio, which runs in a process of its own that is killed when it is not needed.

device --PortAudio--> queue --> pipe --|--> blocks       firmware.capture | here
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace

import numpy as np

from firmware.devices import Wanted
from firmware.errors import SoundError
from firmware.pipe import BLOCK, DEVICE, OPENED, REFUSED, SOURCE, Message, PipeError, Reader
from firmware.sound import BLOCK_SAMPLES, SAMPLE_RATE, ArrayGeometry, Block

PATIENCE_S = 1.0
"""An array that is silent for longer is gone: PortAudio itself would wait for good."""
FIRST_S = 4.0
"""An array may take a while to start: so long until its first block."""
LOOK_S = 5.0
"""A sound system that does not list its devices within this has hung."""
STEP_S = 0.05
"""What one wait for a block lasts at most: lamp and button go on meanwhile."""
DYING_S = 1.0
"""A killed process that is not gone by then hangs in the kernel, and is left behind."""
INPUT_OVERFLOW = 2
"""PortAudio's paInputOverflow."""


class Capture:
    """One run of the capturing process, from its start until it is killed."""

    def __init__(self, wanted: Wanted, *, look_only: bool = False) -> None:
        out, into = os.pipe()
        words = [str(os.getpid()), str(into), "look" if look_only else "listen", json.dumps(asdict(wanted))]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-m", "firmware.capture", *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # ALSA and JACK write pages about devices that nobody asked for
                pass_fds=(into,),
            )
        except OSError as error:
            os.close(out)
            raise SoundError(f"the capturing process cannot be started ({error.strerror}): restart fermata") from error
        finally:
            os.close(into)
        self._handle = out
        self._reader = Reader(out)
        self.last_s = time.monotonic()
        """When the last message came."""
        self.blocks = 0

    def read(self, wait_s: float) -> Message | None:
        """The next message; None where there is none yet. Raises SoundError for a refusal, or when there is no more."""
        try:
            message = self._reader.read(wait_s)
        except PipeError:
            raise SoundError("the capturing process has died: it is started anew") from None
        if message is None:
            return None
        self.last_s = time.monotonic()
        self.blocks += message.kind == BLOCK
        if message.kind == REFUSED:
            raise SoundError(message.content.decode(errors="replace"))
        return message

    def age(self) -> float:
        """Seconds since the last message."""
        return time.monotonic() - self.last_s

    def kill(self) -> subprocess.Popen[bytes] | None:
        """End it at once, whatever it hangs in; what even so does not go within a second is given back."""
        self._process.kill()
        os.close(self._handle)
        try:
            self._process.wait(DYING_S)
        except subprocess.TimeoutExpired:
            return self._process
        return None


class PortAudioArray:
    """The microphones of an array, found by PortAudio name (or a part of it) or number, and by USB id; never another.

    Blocks come as `for block in microphones`, with None in between when for a moment there is none; SoundError is
    raised there when the sound stops or cannot be had.
    """

    def __init__(
        self,
        geometry: ArrayGeometry,
        device: str | int | None = None,
        *,
        usb: str | None = None,
        sound_server: bool = False,
        patience: float = PATIENCE_S,
    ) -> None:
        """With `sound_server` a device behind one will do; without it only a card's own."""
        if geometry.sample_rate != SAMPLE_RATE:
            raise SoundError(
                f"the array {geometry.name} delivers {geometry.sample_rate} Hz, but microphones are read at "
                f"{SAMPLE_RATE} Hz: set the device to that and say so in its array file"
            )
        self.geometry = geometry
        self.device = geometry.name if device is None else str(device)
        self.identity: str | None = None
        """What tells this array from another one; None until it was found."""
        self._wanted = Wanted(
            self.device, geometry.stream_channels, geometry.name, SAMPLE_RATE, BLOCK_SAMPLES, usb, sound_server
        )
        self._patience = patience
        self.is_open = False
        """Sound is taken, though none may have come yet."""
        self._capture: Capture | None = None
        self._left: list[subprocess.Popen[bytes]] = []
        self._next = 0
        self._last: Message | None = None

    def check(self) -> None:
        """See that the device is there, without listening. Raises SoundError."""
        capture = Capture(self._wanted, look_only=True)
        try:
            message = capture.read(LOOK_S)
        finally:
            self._bury(capture)
        if message is None:
            raise SoundError(f"the sound system does not answer for '{self.device}': unplug it and plug it in")
        self._know(message)

    def open(self) -> None:
        """Begin to listen; samples are counted from here. What is wrong is met in the iteration."""
        self.close()
        self._capture, self._next, self._last = Capture(self._wanted), 0, None

    def close(self) -> None:
        """Stop listening: afterwards nothing has the device open. Returns within a second."""
        capture, self._capture, self.is_open = self._capture, None, False
        if capture is not None:
            self._bury(capture)

    def __iter__(self) -> Iterator[Block | None]:
        """Blocks until `close`. Raises SoundError when nothing has come for `patience`, or when not open."""
        if self._capture is None:
            raise SoundError("the microphones are closed: open them first")
        while (capture := self._capture) is not None:
            message = capture.read(STEP_S)
            if message is not None and message.kind == BLOCK:
                yield self._block(message)
                continue
            if message is not None:
                self._know(message)
            patience = self._patience if capture.blocks else max(self._patience, FIRST_S)
            if capture.age() > patience:
                raise SoundError(
                    f"'{self.device}' has delivered nothing for {patience:g} s: check its cable and its power"
                )
            yield None

    def _know(self, message: Message) -> None:
        """Take down which array it is, and that it is open; behind a sound server the source must stay the same."""
        if message.kind == DEVICE:
            self.identity = message.content.decode()
        elif message.kind == OPENED:
            self.is_open = True
        elif message.kind == SOURCE:
            self._wanted = replace(self._wanted, source=message.content.decode())

    def _bury(self, capture: Capture) -> None:
        self._left = [process for process in self._left if process.poll() is None]
        if left := capture.kill():
            self._left.append(left)

    def _block(self, message: Message) -> Block:
        lost = lost_before(message, self._last)
        start = self._next + lost
        self._next, self._last = start + message.frames, message
        stream = np.frombuffer(message.content, np.int16).reshape(message.frames, -1)
        samples = np.ascontiguousarray(stream[:, self.geometry.channels].T)
        samples.flags.writeable = False
        return Block(samples, start, lost)


def lost_before(message: Message, last: Message | None) -> int:
    """Samples lost between two blocks.

    What the queue refused was counted. What PortAudio lost (an overflow) only the clock knows; as its times jitter they
    are asked only then, for at least one sample and at most what the watch on silence would have let pass.
    """
    if last is None or not message.status & INPUT_OVERFLOW:
        return message.dropped
    by_clock = round((message.time - last.time) * SAMPLE_RATE) - last.frames
    return message.dropped + min(max(by_clock - message.dropped, 1), round(PATIENCE_S * SAMPLE_RATE))
