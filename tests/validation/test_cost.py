"""`fermata validate --cost`: every stage is told, and none is forgotten."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.__main__ import cli


def cost(*asked: str) -> Result:
    return CliRunner().invoke(
        cli, ["validate", "--cost", "--minutes", "0.34", "0.34", "--rt60", "0.15", "0.15", *asked]
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seats on four microphones."""
    out = tmp_path_factory.mktemp("cost")
    said = cost("--seats", "therapist=30,client=150,client-2=270", "--json", "--out", str(out))
    assert said.exit_code == 0, said.output
    (out / "said.json").write_text(said.stdout)
    return out


def test_each_stage_has_its_cost_and_the_shares_are_the_whole(folder: Path) -> None:
    found = json.loads((folder / "said.json").read_text())
    assert (found["microphones"], found["seats"]) == (4, 3)
    stages = {row["stage"]: row["s_an_hour"] for row in found["stages"]}
    assert min(stages[name] for name in ("features", "net inputs", "net", "self-check", "conversation")) > 0
    assert sum(stages.values()) == pytest.approx(found["s_an_hour"])
    assert sum(row["share"] for row in found["stages"]) == pytest.approx(1)
    assert found["memory_mb"] > 1


def test_the_same_is_written_for_people(folder: Path) -> None:
    table = (folder / "cost.md").read_text()
    assert json.loads((folder / "cost.json").read_text()) == json.loads((folder / "said.json").read_text())
    for stage in ("features", "directions", "net", "hearing around them", "conversation", "cues"):
        assert f"| {stage} |" in table


def test_one_microphone_has_no_directions() -> None:
    said = cost("--array", "mono", "--json")
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)
    assert found["seats"] == 0
    assert {row["stage"]: row["s_an_hour"] for row in found["stages"]}["directions"] == 0


def test_a_folder_that_cannot_be_is_said_before_anything_is_heard(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = CliRunner().invoke(cli, ["validate", "--cost", "--out", str(tmp_path / "file" / "report")])
    assert said.exit_code != 0


def test_an_array_that_is_not_there_is_said_in_a_sentence() -> None:
    said = cost("--array", "nowhere")
    assert said.exit_code == 2
    assert "nowhere" in said.output
