"""`fermata replay`."""

import json
from pathlib import Path

import click

from app.sources import load
from app.verbs.common import tape_and_seats


@click.command()
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
    from app.cues.policy import Policy
    from app.hearing.hearing import Hearing
    from app.hearing.model import Model
    from app.replay import Listing, heard_from_sound, summary
    from app.replay import replay as run
    from app.room.session import Session, errors_of_hearing
    from app.terminal.report import report

    settings = load(file)
    board, places = tape_and_seats(settings, recording, array, seats, None)
    for sentence in board.notices:
        click.echo(sentence, err=True)
    hearing = Hearing(board.geometry, places, Model())
    policy = Policy(settings.cues.choice, settings.session.planned_minutes * 60)
    session = Session(hearing.seats, errors_of_hearing(), policy)
    board.microphones.open()
    with Listing(hearing.seats, frames, units) as listing:
        run(heard_from_sound(board.microphones, hearing), session, listing)
    found = summary(session)
    if as_json:
        click.echo(json.dumps(found))
    else:
        for line in report(found):
            click.echo(line)
