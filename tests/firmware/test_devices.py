from pathlib import Path
from typing import Any

import pytest

from firmware.devices import Found, Wanted, find_device
from firmware.errors import SoundError


class Devices:
    """PortAudio's list of devices, for a machine that is not this one."""

    def __init__(self, *devices: tuple[str, int]) -> None:
        self.devices = devices

    def get_device_count(self) -> int:
        return len(self.devices)

    def get_device_info_by_index(self, index: int) -> dict[str, Any]:
        name, channels = self.devices[index]
        return {"index": index, "name": name, "maxInputChannels": channels}


ARRAY = "reSpeaker XVF3800 4-Mic Array: USB Audio"
DESK = Devices(
    ("HDMI: 0 (hw:0,3)", 0),
    ("Webcam: USB Audio (hw:1,0)", 2),
    (f"{ARRAY} (hw:2,0)", 6),
    ("default", 32),
)
TWO = Devices((f"{ARRAY} (hw:1,0)", 6), (f"{ARRAY} (hw:2,0)", 6))


def find(devices: Devices, wanted: str, root: Path = Path("/nowhere"), **more: Any) -> Found:  # noqa: ANN401 - as Wanted
    return find_device(devices, Wanted(wanted, 6, "xvf3800", **more), root)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The files of a machine with two such arrays, told apart by their serial numbers."""
    for card, serial in ((1, "A17"), (2, "B04")):
        (tmp_path / f"proc/asound/card{card}").mkdir(parents=True)
        (tmp_path / f"proc/asound/card{card}/usbid").write_text("2886:001a\n")
        (tmp_path / f"sys/class/sound/card{card}/device").mkdir(parents=True)
        (tmp_path / f"sys/class/sound/card{card}/serial").write_text(f"{serial}\n")
    return tmp_path


@pytest.mark.parametrize("wanted", ["xvf3800", "reSpeaker", "hw:2,0", "2", f"{ARRAY} (hw:2,0)"])
def test_a_device_is_found_by_a_part_of_its_name_or_its_number(wanted: str) -> None:
    assert find(DESK, wanted) == Found(2, f"{ARRAY} (hw:2,0)", 2, ARRAY)


def test_a_whole_name_wins_over_parts_of_others() -> None:
    assert find(Devices(("array (hw:1)", 6), ("array", 6)), "array", sound_server=True).index == 1


def test_a_usb_id_must_fit_whatever_the_name(root: Path) -> None:
    assert find(DESK, "xvf3800", root, usb="2886:001A").index == 2
    with pytest.raises(SoundError, match="no 'xvf3800' has the USB id 2886:0019: plug that one in"):
        find(DESK, "xvf3800", root, usb="2886:0019")


def test_an_array_is_known_again_in_another_socket_and_another_of_its_kind_is_not_it(root: Path) -> None:
    assert find(DESK, "xvf3800", root).identity == "usb 2886:001a B04"
    assert find(TWO, "hw:1,0", root).identity == "usb 2886:001a A17"


def test_two_arrays_are_one_too_many() -> None:
    with pytest.raises(SoundError, match="'xvf3800' fits 2 devices: unplug one, or give the whole name or the number"):
        find(TWO, "xvf3800")


def test_a_device_behind_a_sound_server_is_refused_unless_it_may_be() -> None:
    behind = Devices(("array6", 6))
    with pytest.raises(SoundError, match="'array6' lies behind a sound server, which may put another"):
        find(behind, "array6")
    assert find(behind, "array6", sound_server=True) == Found(0, "array6", None, "array6")


@pytest.mark.parametrize(
    ("devices", "wanted", "sentence"),
    [
        (
            DESK,
            "linear",
            r"no microphone array 'linear': this machine has 1 'Webcam.*'; plug it in, end what uses it, or",
        ),
        (DESK, "0", "there is no microphone array '0'"),
        (DESK, "HDMI", "there is no microphone array 'HDMI'"),
        (DESK, "USB Audio", "'USB Audio' fits 2 devices"),
        (DESK, "Webcam", r"'Webcam.*' has 2 channels, but the array xvf3800 needs 6"),
        (Devices(), "xvf3800", "this machine has no microphones at all"),
    ],
)
def test_a_device_that_cannot_be_is_one_sentence(devices: Devices, wanted: str, sentence: str) -> None:
    with pytest.raises(SoundError, match=sentence):
        find(devices, wanted)
