"""What all tests share: golden files (`pytest --regold` rewrites them), pictures, and how hard laws are tried."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent

# No deadline: a busy machine is no fault of ours. The same examples each time, but for `HYPOTHESIS_PROFILE=deep`.
settings.register_profile("same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("deep", settings.get_profile("same"), derandomize=False, max_examples=3000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

LONGEST = (
    *("hub/test_sights.py", "faults/test_faults.py", "room/test_unit.py", "simulation/test_simulation.py"),
    *("demo/test_stage.py", "hub/test_migrations.py", "hub/test_injection.py", "hub/test_surfaces.py"),
    *("hub/test_crowd.py", "hub/test_tour.py", "room/test_live.py", "side_channel/test_side_channel.py"),
)
"""Files that take longest, begun first: several are worked on at a time, and the last to end decides."""

Golden = Callable[[str, str], None]
"""Compare a text with the file of that name under tests/, or rewrite the file."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", action="store_true", help="draw the pictures of the hub in docs/pictures anew")
    parser.addoption("--regold", action="store_true", help="rewrite the golden files instead of comparing with them")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    ranks = {TESTS / file: rank for rank, file in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    regold = bool(request.config.getoption("--regold"))

    def check(name: str, text: str) -> None:
        path = TESTS / name
        if regold:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing: run pytest --regold and review what it writes"
        assert path.read_text(encoding="utf-8") == text

    return check
