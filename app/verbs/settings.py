"""`fermata settings`."""

from pathlib import Path

import click

from app.settings import as_toml, sourced


@click.command("settings")
@click.pass_obj
def show_settings(file: Path | None) -> None:
    """Print the effective settings as commented TOML, and where each came from."""
    click.echo(as_toml(*sourced(file)), nl=False)
