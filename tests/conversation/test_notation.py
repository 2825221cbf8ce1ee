"""Score notation, read and written."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.conversation.conversation import recount
from app.conversation.score import ScoreError, load, read, write
from app.conversation.vocabulary import Span, Unit
from app.hearing.seats import Role, parse_seats

EXAMPLE = """
THERAPIST  ####..##..............##
CLIENT     ........##############..      one character = 0.1 s
"""


def test_a_character_is_a_tenth_of_a_second() -> None:
    score = read(EXAMPLE)
    assert score.frames == 240
    assert [seat.role for seat in score.seats] == [Role.THERAPIST, Role.CLIENT]
    assert [seat.azimuth for seat in score.seats] == [0.0, 180.0]
    assert score.speech[:, 1].nonzero()[0].tolist() == list(range(80, 220))


def test_rows_go_on_after_an_empty_line_and_a_missing_staff_is_silent() -> None:
    score = read("-- a remark\nA  ##..\nB  ..##\n\n-- another\nB  ####\n")
    assert score.speech[::10].astype(int).T.tolist() == [[1, 1, 0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 1, 1, 1, 1]]


def test_nothing_is_heard_where_nothing_can_be_measured() -> None:
    score = read("A           ####\nUNMEASURED  .xx.")
    assert score.measurable[::10].tolist() == [True, False, False, True]
    assert score.speech[::10, 0].tolist() == [True, False, False, True]


def test_activity_is_zero_or_one_in_blocks() -> None:
    blocks = list(read(EXAMPLE).activity(block_frames=7))
    assert [block.first for block in blocks] == list(range(0, 240, 7))
    assert [len(block) for block in blocks] == [7] * 34 + [2]
    assert set(np.concatenate([block.seats.ravel() for block in blocks])) == {0.0, 1.0}
    assert np.concatenate([block.speech for block in blocks]).sum() == 220


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the score is empty"),
        ("UNMEASURED  xxx", "the score is empty"),
        ("A  ##..\nB  ##.\n", "line 2: the staff of B has 3 characters"),
        ("A  ##..\nA  ##..\n", "line 2: A has two staves in one row"),
        ("\nA  ##-.\n", "line 2: 'A  ##-.' is no staff"),
        ("THERAPIST", "line 1: 'THERAPIST' is no staff"),
        ("A  #x..", "line 1: a staff is of # and ."),
        ("A  ....\nUNMEASURED  #...", "line 2: a staff is of # and ."),
        ("\n".join(f"S{number}  #" for number in range(7)), "7 seats are too many"),
    ],
)
def test_what_is_no_score_says_where_and_why(text: str, says: str) -> None:
    with pytest.raises(ScoreError, match=says.replace(".", r"\.")):
        read(text)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match=r"none\.score cannot be read"):
        load(tmp_path / "none.score")
    (tmp_path / "noise.score").write_bytes(b"\xff\xfe")
    with pytest.raises(ScoreError, match=r"noise\.score cannot be read"):
        load(tmp_path / "noise.score")


def test_a_written_score_looks_like_this() -> None:
    seats = parse_seats("therapist=30,client=150")
    text = write(seats, [Unit(0, 40, 0), Unit(36, 84, 1)], 120, [Span(100, 120)], width=8)
    assert text == (
        "therapist   ####....\n"
        "client      ....####\n"
        "UNMEASURED  ........\n"
        "\n"
        "therapist   ....\n"
        "client      ....\n"
        "UNMEASURED  ..xx\n"
    )


@given(
    st.lists(st.tuples(st.integers(2, 30), st.integers(1, 30), st.integers(0, 1)), min_size=1, max_size=20),
    st.integers(5, 200),
)
def test_what_is_written_is_read_back(parts: list[tuple[int, int, int]], width: int) -> None:
    seats = parse_seats("therapist=0,client=180")
    units, at = [], 0
    for pause, length, seat in parts:
        units.append(Unit((at + pause) * 10, (at + pause + length) * 10, seat))
        at += pause + length
    score = read(write(seats, units, at * 10, width=width))
    assert score.seats == seats
    told = recount(seats, units, at * 10)
    spoken = np.zeros((at * 10, 2), np.bool_)
    for unit in units:
        spoken[unit.start : unit.end, unit.seat] = True
    assert (score.speech == spoken).all()
    assert told[1].open == score.frames
