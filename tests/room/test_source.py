"""The microphones as a session's source: faults are lost time, counted once, and the light knows when they are open."""

from collections import deque
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pytest

from app.room.source import RETRY_S, Sound
from firmware.board import Board
from firmware.errors import SoundError
from firmware.simulated import SimulatedSwitch
from firmware.sound import SAMPLE_RATE, ArrayGeometry, Block

SAMPLES = 640
BLOCK_S = SAMPLES / SAMPLE_RATE


class Microphones:
    """Microphones that deliver what a test lays there: a block, nothing yet, or a fault."""

    identity: str | None = "a test's"

    def __init__(self) -> None:
        self.is_open = False
        self.is_slow = False
        """What is opened is not open yet."""
        self.script: deque[Block | SoundError | None] = deque()

    def open(self) -> None:
        self.is_open = not self.is_slow

    def close(self) -> None:
        self.is_open = False

    def check(self) -> None:
        """They are there."""

    def __iter__(self) -> Iterator[Block | None]:
        while True:
            given = self.script.popleft()
            if isinstance(given, SoundError):
                raise given
            yield given


class Room:
    """A board with such microphones, a clock, and what was heard: how much sound, and how much was lost."""

    def __init__(self) -> None:
        self.microphones, self.privacy = Microphones(), SimulatedSwitch()
        self.geometry = ArrayGeometry("one", SAMPLE_RATE, (0,), ((0.0, 0.0, 0.0),))
        self.now = 100.0
        self.heard = self.lost = 0
        self.source = Sound(cast("Board", self), lambda: cast("Any", self), lambda: self.now)
        self.source.begin()

    def hear(self, block: Block) -> object:
        self.heard += block.samples.shape[1]
        self.lost += block.lost
        return type("Heard", (), {"trouble": None, "is_empty": False})()

    def take(self, *given: Block | SoundError | None, each_s: float = BLOCK_S) -> None:
        for one in given:
            self.now += each_s
            self.microphones.script.append(one)
            self.source.next()


def block(lost: int = 0) -> Block:
    return Block(np.zeros((1, SAMPLES), np.int16), 0, lost)


@pytest.fixture
def room() -> Room:
    room = Room()
    room.take(block())
    return room


def test_what_a_block_says_is_missing_is_lost(room: Room) -> None:
    room.take(block(lost=320))
    assert room.lost == 320


def test_after_a_fault_the_time_since_is_lost_and_what_the_first_block_misses_is_part_of_it(room: Room) -> None:
    room.take(SoundError("gone"))
    room.now += 2 * RETRY_S
    room.take(None, block(lost=1600))
    room.take(block())
    assert room.heard == 3 * SAMPLES
    assert (room.heard + room.lost) / SAMPLE_RATE == pytest.approx(room.now - 100.0, abs=1e-3)


def test_what_a_block_misses_is_lost_even_where_the_clock_knows_of_less(room: Room) -> None:
    room.take(SoundError("gone"))
    room.source._retry_at = room.now
    room.take(block(lost=16_000))
    assert room.lost == 16_000


def test_microphones_that_are_open_again_are_known_to_be_before_any_sound_has_come(room: Room) -> None:
    room.take(SoundError("gone"))
    assert not room.source.is_open
    room.now += RETRY_S
    room.take(None)
    assert room.microphones.is_open
    assert room.source.is_open, "the light is on"
    assert not room.source.live, "but it is not known that they deliver"
    room.take(block())
    assert room.source.live


def test_vain_tries_to_open_microphones_do_not_count_as_open(room: Room) -> None:
    room.microphones.is_slow = True
    for _ in range(3):
        room.take(SoundError("refused"))
        room.now += RETRY_S
        room.take(None)
        assert not room.source.is_open


def test_microphones_are_open_from_the_begin_of_a_session() -> None:
    room = Room()
    room.microphones.is_slow = True
    room.take(None)
    assert room.source.is_open, "a light that is a moment early does no harm"


def test_a_shut_privacy_switch_closes_them(room: Room) -> None:
    room.privacy.move(is_open=False)
    room.take(None)
    assert not room.microphones.is_open
    assert not room.source.is_open
