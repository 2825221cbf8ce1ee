import threading
import time
from typing import Any

import numpy as np
import pyaudio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.bounded import within
from firmware.devices import find_device
from firmware.errors import SoundError
from firmware.geometry import load_array
from firmware.microphones import (
    QUEUE_BLOCKS,
    Capture,
    Heard,
    PortAudioArray,
    lost_before,
    refusal,
)
from firmware.sound import ArrayGeometry, Block

XVF3800 = load_array("xvf3800")


def stream_of(first: int, samples: int = 640) -> bytes:
    """Six channels of sample numbers, each channel a thousand above the one before."""
    numbers = np.arange(first, first + samples)[:, None] + 1000 * np.arange(6)
    return numbers.astype(np.int16).tobytes()


def hear(capture: Capture, number: int, status: int = 0, late_s: float = 0.0) -> int:
    """What PortAudio's thread does for the block of this number."""
    times = {"input_buffer_adc_time": number * 0.04 + late_s}
    return capture.hear(stream_of(number * 640), 640, times, status)[1]


def listening() -> tuple[PortAudioArray, Capture]:
    microphones = PortAudioArray(XVF3800, patience=0.0)
    capture = Capture(XVF3800, "test")
    microphones._capture = capture
    return microphones, capture


def heard_from(microphones: PortAudioArray, count: int) -> list[Block]:
    blocks = iter(microphones)
    return [next(blocks) for _ in range(count)]


def test_a_block_is_the_microphones_of_the_stream() -> None:
    microphones, capture = listening()
    hear(capture, 0)
    (block,) = heard_from(microphones, 1)
    assert block.samples.shape == (4, 640)
    assert block.samples[:, 7].tolist() == [2007, 3007, 4007, 5007]
    assert not block.samples.flags.writeable


@given(st.lists(st.integers(1, 2 * QUEUE_BLOCKS), min_size=1, max_size=4))
def test_what_a_full_queue_refuses_is_counted_before_the_next_block(bursts: list[int]) -> None:
    microphones, capture = listening()
    number = 0
    blocks = []
    for burst in bursts:
        for _ in range(burst):
            assert hear(capture, number) == pyaudio.paContinue
            number += 1
        blocks += heard_from(microphones, capture.heard.qsize())
    hear(capture, number)
    blocks += heard_from(microphones, 1)
    assert [block.samples[0, 0] for block in blocks] == [
        np.int64(block.start + 2000).astype(np.int16) for block in blocks
    ]
    assert sum(640 + block.lost for block in blocks) == 640 * (number + 1)


def test_an_overflow_of_portaudio_is_measured_by_its_clock() -> None:
    microphones, capture = listening()
    hear(capture, 0)
    hear(capture, 1, pyaudio.paInputOverflow, late_s=0.25)
    hear(capture, 2, late_s=0.25)
    assert [(block.start, block.lost) for block in heard_from(microphones, 3)] == [(0, 0), (4640, 4000), (5280, 0)]


def test_an_overflow_that_the_clock_does_not_show_still_counts() -> None:
    last = Heard(b"", 640, 1.0, 0, 0)
    assert lost_before(Heard(b"", 640, 1.0, pyaudio.paInputOverflow, 0), last) == 1


def test_a_clock_that_jumps_cannot_lose_more_than_the_watch_lets_pass() -> None:
    last = Heard(b"", 640, 1.0, 0, 0)
    assert lost_before(Heard(b"", 640, 9999.0, pyaudio.paInputOverflow, 0), last) == 16_000


def test_an_overflow_within_a_refused_block_is_not_forgotten() -> None:
    microphones, capture = listening()
    for number in range(QUEUE_BLOCKS):
        hear(capture, number)
    hear(capture, QUEUE_BLOCKS, pyaudio.paInputOverflow, late_s=0.1)
    heard_from(microphones, QUEUE_BLOCKS)
    hear(capture, QUEUE_BLOCKS + 1, late_s=0.1)
    assert heard_from(microphones, 1)[0].lost == 640 + 1600


def test_a_clock_that_jitters_loses_nothing() -> None:
    microphones, capture = listening()
    for number in range(5):
        hear(capture, number, late_s=0.02 * (number % 2))
    assert [block.lost for block in heard_from(microphones, 5)] == [0] * 5


def test_nothing_is_taken_after_the_end() -> None:
    capture = Capture(XVF3800, "test")
    capture.over = True
    assert hear(capture, 0) == pyaudio.paAbort
    assert capture.heard.empty()


def test_closed_microphones_say_that_they_are_closed() -> None:
    with pytest.raises(SoundError, match="closed: open them first"):
        next(iter(PortAudioArray(XVF3800)))


def test_an_array_of_another_rate_is_refused() -> None:
    with pytest.raises(SoundError, match="delivers 48000 Hz, but microphones are read at 16000 Hz"):
        PortAudioArray(ArrayGeometry("fast", 48_000, (0,), ((0.0, 0.0, 0.0),)))


class Devices:
    """PortAudio's list of devices, for a machine that is not this one."""

    def __init__(self, *devices: tuple[str, int]) -> None:
        self.devices = devices

    def get_device_count(self) -> int:
        return len(self.devices)

    def get_device_info_by_index(self, index: int) -> dict[str, Any]:
        name, channels = self.devices[index]
        return {"index": index, "name": name, "maxInputChannels": channels}


DESK = Devices(
    ("HDMI: 0 (hw:0,3)", 0),
    ("Webcam: USB Audio (hw:1,0)", 2),
    ("reSpeaker XVF3800 4-Mic Array: USB Audio (hw:2,0)", 6),
    ("default", 32),
)


@pytest.mark.parametrize("wanted", ["xvf3800", "reSpeaker", "hw:2,0", 2, "2"])
def test_a_device_is_found_by_a_part_of_its_name_or_its_number(wanted: str | int) -> None:
    assert find_device(DESK, wanted, XVF3800) == 2


def test_a_whole_name_wins_over_parts_of_others() -> None:
    assert find_device(Devices(("array (hw:1)", 6), ("array", 6)), "array", XVF3800) == 1


@pytest.mark.parametrize(
    ("devices", "wanted", "sentence"),
    [
        (
            DESK,
            "linear",
            r"no microphone array 'linear': this machine has 1 'Webcam.*'; plug it in, end what uses it, or",
        ),
        (DESK, 0, "there is no microphone array '0'"),
        (DESK, "HDMI", "there is no microphone array 'HDMI'"),
        (DESK, "USB Audio", "'USB Audio' fits 2 devices: give the whole name or the number"),
        (DESK, "Webcam", r"'Webcam.*' has 2 channels, but the array xvf3800 needs 6"),
        (Devices(), "xvf3800", "this machine has no microphones at all"),
    ],
)
def test_a_device_that_cannot_be_is_one_sentence(devices: Devices, wanted: str | int, sentence: str) -> None:
    with pytest.raises(SoundError, match=sentence):
        find_device(devices, wanted, XVF3800)


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
        raise SoundError(refusal(error, "mic", XVF3800))


def test_work_that_hangs_is_left_behind() -> None:
    never = threading.Event()
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        within(0.05, never.wait)
    assert time.monotonic() - begun < 2.0
    never.set()


def test_an_error_of_bounded_work_is_the_callers() -> None:
    def fail() -> None:
        raise SoundError("gone")

    with pytest.raises(SoundError, match="gone"):
        within(1.0, fail)
