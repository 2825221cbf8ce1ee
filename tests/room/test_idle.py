"""A unit between sessions: whether its microphones are there, and what it says of them."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from app.cues.lamp import MICROPHONE_ON
from app.hearing.seats import parse_seats
from app.listen import Files, Listen, chairs_of, listen_to_sound
from app.play import rehearsal
from app.rehearsal.record import RECORDING
from app.room.chairs import Chairs
from app.sources import load
from firmware.light import Light
from firmware.simulated import SimulatedBoard, board_from_recording

SEATS = parse_seats("therapist=30,client=150")


@pytest.fixture
def board() -> SimulatedBoard:
    return board_from_recording(RECORDING / "two-people.flac", "xvf3800", None)


@pytest.fixture
def files() -> Iterator[Files]:
    with rehearsal(load()) as found:
        yield found


def microphone_light(listen: Listen, board: SimulatedBoard, seconds: float) -> list[float]:
    """What the light shows over so long."""
    shown, now = [], listen.room.clock()
    listen.room.clock = lambda: now
    for _ in range(round(seconds * 10)):
        listen.room.step()
        shown.append(board.lamp.brightness[Light.MICROPHONE])
        now += 0.1
    return shown


def test_a_unit_without_an_array_blinks_says_so_once_and_goes_on_when_it_is_there(
    board: SimulatedBoard, files: Files
) -> None:
    said: list[str] = []
    board.unplug()
    listen = listen_to_sound(load(), files, board, Chairs(None, SEATS), said.append)
    listen.look()
    listen.look()
    assert said == ["the array xvf3800 is unplugged: plug it in"]
    shown = microphone_light(listen, board, 20.0)
    assert max(shown) == pytest.approx(MICROPHONE_ON, abs=0.05)
    assert min(shown) == 0.0
    board.replug()
    listen.look()
    assert microphone_light(listen, board, 20.0)[-1] == 0.0
    assert listen.room.fault is None
    board.button.press()
    listen.room.step()
    assert listen.room.session
    assert len(said) == 1


def test_seats_of_another_array_are_said_before_any_session(
    board: SimulatedBoard, files: Files, tmp_path: Path
) -> None:
    said: list[str] = []
    chairs = Chairs(tmp_path / "seats.json")
    chairs.keep(SEATS, "usb 2886:001a B04")
    listen_to_sound(load(), files, board, chairs, said.append).look()
    assert said[0].startswith("the seats were calibrated with another array (usb 2886:001a B04, this is recording")


def test_seats_as_given_go_before_calibrated_ones_and_those_before_the_settings(tmp_path: Path) -> None:
    settings = load(None, {"paths": {"state": tmp_path}, "seats": {"client": 200.0}})
    assert [seat.azimuth for seat in chairs_of(settings, None, print).seats] == [200.0]
    Chairs(settings.paths.seats_file).keep(SEATS, "array")
    assert chairs_of(settings, None, print).seats == SEATS
    given = parse_seats("client=10")
    assert chairs_of(settings, given, print).seats == given


def test_a_clock_at_1970_is_no_reason_not_to_listen(board: SimulatedBoard, files: Files) -> None:
    listen = listen_to_sound(load(), files, board, Chairs(None, SEATS))
    listen.room.today = lambda: date(1970, 1, 1)
    board.button.press()
    listen.room.step()
    session = listen.room.session
    assert session
    for _ in range(100):
        listen.room.step()
    board.button.press()
    listen.room.step()
    assert listen.room.session is None
    assert session.tally().open > 0
