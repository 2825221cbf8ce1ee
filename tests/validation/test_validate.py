"""Whole validations, small ones: what is asked, what comes out, what cannot be."""

import json
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from app.__main__ import cli, main
from app.catalogue import METRICS
from app.validation.figures import FIGURES
from app.validation.people import people
from app.validation.sessions import tells_apart
from firmware.geometry import load_array

TURNS = "seat,start_s,end_s\n" + "".join(
    f"therapist,{at},{at + 5}\nclient,{at + 5.2},{at + 12}\n" for at in range(1, 105, 15)
)


def validate(*asked: str) -> Result:
    return CliRunner().invoke(cli, ["validate", *asked])


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sessions of a user's turns."""
    folder = tmp_path_factory.mktemp("validation")
    (folder / "turns.csv").write_text(TURNS)
    asked = ("--turns", str(folder / "turns.csv"), "--sessions", "1", "--out", str(folder / "out"), "--json")
    said = validate(*asked)
    assert said.exit_code == 0, said.output
    (folder / "said.json").write_text(said.stdout)
    return folder


def test_given_turns_are_replayed_and_scored(report: Path) -> None:
    found = json.loads((report / "said.json").read_text())
    assert found["plan"]["turns"] == "given"
    assert [row["figure"] for row in found["figures"]] == [figure.name for figure in FIGURES]
    assert set(found["metrics"]) == {metric.id for metric in METRICS}
    share = found["sessions"][0]["numbers"]["therapist_talk_share"]
    assert share["true"] == pytest.approx(5 / 11.8, abs=0.05)
    assert share["heard"]["value"] == pytest.approx(share["true"], abs=0.1)
    assert all(session["exact"] for session in found["sessions"])


def test_report_and_pictures_are_written(report: Path) -> None:
    out = report / "out"
    assert sorted(path.name for path in out.iterdir()) == ["errors.svg", "report.json", "report.md", "session.svg"]
    assert json.loads((out / "report.json").read_text()) == json.loads((report / "said.json").read_text())
    for name in ("errors.svg", "session.svg"):
        assert ET.parse(out / name).getroot().tag.endswith("svg")  # noqa: S314 - our own file
    markdown = (out / "report.md").read_text()
    assert "truth -> rules" in markdown
    assert "nan" not in markdown.lower().split()


def test_the_same_seed_gives_the_same_sessions() -> None:
    asked = ("--rooms", "easy", "--sessions", "1", "--minutes", "0.34", "0.34", "--seed", "5", "--json")
    one, other = (json.loads(validate(*asked).stdout)["sessions"][0]["numbers"] for _ in range(2))
    assert one == other


def test_20_s_are_withheld_with_their_reason() -> None:
    found = json.loads(validate("--rooms", "easy", "--sessions", "1", "--minutes", "0.34", "0.34", "--json").stdout)
    assert found["metrics"]["therapist_talk_share"] is None
    number = found["sessions"][0]["numbers"]["therapist_talk_share"]["heard"]
    assert (number["value"], number["withheld"]) == (None, "less than 60 s of speech")


@pytest.mark.parametrize("seats", [("therapist",), ("therapist", "client", "client-b")])
def test_one_person_and_three_can_be_rehearsed(tmp_path: Path, seats: Sequence[str]) -> None:
    path = tmp_path / "turns.csv"
    path.write_text("seat,start_s,end_s\n" + "".join(f"{name},{n * 4},{n * 4 + 3}\n" for n, name in enumerate(seats)))
    said = validate("--turns", str(path), "--rooms", "easy", "--sessions", "1")
    assert said.exit_code == 0, said.output
    assert "nan" not in said.stdout.lower().split()


def test_one_microphone_hears_silences_and_no_turns() -> None:
    said = validate("--array", "mono", "--rooms", "easy", "--sessions", "1", "--minutes", "2", "2", "--json")
    metrics = json.loads(said.stdout)["metrics"]
    assert metrics["therapist_turn_median"] is None
    assert metrics["silence_share"]["mean_error"] < 0.1


@pytest.mark.parametrize(
    ("asked", "code", "sentence"),
    [
        (("--rt60", "0.6", "0.3"), 2, "give the less first"),
        (("--minutes", "0", "5"), 2, "--minutes 0 5 cannot be"),
        (("--minutes", "nan", "5"), 2, "cannot be"),
        (("--seats", "therapist=30"), 2, "drawn talk needs two seats"),
        (("--seats", "therapist=30,client=35"), 2, "less than 20 degrees apart"),
        (("--array", "none"), 2, "no array is called 'none'"),
        (("--voices", "/nowhere"), 1, "there is no folder /nowhere"),
        (("--out", "/proc/none"), 1, "the report cannot be written to /proc/none"),
        (("--rooms", "far"), 2, "'far' is not one of"),
        (("--array", "linear4", "--seats", "therapist=60,client=300"), 1, "is a line and cannot tell"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    asked: Sequence[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["validate", *asked])
    assert left.value.code == code
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert sentence in said


def test_turns_of_a_seat_that_does_not_exist_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "turns.csv"
    path.write_text("seat,start_s,end_s\nstranger,0,1\n")
    with pytest.raises(SystemExit) as left:
        main(["validate", "--turns", str(path), "--seats", "therapist=30,client=150"])
    assert left.value.code == 2
    assert "the turns name stranger, which is no seat: there are therapist, client" in capsys.readouterr().err


@pytest.mark.parametrize(
    "rows", ["therapist,-1,2", "client,5,6\ntherapist,2,4", "client,0,3\nclient,2,4", "therapist,3,2"]
)
def test_turns_that_cannot_be_are_one_sentence_and_exit_2(
    rows: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "turns.csv"
    path.write_text(f"seat,start_s,end_s\n{rows}\n")
    with pytest.raises(SystemExit) as left:
        main(["validate", "--turns", str(path)])
    assert left.value.code == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"fermata: {path}, line ")


def test_too_few_voices_for_the_seats_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, clips = next(iter(people().items()))
    (tmp_path / f"{name}.flac").write_bytes(clips[0].read_bytes())
    with pytest.raises(SystemExit):
        main(["validate", "--voices", str(tmp_path)])
    assert "there are 1 voices for 2 seats" in capsys.readouterr().err


def test_the_bundled_voices_are_as_many_as_a_room_has_seats_and_each_has_its_source() -> None:
    found = people()
    assert len(found) >= 12
    (clips,) = {path.parent for clips in found.values() for path in clips}
    sources = (clips / "SOURCES.md").read_text()
    assert all(f"{name}.flac" in sources for name in found)


def test_a_line_hears_front_and_back_alike() -> None:
    line, circle = load_array("linear4"), load_array("xvf3800")
    assert not tells_apart(line, (60.0, 300.0))
    assert tells_apart(circle, (60.0, 300.0))
    assert tells_apart(line, (30.0, 150.0))
