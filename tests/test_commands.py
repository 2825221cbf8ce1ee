"""The command line as the outside sees it, held by golden files."""

import re

import pytest
from click.testing import CliRunner

from app.__main__ import cli
from app.verbs.hub import hub
from tests.conftest import Golden

VERBS = sorted(cli.commands)
BELOW = [f"hub {verb}" for verb in sorted(hub.commands)]


@pytest.mark.parametrize("verb", ["", *VERBS, *BELOW])
def test_help_is_as_reviewed(verb: str, golden: Golden) -> None:
    said = CliRunner().invoke(cli, [*verb.split(), "--help"], prog_name="fermata", terminal_width=100)
    assert said.exit_code == 0
    golden(f"golden/help{'-' if verb else ''}{verb.replace(' ', '-')}.txt", said.output)


@pytest.mark.parametrize("verb", [verb for verb in [*VERBS, *BELOW] if verb != "settings"])
def test_help_has_examples(verb: str) -> None:
    above, _, name = verb.rpartition(" ")
    command = (hub.commands if above else cli.commands)[name]
    words = verb.replace(" ", r" (--state \S+ )?")
    assert re.search(f"fermata {words}", command.help or "")


def test_the_default_settings_are_as_reviewed(golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.sources.FILE", "/nowhere/fermata.toml")
    said = CliRunner().invoke(cli, ["settings"])
    assert said.exit_code == 0
    golden("golden/settings.toml", said.output)
