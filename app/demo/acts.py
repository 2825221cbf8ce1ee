"""`fermata demo`: a room and a hub on this machine, in three acts."""

import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from app.demo.stage import Outcome, Stage, StageError, plain_environment
from app.hub.periods import Period
from app.terminal.view import Scene, Terminal

REHEARSAL = Path(__file__).parent.parent / "rehearsal"
RECORDING = REHEARSAL / "recording" / "two-people.flac"
SCORE = REHEARSAL / "acts" / "fifteen-minutes.score"
WEEKS = 12
ACT_TWO_SPEED = 20
WEEK_S = 2.0
"""Seconds a week of act 3 takes when somebody watches."""
ACT_THREE_S = 300.0
Say = Callable[[str], None]


def demo(once: bool, say: Say, stop: Callable[[], bool]) -> Outcome | None:
    """All three acts; with `once` headless and as fast as they go. What became of the releases; None if left early.

    Raises StageError when a process does not do its part.
    """
    with TemporaryDirectory(prefix="fermata-demo-") as folder:
        stage = Stage(Path(folder))
        try:
            say("Starting the hub …")
            stage.start_hub()
            say(f"The hub's page is at {stage.url} while this runs.")
            for act in (act_one, act_two):
                act(once, say)
                if stop():
                    return None
            outcome = act_three(stage, once, say, stop)
            if not (once or stop()):
                say(f"The page: {stage.url}   Ctrl-C ends the demo; nothing of it is kept.")
                while not stop():
                    time.sleep(0.1)
        finally:
            stage.stop()
    return outcome


def act_one(once: bool, say: Say) -> None:
    """A recording of two people, from sound to numbers."""
    say("\nAct 1. Two people in a room, two minutes: from the sound of four microphones to a session's numbers.")
    made = tomllib.loads(RECORDING.with_suffix(".toml").read_text(encoding="utf-8"))
    seats = ",".join(f"{name}={seat['azimuth']}" for name, seat in made["seats"].items())
    listen("--recording", str(RECORDING), "--array", made["array"], "--seats", seats, *(["--fast"] if once else []))
    say("A session this short leaves nothing behind. A real one leaves six numbers, and waits for nineteen others.")


def act_two(once: bool, say: Say) -> None:
    """A written score, so that cues are seen."""
    say("\nAct 2. Fifteen minutes of talk, written as a score and twenty times as fast: when does the lamp speak?")
    say("The lamp keeps its own slow pace.")
    listen("--score", str(SCORE), *(["--fast"] if once else ["--speed", str(ACT_TWO_SPEED)]))


def listen(*arguments: str) -> None:
    """Run the room unit on this terminal until its session is over. Raises StageError."""
    command = [sys.executable, "-m", "app", "listen", *arguments]
    code = subprocess.run(command, env=plain_environment(), check=False).returncode  # noqa: S603 - our own command
    if code:
        raise StageError(f"`fermata listen {' '.join(arguments)}` ended with {code}")


def act_three(stage: Stage, once: bool, say: Say, stop: Callable[[], bool]) -> Outcome | None:
    """Twelve weeks of three rooms, from ledgers to the page."""
    say(f"\nAct 3. {WEEKS} weeks of three rooms, simulated: ledger, noised release, outbox, broker, hub.")
    until = last_closed_month(date.today())  # noqa: DTZ011 - the month that people here call the last
    for room in stage.rooms:
        stage.start_listen(room, WEEKS, until, 0.0 if once else WEEK_S)
        stage.start_send(room)
    with Terminal() as terminal:

        def done() -> bool:
            outcome = stage.outcome()
            terminal.show(progress(stage, outcome))
            if stop():
                return True
            return {stage.ended(f"listen-{room}") for room in stage.rooms} == {True} and outcome.complete

        stage.wait(done, ACT_THREE_S, "act 3")
    if stop():
        return None
    outcome = stage.outcome()
    for line in account(stage, outcome):
        say(line)
    return outcome


def last_closed_month(today: date) -> date:
    """The last Thursday of the last month that is closed at the hub, so that the page ends with a whole one."""
    before = Period(today.year, today.month, 1)
    while before.closes_on() > today:
        before = before.preceding()
    return before.over_on() - timedelta(days=4)


def progress(stage: Stage, outcome: Outcome) -> Scene:
    """Weeks sealed and stored, by room."""
    bars = [
        (f"room-{room} {what}", sum(release.device == f"room-{room}" for release in releases), WEEKS)
        for room in stage.rooms
        for what, releases in (("sealed", outcome.sealed), ("stored", outcome.stored))
    ]
    return Scene(f"Three rooms, simulated. Page: {stage.url}", {}, progress=bars)


def account(stage: Stage, outcome: Outcome) -> list[str]:
    """What was released and committed."""
    released = [release for release in outcome.stored if release.sums is not None]
    sessions, withheld = sum(release.sessions for release in released), len(outcome.stored) - len(released)
    return [
        f"Released, simulated: {len(released)} noised summaries of {sessions} sessions in {len(stage.rooms)} rooms.",
        f"Withheld: {withheld} weeks, with fewer than 20 sessions waiting.",
        f"Committed: {outcome.stored.total()} of {outcome.sealed.total()} sealed releases are in the hub's store, "
        + ("each exactly once." if outcome.complete else "which is not as it should be."),
    ]
