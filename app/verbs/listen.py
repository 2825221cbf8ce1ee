"""`fermata listen`: microphones, or a recording, a score or simulated weeks in their place."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.settings import Settings
from app.sources import load
from app.verbs.common import notice, placed, stopping, tape_and_seats
from firmware.confine import keep_memory

if TYPE_CHECKING:
    from app.room.session import Session


@click.command()
@click.option("--recording", type=click.Path(path_type=Path), help="A WAV or FLAC file in place of the microphones.")
@click.option("--score", type=click.Path(path_type=Path), help="A written score in place of microphones and hearing.")
@click.option("--array", metavar="NAME", help="With --recording: a shipped array, or an array file.")
@click.option("--seats", metavar="SEATS", help="NAME[:ROLE]=DEGREES,… instead of the seats in the settings.")
@click.option("--speed", type=click.FloatRange(min=0.1), default=1.0, help="How many times faster than life.")
@click.option("--fast", is_flag=True, help="As fast as it goes.")
@click.option("--keys", is_flag=True, help="Real microphones, with keys and a drawn lamp in place of the pins.")
@click.option("--weeks", type=click.IntRange(1, 520), help="Live through so many simulated weeks instead, and end.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="With --weeks: a day of the last one; today.")
@click.option("--room", type=click.IntRange(0, 2), default=0, help="With --weeks: which simulated room.")
@click.option("--week-s", type=click.FloatRange(min=0), default=0.0, help="With --weeks: seconds a week takes.")
@click.option("--seed", type=int, default=1, help="With --weeks: other people.")
@click.pass_obj
def listen(file: Path | None, /, **asked: Any) -> None:  # noqa: ANN401 - click hands over what it has checked
    """Be the room unit: microphones, lamp, sessions and releases, without a network.

    A recording or a score is played as one session, whose traces are erased afterwards.

    \b
    fermata listen
    fermata listen --keys --seats therapist=30,client=150
    fermata listen --recording session.flac --array xvf3800 --seats therapist=30,client=150
    fermata listen --score talk.score --speed 20
    """
    given = [name for name in ("recording", "score", "weeks", "keys") if asked[name]]
    if len(given) > 1:
        raise click.UsageError(f"--{given[0]} and --{given[1]} exclude each other: give one")
    keep_memory()
    settings, pace = load(file), None if asked["fast"] else asked["speed"]
    with stopping() as stop:
        if asked["weeks"]:
            live_weeks(settings, asked, stop)
        elif asked["score"]:
            from app.conversation.score import load as load_score
            from app.play import play_score

            tell(play_score(settings, load_score(asked["score"]), asked["score"].name, pace, stop))
        elif asked["recording"]:
            from app.play import play_recording

            board, seats = tape_and_seats(settings, asked["recording"], asked["array"], asked["seats"], pace)
            tell(play_recording(settings, board, seats, stop))
        else:
            serve_room(settings, asked["seats"], asked["keys"], stop)


def live_weeks(settings: Settings, asked: Mapping[str, Any], stop: Callable[[], bool]) -> None:
    """Simulated weeks through the real ledger and outbox."""
    from app.demo.season import Season, live
    from app.listen import Files
    from app.release.release import Rules

    until = asked["until"].date() if asked["until"] else datetime.now(UTC).date()
    season = Season(asked["room"], asked["weeks"], until, asked["seed"])
    files = Files(settings, simulated=True)
    try:
        live(season, files, Rules(settings.release.rho, settings.release.min_sessions), asked["week_s"], stop)
    finally:
        files.shut()


def serve_room(settings: Settings, seats: str | None, keys: bool, stop: Callable[[], bool]) -> None:
    """This machine's microphones."""
    from app.listen import serve
    from app.play import keep_room

    given = placed(settings, seats) if seats else None
    serve(settings, given, stop, notice, keep_room if keys else None)


def tell(session: "Session | None") -> None:
    """Print a session that was played."""
    from app.replay import summary
    from app.terminal.report import report

    if session is None:
        click.echo("The session was withdrawn or left; nothing of it is kept.")
    else:
        for line in report(summary(session)):
            click.echo(line)
