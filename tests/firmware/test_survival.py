"""Capture that survives: the daemon dies, freezes, loses the array; real PyAudio in a room unit's own two processes."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue

import numpy as np
import pytest

from tests.firmware.test_capture import CHANNELS, CHILD, RATE, Daemon, daemon, pytestmark

__all__ = ["daemon", "pytestmark"]  # a fixture and a mark that pytest finds by name

OURS, THEIRS = 1000, 2000
"""What the array plays in every sample, and what the other source does."""
RECOVERY_S = 5.0
LONG_S = 60.0
"""No wait in here is meant to take nearly so long."""


@dataclass(frozen=True)
class Met:
    """A line that the capturing process has written."""

    kind: str
    at_s: float
    rest: str


@dataclass
class Capturing:
    """A process that captures for good, and what it meets."""

    process: subprocess.Popen[str]
    met: list[Met] = field(default_factory=list)
    reading: threading.Thread = field(init=False)
    _lines: Queue[Met] = field(default_factory=Queue)

    def __post_init__(self) -> None:
        self.reading = threading.Thread(target=self._read, daemon=True)
        self.reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            kind, at_s, rest = line.rstrip("\n").split(" ", 2)
            self._lines.put(Met(kind, float(at_s), rest))

    def until(self, wanted: Callable[[Met], bool]) -> Met:
        """The next line that is wanted."""
        end = time.monotonic() + LONG_S
        while True:
            try:
                met = self._lines.get(timeout=max(0.0, end - time.monotonic()))
            except Empty:
                pytest.fail(f"nothing came that was waited for; the last lines: {self.met[-5:]}")
            self.met.append(met)
            if wanted(met):
                return met

    def until_block(self, after_s: float = 0.0) -> Met:
        """The next block of the array's sound, met after that time."""
        return self.until(lambda met: met.kind == "block" and met.rest == str(OURS) and met.at_s > after_s)

    def until_fault(self, words: str = "") -> Met:
        return self.until(lambda met: met.kind == "fault" and words in met.rest)

    def heard(self) -> set[int]:
        """All values that any block so far began with."""
        return {int(met.rest) for met in self.met if met.kind == "block"}


@pytest.fixture
def capturing(daemon: Daemon) -> Iterator[Capturing]:
    """A capture of the array, which plays OURS while another source plays THEIRS."""
    with play(daemon, "other", THEIRS, 2), play(daemon, "array6", OURS, CHANNELS):
        command = [sys.executable, str(CHILD), "--go-on", "array6"]
        with subprocess.Popen(command, env=daemon.environment, stdout=subprocess.PIPE, text=True) as process:
            found = Capturing(process)
            try:
                found.until_block()
                yield found
            finally:
                process.kill()
                found.reading.join(LONG_S)


class play:  # noqa: N801 - reads as a verb
    """A sound that is the same sample for long, played to a sink."""

    def __init__(self, daemon: Daemon, sink: str, value: int, channels: int) -> None:
        path = daemon.folder / f"{sink}.raw"
        path.write_bytes(np.full((round(LONG_S * RATE), channels), value, np.int16).tobytes())
        form = ["--raw", "--format=s16le", f"--rate={RATE}", f"--channels={channels}"]
        self._command = ["pacat", f"--device={sink}", *form, str(path)]
        self._environment = daemon.environment

    def __enter__(self) -> None:
        self._player = subprocess.Popen(self._command, env=self._environment, stderr=subprocess.DEVNULL)

    def __exit__(self, *_: object) -> None:
        self._player.kill()
        self._player.wait()


def children_of(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_a_killed_daemon_is_a_fault_and_when_it_is_back_so_is_the_sound(daemon: Daemon, capturing: Capturing) -> None:
    daemon.kill()
    capturing.until_fault("no microphones at all")
    daemon.start()
    back = time.monotonic()
    with play(daemon, "array6", OURS, CHANNELS):
        assert capturing.until_block(back).at_s - back < RECOVERY_S


def test_a_frozen_daemon_is_a_fault_and_when_it_thaws_the_sound_is_back(daemon: Daemon, capturing: Capturing) -> None:
    daemon.process.send_signal(signal.SIGSTOP)
    frozen = time.monotonic()
    assert capturing.until_fault().at_s - frozen < 4.0
    daemon.process.send_signal(signal.SIGCONT)
    thawed = time.monotonic()
    assert capturing.until_block(thawed).at_s - thawed < RECOVERY_S


def test_nothing_is_taken_from_another_source_when_the_array_is_gone(daemon: Daemon, capturing: Capturing) -> None:
    daemon.unplug()
    capturing.until_fault("the sound server has put 'other.monitor' in place of the microphones 'array6.monitor'")
    capturing.until_fault("cannot be opened")
    daemon.replug()
    back = time.monotonic()
    with play(daemon, "array6", OURS, CHANNELS):
        assert capturing.until_block(back).at_s - back < RECOVERY_S
    assert capturing.heard() <= {0, OURS}


def test_a_killed_capturing_process_is_started_anew(capturing: Capturing) -> None:
    (child,) = children_of(capturing.process.pid)
    os.kill(child, signal.SIGKILL)
    killed = time.monotonic()
    capturing.until_fault("the capturing process has died")
    assert capturing.until_block(killed).at_s - killed < RECOVERY_S
    assert children_of(capturing.process.pid) != [child]


def test_when_the_unit_is_killed_nothing_holds_the_microphones(daemon: Daemon, capturing: Capturing) -> None:
    assert daemon.control("list", "short", "source-outputs")
    (child,) = children_of(capturing.process.pid)
    capturing.process.kill()
    end = time.monotonic() + LONG_S
    while daemon.control("list", "short", "source-outputs") or Path(f"/proc/{child}").exists():
        assert time.monotonic() < end, "a capture has outlived the unit"
        time.sleep(0.05)
    # The kernel kills it with its parent; what the test waits for is the daemon's book-keeping.
