"""Seats set by the button alone, in a room that hears a recording of two people, and by the command."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.__main__ import cli
from app.conversation.metrics import EXACT
from app.cues.lamp import MICROPHONE_ON, Lights
from app.cues.policy import Policy
from app.hearing.hearing import Hearing
from app.hearing.model import Model
from app.rehearsal.record import RECORDING
from app.release.ledger import Ledger
from app.room.chairs import Chairs
from app.room.life import Life
from app.room.room import Room
from app.room.seating import Seating
from app.room.session import Session
from app.room.source import Sound
from firmware.light import Light
from firmware.simulated import SimulatedBoard, board_from_recording
from firmware.sound import BLOCK_SAMPLES, SAMPLE_RATE

TALK = RECORDING / "two-people.flac"
"""The therapist sits at 30 degrees and begins, the client at 150."""

BLOCK_S = BLOCK_SAMPLES / SAMPLE_RATE


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Scene:
    """A room whose time goes on by a block a step."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.board: SimulatedBoard = board_from_recording(TALK, "xvf3800", None)
        self.time, self.chairs = Time(), Chairs(folder / "seats.json")
        model, board = Model(), self.board
        self.room = Room(
            board=board,
            source=Sound(
                board, lambda: Hearing(board.geometry, self.chairs.seats, model), self.time, self.chairs.doubt
            ),
            ledger=ledger,
            life=Life(3000.0),
            lights=Lights(),
            errors=EXACT,
            make_session=lambda: Session(self.chairs.seats, EXACT, Policy()),
            clock=self.time,
            today=lambda: date(2026, 3, 4),
            chairs=self.chairs,
            seating=Seating(board, lambda: Hearing(board.geometry, (), model)),
        )
        self.brightest: dict[Light, float] = dict.fromkeys(Light, 0.0)

    def pass_s(self, seconds: float) -> None:
        self.brightest = dict.fromkeys(Light, 0.0)
        for _ in range(round(seconds / BLOCK_S)):
            self.room.step()
            self.time.now += BLOCK_S
            self.brightest = {light: max(self.brightest[light], self.board.lamp.brightness[light]) for light in Light}

    def press(self, seconds: float) -> None:
        self.board.button.press(seconds)
        self.pass_s(BLOCK_S)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    yield Scene(tmp_path, ledger)
    ledger.shut()


def test_a_hold_of_three_seconds_and_a_sentence_each_set_the_seats(scene: Scene) -> None:
    scene.press(3.2)
    scene.pass_s(8)
    assert scene.board.lamp.brightness[Light.MICROPHONE] == pytest.approx(MICROPHONE_ON)
    assert scene.brightest[Light.RIGHT] > 0.3, "the blue light says that a seat is known"
    scene.pass_s(10)
    scene.press(0.2)
    scene.pass_s(4)
    assert [seat.name for seat in scene.chairs.seats] == ["therapist", "client"]
    assert [seat.azimuth for seat in scene.chairs.seats] == [pytest.approx(30, abs=6), pytest.approx(150, abs=6)]
    assert scene.chairs.array == "recording xvf3800"
    assert min(scene.brightest[Light.LEFT], scene.brightest[Light.RIGHT]) > 0.3, "both together say that it is done"
    assert set(scene.board.lamp.brightness.values()) == {0.0}
    scene.press(0.2)
    scene.pass_s(20)
    assert scene.room.session
    assert len(scene.room.session.tally().speech) == 2


def test_a_second_hold_leaves_the_seats_as_they_were(scene: Scene) -> None:
    scene.press(3.2)
    scene.pass_s(18)
    scene.press(3.2)
    assert scene.chairs.seats == ()
    assert scene.room.idle


def test_one_seat_alone_is_not_kept(scene: Scene) -> None:
    scene.press(3.2)
    scene.pass_s(7)
    assert scene.room.seating
    assert len(scene.room.seating.seats) == 1
    scene.press(0.2)
    assert scene.chairs.seats == ()


@pytest.mark.parametrize("happens", ["unplug", "privacy"])
def test_without_microphones_the_setting_of_seats_ends(scene: Scene, happens: str) -> None:
    scene.press(3.2)
    scene.pass_s(4)
    scene.board.unplug() if happens == "unplug" else scene.board.privacy.move(is_open=False)
    scene.pass_s(4)
    assert scene.room.idle
    assert scene.board.lamp.brightness[Light.MICROPHONE] == 0.0


def test_seats_of_another_array_measure_nothing_and_say_so(scene: Scene) -> None:
    scene.press(3.2)
    scene.pass_s(18)
    scene.press(0.2)
    scene.chairs.array = "usb 2886:001a B04"
    scene.press(0.2)
    scene.pass_s(6)
    assert scene.room.session
    assert scene.room.session.tally().measured == 0
    assert (scene.room.source.trouble or "").startswith("the seats were calibrated with another array")
    assert scene.room.source.live


def run(*words: str, state: Path) -> Result:
    return CliRunner().invoke(
        cli, ["seats", *words], env={"FERMATA_PATHS__STATE": str(state)}, standalone_mode=False, catch_exceptions=True
    )


def test_the_command_sets_seats_from_a_recording_and_only_shows_them(tmp_path: Path) -> None:
    said = run("--recording", str(TALK), "--array", "xvf3800", state=tmp_path)
    assert said.exit_code == 0
    assert said.output.splitlines()[-1] in {
        f"--seats therapist={a},client={b}" for a in range(27, 34) for b in (149, 150, 151, 152)
    }
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_who_could_not_be_placed(tmp_path: Path) -> None:
    said = run("--people", "3", "--recording", str(TALK), "--array", "xvf3800", state=tmp_path)
    assert str(said.exception).startswith("of 3 people only therapist, client could be placed: try again")


def test_the_command_checks_whose_seat_a_voice_comes_from(tmp_path: Path) -> None:
    said = run(
        "check", "--recording", str(TALK), "--array", "xvf3800", "--seats", "therapist=30,client=250", state=tmp_path
    )
    assert "This is the therapist's seat." in said.output
    assert "degrees, where no seat is." in said.output


def test_the_command_shows_and_forgets(tmp_path: Path) -> None:
    assert "No seats are set" in run("show", state=tmp_path).output
    Chairs(tmp_path / "seats.json").keep(Chairs(None).seats, "array")
    run("forget", state=tmp_path)
    assert not (tmp_path / "seats.json").exists()
