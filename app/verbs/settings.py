"""`fermata settings`."""

from pathlib import Path

import click

from app.commented import as_toml
from app.sources import sourced


@click.command("settings")
@click.pass_obj
def show_settings(file: Path | None) -> None:
    """Print the effective settings as commented TOML, and where each came from."""
    click.echo(as_toml(*sourced(file)), nl=False)
