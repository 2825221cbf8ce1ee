"""docs/privacy.md: its tests exist, its figures are the code's, and it chooses its words."""

import ast
import re
from pathlib import Path

import pytest

from app.catalogue import RELEASED
from app.hub.trends import Release, by_week, estimate
from app.release.release import RANGES, Rules, variance
from tests.conftest import Golden

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/privacy.md"
ROOMS = (1, 2, 10, 100)
WEEKS = (1, 4, 12)
SESSIONS = 25
"""A week, in each room."""


def half_width(metric: str, rooms: int, weeks: int) -> float:
    """Half of the hub's 95 % interval where nothing but the noise scatters, in the metric's unit."""
    sums = dict.fromkeys(RANGES, 0)
    release = Release("room", "2026-W01", SESSIONS, sums, RANGES, variance(Rules().rho), simulated=False)
    found = estimate(metric, by_week([release] * (rooms * weeks)))
    assert found is not None
    return (found.high - found.low) / 2


def utility() -> str:
    """The table of docs/privacy.md."""
    lines = ["| number, range | " + " | ".join(f"{n} room{'s'[: n > 1]}" for n in ROOMS) + " |", "|---" * 5 + "|"]
    for metric in RELEASED:
        low, high = RANGES[metric.id]
        unit = "" if metric.unit == "1" else f" {metric.unit}"
        digits = 3 if metric.unit == "1" else 2
        cells = [" / ".join(f"{half_width(metric.id, n, weeks):.{digits}f}" for weeks in WEEKS) for n in ROOMS]
        lines.append(
            f"| {metric.title}, {low:g} to {high:g}{unit} | " + " | ".join(f"±{cell}" for cell in cells) + " |"
        )
    return "\n".join(lines)


def test_the_intervals_are_those_of_the_code(golden: Golden) -> None:
    text = PAGE.read_text(encoding="utf-8")
    filled = re.sub(
        r"(<!-- utility -->\n).*?(<!-- end -->)", lambda m: f"{m[1]}\n{utility()}\n\n{m[2]}", text, flags=re.DOTALL
    )
    golden("../docs/privacy.md", filled)


def test_the_noise_costs_what_the_design_says() -> None:
    widths = [half_width("therapist_talk_share", 2, weeks) for weeks in WEEKS]
    assert widths == pytest.approx([0.068, 0.034, 0.020], abs=0.0005)


@pytest.mark.parametrize("page", ["privacy.md", "dpia-template.md"])
def test_every_test_that_a_page_names_is_there(page: str) -> None:
    named = re.findall(r"`(tests/\S+\.py)(?:::(\w+))?`", (ROOT / "docs" / page).read_text(encoding="utf-8"))
    assert len(named) > 30 or page != "privacy.md"
    for file, name in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        there = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert not name or name in there, f"{file}::{name}"


@pytest.mark.parametrize("page", ["README.md", "docs/privacy.md", "docs/dpia-template.md", "docs/architecture.md"])
def test_no_page_calls_a_release_anonymous(page: str) -> None:
    sentences = re.split(r"[.;:]\s", (ROOT / page).read_text(encoding="utf-8"))
    assert [each for each in sentences if "anonym" in each.lower() and " not call " not in f" {each} "] == []


def test_the_guarantee_of_the_page_is_that_of_the_code() -> None:
    assert Rules() == Rules(rho=0.5, min_sessions=20)
