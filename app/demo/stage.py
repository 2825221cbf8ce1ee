"""The demo's stage: a hub and room units as real processes, their files in one folder."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from app.settings import PREFIX
from app.sources import load
from app.sync.outbox import Outbox
from app.sync.wire import Release, unseal

if TYPE_CHECKING:
    from app.hub.trends import Release as StoredRelease

READY = "fermata hub ready: "
CLINIC = "demo"
THERAPISTS = 6
READY_S = 30.0
STOP_S = 10.0


class StageError(Exception):
    """A process of the demo did not do its part; says which, and its last words."""


class Seen(NamedTuple):
    """A release as both sides know it: rooms by their outbox, the hub by its store."""

    device: str
    week: str
    sessions: int
    sums: tuple[tuple[str, int], ...] | None
    """None: withheld."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the releases of all rooms."""

    sealed: Counter[Seen]
    stored: Counter[Seen]

    @property
    def complete(self) -> bool:
        """Every sealed release is stored exactly once, and nothing else."""
        return self.sealed == self.stored and set(self.stored.values()) == {1}


class Stage:
    """Processes by name: `hub`, and `listen-1`, `send-1` and so on for each room."""

    def __init__(self, folder: Path, rooms: int = 3) -> None:
        self.folder, self.rooms = folder, tuple(range(1, rooms + 1))
        self.url = ""
        self._mqtt_port = 0
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start_hub(self) -> None:
        """Start the hub and wait until it is ready; the second time on the same ports. Raises StageError."""
        port = self.url.rpartition(":")[2].rstrip("/") or "0"
        settings = self._write(
            "hub",
            f'[room]\nclinic = "{CLINIC}"\n[hub]\nstate = "{self.folder / "hub"}"\ntherapists = {THERAPISTS}\n',
        )
        said_before = len(self._lines("hub", READY))
        self._start("hub", settings, "hub", "--rehearsal", "--port", port, "--mqtt-port", str(self._mqtt_port))
        self.wait(lambda: self.ended("hub") or len(self._lines("hub", READY)) > said_before, READY_S, "the hub's start")
        line = self._lines("hub", READY)[-1]
        self.url = line.split()[3]
        self._mqtt_port = int(line.rpartition(":")[2].rstrip(")"))

    def start_send(self, room: int) -> None:
        """Start a room's `send`."""
        self._start(f"send-{room}", self.settings_of(room), "send")

    def start_listen(self, room: int, weeks: int, until: date, week_s: float = 0.0, seed: int = 1) -> None:
        """Start a room's `listen`, which lives through simulated weeks and ends; killed, it goes on where it was."""
        chosen = ["--weeks", str(weeks), "--until", str(until), "--week-s", str(week_s), "--seed", str(seed)]
        self._start(f"listen-{room}", self.settings_of(room), "listen", *chosen, "--room", str(room - 1))

    def kill(self, name: str) -> None:
        """End a process at once, by SIGKILL."""
        process = self._running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def ended(self, name: str) -> bool:
        """Whether a process has done its part. Raises StageError if it failed, or is a hub that ended."""
        code = self._running[name].poll()
        if code or (code == 0 and name == "hub"):
            raise StageError(f"{name} ended with {code}: {self._last_words(name)}")
        return code == 0

    def wait(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until something is done. Raises StageError when it takes longer than `seconds`."""
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                raise StageError(f"{what} took more than {seconds:.0f} s")
            time.sleep(0.05)

    def stop(self) -> None:
        """End all, the hub last."""
        for name in sorted(self._running, key=lambda name: name == "hub"):
            process = self._running[name]
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()

    def sealed(self, room: int) -> Counter[Seen]:
        """The releases that a room has handed to its outbox, acknowledged or not."""
        file = load(self.settings_of(room)).paths.outbox_file
        if not file.exists():
            return Counter()
        outbox = Outbox(file, f"room-{room}")
        try:
            bodies = [unseal(message.payload).body for message in outbox.messages() if message.release]
        finally:
            outbox.shut()
        return Counter(seen(outbox.device, body) for body in bodies if isinstance(body, Release))

    def stored(self) -> Counter[Seen]:
        """The releases in the hub's store."""
        from app.hub.store import Store

        with closing(Store(self.folder / "hub" / "hub.sqlite")) as store:
            return Counter(seen(release.device, release) for release in store.releases())

    def outcome(self) -> Outcome:
        """What the rooms have sealed beside what the hub has stored."""
        return Outcome(sum((self.sealed(room) for room in self.rooms), Counter()), self.stored())

    def settings_of(self, room: int) -> Path:
        """The settings file of a room unit."""
        here = self.folder / f"room-{room}"
        return self._write(
            f"room-{room}",
            f'[room]\nclinic = "{CLINIC}"\ndevice = "room-{room}"\n'
            f'[paths]\nstate = "{here}"\noutbox = "{here}"\n'
            f"[send]\nport = {self._mqtt_port or 1883}\nresend_s = 1\nheartbeat_s = 10\n",
        )

    def _write(self, name: str, text: str) -> Path:
        """A settings file, whole at every moment: a process that starts may be reading it."""
        path = self.folder / f"{name}.toml"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            fresh = path.with_suffix(".new")
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(path)
        return path

    def _start(self, name: str, settings: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "app", "--settings", str(settings), *arguments]
        with self._log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603 - our own command line
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=plain_environment()
            )

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _lines(self, name: str, beginning: str) -> list[str]:
        log = self._log(name)
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        return [line for line in lines if line.startswith(beginning)]

    def _last_words(self, name: str) -> str:
        lines = self._log(name).read_text(encoding="utf-8").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def plain_environment() -> dict[str, str]:
    """The environment without settings of Fermata: the demo's come from its own files."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def seen(device: str, release: "Release | StoredRelease") -> Seen:
    """What identifies a release by what it says."""
    sums = None if release.sums is None else tuple(sorted(release.sums.items()))
    return Seen(device, release.week, release.sessions, sums)
