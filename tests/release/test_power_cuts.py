"""The process dies at every single SQL statement of sealing and handing over; another one resumes."""

import os
import random
import secrets
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from app.release.ledger import Ledger
from app.release.release import RANGES, Rules, hand_over, seal
from app.sync import wire
from app.sync.outbox import Outbox

WEEK = "2026-W06"
RULES = Rules(min_sessions=10)
SESSIONS = 12


def open_both(folder: Path) -> tuple[Ledger, Outbox]:
    return Ledger(folder / "ledger.db"), Outbox(folder / "outbox.db", "room-1", simulated=False)


def shut(ledger: Ledger, outbox: Outbox) -> None:
    ledger.shut()
    outbox.shut()


def release_what_is_due(ledger: Ledger, outbox: Outbox, week: str = WEEK) -> None:
    """What `listen` does once a week, and what it does when it starts."""
    if not ledger.has_sealed(week):
        seal(ledger, week, RULES, secrets.SystemRandom())
    hand_over(ledger, outbox.put)


def in_a_child(work: Callable[[], None]) -> int:
    """The exit code of a child process that does this: 0 when done, 9 when it died on the way, 1 for an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns where any thread has been seen
        child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def die_at(statement: int, *files: Ledger | Outbox) -> None:
    """From now on count the statements of these files, and die before the n-th begins."""
    count = 0

    def trace(_text: str) -> None:
        nonlocal count
        count += 1
        if count == statement:
            os._exit(9)

    for file in files:
        file._db.connection.set_trace_callback(trace)


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A folder with sessions enough for a release."""
    folder = tmp_path / "full"
    ledger, outbox = open_both(folder)
    for number in range(SESSIONS):
        session = ledger.open_session()
        ledger.close(session, dict.fromkeys(RANGES, float(number)), WEEK, 3000.0)
    ledger.forget(session)
    shut(ledger, outbox)
    return folder


def test_a_death_at_any_statement_loses_nothing_and_draws_no_noise_again(full: Path, tmp_path: Path) -> None:
    statement, died = 0, 9
    seen = {"nothing yet": 0, "sealed": 0, "put": 0, "handed over": 0}
    while died == 9:
        statement += 1
        folder = tmp_path / str(statement)
        shutil.copytree(full, folder)

        def work(folder: Path = folder, statement: int = statement) -> None:
            ledger, outbox = open_both(folder)
            die_at(statement, ledger, outbox)
            release_what_is_due(ledger, outbox)

        died = in_a_child(work)
        seen[check_and_resume(folder)] += 1
        shutil.rmtree(folder)
    assert died == 0
    assert statement > 25
    assert all(seen.values()), f"not every state was met: {seen}"


def check_and_resume(folder: Path) -> str:
    """Whatever state the death has left is a whole one, and resuming from it ends well; which one it was."""
    ledger, outbox = open_both(folder)
    sealed, put = dict(ledger.sealed()), [message.payload for message in outbox.messages()]
    waiting = len(ledger.waiting())
    assert waiting == (0 if ledger.has_sealed(WEEK) else SESSIONS), "erased exactly when released"
    assert len(sealed) <= 1
    assert ledger.has_sealed(WEEK) or not (sealed or put)
    release_what_is_due(ledger, outbox)
    (message,) = outbox.messages()
    release = wire.unseal(message.payload).body
    assert isinstance(release, wire.Release)
    assert release.sessions == SESSIONS
    assert sealed in ({}, {release.id: release.model_dump_json().encode()}), "the noise that was drawn stays"
    assert put in ([], [message.payload])
    assert (ledger.sealed(), ledger.waiting()) == ([], [])
    assert (folder / "ledger.db-wal").stat().st_size < 3 * 4096, "the erased is in no log: only the drop is"
    shut(ledger, outbox)
    if waiting:
        return "nothing yet"
    return ("put" if put else "sealed") if sealed else "handed over"


def test_a_death_at_any_statement_of_a_session_keeps_it_whole_or_not_at_all(tmp_path: Path) -> None:
    """One session is kept and forgotten, the next withdrawn: after its withdrawal it never waits."""
    Ledger(tmp_path / "empty.db").shut()
    statement, died = 0, 9
    while died == 9:
        statement += 1
        path = tmp_path / f"{statement}.db"
        shutil.copy(tmp_path / "empty.db", path)

        def work(path: Path = path, statement: int = statement) -> None:
            ledger = Ledger(path)
            die_at(statement, ledger)
            session = ledger.open_session()
            ledger.checkpoint(session, "so far")
            ledger.close(session, dict.fromkeys(RANGES, 1.0), WEEK, 3000.0)
            ledger.forget(session)
            session = ledger.open_session()
            ledger.close(session, dict.fromkeys(RANGES, 2.0), WEEK, 3000.0)
            ledger.withdraw(session)
            path.with_suffix(".withdrawn").touch()

        died = in_a_child(work)
        ledger = Ledger(path)
        open_now = ledger.interrupted()
        assert open_now is None or open_now[1] in {"", "so far"}
        waiting = sorted(each.values["silence_share"] or 0.0 for each in ledger.waiting())
        assert waiting in ([], [1.0], [1.0, 2.0])
        assert waiting == [1.0] or not path.with_suffix(".withdrawn").exists()
        ledger.shut()
    assert died == 0
    assert statement > 40


def test_many_weeks_with_deaths_at_random_put_each_session_in_one_release(tmp_path: Path) -> None:
    dice, folder, sessions = random.Random(3), tmp_path / "weeks", 0
    for week in range(1, 9):
        name = f"2026-W{week:02}"
        ledger, outbox = open_both(folder)
        for _ in range(dice.choice([4, 11, 15])):
            sessions += 1
            session = ledger.open_session()
            ledger.close(session, dict.fromkeys(RANGES, 1.0), name, 3000.0)
        ledger.forget(session)
        shut(ledger, outbox)

        def work(name: str = name) -> None:
            ledger, outbox = open_both(folder)
            die_at(dice.randint(1, 70), ledger, outbox)
            release_what_is_due(ledger, outbox, name)

        while (died := in_a_child(work)) != 0:
            assert died == 9
            dice.random()  # the child's dice are a copy: another place next time
    ledger, outbox = open_both(folder)
    bodies = [wire.unseal(message.payload).body for message in outbox.messages()]
    releases = [body for body in bodies if isinstance(body, wire.Release)]
    assert [release.week for release in releases] == [f"2026-W{week:02}" for week in range(1, 9)]
    assert sum(release.sessions for release in releases) + len(ledger.waiting()) == sessions
    shut(ledger, outbox)
