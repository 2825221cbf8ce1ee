"""The whole way, from ledgers to the store, as real processes; each of them killed once while it matters."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from app.demo.stage import Stage, StageError
from app.release.week import week_of

UNTIL = date(2026, 3, 8)
WEEKS = 12
LONG_S = 120.0


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.stop()


DIES_WHILE_SEALING = """
import os, signal, sys
from datetime import date
from pathlib import Path
from app.listen import Files
from app.release.release import Rules
from app.demo.season import Season, live
from app.sources import load

def trace(statement):
    global sealed
    sealed += statement.startswith("INSERT INTO sealed")
    if sealed == 3:
        os.kill(os.getpid(), signal.SIGKILL)

sealed = 0
files = Files(load(Path(sys.argv[1])), simulated=True)
files.ledger._db.connection.set_trace_callback(trace)
live(Season(0, int(sys.argv[2]), date.fromisoformat(sys.argv[3]), 3), files, Rules(), 0.0, lambda: False)
"""
"""The room unit's simulated weeks, killed by SIGKILL in the transaction that seals the third release."""


def test_every_release_is_in_the_store_once_though_each_process_is_killed(stage: Stage) -> None:
    """SIGKILL for `send` with releases under way, for `listen` while it seals, for the hub with messages coming in."""
    stage.start_hub()
    for room in stage.rooms:
        stage.start_send(room)
    for room in (2, 3):
        stage.start_listen(room, WEEKS, UNTIL, seed=3)
    dying = [sys.executable, "-c", DIES_WHILE_SEALING, str(stage.settings_of(1)), str(WEEKS), str(UNTIL)]
    assert subprocess.run(dying, check=False).returncode == -signal.SIGKILL
    assert len(stage.sealed(1)) == 2

    stage.kill("send-2")
    stage.wait(lambda: len(stage.sealed(3)) >= 4, LONG_S, "four sealed weeks of room 3")
    stage.kill("hub")
    stage.start_listen(1, WEEKS, UNTIL, seed=3)
    stage.wait(lambda: len(stage.sealed(2)) >= 7, LONG_S, "seven sealed weeks of room 2")
    stage.start_send(2)
    stage.start_hub()

    stage.wait(lambda: {stage.ended(f"listen-{room}") for room in stage.rooms} == {True}, LONG_S, "twelve weeks")
    stage.wait(lambda: stage.outcome().complete, LONG_S, "the last acknowledgements")
    outcome = stage.outcome()
    assert outcome.complete
    assert outcome.stored.total() == WEEKS * len(stage.rooms)
    last = week_of(UNTIL)
    assert {release.device for release in outcome.stored if release.week == last} == {"room-1", "room-2", "room-3"}
    assert sum(release.sums is None for release in outcome.stored) >= 1, "a withheld week has its message too"


def test_a_process_that_fails_is_named_with_its_last_words(stage: Stage) -> None:
    (stage.folder / "hub").write_text("a file where a folder should be")
    with pytest.raises(StageError, match="hub ended with 1: fermata: the hub cannot keep its state"):
        stage.start_hub()


def test_a_hub_that_is_away_loses_nothing(stage: Stage) -> None:
    stage.start_hub()  # for its ports
    stage.kill("hub")
    stage.start_send(1)
    stage.start_listen(1, 2, UNTIL)
    stage.wait(lambda: stage.ended("listen-1"), LONG_S, "two weeks of room 1")
    assert sum(stage.sealed(1).values()) == 2
    assert not stage.stored()
    stage.start_hub()
    stage.wait(lambda: stage.outcome().complete, LONG_S, "the releases that had waited")


def test_a_second_listen_or_send_of_one_room_is_refused(stage: Stage, tmp_path: Path) -> None:
    stage.start_listen(1, 2, UNTIL, week_s=60)
    stage.start_send(1)
    stage.wait(lambda: bool(stage.sealed(1)), LONG_S, "the first week")
    stage.wait((tmp_path / "room-1" / "send.lock").exists, LONG_S, "the start of send")
    for verb, says in (
        (["listen", "--weeks", "2"], "ledger.sqlite is in use by another process: stop that one first"),
        (["send"], "stop that one first"),
    ):
        command = [sys.executable, "-m", "app", "--settings", str(stage.settings_of(1)), *verb]
        said = subprocess.run(command, check=False, capture_output=True, text=True)
        assert said.returncode == 1
        assert said.stderr.count("\n") == 1
        assert says in said.stderr
    assert not stage.ended("listen-1")
    assert not stage.ended("send-1")


def test_a_port_in_use_is_one_sentence(stage: Stage) -> None:
    stage.start_hub()
    port = stage.url.rpartition(":")[2].rstrip("/")
    command = [sys.executable, "-m", "app", "hub", "--state", str(stage.folder / "other"), "--port", port]
    said = subprocess.run(command, check=False, capture_output=True, text=True)
    assert said.returncode == 1
    assert f"port {port} for the page cannot be used (Address already in use)" in said.stderr
    assert said.stderr.count("\n") == 1
