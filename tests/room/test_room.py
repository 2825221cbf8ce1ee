"""A room unit at work: its button, its lamp and what a session leaves behind, on simulated boards and real files."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.conversation.metrics import EXACT
from app.conversation.score import Score, read
from app.cues.lamp import MICROPHONE_ON, Lights
from app.cues.policy import Policy
from app.durable import InUseError
from app.hearing.hearing import Heard, Hearing
from app.hearing.model import Model
from app.release.ledger import Ledger
from app.room.life import Life
from app.room.room import Room
from app.room.session import Session
from app.room.source import Sound, Source, Staves
from firmware.board import Board
from firmware.light import Light
from firmware.simulated import SimulatedBoard, TapeArray, board_from_recording, board_without_sound
from firmware.sound import BLOCK_SAMPLES, SAMPLE_RATE

MINUTE = 60.0
BLOCK_S = 0.04
TALK = "\n\n".join(f"THERAPIST  {'#' * 30}{'.' * 30}\nCLIENT     {'.' * 35}{'#' * 20}....." for _ in range(140))
"""14 minutes in which they take turns of 3 and 2 s."""


@dataclass
class Time:
    """A clock that only a test moves."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    yield ledger
    ledger.shut()


@pytest.fixture
def score() -> Score:
    return read(TALK)


def room_of(board: Board, source: Source, ledger: Ledger, time: Time, score: Score) -> Room:
    return Room(
        board=board,
        source=source,
        ledger=ledger,
        life=Life(50 * MINUTE),
        lights=Lights(),
        errors=EXACT,
        make_session=lambda: Session(score.seats, EXACT, Policy()),
        clock=time,
        today=lambda: date(2026, 3, 4),
    )


@dataclass
class Scene:
    """A room that hears a score, moved on by hand."""

    room: Room
    time: Time
    board: SimulatedBoard
    step_s: float = BLOCK_S

    def press(self, seconds: float = 0.2) -> None:
        self.board.button.press(seconds)
        self.pass_s(0.1)

    def pass_s(self, seconds: float) -> None:
        until = self.time.now + seconds
        while self.time.now < until:
            self.room.step()
            self.time.now += self.step_s

    @property
    def microphone_light(self) -> float:
        return self.board.lamp.brightness[Light.MICROPHONE]


@pytest.fixture
def scene(ledger: Ledger, score: Score) -> Scene:
    board, time = board_without_sound(), Time()
    room = room_of(board, Staves(score, None, time, lambda _: None), ledger, time, score)
    room.recover()
    return Scene(room, time, board)


def test_nothing_is_heard_before_the_press(scene: Scene) -> None:
    scene.pass_s(5)
    assert scene.room.session is None
    assert scene.microphone_light == 0


def test_a_session_leaves_its_numbers_and_the_week_in_the_ledger(scene: Scene, ledger: Ledger) -> None:
    scene.press()
    scene.pass_s(12 * MINUTE)
    assert scene.microphone_light == MICROPHONE_ON
    scene.press()
    scene.pass_s(3)
    assert scene.microphone_light == 0
    (waiting,) = ledger.waiting()
    assert waiting.week == "2026-W10"
    assert waiting.values["therapist_talk_share"] == pytest.approx(0.6, abs=0.01)


def test_a_session_of_less_than_ten_minutes_leaves_nothing(scene: Scene, ledger: Ledger) -> None:
    scene.press()
    scene.pass_s(9 * MINUTE)
    scene.press()
    assert ledger.waiting() == []
    assert ledger.interrupted() is None


def test_a_withdrawn_session_leaves_nothing_and_the_hooded_lights_say_so(scene: Scene, ledger: Ledger) -> None:
    scene.press()
    scene.pass_s(12 * MINUTE)
    scene.press(5.0)
    brightest = dict.fromkeys(Light, 0.0)
    for _ in range(200):
        scene.pass_s(BLOCK_S)
        brightest = {light: max(brightest[light], now) for light, now in scene.board.lamp.brightness.items()}
    assert brightest[Light.LEFT] > 0.5
    assert brightest[Light.RIGHT] > 0.5
    assert set(scene.board.lamp.brightness.values()) == {0.0}
    assert ledger.waiting() == []
    assert ledger.interrupted() is None


def test_the_last_session_can_be_withdrawn_for_two_minutes_only(scene: Scene, ledger: Ledger) -> None:
    for wait_s, left in ((100.0, 0), (130.0, 1)):
        scene.press()
        scene.pass_s(12 * MINUTE)
        scene.press()
        scene.pass_s(wait_s)
        scene.press(5.0)
        assert len(ledger.waiting()) == left
        scene.pass_s(130)


def test_a_score_that_ends_ends_its_session(scene: Scene, ledger: Ledger) -> None:
    scene.press()
    scene.pass_s(15 * MINUTE)
    assert scene.room.session is None
    assert len(ledger.waiting()) == 1


class Late(Staves):
    """A score of which the last two minutes come only at the session's end."""

    def end(self) -> Iterator[Heard]:
        """All that is left."""
        return self._heard


@pytest.mark.parametrize(
    ("kind", "ends_s", "cues", "counted"), [(Staves, 400, ["floor_held_long"], 400), (Late, 310, [], 420)]
)
def test_a_cue_that_would_begin_in_what_comes_after_the_end_is_not_listed(
    ledger: Ledger, score: Score, kind: type[Staves], ends_s: float, cues: list[str], counted: float
) -> None:
    long_turn = read(f"THERAPIST  {'.' * 3000}{'#' * 1200}\nCLIENT     {'#' * 3000}{'.' * 1200}")
    board, time = board_without_sound(), Time()
    room = room_of(board, kind(long_turn, None, time, lambda _: None), ledger, time, score)
    scene = Scene(room, time, board)
    scene.press()
    session = room.session
    assert session
    scene.pass_s(ends_s)
    scene.press()
    assert [each.cue for each in session.cued] == cues
    assert session.tally().open / 100 == pytest.approx(counted, abs=0.5), "what comes late counts"


def test_nothing_begins_while_the_privacy_switch_is_shut(scene: Scene) -> None:
    scene.board.privacy.move(is_open=False)
    scene.press()
    assert scene.room.session is None


def test_the_microphone_light_goes_out_with_the_privacy_switch(scene: Scene) -> None:
    scene.press()
    scene.pass_s(5)
    assert scene.microphone_light == MICROPHONE_ON
    scene.board.privacy.move(is_open=False)
    scene.pass_s(3)
    assert scene.microphone_light == 0


def test_after_a_power_cut_a_session_is_closed_at_its_last_checkpoint(
    scene: Scene, ledger: Ledger, tmp_path: Path, score: Score
) -> None:
    scene.press()
    scene.pass_s(11 * MINUTE + 5)
    ledger.shut()  # as a cut leaves it: nothing was ended
    again = Ledger(tmp_path / "ledger.sqlite")
    time, board = Time(), board_without_sound()
    restarted = Scene(room_of(board, Staves(score, None, time, lambda _: None), again, time, score), time, board)
    restarted.room.recover()
    restarted.pass_s(1)
    assert restarted.room.session is None, "a microphone never restarts by itself"
    assert restarted.microphone_light == 0
    assert len(again.waiting()) == 1
    restarted.press(5.0)
    assert again.waiting() == [], "it can still be withdrawn"
    again.shut()


def test_a_second_listen_on_the_same_room_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    assert ledger.waiting() == []
    with pytest.raises(InUseError, match="in use by another process"):
        Ledger(tmp_path / "ledger.sqlite")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "noise.wav"
    soundfile.write(path, np.random.default_rng(1).normal(0, 0.01, (16_000 * 30, 1)), 16_000, "PCM_16")
    return path


def test_an_unplugged_array_is_lost_time_and_a_blinking_light_until_it_is_back(
    ledger: Ledger, score: Score, recording: Path
) -> None:
    board, time = board_from_recording(recording, pace=None), Time()
    assert isinstance(board.microphones, TapeArray)
    hearing = partial(Hearing, board.geometry, (), Model())
    room = room_of(board, Sound(board, hearing, time), ledger, time, score)
    room.make_session = lambda: Session((), EXACT, Policy())
    scene = Scene(room, time, board, BLOCK_SAMPLES / SAMPLE_RATE)
    scene.press()
    scene.pass_s(8)
    board.unplug()
    seen = []
    for _ in range(300):
        scene.pass_s(BLOCK_S)
        seen.append(scene.microphone_light)
    assert min(seen[60:]) == 0
    assert max(seen[60:]) == pytest.approx(MICROPHONE_ON, abs=0.02)
    assert room.source.trouble is not None
    board.replug()
    scene.pass_s(10)
    assert scene.microphone_light == MICROPHONE_ON
    assert room.session
    tally = room.session.tally()
    assert tally.open - tally.measured == pytest.approx(1200, abs=520)  # 12 s, and up to 5 s until the next try
    assert tally.open == pytest.approx((time.now - 1000) * 100, abs=50)


def test_a_room_without_microphones_at_the_begin_counts_the_time_as_lost(
    ledger: Ledger, score: Score, recording: Path
) -> None:
    board, time = board_from_recording(recording, pace=None), Time()
    board.unplug()
    room = room_of(board, Sound(board, partial(Hearing, board.geometry, (), Model()), time), ledger, time, score)
    room.make_session = lambda: Session((), EXACT, Policy())
    scene = Scene(room, time, board)
    scene.press()
    scene.pass_s(20)
    session = room.session
    assert session
    scene.press()
    assert session.tally().measured == 0
