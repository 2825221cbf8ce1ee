"""A microphone array through PortAudio: its thread fills a bounded queue, ours takes blocks out."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from queue import Empty, Full, Queue
from typing import Any, NamedTuple

import numpy as np
import pyaudio

from firmware.bounded import within
from firmware.devices import find_device
from firmware.errors import SoundError
from firmware.sound import BLOCK_SAMPLES, SAMPLE_RATE, ArrayGeometry, Block

PATIENCE_S = 1.0
"""An array that is silent for longer is gone: PortAudio itself would wait for good."""
FIRST_S = 4.0
"""An array may take a while to start: so long until its first block."""
OPENING_S = 5.0
CLOSING_S = 2.0
"""PortAudio calls that take longer have met a frozen device or daemon."""
QUEUE_BLOCKS = 100
"""4 s: what the analysis may be late before sound is lost."""


class Heard(NamedTuple):
    """What PortAudio's thread puts in the queue, once a block."""

    sound: bytes  # int16, interleaved
    frames: int
    time: float
    """When its first sample was taken, seconds on PortAudio's clock."""
    status: int
    dropped: int
    """Samples the full queue refused before this."""


class Capture:
    """One opening of a device, from start to end; afterwards it is thrown away."""

    def __init__(self, geometry: ArrayGeometry, device: str | int) -> None:
        self.geometry = geometry
        self.device = device
        self.heard: Queue[Heard] = Queue(QUEUE_BLOCKS)
        self.over = False
        self._dropped = 0
        self._status = 0
        self._portaudio: Any = None

    def hear(self, sound: bytes, frames: int, times: Mapping[str, float], status: int) -> tuple[None, int]:
        """PortAudio's callback: bytes into the queue, and nothing else."""
        if self.over:
            return None, pyaudio.paAbort
        status |= self._status
        try:
            self.heard.put_nowait(Heard(sound, frames, times["input_buffer_adc_time"], status, self._dropped))
            self._dropped = self._status = 0
        except Full:
            self._dropped += frames
            self._status = status
        return None, pyaudio.paContinue

    def begin(self) -> None:
        """Open the device and start. May hang; raises SoundError."""
        portaudio = pyaudio.PyAudio()
        try:
            index = find_device(portaudio, self.device, self.geometry)
            self._portaudio = portaudio
            portaudio.open(
                rate=SAMPLE_RATE,
                channels=self.geometry.stream_channels,
                format=pyaudio.paInt16,
                input=True,
                input_device_index=index,
                frames_per_buffer=BLOCK_SAMPLES,
                stream_callback=self.hear,
            )
        except OSError as error:
            portaudio.terminate()
            raise SoundError(refusal(error, self.device, self.geometry)) from error
        except SoundError:
            portaudio.terminate()
            raise
        if self.over:  # given up while the device was slow: nobody would ever close it
            portaudio.terminate()

    def end(self) -> None:
        """Stop and let the device go. May hang."""
        self._portaudio.terminate()


class PortAudioArray:
    """The microphones of an array, opened by its PortAudio name (or a part of it) or number; never another device.

    Blocks come as `for block in microphones`; SoundError is raised there when the sound stops.
    """

    def __init__(
        self, geometry: ArrayGeometry, device: str | int | None = None, *, patience: float = PATIENCE_S
    ) -> None:
        if geometry.sample_rate != SAMPLE_RATE:
            raise SoundError(
                f"the array {geometry.name} delivers {geometry.sample_rate} Hz, but microphones are read at "
                f"{SAMPLE_RATE} Hz: set the device to that and say so in its array file"
            )
        self.geometry = geometry
        self.device = geometry.name if device is None else device
        self._patience = patience
        self._capture: Capture | None = None
        self._stuck = False
        self._next = 0
        self._last: Heard | None = None

    def check(self) -> None:
        """See that the device is there, without listening. Raises SoundError."""
        with quiet_stderr():
            portaudio = pyaudio.PyAudio()
            try:
                find_device(portaudio, self.device, self.geometry)
            finally:
                portaudio.terminate()

    def open(self) -> None:
        """Begin to listen; samples are counted from here. Raises SoundError."""
        if self._stuck:
            raise SoundError("the sound system has hung since the microphones were closed: restart fermata")
        self.close()
        capture = Capture(self.geometry, self.device)
        try:
            with quiet_stderr():
                within(OPENING_S, capture.begin)
        except TimeoutError:
            capture.over = True
            raise SoundError(
                f"the sound system does not answer for '{self.device}': unplug it and plug it in"
            ) from None
        self._capture, self._next, self._last = capture, 0, None

    def close(self) -> None:
        """Stop listening; returns within seconds even where PortAudio hangs, and then no block is taken any more."""
        capture, self._capture = self._capture, None
        if capture is None:
            return
        capture.over = True
        try:
            within(CLOSING_S, capture.end)
        except TimeoutError:
            self._stuck = True

    def __iter__(self) -> Iterator[Block]:
        """Blocks until `close`. Raises SoundError when nothing has come for `patience`, or when not open."""
        if self._capture is None:
            raise SoundError("the microphones are closed: open them first")
        while (capture := self._capture) is not None:
            patience = max(self._patience, FIRST_S if self._last is None else 0.0)
            try:
                heard = capture.heard.get(timeout=patience)
            except Empty:
                raise SoundError(
                    f"'{self.device}' has delivered nothing for {patience:g} s: check its cable and its power"
                ) from None
            yield self._block(heard)

    def _block(self, heard: Heard) -> Block:
        lost = lost_before(heard, self._last)
        start = self._next + lost
        self._next, self._last = start + heard.frames, heard
        stream = np.frombuffer(heard.sound, np.int16).reshape(heard.frames, -1)
        samples = np.ascontiguousarray(stream[:, self.geometry.channels].T)
        samples.flags.writeable = False
        return Block(samples, start, lost)


def lost_before(heard: Heard, last: Heard | None) -> int:
    """Samples lost between two entries of the queue.

    What the queue refused was counted. What PortAudio lost (an overflow) only the clock knows; as its times jitter they
    are asked only then, for at least one sample and at most what the watch on silence would have let pass.
    """
    if last is None or not heard.status & pyaudio.paInputOverflow:
        return heard.dropped
    by_clock = round((heard.time - last.time) * SAMPLE_RATE) - last.frames
    return heard.dropped + min(max(by_clock - heard.dropped, 1), round(PATIENCE_S * SAMPLE_RATE))


def refusal(error: OSError, device: str | int, geometry: ArrayGeometry) -> str:
    """PortAudio's error as a sentence that says what to do."""
    sentences = {
        pyaudio.paInvalidSampleRate: f"'{device}' does not deliver {SAMPLE_RATE} Hz: use one that does",
        pyaudio.paInvalidChannelCount: (
            f"'{device}' does not deliver {geometry.stream_channels} channels, which the array {geometry.name} needs: "
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


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Nothing on stderr meanwhile: ALSA and JACK write pages about devices that nobody asked for."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
