"""A replay from the command line: what it prints, what it writes, and how right it is on the bundled recording."""

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from app.__main__ import main
from app.catalogue import CUES, METRICS
from app.conversation.conversation import recount
from app.conversation.metrics import EXACT, measure
from app.conversation.vocabulary import FRAMES_PER_S, Silence, Unit, frames
from app.hearing.activity import Activity
from app.hearing.features import HOP
from app.hearing.hearing import Heard
from app.hearing.seats import Seat, parse_seats
from app.rehearsal.record import RECORDING, read_truth
from app.replay import Listing

TWO_PEOPLE = RECORDING / "two-people.flac"
SEATS = "therapist=30,client=150"
LONG = frames(3.0)


@dataclass
class Printed:
    """What a command said."""

    out: str
    err: str
    code: int

    @property
    def json(self) -> Any:  # noqa: ANN401
        return json.loads(self.out)


Run = Callable[..., Printed]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: object) -> Printed:
        code = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capfd.readouterr()
        return Printed(said.out, said.err, code)

    return command


@dataclass
class Truth:
    """The bundled recording as it was rendered, as a session of its own."""

    seats: tuple[Seat, ...]
    units: list[Unit] = field(default_factory=list)
    length: int = 0

    def speech(self) -> NDArray[np.bool_]:  # (frame, seat)
        speech = np.zeros((self.length, len(self.seats)), np.bool_)
        for unit in self.units:
            speech[unit.start : unit.end, unit.seat] = True
        return speech


@pytest.fixture(scope="module")
def truth() -> Truth:
    seats = parse_seats(SEATS)
    names = [seat.name for seat in seats]
    spoken = read_truth(RECORDING / "two-people.truth.csv")
    length = round(soundfile.info(TWO_PEOPLE).duration * FRAMES_PER_S)
    return Truth(seats, [Unit(frames(u.start_s), frames(u.end_s), names.index(u.seat)) for u in spoken], length)


class Replayed(NamedTuple):
    """What came of the bundled recording."""

    found: dict[str, Any]
    units: list[Unit]
    rows: NDArray[np.float64]  # (frame, column)


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    folder = tmp_path_factory.mktemp("replayed")
    frames_csv, units_csv, out = folder / "frames.csv", folder / "units.csv", folder / "out.json"
    with pytest.MonkeyPatch.context() as patch, out.open("w") as stdout:
        patch.setattr("sys.stdout", stdout)
        into = ["--json", "--frames", str(frames_csv), "--units", str(units_csv)]
        main(["replay", str(TWO_PEOPLE), "--array", "xvf3800", "--seats", SEATS, *into])
    with units_csv.open() as lines:
        rows = list(csv.DictReader(lines))
    names = [seat.name for seat in parse_seats(SEATS)]
    units = [Unit(frames(float(r["start_s"])), frames(float(r["end_s"])), names.index(r["seat"])) for r in rows]
    return Replayed(json.loads(out.read_text()), units, np.loadtxt(frames_csv, delimiter=",", skiprows=1))


def test_the_therapists_share_of_talk_is_within_five_points(replayed: Replayed, truth: Truth) -> None:
    _, tally = recount(truth.seats, truth.units, truth.length)
    true = measure(tally, EXACT)["therapist_talk_share"].value
    assert true is not None
    assert replayed.found["metrics"]["therapist_talk_share"]["value"] == pytest.approx(true, abs=0.05)


def test_the_seat_is_right_for_nine_tenths_of_single_talk(replayed: Replayed, truth: Truth) -> None:
    """Frames in which the truth has one speaker: exactly that seat is heard. Hearing nobody counts as wrong."""
    heard = Truth(truth.seats, replayed.units, truth.length).speech()
    true = truth.speech()
    single = true.sum(1) == 1
    assert (heard[single] == true[single]).all(1).mean() >= 0.90


def test_every_silence_of_three_seconds_is_found(replayed: Replayed, truth: Truth) -> None:
    """Found: one is heard whose begin and end are within 0.3 s of it. None is heard that is not there."""

    def silences(units: list[Unit]) -> list[tuple[int, int]]:
        events, _ = recount(truth.seats, units, truth.length)
        return [(e.start, e.end) for e in events if isinstance(e, Silence) and e.frames >= LONG]

    true, heard = silences(truth.units), silences(replayed.units)
    assert len(true) >= 4
    assert len(heard) == len(true)
    assert np.max(np.abs(np.array(heard) - np.array(true))) <= frames(0.3), (true, heard)


def test_a_replay_prints_one_object_with_every_metric(replayed: Replayed) -> None:
    found = replayed.found
    assert list(found) == ["duration_s", "measured_s", "seats", "metrics", "cues"]
    assert found["duration_s"] == pytest.approx(112.0, abs=0.02)
    assert found["seats"]["client"].keys() == {"role", "azimuth", "speech_s"}
    assert list(found["metrics"]) == [metric.id for metric in METRICS]
    for number in found["metrics"].values():
        assert list(number) == ["value", "low", "high", "unit", "grade", "withheld"]
        if number["withheld"] is None:
            assert number["low"] <= number["value"] <= number["high"]
        else:
            assert number["value"] is number["low"] is number["high"] is None


def test_frames_are_a_row_for_each_ten_milliseconds(replayed: Replayed) -> None:
    rows = replayed.rows
    assert rows.shape == (11_200, 5)
    assert np.array_equal(rows[:, 0], np.round(np.arange(11_200) / 100, 2))
    assert np.min(rows[:, 1:]) >= 0
    assert np.max(rows[:, 1:]) <= 1


def test_live_is_what_a_running_device_would_have_had(replayed: Replayed, run: Run, tmp_path: Path) -> None:
    """Nothing before the first block is complete, and of no frame a value that the sound after its end has changed."""
    live = replayed.rows[:, 1]
    assert (live[:3] == 0).all()
    sound, rate = soundfile.read(TWO_PEOPLE, frames=HOP * 1001)
    soundfile.write(tmp_path / "cut.wav", sound, rate)
    run("replay", tmp_path / "cut.wav", "--array", "xvf3800", "--seats", SEATS, "--frames", tmp_path / "cut.csv")
    cut = np.loadtxt(tmp_path / "cut.csv", delimiter=",", skiprows=1)[:, 1]
    assert np.array_equal(cut, live[:1001])
    assert (live[3::4][:-1] != live[4::4]).any()


def an_activity(first: int, values: list[float]) -> Activity:
    speech = np.array(values, np.float32)
    return Activity(first, speech, np.zeros((len(values), 0), np.float32), np.ones(len(values), np.bool_))


def known(values: list[float]) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def test_listing_shifts_nothing_back(tmp_path: Path) -> None:
    path = tmp_path / "frames.csv"
    with Listing((), path) as listing:
        listing.frames(Heard(an_activity(0, [0.1, 0.2, 0.3, 0.4]), an_activity(0, []), known([0, 0, 0, 0.4])))
        listing.frames(Heard(an_activity(4, [0.5] * 4), an_activity(0, [0.9, 0.8]), known([0.3, 0.2, 0.1, 0.8])))
        listing.frames(Heard(an_activity(8, []), an_activity(2, [0.7, 0.6, 0.5, 0.4, 0.3, 0.2]), known([])))
    assert path.read_text().splitlines() == [
        "time_s,speech_live,speech_settled",
        *("0.00,0.0000,0.9000", "0.01,0.0000,0.8000", "0.02,0.0000,0.7000", "0.03,0.4000,0.6000"),
        *("0.04,0.3000,0.5000", "0.05,0.2000,0.4000", "0.06,0.1000,0.3000", "0.07,0.8000,0.2000"),
    ]


@pytest.fixture
def one_channel(tmp_path: Path) -> Path:
    path = tmp_path / "one.wav"
    sound, rate = soundfile.read(TWO_PEOPLE, frames=16_000 * 70)
    soundfile.write(path, sound[:, 0], rate)
    return path


def test_one_channel_tells_speech_and_silence_only(run: Run, one_channel: Path, tmp_path: Path) -> None:
    said = run("replay", one_channel, "--json", "--seats", SEATS, "--units", tmp_path / "u.csv")
    assert said.code == 0
    found = said.json
    assert found["seats"] == {}
    assert found["metrics"]["therapist_talk_share"]["withheld"] == "without seats it is not known who speaks"
    assert found["metrics"]["silence_share"]["value"] is not None
    with (tmp_path / "u.csv").open() as lines:
        units = list(csv.DictReader(lines))
    assert {unit["seat"] for unit in units} == {"speech"}
    assert len(units) > 10


def test_an_array_without_seats_tells_speech_and_silence_only(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    sound, rate = soundfile.read(TWO_PEOPLE, frames=16_000 * 5)
    soundfile.write(path, sound, rate)
    said = run("replay", path, "--array", "xvf3800", "--json", "--frames", tmp_path / "f.csv")
    assert said.json["seats"] == {}
    assert (tmp_path / "f.csv").read_text().splitlines()[0] == "time_s,speech_live,speech_settled"


def test_another_rate_is_resampled_and_said_on_stderr(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "fast.wav"
    soundfile.write(path, np.zeros((44_100 * 2, 1)), 44_100)
    said = run("replay", path, "--json")
    assert said.json["duration_s"] == pytest.approx(2.0, abs=0.02)
    assert "44100 Hz and is resampled to 16000 Hz" in said.err


def test_without_json_a_session_is_told_in_words(run: Run, one_channel: Path) -> None:
    said = run("replay", one_channel)
    assert said.out.startswith("1:10 min, 1:10 of it measured\n")
    for metric in METRICS:
        assert metric.title in said.out


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    (tmp_path / "text.wav").write_text("hello")
    soundfile.write(tmp_path / "empty.wav", np.zeros((0, 1)), 16_000)
    soundfile.write(tmp_path / "four.wav", np.zeros((16_000, 4)), 16_000)
    (tmp_path / "bad.toml").write_text("[cues]\nlong_tern = 3\n")
    (tmp_path / "bad.score").write_text("THERAPIST ##a#\n")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ("replay none.wav", 1, "there is no recording"),
        ("replay text.wav", 1, "cannot be read: give a WAV or FLAC file"),
        ("replay empty.wav", 1, "is empty"),
        ("replay four.wav", 2, "linear4 or square4 or xvf3800: give one of them with --array"),
        ("replay four.wav --array xvf", 2, "no array is called 'xvf'"),
        ("replay four.wav --array stereo", 2, "does not deliver"),
        ("replay four.wav --array xvf3800 --seats client=30,client=90", 2, "the seat 'client' is given twice"),
        ("replay four.wav --array xvf3800 --seats client=a", 2, "is not a seat"),
        ("replay four.wav --sets x", 2, "No such option '--sets'"),
        ("replay", 2, "Missing argument 'RECORDING'"),
        ("--settings bad.toml replay four.wav", 1, "cues.long_tern (from"),
        ("--settings none.toml replay four.wav", 1, "none.toml is not there"),
        ("listen --score bad.score", 1, "line 1: 'THERAPIST ##a#' is no staff"),
        ("listen --score none.score", 1, "none.score cannot be read"),
        ("listen --score a --weeks 3", 2, "--score and --weeks exclude each other"),
        ("listen --keys", 1, "there is no microphone array 'XVF3800'"),
        ("fly", 2, "No such command 'fly'"),
    ],
)
def test_bad_input_is_one_sentence_and_an_exit_code(
    run: Run, bad: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, code: int, says: str
) -> None:
    monkeypatch.chdir(bad)
    said = run(*arguments.split())
    assert said.code == code
    assert says in said.err
    assert said.err.count("\n") == 1
    assert said.err.startswith("fermata: ")
    assert said.out == ""


def test_cues_of_a_replay_are_cues_of_the_catalogue(replayed: Replayed) -> None:
    assert {cue["cue"] for cue in replayed.found["cues"]} <= {cue.id for cue in CUES}


def test_a_list_that_cannot_be_written_is_one_sentence(run: Run, one_channel: Path, tmp_path: Path) -> None:
    said = run("replay", one_channel, "--units", tmp_path / "nowhere" / "units.csv")
    assert said.code == 1
    assert said.err.splitlines()[-1].startswith("fermata: ")
    assert said.err.splitlines()[-1].endswith("units.csv cannot be used: no such file or directory")
