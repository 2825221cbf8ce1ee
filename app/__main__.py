"""The command line: what each verb needs is put together here, and every error becomes one sentence."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.hearing.seats import Seat, SeatError, parse_seats
from app.settings import Settings, as_toml, load, sourced
from firmware.errors import ArrayError
from firmware.simulated import SimulatedBoard, board_from_recording

if TYPE_CHECKING:
    from app.room.session import Session

OURS = {"app", "firmware", "models"}
"""Where exceptions come from whose message is a sentence for whoever typed the command."""


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
@click.option("--once", is_flag=True, help="Headless, as fast as it goes; exit 0 only if every release has arrived.")
def demo(once: bool) -> None:
    """Watch a room and a hub on this machine, in three acts.

    \b
    fermata demo
    fermata demo --once
    """
    try:
        from app.demo.acts import demo as perform
    except ModuleNotFoundError as missing:
        raise click.ClickException(
            f"the demo needs {missing.name}, which is not installed: pip install 'fermata[demo]'"
        ) from missing

    with stopping() as stop:
        outcome = perform(once, click.echo, stop)
        if outcome is None:
            raise click.Abort
        if not outcome.complete:
            raise click.ClickException("not every sealed release is in the hub's store")


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
    from app.conversation.vocabulary import frames as in_frames
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
    session = Session(hearing.seats, errors_of_hearing(), Policy(in_frames(settings.cues.long_turn)))
    board.microphones.open()
    with Listing(hearing.seats, frames, units) as listing:
        run(heard_from_sound(board.microphones, hearing), session, listing)
    found = summary(session)
    if as_json:
        click.echo(json.dumps(found))
    else:
        for line in report(found):
            click.echo(line)


def tape_and_seats(
    settings: Settings, recording: Path, array: str | None, seats: str | None, pace: float | None
) -> tuple[SimulatedBoard, tuple[Seat, ...]]:
    """A recording's board and the seats in it. What cannot be meant is an error of usage."""
    try:
        return board_from_recording(recording, array, pace), placed(settings, seats)
    except ArrayError as error:
        raise click.UsageError(str(error)) from error


def placed(settings: Settings, seats: str | None) -> tuple[Seat, ...]:
    """The seats as given, or as in the settings."""
    if not seats:
        return settings.placed_seats()
    try:
        return parse_seats(seats)
    except SeatError as error:
        raise click.UsageError(str(error)) from error


def tell(session: "Session | None") -> None:
    """Print a session that was played."""
    from app.replay import summary
    from app.terminal.report import report

    if session is None:
        click.echo("The session was withdrawn or left; nothing of it is kept.")
    else:
        for line in report(summary(session)):
            click.echo(line)


def notice(sentence: str) -> None:
    """Say something to whoever started this."""
    click.echo(f"fermata: {sentence}", err=True)


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Whether SIGTERM or SIGINT has asked to stop; work then ends in good order."""
    asked = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal asked
        asked = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@cli.command()
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

    serve(settings, placed(settings, seats), stop, notice, keep_room if keys else None)


@cli.command()
@click.option("--show", is_flag=True, help="Print what would leave and what has left, byte for byte; send nothing.")
@click.pass_obj
def send(file: Path | None, show: bool) -> None:
    """Carry the outbox's messages to the hub, without devices.

    \b
    fermata send
    fermata send --show
    """
    from app.send import send as carry
    from app.show import show as lines

    if show:
        for line in lines(load(file)):
            click.echo(line)
        return
    with stopping() as stop:
        carry(load(file), stop, notice)


@cli.command()
@click.option("--state", type=click.Path(path_type=Path), help="Folder of the database and of the broker's store.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the page; 0 takes any free one.")
@click.option("--mqtt-port", type=click.IntRange(0, 65535), help="Port of the embedded broker; 0 takes any free one.")
@click.option("--broker", metavar="URL", help="A broker of the clinic's own, mqtt://127.0.0.1:PORT.")
@click.pass_obj
def hub(file: Path | None, state: Path | None, port: int | None, mqtt_port: int | None, broker: str | None) -> None:
    """Be the clinic's hub: broker, inbox, store and page.

    \b
    fermata hub --state ./hub
    """
    try:
        from app.hub.options import HubOptions
        from app.hub.serve import serve as serve_hub
    except ModuleNotFoundError as missing:
        raise click.ClickException(
            f"the hub needs {missing.name}, which is not installed: pip install 'fermata[hub]'"
        ) from missing

    settings = load(file)
    own = settings.hub
    serve_hub(
        HubOptions(
            clinic=settings.room.clinic,
            state=state or own.state,
            host=own.host,
            port=own.port if port is None else port,
            mqtt_port=own.mqtt_port if mqtt_port is None else mqtt_port,
            therapists=own.therapists,
            owner_agreed=own.owner_agreed,
            broker_url=broker,
        )
    )


PAIR = (float, float)


@cli.command()
@click.option("--quick", is_flag=True, help="Six sessions of 4 minutes instead of twelve of 10 to 50.")
@click.option(
    "--array", metavar="NAME", default="xvf3800", show_default=True, help="A shipped array, or an array file."
)
@click.option(
    "--voices", type=click.Path(path_type=Path), help="Dry speech at 16 kHz: a clip or a sub-folder a person."
)
@click.option("--rooms", type=click.Choice(["easy", "hard", "both"]), default="both", show_default=True)
@click.option("--rt60", type=PAIR, metavar="LOW HIGH", help="Seconds of reverberation, instead of the rooms' own.")
@click.option("--snr", type=PAIR, metavar="LOW HIGH", help="Speech against noise, dB, instead of the rooms' own.")
@click.option("--apart", type=PAIR, metavar="LOW HIGH", help="Degrees between neighbours, instead of the rooms' own.")
@click.option("--calibration", type=click.FloatRange(min=0), help="How far calibrated seats are off, degrees rms.")
@click.option("--seats", metavar="SEATS", help="NAME[:ROLE]=DEGREES,… instead of drawn places.")
@click.option("--turns", type=click.Path(path_type=Path), help="A CSV seat,start_s,end_s to say instead of drawn talk.")
@click.option("--sessions", type=click.IntRange(1, 1000), help="In each kind of rooms.")
@click.option("--minutes", type=PAIR, metavar="LOW HIGH", help="Shortest and longest session.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Other rooms, people and talk.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Write report and pictures into a folder."
)
@click.option("--json", "as_json", is_flag=True, help="Exactly one JSON object on stdout.")
def validate(out: Path | None, as_json: bool, **asked: Any) -> None:  # noqa: ANN401 - click hands over what it has checked
    """Rehearse sessions with known truth in simulated rooms, and print how far the numbers are off.

    \b
    fermata validate --quick
    fermata validate --rooms hard --snr 0 6 --sessions 10 --out ./report
    fermata validate --turns transcript.csv --seats therapist=30,client=150
    """
    try:
        from app.validation.asked import plan_of
        from app.validation.report import markdown
        from app.validation.validate import validate as rehearse_all
    except ModuleNotFoundError as missing:
        raise click.ClickException(
            f"validate needs {missing.name}, which is not installed: pip install 'fermata[rehearsal]'"
        ) from missing
    from app.hearing.model import Model
    from app.room.session import errors_of_hearing

    try:
        plan = plan_of(asked)
    except (ArrayError, SeatError) as error:
        raise click.UsageError(str(error)) from error
    with click.progressbar(length=1000, label="Rehearsing", file=sys.stderr) as bar:
        found = rehearse_all(
            plan, Model(), errors_of_hearing(), lambda done: bar.update(int(1000 * done) - bar.pos), out
        )
    click.echo(json.dumps(found) if as_json else markdown(found), nl=as_json)
    if out:
        notice(f"the report is {out / 'report.md'}")


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
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in OURS:
            raise
        end(str(error), 1)


def end(sentence: str, code: int) -> None:
    """Say why, and leave."""
    click.echo(f"fermata: {sentence}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
