"""What a person sees of a room in a terminal, and what keys do to it."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from app.conversation.score import Score, read
from app.listen import Listen, listen_to_score
from app.play import rehearsal
from app.room.session import Moment
from app.sources import load
from app.terminal.report import clock, in_words
from app.terminal.view import Scene, Terminal, drawn
from app.terminal.watch import STAVE, Hands, Watch
from firmware.light import Light
from firmware.simulated import (
    SimulatedBoard,
    SimulatedButton,
    SimulatedSwitch,
    board_from_recording,
    board_without_sound,
)
from tests.conftest import Golden


def as_text(scene: Scene) -> str:
    console = Console(file=io.StringIO(), width=90, record=True)
    console.print(drawn(scene))
    return console.export_text()


def test_a_scene_is_drawn_as_reviewed(golden: Golden) -> None:
    scene = Scene(
        "Simulated board",
        {Light.LEFT: 0.4, Light.RIGHT: 0.0, Light.MICROPHONE: 0.5},
        [("therapist", "..####...x"), ("client", "##....##.x")],
        ["7:16  The therapist has had the floor for 1:04", "Cues: floor_held_long at 7:12"],
        "space: button",
        [("room-1 sealed", 3, 12)],
    )
    golden("golden/scene.txt", as_text(scene))


def test_every_light_says_in_words_how_bright_it_is() -> None:
    text = as_text(Scene("", {Light.LEFT: 0.26, Light.RIGHT: 0.0, Light.MICROPHONE: 1.0}))
    assert "left, amber:  26 %" in text
    assert "right, blue:   0 %" in text
    assert "microphone: 100 %" in text


def test_without_a_terminal_nothing_is_drawn_and_no_key_comes() -> None:
    paper = io.StringIO()
    with Terminal(Console(file=paper)) as terminal:
        terminal.show(Scene("", {}))
        assert terminal.typed() == ""
    assert paper.getvalue() == ""


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def score() -> Score:
    return read(
        "THERAPIST  ##########...............\n"
        "CLIENT     ..........#####..........\n"
        "UNMEASURED ...............xxxxxxxxxx"
    )


def watch(listen: Listen, board: SimulatedBoard, time: Time) -> Watch:
    return Watch("", listen.room, Hands(board.button, board.privacy), lambda: listen.seats, Terminal(Console()), time)


def test_the_staves_show_who_spoke_and_what_was_not_measured(score: Score) -> None:
    board, time = board_without_sound(), Time()
    with rehearsal(load()) as files:
        listen = listen_to_score(load(), files, board, score, None)
        view = watch(listen, board, time)
        board.button.press()
        moment: Moment | None = None
        for _ in range(60):
            moment = listen.room.step()
            view.look(moment)
            if listen.room.session is None:
                break
    staves = dict(view.scene(None).staves)
    assert staves["THERAPIST"].endswith("##.x")
    assert staves["CLIENT"].endswith("..#x"), "the mark that is not over yet is not drawn"
    assert len(staves["CLIENT"]) == STAVE


@pytest.mark.parametrize(
    ("key", "presses", "is_open"),
    [(" ", [0.2], True), ("c", [3.0], True), ("w", [5.0], True), ("p", [], False), ("x", [], True)],
)
def test_keys_are_hands_on_the_board(key: str, presses: list[float], is_open: bool) -> None:
    hands = Hands(SimulatedButton(), SimulatedSwitch())
    hands.press(key)
    assert [press.seconds for press in hands.button.presses()] == presses
    assert hands.privacy.is_open() is is_open


def test_a_key_pulls_the_plug_of_a_recording_and_puts_it_in_again() -> None:
    recording = Path(__file__).parents[2] / "app/rehearsal/recording/two-people.flac"
    board = board_from_recording(recording, "xvf3800", None)
    tape = board.microphones
    hands = Hands(board.button, board.privacy, tape)  # type: ignore[arg-type]  # a recording's array
    assert "u: plug" in hands.keys
    hands.press("u")
    assert not tape.plugged  # type: ignore[union-attr]
    hands.press("u")
    assert tape.plugged  # type: ignore[union-attr]


def test_numbers_in_words() -> None:
    number = {"value": 4.02, "low": 3.5, "high": 4.5, "unit": "1/min", "grade": "C", "withheld": None}
    assert in_words(number) == "4.02 per min  [3.50, 4.50]  evidence C"
    assert in_words(number | {"low": 4.02, "high": 4.02}) == "4.02 per min  exact  evidence C"
    assert (
        in_words(number | {"low": 4.02, "high": 4.02}, may_be_exact=False) == "4.02 per min  [4.02, 4.02]  evidence C"
    )
    assert in_words(number | {"withheld": "fewer than 5 events"}) == "withheld: fewer than 5 events"
    assert [clock(s) for s in (0, 59.6, 61, 3600)] == ["0:00", "1:00", "1:01", "60:00"]
