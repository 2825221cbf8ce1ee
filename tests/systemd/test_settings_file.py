"""The settings file that is shipped: every setting with its default, commented out, so that it changes nothing."""

import re
from pathlib import Path

import pytest

from app.commented import as_toml
from app.settings import Settings
from app.sources import load
from tests.conftest import Golden

FILE = Path(__file__).parents[2] / "systemd/fermata.toml"
HEAD = """\
# Settings of Fermata, for /etc/fermata.toml. Each is here with its default and commented out: take the # away from a
# `#key = value` to change it. `fermata settings` prints what is in force, and where each value came from.
"""


def commented_out() -> str:
    """What `fermata settings` prints of the defaults, with every value commented out."""
    _, _, tables = as_toml(Settings(), {}).partition("\n")
    return HEAD + re.sub(r"^(\w+ = )", r"#\1", tables, flags=re.MULTILINE)


def test_the_shipped_file_has_every_setting_as_it_is(golden: Golden) -> None:
    golden("../systemd/fermata.toml", commented_out())


def test_the_shipped_file_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert load(FILE) == Settings()


def test_without_its_comment_signs_it_still_says_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    live = tmp_path / "fermata.toml"
    live.write_text(re.sub(r"^#(\w+ = )", r"\1", FILE.read_text(), flags=re.MULTILINE))
    assert "\nrho = 0.5\n" in live.read_text()
    assert load(live) == Settings()
