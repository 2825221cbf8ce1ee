"""The command line as the outside sees it, held by golden files."""

import click
import pytest
from click.testing import CliRunner

from app.__main__ import cli
from app.catalogue import CUES, METRICS
from tests.conftest import Golden

VERBS = sorted(cli.commands)


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_is_as_reviewed(verb: str, golden: Golden) -> None:
    said = CliRunner().invoke(cli, [*verb.split(), "--help"], prog_name="fermata", terminal_width=100)
    assert said.exit_code == 0
    golden(f"golden/help{'-' if verb else ''}{verb}.txt", said.output)


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "settings"])
def test_help_has_examples(verb: str) -> None:
    command = cli.commands[verb]
    assert isinstance(command, click.Command)
    assert f"fermata {verb}" in (command.help or "")


def test_the_default_settings_are_as_reviewed(golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.settings.FILE", "/nowhere/fermata.toml")
    said = CliRunner().invoke(cli, ["settings"])
    assert said.exit_code == 0
    golden("golden/settings.toml", said.output)


FORBIDDEN = ("empathy", "rapport", "attunement", "rupture", "diagnosis", "alliance score")
"""Words that no timing can claim; docs say that we do not."""


def test_the_catalogue_claims_nothing_that_timing_cannot_tell() -> None:
    claims = [text for metric in METRICS for text in (metric.title, metric.formula)]
    claims += [text for cue in CUES for text in (cue.when, cue.glow)]
    assert not [(claim, word) for claim in claims for word in FORBIDDEN if word in claim.lower()]
