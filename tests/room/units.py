"""A room unit in a process of its own, as tests handle it: its hands, its state, and the other end of sd_notify."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.firmware.test_capture import Daemon

ROOT = Path(__file__).parent.parent.parent
LONG_S = 60.0
"""No wait is meant to take nearly so long."""


@dataclass(frozen=True)
class State:
    """What the unit has printed last."""

    at_s: float
    session: bool
    live: bool
    light: bool
    frames: int


@dataclass
class Unit:
    """A running unit."""

    process: subprocess.Popen[str]
    notified: socket.socket
    begun: float = field(default_factory=time.monotonic)
    states: list[State] = field(default_factory=list)
    told: list[tuple[float, str]] = field(default_factory=list)
    """What systemd would have been told, and when."""

    def __post_init__(self) -> None:
        self.reading = threading.Thread(target=self._read, daemon=True)
        self.reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            _, at_s, session, live, light, frames = line.split()
            self.states.append(State(float(at_s), session == "1", live == "1", light == "1", int(frames)))

    def do(self, command: str) -> None:
        """Press, or move the switch."""
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def until(self, wanted: Callable[[State], bool]) -> State:
        """The state once it is as wanted."""
        self.wait(lambda: bool(self.states) and wanted(self.states[-1]))
        return self.states[-1]

    def listening(self, seconds: float = 0.2) -> State:
        """The state once so much has been heard in a session whose light is lit."""
        return self.until(lambda state: state.session and state.live and state.light and state.frames >= seconds * 100)

    def until_told(self, words: str, times: int = 1) -> None:
        """Wait until systemd has been told this, so many times from now on."""
        before = len(self.told)
        self.wait(lambda: [said for _, said in self.told[before:]].count(words) >= times)

    def wait(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so; take down meanwhile what systemd is told."""
        end = time.monotonic() + LONG_S
        while not is_so():
            assert time.monotonic() < end, f"waited in vain; last: {self.states[-1:]}, told: {self.told[-3:]}"
            assert self.process.poll() is None, "the unit has ended"
            try:
                self.told.append((time.monotonic(), self.notified.recv(4096).decode()))
            except TimeoutError:
                continue

    @property
    def children(self) -> list[int]:
        """Its processes."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def unit(daemon: Daemon, state: Path, **more: str) -> Iterator[Unit]:
    """A unit that is ready, on a sound daemon, with its files in a folder; killed in the end."""
    state.mkdir(exist_ok=True)
    address = daemon.folder / f"notify-{time.monotonic_ns()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(address))
        notified.settimeout(0.02)
        environment = {**daemon.environment, "NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "2000000", **more}
        with (
            (daemon.folder / "journal").open("a") as journal,
            subprocess.Popen(
                [sys.executable, str(Path(__file__).parent / "unit.py"), str(state)],
                cwd=ROOT,
                env={**environment, "PYTHONPATH": str(ROOT), "TMPDIR": str(daemon.folder / "home")},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=journal,
                text=True,
            ) as process,
        ):
            running = Unit(process, notified)
            try:
                running.until_told("READY=1")
                yield running
            finally:
                process.kill()
                running.reading.join(LONG_S)


def capturing(daemon: Daemon) -> bool:
    """Whether anything holds the microphones, as the sound daemon sees it."""
    return bool(daemon.control("list", "short", "source-outputs"))


def until_released(daemon: Daemon) -> float:
    """Wait until nothing holds the microphones; when that was."""
    end = time.monotonic() + LONG_S
    while capturing(daemon):
        if time.monotonic() > end:
            pytest.fail("something still holds the microphones")
    return time.monotonic()


def size_of(process: int) -> int:
    """Resident bytes of a process."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_of(process: int) -> float:
    """Seconds of core that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
