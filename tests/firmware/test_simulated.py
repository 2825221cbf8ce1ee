import tracemalloc
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from firmware.board import open_board
from firmware.errors import ArrayError, SoundError
from firmware.geometry import load_array
from firmware.light import Light
from firmware.press import Press
from firmware.simulated import SimulatedSwitch, TapeArray, board_from_recording, board_without_sound
from firmware.sound import Block
from firmware.tape import Tape

Write = Callable[..., Path]


def noise(samples: int, channels: int, seed: int = 1) -> NDArray[np.int16]:
    drawn = np.random.default_rng(seed).integers(-20_000, 20_000, (samples, channels))
    return drawn.astype(np.int16)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(sound: NDArray[np.generic], rate: int = 16_000, kind: str = "wav", subtype: str | None = None) -> Path:
        path = tmp_path / f"recording.{kind}"
        soundfile.write(path, sound, rate, subtype)
        return path

    return write


def blocks_of(path: Path, array: str | None = None) -> list[Block]:
    board = board_from_recording(path, array, pace=None)
    board.microphones.open()
    return list(board.microphones)


def sound_of(blocks: list[Block]) -> NDArray[np.int16]:
    return np.concatenate([block.samples for block in blocks], axis=1)


@pytest.mark.parametrize(("kind", "subtype"), [("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "FLOAT"), ("flac", None)])
def test_every_sample_of_a_recording_comes_out_as_it_went_in(write: Write, kind: str, subtype: str | None) -> None:
    sound = noise(3 * 640 + 17, 4)
    written = sound / np.float32(32768) if subtype == "FLOAT" else sound
    blocks = blocks_of(write(written, kind=kind, subtype=subtype), "xvf3800")
    assert np.array_equal(sound_of(blocks).T, sound)
    assert [block.samples.shape for block in blocks] == [(4, 320)] * 6 + [(4, 17)]
    assert [block.start for block in blocks] == [0, 320, 640, 960, 1280, 1600, 1920]


def test_a_stream_gives_only_its_microphones(write: Write) -> None:
    sound = noise(1280, 6)
    assert np.array_equal(sound_of(blocks_of(write(sound))).T, sound[:, 2:])


def test_blocks_are_read_only(write: Write) -> None:
    block = blocks_of(write(noise(640, 1)))[0]
    with pytest.raises(ValueError, match="read-only"):
        block.samples[0, 0] = 1


def test_sound_beyond_full_scale_is_clipped(write: Write) -> None:
    sound = np.array([[1.5], [-1.5], [0.5]], np.float32)
    assert sound_of(blocks_of(write(sound, subtype="FLOAT"))).tolist() == [[32767, -32768, 16384]]


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_another_rate_is_resampled_and_said(write: Write, rate: int) -> None:
    seconds = 1.7
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    path = write(tone.astype(np.float32), rate)
    heard = sound_of(blocks_of(path))[0] / 32768
    wanted = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * 16_000)) / 16_000)
    assert len(heard) == len(wanted)
    assert np.abs(heard - wanted)[200:-200].max() < 0.002
    assert any(f"{rate} Hz and is resampled to 16000 Hz" in notice for notice in board_from_recording(path).notices)


def test_a_recording_at_its_own_rate_has_one_notice_which_says_that_it_is_simulated(write: Write) -> None:
    (notice,) = open_board(recording=write(noise(640, 2))).notices
    assert notice.startswith("Simulated board: ")
    assert notice.endswith("recording.wav through the array stereo.")


def test_channels_left_out_are_said(write: Write, tmp_path: Path) -> None:
    array = tmp_path / "pair.toml"
    array.write_text(
        'name = "pair"\nsample_rate = 16000\nchannels = [1, 2]\npositions_mm = [[-40, 0, 0], [40, 0, 0]]\n'
    )
    notices = board_from_recording(write(noise(640, 6)), array).notices
    assert notices[1].endswith("recording.wav the array pair takes 1, 2.")


@pytest.mark.parametrize(("channels", "array"), [(6, "linear4"), (4, "stereo"), (8, "xvf3800")])
def test_a_shipped_array_takes_only_what_it_delivers(write: Write, channels: int, array: str) -> None:
    with pytest.raises(ArrayError, match=f"{channels} channels, which the array {array} does not deliver"):
        board_from_recording(write(noise(640, channels)), array)


def test_memory_stays_flat_over_a_long_recording(write: Write) -> None:
    board = board_from_recording(write(np.zeros((16_000 * 120, 4), np.int16)), "xvf3800", pace=None)
    board.microphones.open()
    tracemalloc.start()
    try:
        seconds = sum(block.samples.shape[1] for block in board.microphones) / 16_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seconds == 120
    assert peak < 1_000_000


def test_four_channels_without_an_array_name_the_candidates(write: Write) -> None:
    with pytest.raises(ArrayError, match="linear4 or square4 or xvf3800"):
        board_from_recording(write(noise(640, 4)))


def test_too_few_channels_for_the_array_are_refused(write: Write) -> None:
    with pytest.raises(ArrayError, match="1 channel cannot come from the array xvf3800, which has 4 microphones"):
        board_from_recording(write(noise(640, 1)), "xvf3800")


def test_an_empty_recording_is_refused(write: Write) -> None:
    with pytest.raises(SoundError, match="is empty"):
        board_from_recording(write(np.zeros((0, 1), np.int16)))


@pytest.mark.parametrize("content", [b"", b"not sound at all", b"RIFF\0\0\0\0WAVE"])
def test_an_unreadable_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    with pytest.raises(SoundError, match="cannot be read: give a WAV or FLAC file"):
        board_from_recording(path)


@pytest.mark.parametrize("name", ["nothing.wav", "."])
def test_a_missing_recording_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SoundError, match="there is no recording"):
        board_from_recording(tmp_path / name)


def test_a_recording_that_breaks_off_is_said_after_what_it_held(write: Write) -> None:
    path = write(noise(160_000, 1), kind="flac")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    board = board_from_recording(path, pace=None)
    board.microphones.open()
    heard: list[Block] = []
    with pytest.raises(SoundError, match="breaks off at"):
        heard.extend(board.microphones)
    assert sound_of(heard).shape[1] > 60_000


def test_a_recording_of_what_is_no_number_is_refused(write: Write) -> None:
    with pytest.raises(SoundError, match=r"holds what is no number near 0\.0 s"):
        blocks_of(write(np.full((640, 1), np.nan, np.float32), subtype="FLOAT"))


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("pace", [1.0, 20.0])
def test_a_block_comes_when_it_has_been_heard(write: Write, pace: float) -> None:
    clock = Clock()
    tape = Tape(write(noise(6400, 1)))
    array = TapeArray(tape, load_array("mono"), SimulatedSwitch(), pace=pace, clock=clock, sleep=clock.sleep)
    array.open()
    for number, _ in enumerate(array, start=1):
        assert clock.now == pytest.approx(100.0 + number * 0.02 / pace)


def test_a_listener_who_was_late_catches_up(write: Write) -> None:
    clock = Clock()
    tape = Tape(write(noise(6400, 1)))
    array = TapeArray(tape, load_array("mono"), SimulatedSwitch(), pace=1.0, clock=clock, sleep=clock.sleep)
    array.open()
    blocks = iter(array)
    next(blocks)
    clock.now += 0.2
    for _ in range(10):
        next(blocks)
    assert clock.now == pytest.approx(100.22)


@pytest.fixture(scope="module")
def ten_blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tape") / "ten.wav"
    soundfile.write(path, noise(3200, 1), 16_000)
    return path


@given(st.lists(st.integers(0, 9), max_size=5))
def test_closing_stops_the_tape_and_opening_counts_anew(ten_blocks: Path, sessions: list[int]) -> None:
    array = TapeArray(Tape(ten_blocks), load_array("mono"), SimulatedSwitch(), pace=None)
    whole = [block.samples for block in blocks_of(ten_blocks)]
    heard: list[NDArray[np.int16]] = []
    for wanted in sessions:
        array.open()
        session = list(islice(array, wanted))
        array.close()
        assert [block.start for block in session] == [320 * i for i in range(len(session))]
        heard += [block.samples for block in session]
    assert all(np.array_equal(one, other) for one, other in zip(heard, whole, strict=False))


def test_a_tape_at_its_end_begins_anew(ten_blocks: Path) -> None:
    board = board_from_recording(ten_blocks, pace=None)
    for _ in range(2):
        board.microphones.open()
        assert [block.start for block in board.microphones] == [320 * i for i in range(10)]


def test_nothing_is_heard_before_open_or_after_close(write: Write) -> None:
    board = board_from_recording(write(noise(6400, 1)), pace=None)
    with pytest.raises(SoundError, match="closed: open them first"):
        next(iter(board.microphones))
    board.microphones.open()
    blocks = iter(board.microphones)
    next(blocks)
    board.microphones.close()
    assert list(blocks) == []


def test_an_unplugged_array_stops_and_comes_back(write: Write) -> None:
    board = board_from_recording(write(noise(6400, 1)), pace=None)
    board.microphones.open()
    blocks = iter(board.microphones)
    next(blocks)
    board.unplug()
    with pytest.raises(SoundError, match="unplugged: plug it in"):
        next(blocks)
    with pytest.raises(SoundError, match="unplugged: plug it in"):
        board.microphones.open()
    board.replug()
    board.microphones.open()
    assert next(iter(board.microphones)).start == 0


def test_the_privacy_switch_cuts_the_microphones(write: Write) -> None:
    board = board_from_recording(write(noise(6400, 1)), pace=None)
    board.microphones.open()
    board.privacy.move(is_open=False)
    assert not board.privacy.is_open()
    with pytest.raises(SoundError, match="the privacy switch has cut the power"):
        next(iter(board.microphones))


def test_presses_are_given_once_in_order() -> None:
    board = board_without_sound()
    board.button.press()
    board.button.press(5.0)
    assert board.button.presses() == [Press(0.2), Press(5.0)]
    assert board.button.presses() == []


def test_a_board_for_scores_has_no_microphones_to_open() -> None:
    board = board_without_sound()
    with pytest.raises(SoundError, match="a score takes their place"):
        board.microphones.open()
    assert list(board.microphones) == []
    assert board.geometry.positions_mm == ()


def test_the_lamp_shows_what_it_was_told_and_is_dark_when_the_board_closes() -> None:
    board = board_without_sound()
    board.lamp.show(Light.LEFT, 0.25)
    assert board.lamp.brightness == {Light.LEFT: 0.25, Light.RIGHT: 0.0, Light.MICROPHONE: 0.0}
    with pytest.raises(ValueError, match=r"a brightness is 0\.\.1"):
        board.lamp.show(Light.LEFT, 1.1)
    board.close()
    assert set(board.lamp.brightness.values()) == {0.0}
