from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.errors import ArrayError
from firmware.geometry import array_for, fitting_array, fitting_arrays, load_array, read_array, rows_of, shipped_arrays

PAIR = """name = "pair"
sample_rate = 16000
channels = [0, 1]
positions_mm = [[-30, 0, 0], [30.0, 0, 0]]
"""


def test_the_shipped_arrays_are_these() -> None:
    assert [array.name for array in shipped_arrays()] == ["linear4", "mono", "square4", "stereo", "xvf3800"]


def test_the_reference_array_has_its_microphones_behind_two_processed_channels() -> None:
    array = load_array("xvf3800")
    assert array.channels == (2, 3, 4, 5)
    assert array.stream_channels == 6
    assert array.positions_mm[0] == pytest.approx((32.5 * 2**-0.5, 32.5 * 2**-0.5, 0), abs=1e-3)


def test_an_array_file_is_read_wherever_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "pair.toml"
    path.write_text(PAIR)
    assert load_array(path) == load_array(str(path))
    assert load_array(path).positions_mm == ((-30.0, 0.0, 0.0), (30.0, 0.0, 0.0))


@pytest.mark.parametrize(("channels", "name"), [(1, "mono"), (2, "stereo"), (6, "xvf3800")])
def test_a_channel_count_that_one_array_has_finds_it(channels: int, name: str) -> None:
    fitting = fitting_array(channels)
    assert fitting is not None
    assert fitting.name == name == array_for(channels).name


def test_four_channels_fit_several_arrays_and_none_is_guessed() -> None:
    assert fitting_array(4) is None
    assert [array.name for array in fitting_arrays(4)] == ["linear4", "square4", "xvf3800"]
    with pytest.raises(ArrayError, match="linear4 or square4 or xvf3800: give one of them with --array"):
        array_for(4)


def test_a_channel_count_of_no_array_asks_for_an_array_file() -> None:
    with pytest.raises(ArrayError, match=r"3 channels fit no array .* give an array file"):
        array_for(3)


def test_as_many_channels_as_microphones_are_the_microphones() -> None:
    assert rows_of(load_array("xvf3800"), 4) == (0, 1, 2, 3)
    assert rows_of(load_array("xvf3800"), 6) == (2, 3, 4, 5)


@given(st.integers(1, 32))
def test_every_microphone_has_one_row_that_exists_or_it_is_refused(channels: int) -> None:
    for array in shipped_arrays():
        try:
            rows = rows_of(array, channels)
        except ArrayError:
            assert channels < array.stream_channels
        else:
            assert len(set(rows)) == len(array.positions_mm)
            assert max(rows) < channels


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("[0, 1]", "[0, 0]"), "a channel is given twice"),
        (("[0, 1]", "[0, -1]"), "channels is a list of whole numbers from 0"),
        (("[0, 1]", "[0, true]"), "channels is a list of whole numbers from 0"),
        (("[0, 1]", "[0, 1, 2]"), "3 channels and 2 positions"),
        (("30.0, 0, 0", "-30, 0, 0"), "less than 5 mm apart"),
        (("30.0, 0, 0", "3000, 0, 0"), "more than 1000 mm from the centre"),
        (("30.0, 0, 0", "-30, 0, 50"), "above one another"),
        (("30.0, 0, 0", "30.0, 0"), r"positions_mm is a list of \[x, y, z\]"),
        (("30.0", "inf"), r"positions_mm is a list of \[x, y, z\]"),
        (("30.0", "nan"), r"positions_mm is a list of \[x, y, z\]"),
        (("30.0", '"30"'), r"positions_mm is a list of \[x, y, z\]"),
        (("[0, 1]", "[]"), "channels is a list of whole numbers from 0"),
        (("16000", '"16 kHz"'), "sample_rate is a whole number of Hz"),
        (("16000", "16"), "sample_rate is a whole number of Hz"),
        (('"pair"', '""'), "name is a word"),
        (("sample_rate = 16000\n", ""), "lacks sample_rate"),
        (("name", "shape = 1\nname"), "unknown key, shape"),
        (("name = ", "name "), "is not TOML"),
    ],
)
def test_an_impossible_array_is_one_sentence(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(PAIR.replace(*change, 1))
    with pytest.raises(ArrayError, match=sentence) as caught:
        read_array(path)
    assert "\n" not in str(caught.value)


def test_nine_microphones_are_too_many(tmp_path: Path) -> None:
    path = tmp_path / "nine.toml"
    positions = [[10 * i, 0, 0] for i in range(9)]
    path.write_text(f'name = "nine"\nsample_rate = 16000\nchannels = {list(range(9))}\npositions_mm = {positions}\n')
    with pytest.raises(ArrayError, match="9 microphones are more than 8"):
        read_array(path)


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(ArrayError, match=r"no array is called 'xvf': .* linear4, mono, square4, stereo, xvf3800"):
        load_array("xvf")


def test_a_missing_file_is_said() -> None:
    with pytest.raises(ArrayError, match=r"cannot read the array file nowhere\.toml: No such file"):
        load_array("nowhere.toml")
