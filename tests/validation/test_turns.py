"""Files of turns: what is read, and a sentence for each that cannot be."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rehearsal.talk import Spoken
from app.validation.plan import PlanError
from app.validation.turns import read_turns

HEADER = "seat,start_s,end_s\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "turns.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_turns_are_read_as_written(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + "therapist, 0.5, 2\n\nclient-a,1.5,3.25\ntherapist,2,4\n")
    assert read_turns(path) == (
        Spoken("therapist", 0.5, 2.0),
        Spoken("client-a", 1.5, 3.25),
        Spoken("therapist", 2.0, 4.0),
    )


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("therapist,-1,2", "line 2: it starts before the session"),
        ("therapist,3,2", "line 2: it ends at 2 s, no later than it starts"),
        ("therapist,2,2", "no later than it starts"),
        ("therapist,0,3\ntherapist,2,4", "line 3: therapist starts before the own turn above has ended"),
        ("client,5,6\ntherapist,2,4", "line 3: it starts before the line above: sort"),
        ("therapist,a,4", "is no turn"),
        ("therapist,nan,4", "is no turn"),
        ("therapist,1,inf", "is no turn"),
        (",1,4", "is no turn"),
        ("therapist,1", "is no turn"),
        ("therapist,1,2,3", "is no turn"),
        ("therapist,1,18001", "after 5 h"),
        ("", "nobody speaks"),
        ("\n".join(f"s{n},{n},{n + 1}" for n in range(7)), "at most 6"),
    ],
)
def test_turns_that_cannot_be_are_a_sentence(tmp_path: Path, rows: str, sentence: str) -> None:
    with pytest.raises(PlanError, match=sentence):
        read_turns(written(tmp_path, HEADER + rows))


@pytest.mark.parametrize("text", ["", "who,from,to\ntherapist,0,1\n"])
def test_a_file_of_other_columns_says_which_it_takes(tmp_path: Path, text: str) -> None:
    with pytest.raises(PlanError, match="the first line is seat,start_s,end_s"):
        read_turns(written(tmp_path, text))


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot be read"):
        read_turns(tmp_path / "none.csv")


@given(st.text(max_size=200))
def test_any_text_gives_turns_or_a_plan_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("turns") / "turns.csv"
    path.write_bytes((HEADER + text).encode("utf-8", "surrogatepass"))
    with suppress(PlanError):
        assert read_turns(path)
