from pathlib import Path

import pytest

from app.hearing.seats import Role, Seat
from app.room.chairs import Chairs

FOUND = (Seat("therapist", Role.THERAPIST, 31.0), Seat("client", Role.CLIENT, 150.5))
GIVEN = (Seat("window", None, 5.0),)
ARRAY = "usb 2886:001a A17"


def test_what_is_kept_is_there_after_a_restart_and_goes_before_the_settings(tmp_path: Path) -> None:
    Chairs(tmp_path / "seats.json", GIVEN).keep(FOUND, ARRAY)
    again = Chairs(tmp_path / "seats.json", GIVEN)
    assert (again.seats, again.array) == (FOUND, ARRAY)
    assert [path.name for path in tmp_path.iterdir()] == ["seats.json"]
    assert (tmp_path / "seats.json").stat().st_mode & 0o777 == 0o600


def test_without_any_kept_the_given_ones_are_in_force(tmp_path: Path) -> None:
    chairs = Chairs(tmp_path / "seats.json", GIVEN)
    assert (chairs.seats, chairs.array) == (GIVEN, None)
    assert chairs.doubt(ARRAY) is None


def test_another_array_is_doubted_and_the_same_one_is_not(tmp_path: Path) -> None:
    chairs = Chairs(tmp_path / "seats.json")
    chairs.keep(FOUND, ARRAY)
    assert chairs.doubt(ARRAY) is None
    assert chairs.doubt(None) is None
    assert chairs.doubt("usb 2886:001a B04") == (
        "the seats were calibrated with another array (usb 2886:001a A17, this is usb 2886:001a B04): "
        "hold the button for 3 s, or run `fermata seats`"
    )


def test_what_another_process_keeps_is_seen(tmp_path: Path) -> None:
    chairs = Chairs(tmp_path / "seats.json", GIVEN)
    Chairs(tmp_path / "seats.json").keep(FOUND, ARRAY)
    chairs.refresh()
    assert chairs.seats == FOUND


def test_what_another_process_forgets_is_forgotten(tmp_path: Path) -> None:
    Chairs(tmp_path / "seats.json").keep(FOUND, ARRAY)
    chairs = Chairs(tmp_path / "seats.json", GIVEN)
    (tmp_path / "seats.json").unlink()
    chairs.refresh()
    assert chairs.seats == GIVEN


def test_seats_insisted_on_stay_until_others_are_kept(tmp_path: Path) -> None:
    Chairs(tmp_path / "seats.json").keep(FOUND, ARRAY)
    chairs = Chairs(tmp_path / "seats.json")
    chairs.insist(GIVEN)
    chairs.refresh()
    assert chairs.seats == GIVEN
    assert chairs.doubt("usb 2886:001a B04") is None


@pytest.mark.parametrize("text", ["", "{}", '{"array": 1, "seats": {"a": {}}}', '{"array": "x", "seats": []}', "[1]"])
def test_a_file_that_cannot_be_read_is_said_and_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "seats.json").write_text(text)
    said: list[str] = []
    assert Chairs(tmp_path / "seats.json", GIVEN, said.append).seats == GIVEN
    (sentence,) = said
    assert sentence.endswith("cannot be read: hold the button for 3 s, or run `fermata seats`")
