"""A whole room unit through a sound daemon: what systemd hears, what a kill leaves, what is nowhere to be found."""

import os
import signal
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest

from app.release.ledger import Ledger
from tests.firmware.test_capture import CHANNELS, RATE, Daemon, daemon, pytestmark
from tests.firmware.test_survival import play
from tests.room.marathon import SLOP_S, run
from tests.room.traces import MARKER, traces
from tests.room.units import Unit, capturing, unit, until_released
from tests.room.unplug import cycles

__all__ = ["daemon", "pytestmark"]  # a fixture and a mark that pytest finds by name

READY_S = 5.0
STRETCH = float(os.environ.get("STRETCH", "4"))
"""How much slower than a quiet machine this one may be."""


def test_systemd_hears_ready_and_signs_of_life_and_nothing_of_sessions(daemon: Daemon, tmp_path: Path) -> None:
    with unit(daemon, tmp_path / "state") as room:
        assert room.told[-1][0] - room.begun < READY_S * STRETCH
        room.until_told("WATCHDOG=1", 2)
        assert not capturing(daemon), "nothing is read before the press"
        room.do("press 0.2")
        room.listening()
        room.until_told("WATCHDOG=1", 2)
        daemon.unplug()
        room.until(lambda state: state.session and not state.live)
        room.until_told("WATCHDOG=1", 2)
        room.do("press 0.2")
        room.until(lambda state: not state.session)
        room.until_told("WATCHDOG=1", 2)
        room.process.terminate()
        room.process.wait(30)
        told = [said for _, said in room.told]
        assert {said for said in told if said.startswith("STATUS")} == {"STATUS=Ready for a session."}


def test_a_plug_pulled_and_put_back_in_a_session_costs_seconds_and_no_press(daemon: Daemon, tmp_path: Path) -> None:
    with unit(daemon, tmp_path / "state") as room:
        room.do("press 0.2")
        before = room.listening(1.0)
        daemon.unplug()
        room.until(lambda state: not state.live)
        daemon.replug()
        back = time.monotonic()
        after = room.until(lambda state: state.live and state.frames > before.frames + 100)
        assert room.states[-1].session
        begun = next(state for state in room.states if state.at_s > back and state.live)
        assert begun.at_s - back < 5.0 * STRETCH
        passed = after.at_s - before.at_s
        assert after.frames - before.frames == pytest.approx(100 * passed, abs=100), "lost time is counted"


def test_the_privacy_switch_closes_the_microphones_at_once_and_opens_them_again(daemon: Daemon, tmp_path: Path) -> None:
    with unit(daemon, tmp_path / "state") as room:
        room.do("press 0.2")
        room.listening()
        room.do("privacy shut")
        room.until(lambda state: state.session and not state.live and not state.light)
        until_released(daemon)
        room.do("privacy open")
        room.until(lambda state: state.session and state.live and state.light)
        assert capturing(daemon)


def test_a_killed_unit_holds_no_microphones_and_closes_its_session_at_the_next_start(
    daemon: Daemon, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    with unit(daemon, state) as room:
        room.do("press 0.2")
        room.listening(11.0)
        room.process.kill()
        killed = time.monotonic()
        assert until_released(daemon) - killed < 1.0 * STRETCH
    with sqlite3.connect(state / "ledger.sqlite") as ledger:
        (kept,) = ledger.execute("SELECT length(checkpoint) FROM open").fetchone()
        assert kept > 100, "there is a checkpoint"
    ledger.close()
    with unit(daemon, state) as room:
        room.until_told("WATCHDOG=1")
        assert not capturing(daemon), "a microphone never restarts by itself"
        assert not any(state.light for state in room.states)
        room.process.kill()
        room.process.wait(30)
    again = Ledger(state / "ledger.sqlite")
    assert again.interrupted() is None
    again.shut()


@pytest.fixture
def marked(daemon: Daemon) -> play:
    """The marker, again and again, from all channels of the array."""
    marker = play(daemon, "array6", 0, CHANNELS)
    long = np.tile(MARKER, 1 + round(60 * RATE / len(MARKER)))
    (daemon.folder / "array6.raw").write_bytes(np.repeat(long[:, None], CHANNELS, axis=1).tobytes())
    return marker


def test_no_sound_is_anywhere_afterwards_and_nothing_of_a_withdrawn_session(
    daemon: Daemon, tmp_path: Path, marked: play
) -> None:
    journal, state = daemon.folder / "journal", tmp_path / "state"
    with unit(daemon, tmp_path / "never") as room:
        end(room)
    never = journal.read_text()
    with marked, unit(daemon, state) as room:
        room.do("press 0.2")
        room.listening(11.0)
        for process in (room.process.pid, *room.children):
            limits = Path(f"/proc/{process}/limits").read_text()
            assert "Max core file size        0                    0" in limits
        room.do("press 5.0")
        room.until(lambda now: not now.session and not now.light)
        until_released(daemon)
        end(room)
    assert journal.read_text() == 2 * never, "no line tells of a session"
    assert rows(state) == rows(tmp_path / "never"), "as if there had been none"
    (daemon.folder / "array6.raw").unlink()
    assert [path for path in tmp_path.rglob("*") if path.is_file() and traces(path.read_bytes())] == []
    assert not [path for path in tmp_path.rglob("*") if "core" in path.name]


def end(room: Unit) -> None:
    """Let it go in good order."""
    room.until_told("WATCHDOG=1", 2)
    room.process.send_signal(signal.SIGTERM)
    room.process.wait(30)


def rows(state: Path) -> dict[str, int]:
    """How many rows each table of the ledger has."""
    with sqlite3.connect(f"file:{state / 'ledger.sqlite'}?mode=ro&immutable=1", uri=True) as ledger:
        tables = [name for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: ledger.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}  # noqa: S608
    ledger.close()
    return found


def test_unplugging_again_and_again_leaks_nothing(daemon: Daemon, tmp_path: Path) -> None:
    with unit(daemon, tmp_path / "state") as room:
        recoveries, after = cycles(daemon, room, 3)
    assert max(recoveries) < 5.0 * STRETCH
    first, last = after[0], after[-1]
    assert (last.threads, last.files, last.children) == (first.threads, first.files, first.children)
    assert last.bytes - first.bytes < 3e6


def test_memory_is_flat_and_time_keeps_with_the_samples(tmp_path: Path) -> None:
    found = run(0.1, tmp_path)
    assert abs(found.drift_s) <= SLOP_S
    assert found.swing < 5e6
    assert len(found.sizes) == 7
