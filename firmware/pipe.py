"""What passes between the process that captures and the one that listens: messages on a pipe.

    kind (1 byte) | status | frames | dropped | time | length | that many bytes

DEVICE   the identity of what was found        SOURCE   the sound server's name for what it gives
OPENED   it is open: sound is taken             REFUSED  a sentence: why there is none
BLOCK    samples, int16, interleaved
"""

import os
import select
import struct
import time
from dataclasses import dataclass

DEVICE, SOURCE, OPENED, BLOCK, REFUSED = b"D", b"S", b"O", b"B", b"R"
KINDS = {DEVICE, SOURCE, OPENED, BLOCK, REFUSED}
HEADER = struct.Struct("<cIIIdI")
LONGEST = 1 << 20
"""Bytes of a message; beyond that it is none of ours."""
READ = 1 << 16


class PipeError(Exception):
    """The pipe has ended, or holds what is no message."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message."""

    kind: bytes
    content: bytes
    frames: int = 0
    time: float = 0.0
    """When the first sample was taken, seconds on PortAudio's clock."""
    status: int = 0
    """PortAudio's flags: an overflow since the block before."""
    dropped: int = 0
    """Samples that a full queue refused directly before this block."""

    def as_bytes(self) -> bytes:
        """As it goes through the pipe."""
        return (
            HEADER.pack(self.kind, self.status, self.frames, self.dropped, self.time, len(self.content)) + self.content
        )


def write(handle: int, message: Message) -> None:
    """Put a message in whole, waiting while the pipe is full. Raises OSError when nobody reads any more."""
    rest = memoryview(message.as_bytes())
    while rest:
        rest = rest[os.write(handle, rest) :]


class Reader:
    """The reading end; never waits longer than asked, also for a message that came in half."""

    def __init__(self, handle: int) -> None:
        os.set_blocking(handle, False)
        self._handle = handle
        self._buffer = bytearray()

    def read(self, wait_s: float) -> Message | None:
        """The next message; None where none is whole within so many seconds. Raises PipeError at the end."""
        until = time.monotonic() + wait_s
        while (message := self._take()) is None:
            left = until - time.monotonic()
            if not select.select([self._handle], [], [], max(0.0, left))[0]:
                return None
            if not (got := os.read(self._handle, READ)):
                raise PipeError
            self._buffer += got
        return message

    def _take(self) -> Message | None:
        if len(self._buffer) < HEADER.size:
            return None
        kind, status, frames, dropped, at, length = HEADER.unpack_from(self._buffer)
        if kind not in KINDS or length > LONGEST:
            raise PipeError
        past = HEADER.size + length
        if len(self._buffer) < past:
            return None
        content = bytes(self._buffer[HEADER.size : past])
        del self._buffer[:past]
        return Message(kind, content, frames, at, status, dropped)
