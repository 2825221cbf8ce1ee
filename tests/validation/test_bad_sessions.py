"""Sessions with too little in them: a number is given or withheld with its reason, and never is one not a number."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from app.__main__ import cli
from app.conversation.conversation import Conversation
from app.conversation.metrics import EXACT, measure
from app.conversation.units import HEARD
from app.hearing.activity import Activity
from app.hearing.seats import parse_seats
from app.rehearsal.record import RECORDING
from app.room.session import errors_of_hearing

RATE = 16_000
SEATS = "therapist=30,client=150"


def no_number(name: str) -> NoReturn:
    raise AssertionError(f"{name} is no number")


def replayed(sound: np.ndarray[Any, Any], folder: Path, seats: str = SEATS) -> dict[str, Any]:
    """What `fermata replay --json` says of a sound (sample, microphone), every metric of it whole."""
    path = folder / "session.wav"
    soundfile.write(path, sound, RATE, subtype="PCM_16")
    said = CliRunner().invoke(cli, ["replay", str(path), "--array", "xvf3800", "--seats", seats, "--json"])
    assert said.exit_code == 0, said.output
    found: dict[str, Any] = json.loads(said.stdout, parse_constant=no_number)
    for number in found["metrics"].values():
        given = [number[key] is not None for key in ("value", "low", "high")]
        assert all(given) if number["withheld"] is None else not any(given)
    return found


def withheld(found: dict[str, Any]) -> dict[str, str]:
    return {name: number["withheld"] for name, number in found["metrics"].items() if number["withheld"]}


@pytest.fixture(scope="module")
def talk() -> np.ndarray[Any, Any]:
    sound, _ = soundfile.read(RECORDING / "two-people.flac", dtype="float64")
    return np.asarray(sound)


def test_20_s_are_withheld_but_for_coverage(talk: np.ndarray[Any, Any], tmp_path: Path) -> None:
    found = replayed(talk[: 20 * RATE], tmp_path)
    why = withheld(found)
    assert set(found["metrics"]) - set(why) == {"coverage"}
    assert why["silence_share"] == "less than 60 s measured"
    assert why["therapist_talk_share"] == "less than 60 s of speech"
    assert why["client_turn_median"] == "fewer than 5 events"


def test_one_seat_has_no_share_of_talk(talk: np.ndarray[Any, Any], tmp_path: Path) -> None:
    found = replayed(talk[: 70 * RATE], tmp_path, "therapist=30")
    assert list(found["seats"]) == ["therapist"]
    assert withheld(found)["therapist_talk_share"] == "no seat has the role client"


def test_a_room_with_nobody_in_it_is_all_silence(tmp_path: Path) -> None:
    air = np.random.default_rng(1).normal(0, 1e-3, (70 * RATE, 4))
    found = replayed(air, tmp_path)
    assert [seat["speech_s"] < 5 for seat in found["seats"].values()] == [True, True]
    assert withheld(found)["therapist_talk_share"] == "less than 60 s of speech"


def test_a_dead_array_measures_nothing_and_says_so(tmp_path: Path) -> None:
    found = replayed(np.zeros((70 * RATE, 4)), tmp_path)
    assert found["metrics"]["coverage"]["value"] < 0.1
    assert withheld(found)["silence_share"] == "less than 60 s measured"


def test_five_hours_have_every_number_whole() -> None:
    """The rules on five hours of talk that was heard unsurely, in blocks of ten seconds."""
    conversation = Conversation(parse_seats(SEATS), HEARD)
    rng = np.random.default_rng(3)
    for first in range(0, 5 * 3600 * 100, 1000):
        spoken = np.repeat(rng.random((4, 2)) < [0.6, 0.4], 250, axis=0)
        p = np.where(spoken, 0.9, 0.1).astype(np.float32)
        conversation.follow(Activity(first, p.max(axis=1), p, np.ones(1000, np.bool_)))
    conversation.finish()
    tally = conversation.tally()
    assert tally.open == tally.measured == 5 * 3600 * 100
    for errors, others in ((EXACT, ()), (errors_of_hearing(), conversation.other_tallies())):
        for name, number in measure(tally, errors, others).items():
            assert number.withheld is None, name
            assert number.value is not None
            assert number.low is not None
            assert number.high is not None
            assert -1e6 < number.low <= number.value <= number.high < 1e6


WITHOUT_SCIPY = """
import sys

class Gone:
    def find_spec(self, name, *_):
        if name == "scipy":
            raise ModuleNotFoundError("No module named 'scipy'", name=name)

sys.meta_path.insert(0, Gone())
from app.__main__ import main
main(["validate", "--quick"])
"""


def test_without_scipy_validation_says_what_to_install() -> None:
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT_SCIPY], capture_output=True, text=True, timeout=120, check=False
    )
    assert said.returncode == 1
    assert said.stderr == "fermata: this needs scipy, which is not installed: pip install 'fermata[rehearsal]'\n"
