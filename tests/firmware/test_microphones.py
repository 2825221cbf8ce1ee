import os
import subprocess
import sys
from typing import cast

import numpy as np
import pyaudio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.capture import QUEUE_BLOCKS, Ear, refusal
from firmware.devices import Wanted
from firmware.errors import SoundError
from firmware.geometry import load_array
from firmware.microphones import INPUT_OVERFLOW, Capture, PortAudioArray, lost_before
from firmware.pipe import BLOCK, DEVICE, Message, PipeError, Reader, write
from firmware.sound import ArrayGeometry, Block

XVF3800 = load_array("xvf3800")


def stream_of(first: int, samples: int = 640) -> bytes:
    """Six channels of sample numbers, each channel a thousand above the one before."""
    numbers = np.arange(first, first + samples)[:, None] + 1000 * np.arange(6)
    return numbers.astype(np.int16).tobytes()


def hear(ear: Ear, number: int, status: int = 0, late_s: float = 0.0) -> int:
    """What PortAudio's thread does for the block of this number."""
    times = {"input_buffer_adc_time": number * 0.04 + late_s}
    return ear.hear(stream_of(number * 640), 640, times, status)[1]


class Line:
    """The queue of an ear in place of the capturing process."""

    def __init__(self, ear: Ear) -> None:
        self._ear = ear
        self.blocks = 0

    def read(self, _wait_s: float) -> Message | None:
        return self._ear.heard.get_nowait()

    def age(self) -> float:
        return 0.0


def listening() -> tuple[PortAudioArray, Ear]:
    microphones, ear = PortAudioArray(XVF3800), Ear()
    microphones._capture = cast("Capture", Line(ear))
    return microphones, ear


def heard_from(microphones: PortAudioArray, count: int) -> list[Block]:
    blocks = iter(microphones)
    return [block for _ in range(count) if (block := next(blocks))]


def test_a_block_is_the_microphones_of_the_stream() -> None:
    microphones, ear = listening()
    hear(ear, 0)
    (block,) = heard_from(microphones, 1)
    assert block.samples.shape == (4, 640)
    assert block.samples[:, 7].tolist() == [2007, 3007, 4007, 5007]
    assert not block.samples.flags.writeable


@given(st.lists(st.integers(1, 2 * QUEUE_BLOCKS), min_size=1, max_size=4))
def test_what_a_full_queue_refuses_is_counted_before_the_next_block(bursts: list[int]) -> None:
    microphones, ear = listening()
    number = 0
    blocks = []
    for burst in bursts:
        for _ in range(burst):
            assert hear(ear, number) == pyaudio.paContinue
            number += 1
        blocks += heard_from(microphones, ear.heard.qsize())
    hear(ear, number)
    blocks += heard_from(microphones, 1)
    assert [block.samples[0, 0] for block in blocks] == [
        np.int64(block.start + 2000).astype(np.int16) for block in blocks
    ]
    assert sum(640 + block.lost for block in blocks) == 640 * (number + 1)


def test_an_overflow_of_portaudio_is_measured_by_its_clock() -> None:
    microphones, ear = listening()
    hear(ear, 0)
    hear(ear, 1, INPUT_OVERFLOW, late_s=0.25)
    hear(ear, 2, late_s=0.25)
    assert [(block.start, block.lost) for block in heard_from(microphones, 3)] == [(0, 0), (4640, 4000), (5280, 0)]


def test_an_overflow_that_the_clock_does_not_show_still_counts() -> None:
    last = Message(BLOCK, b"", 640, 1.0)
    assert lost_before(Message(BLOCK, b"", 640, 1.0, INPUT_OVERFLOW), last) == 1


def test_a_clock_that_jumps_cannot_lose_more_than_the_watch_lets_pass() -> None:
    last = Message(BLOCK, b"", 640, 1.0)
    assert lost_before(Message(BLOCK, b"", 640, 9999.0, INPUT_OVERFLOW), last) == 16_000


def test_an_overflow_within_a_refused_block_is_not_forgotten() -> None:
    microphones, ear = listening()
    for number in range(QUEUE_BLOCKS):
        hear(ear, number)
    hear(ear, QUEUE_BLOCKS, INPUT_OVERFLOW, late_s=0.1)
    heard_from(microphones, QUEUE_BLOCKS)
    hear(ear, QUEUE_BLOCKS + 1, late_s=0.1)
    assert heard_from(microphones, 1)[0].lost == 640 + 1600


def test_a_clock_that_jitters_loses_nothing() -> None:
    microphones, ear = listening()
    for number in range(5):
        hear(ear, number, late_s=0.02 * (number % 2))
    assert [block.lost for block in heard_from(microphones, 5)] == [0] * 5


def test_the_number_for_an_overflow_is_portaudios() -> None:
    assert pyaudio.paInputOverflow == INPUT_OVERFLOW


def test_closed_microphones_say_that_they_are_closed() -> None:
    with pytest.raises(SoundError, match="closed: open them first"):
        next(iter(PortAudioArray(XVF3800)))


def test_an_array_of_another_rate_is_refused() -> None:
    with pytest.raises(SoundError, match="delivers 48000 Hz, but microphones are read at 16000 Hz"):
        PortAudioArray(ArrayGeometry("fast", 48_000, (0,), ((0.0, 0.0, 0.0),)))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            OSError(pyaudio.paInvalidSampleRate, "Invalid sample rate"),
            "'mic' does not deliver 16000 Hz: use one that does",
        ),
        (OSError(pyaudio.paDeviceUnavailable, "Device unavailable"), "'mic' is in use by another program"),
        (OSError(pyaudio.paInvalidChannelCount, "Invalid number of channels"), "'mic' does not deliver 6 channels"),
        (
            OSError("[Errno -9999] Unanticipated host error"),
            "'mic' cannot be opened .*Unanticipated.*: check that it is plugged in",
        ),
    ],
)
def test_a_refusal_of_portaudio_is_one_sentence(error: OSError, sentence: str) -> None:
    with pytest.raises(SoundError, match=sentence):
        raise SoundError(refusal(error, Wanted("mic", 6, "xvf3800")))


messages = st.builds(
    Message,
    st.sampled_from([BLOCK, DEVICE]),
    st.binary(max_size=9000),
    st.integers(0, 9999),
    st.floats(allow_nan=False),
    st.integers(0, 31),
    st.integers(0, 1 << 31),
)


@given(st.lists(messages, max_size=5), st.integers(1, 5000))
def test_messages_come_out_of_the_pipe_as_they_went_in(sent: list[Message], piece: int) -> None:
    out, into = os.pipe()
    reader, stream = Reader(out), b"".join(message.as_bytes() for message in sent)
    read = []
    for start in range(0, len(stream), piece):
        os.write(into, stream[start : start + piece])
        while message := reader.read(0.0):
            read.append(message)
    os.close(into)
    assert read == sent
    with pytest.raises(PipeError):
        reader.read(0.0)
    os.close(out)


def test_what_is_no_message_ends_the_reading() -> None:
    out, into = os.pipe()
    os.write(into, b"x" * 100)
    with pytest.raises(PipeError):
        Reader(out).read(0.0)
    os.close(into)
    os.close(out)


def test_writing_into_a_pipe_that_nobody_reads_is_an_error() -> None:
    out, into = os.pipe()
    os.close(out)
    with pytest.raises(BrokenPipeError):
        write(into, Message(BLOCK, b"sound"))
    os.close(into)


def test_the_capturing_process_loads_no_numpy_and_is_quickly_there_again() -> None:
    code = "import sys, firmware.capture; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
