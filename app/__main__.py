"""The command line: what each verb needs is put together here, and every error becomes one sentence."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from app.durable import DurableError
from app.hearing.seats import SeatError
from app.settings import Settings, SettingsError, as_toml, load, sourced
from firmware.errors import ArrayError, BoardError

SENTENCES: tuple[type[Exception], ...] = (BoardError, DurableError, SeatError, SettingsError)
"""Errors of ours whose message is a sentence for whoever typed the command."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--settings", "file", type=click.Path(path_type=Path), help="Settings file instead of /etc/fermata.toml.")
@click.version_option(package_name="fermata", message="fermata %(version)s")
@click.pass_context
def cli(context: click.Context, file: Path | None) -> None:
    """A room that knows who is speaking from where, and keeps nothing.

    \b
    Try it:   fermata demo
    Look in:  fermata replay recording.wav --array xvf3800 --seats therapist=30,client=150
    """
    context.obj = file


@cli.command()
@click.argument("recording", type=click.Path(path_type=Path))
@click.option("--array", metavar="NAME", help="A shipped array, or an array file.")
@click.option("--seats", metavar="SEATS", help="NAME[:ROLE]=DEGREES,…, for example therapist=30,client=150.")
@click.option("--json", "as_json", is_flag=True, help="Exactly one JSON object on stdout.")
@click.option(
    "--frames", type=click.Path(path_type=Path), help="Write speech probabilities, a row per 10 ms, to a CSV."
)
@click.option("--units", type=click.Path(path_type=Path), help="Write every stretch of speech to a CSV.")
@click.pass_obj
def replay(
    file: Path | None,
    recording: Path,
    array: str | None,
    seats: str | None,
    as_json: bool,
    frames: Path | None,
    units: Path | None,
) -> None:
    """Run a recording through the whole analysis as fast as it goes, and print the session.

    \b
    fermata replay session.flac --array xvf3800 --seats therapist=30,client=150
    fermata replay one-channel.wav --json --units units.csv
    """
    from app.replay import Listing, summary
    from app.replay import replay as run
    from app.report import report

    settings = load(file)
    heard, session, notices = prepare(settings, recording, array, seats)
    for notice in notices:
        click.echo(notice, err=True)
    with Listing(session.seats, frames, units) as listing:
        run(heard, session, listing)
    found = summary(session, session.seats)
    if as_json:
        click.echo(json.dumps(found))
    else:
        for line in report(found):
            click.echo(line)


def prepare(settings: Settings, recording: Path, array: str | None, seats: str | None) -> Any:  # noqa: ANN401
    """What a replay needs: what is heard, the session that follows it, and what the user should know."""
    from app.conversation.vocabulary import frames
    from app.cues.policy import Policy
    from app.hearing.hearing import Hearing
    from app.hearing.model import Model
    from app.hearing.seats import parse_seats
    from app.replay import heard_from_sound
    from app.session import Session, errors_of_hearing
    from firmware.simulated import board_from_recording

    try:
        placed = parse_seats(seats) if seats else settings.placed_seats()
        board = board_from_recording(recording, array, pace=None)
    except (SeatError, ArrayError) as error:
        raise click.UsageError(str(error)) from error
    hearing = Hearing(board.geometry, placed, Model())
    session = Session(hearing.seats, errors_of_hearing(), Policy(frames(settings.cues.long_turn)))
    board.microphones.open()
    return heard_from_sound(board.microphones, hearing), session, board.notices


@cli.command("settings")
@click.pass_obj
def show_settings(file: Path | None) -> None:
    """Print the effective settings as commented TOML, and where each came from."""
    click.echo(as_toml(*sourced(file)), nl=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a verb; exit 2 for usage, 1 for any other error, one sentence on stderr."""
    try:
        cli.main(arguments, prog_name="fermata", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as asked:
        click.echo(asked.format_message(), err=True)
        sys.exit(2)
    except click.UsageError as error:
        end(error.format_message(), 2)
    except click.Abort:
        sys.exit(130)
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except click.ClickException as error:
        end(error.format_message(), 1)
    except SENTENCES as error:
        end(str(error), 1)


def end(sentence: str, code: int) -> None:
    """Say why, and leave."""
    click.echo(f"fermata: {sentence}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
