"""One room unit and one hub as real processes, and what must be true of them whatever is done to them.

Whatever the outbox was ever given is written down by a trigger in the outbox's own file, in the same transaction; what
the hub has is read from its database. The two are compared by device, epoch, number and SHA-256.
"""

import hashlib
import json
import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from app.sync import wire
from app.sync.outbox import Outbox
from tests.faults.accounts import in_all
from tests.faults.clocked import set_ahead

ROOT = Path(__file__).parents[2]
CLINIC, DEVICE = "north", "room-1"
PATIENCE_S = 120.0
WEEK_S = 7 * 86400.0
DRAIN_S = 3.0
SEE_ALL = """
    CREATE TABLE generated (epoch TEXT, seq INTEGER, payload BLOB);
    CREATE TRIGGER see_all AFTER INSERT ON messages
        BEGIN INSERT INTO generated SELECT epoch, NEW.seq, NEW.payload FROM state; END;
"""


class Miss(AssertionError):  # noqa: N818 - it is what it is called
    """What must be true is not."""


class Key(NamedTuple):
    """A message's identity and seal."""

    device: str
    epoch: str
    seq: int
    sha256: str


@dataclass
class Books:
    """What was generated that is not in the outbox's file any more, and what need not arrive."""

    generated: dict[Key, bytes] = field(default_factory=dict)
    excused: set[Key] = field(default_factory=set)
    """What a restored card made before it knew: it is to be erased, not to arrive."""
    gone: Counter[int] = field(default_factory=Counter)
    """Marks of sessions that lay on a card that is no more."""


class Clinic:
    """Processes by name: hub, send, room; their files are under one folder."""

    def __init__(self, folder: Path, dice: random.Random, *, namespace: str | None = None, **hub: str | None) -> None:
        self.folder, self.dice, self.namespace, self.hub_options = folder, dice, namespace, hub
        self.books, self.port, self.page = Books(), free_port(), free_port()
        self.place: object = None
        """What a fault does its blow to."""
        self.deletes_on_puback = self.deaf = False
        self.send_port: int | None = None
        """Where `send` finds the broker, if something stands between."""
        self.heartbeat_s, self.resend_s = 2, 0.2
        self.heartbeats_count = True
        """False once heartbeats may have been dropped for want of room, or forgotten by a restored hub."""
        self.ahead = 0.0
        """Seconds by which this clinic's time is ahead of the machine's."""
        self.wrong = dict.fromkeys(("hub", "send", "room"), 0.0)
        """Seconds by which each clock is wrong besides."""
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._starts: Counter[str] = Counter()
        self.card.mkdir(parents=True, exist_ok=True)
        self.set_clocks()

    @property
    def card(self) -> Path:
        """All that a room unit keeps."""
        return self.folder / "card"

    @property
    def outbox(self) -> Path:
        return self.card / "outbox.sqlite"

    @property
    def database(self) -> Path:
        return self.folder / "hub" / "hub.sqlite"

    # Time

    def set_clocks(self) -> None:
        """Let every process have its time."""
        for name, wrong in self.wrong.items():
            set_ahead(self.folder / f"{name}.clock", self.ahead + wrong, self.ahead)

    def pass_a_week(self) -> None:
        """A week is over at once."""
        self.ahead += WEEK_S
        self.set_clocks()

    # Processes

    def open(self) -> None:
        """Make the outbox with its trigger, and start all."""
        if not self.outbox.exists():
            Outbox(self.outbox, DEVICE, simulated=True).shut()
            with closing(sqlite3.connect(self.outbox)) as db:
                db.executescript(SEE_ALL)
        self.start("hub")
        self.start("room")
        self.ask(waiting=True)  # it answers after its first chores
        self.start("send")

    def start(self, name: str) -> None:
        """Start a process; the hub's start is waited for."""
        self._starts[name] += 1
        clock, settings = str(self.folder / f"{name}.clock"), str(self._settings())
        program = {
            "hub": ["app", "--settings", settings, "hub", *self._hub_arguments()],
            "send": ["app", "--settings", settings, "send"],
            "room": ["tests.faults.room", settings, *(["deaf"] if self.deaf else [])],
        }[name]
        if name == "send" and self.deletes_on_puback:
            program = ["tests.faults.naive", str(self.outbox), CLINIC, DEVICE, str(self.port)]
        inside = ["ip", "netns", "exec", self.namespace] if self.namespace else []
        with (self.folder / f"{name}.log").open("a") as log:
            self._running[name] = subprocess.Popen(
                [*inside, sys.executable, "-m", "tests.faults.clocked", clock, *program],
                stdin=subprocess.PIPE if name == "room" else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if name == "send" else subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            )
        if name == "hub":
            said = self._hear("hub")
            if "ready" not in said:
                raise Miss(f"the hub did not start: {said} {self.last_words('hub')}")

    def _hub_arguments(self) -> list[str]:
        given = [f"--{option}={value}" for option, value in self.hub_options.items() if value]
        return ["--port", str(self.page), "--mqtt-port", str(self.port), *given]

    def tell(self, name: str, number: signal.Signals) -> None:
        """Send a process a signal."""
        self._running[name].send_signal(number)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End a process, at once unless told otherwise."""
        process = self._running.pop(name)
        process.send_signal(number)
        process.wait(PATIENCE_S)
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()

    def runs(self, name: str) -> bool:
        """Whether it has not ended by itself."""
        return name in self._running and self._running[name].poll() is None

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def keep_up(self, *names: str) -> int:
        """Start what has ended, as systemd does; how many that were."""
        ended = [name for name in names if not self.runs(name)]
        for name in ended:
            if name in self._running:
                self.kill(name)
            self.start(name)
        return len(ended)

    def close(self) -> None:
        """End all."""
        for name in list(self._running):
            self.tell(name, signal.SIGCONT)
            self.kill(name, signal.SIGTERM if name == "hub" else signal.SIGKILL)

    def last_words(self, name: str) -> str:
        """The end of a process's log."""
        log = self.folder / f"{name}.log"
        return " / ".join(log.read_text().strip().splitlines()[-3:]) if log.exists() else ""

    # The room

    def ask(self, **what: object) -> Any:  # noqa: ANN401 - JSON
        """Ask the room; its answer, or None if it ended."""
        room = self._running["room"]
        assert room.stdin
        try:
            room.stdin.write(json.dumps(what) + "\n")
            room.stdin.flush()
        except BrokenPipeError:
            return None
        said = self._hear("room")
        return json.loads(said) if said else None

    def _hear(self, name: str) -> str:
        pipe = self._running[name].stdout
        assert pipe
        if not select.select([pipe], [], [], PATIENCE_S)[0]:
            raise Miss(f"{name} says nothing: {self.last_words(name)}")
        return pipe.readline()

    def live_a_week(self) -> None:
        """Sessions, and the week's release sealed: it lies in the outbox when this returns."""
        self.hold()
        self.seal()

    def hold(self) -> None:
        """A week's sessions; now and then too few for a release."""
        if self.ask(hold=self.dice.choice((4, 10, 11, 12))) is None:
            raise Miss(f"the room ended: {self.last_words('room')}")

    def seal(self) -> None:
        """The week passes, and its message is in the outbox."""
        before = self.weeks_made()
        self.pass_a_week()
        self.until(lambda: self.weeks_made() > before, "the week's message")

    @contextmanager
    def week_that_ends(self) -> Iterator[int]:
        """Sessions, and the end of the week: what is within happens from then on, and its message comes all the same.

        Gives how many weekly messages there were before.
        """
        self.hold()
        before = self.weeks_made()
        self.pass_a_week()
        yield before
        self.until(lambda: self.weeks_made() > before, "the week's message")

    def how_far_sealed(self, before: int) -> str:
        """What a `listen` that was killed had done of the week's end."""
        with closing(sqlite3.connect(self.card / "ledger.sqlite", timeout=10)) as db:
            sealed = db.execute("SELECT count(*) FROM sealed").fetchone()[0]
        if self.weeks_made() == before:
            return "sealed, not put" if sealed else "not sealed"
        return "put, not dropped" if sealed else "dropped"

    def weeks_made(self) -> int:
        """How many weekly messages the outbox was ever given."""
        return sum(isinstance(wire.unseal(payload).body, wire.Release) for payload in self.generated().values())

    # What must be true

    def until(self, done: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
        """Wait for something. Raises Miss if it takes too long."""
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                ends = "; ".join(f"{name}: {self.last_words(name)}" for name in ("hub", "send", "room"))
                raise Miss(f"{what} took more than {seconds:.0f} s. {ends}")
            time.sleep(0.02)

    def at_random(self, most: float) -> None:
        """Wait for a random moment."""
        time.sleep(self.dice.uniform(0, most))

    def generated(self) -> dict[Key, bytes]:
        """Everything that the outbox was ever given, by key."""
        rows = self.read_outbox("SELECT epoch, seq, payload FROM generated")
        new = {Key(DEVICE, epoch, seq, hashlib.sha256(payload).hexdigest()): payload for epoch, seq, payload in rows}
        return self.books.generated | new

    def read_outbox(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.outbox, timeout=10)) as db:
            return db.execute(query).fetchall()

    def read_hub(self, query: str) -> list[Any]:
        """Rows of the hub's database."""
        url = self.hub_options.get("database")
        if url:
            import psycopg

            with psycopg.connect(url) as connection:
                return connection.execute(query).fetchall()
        with closing(sqlite3.connect(self.database, timeout=10)) as db:
            return db.execute(query).fetchall()

    def write_hub(self, statement: str) -> None:
        """Spoil the hub's database, to see that it is seen."""
        with closing(sqlite3.connect(self.database, timeout=10, isolation_level=None)) as db:
            db.execute(statement)

    def stored(self) -> Counter[Key]:
        """The keys in the hub's database, and how often each is there; a heartbeat's number may be all that is left."""
        found = Counter(Key(*row) for row in self.read_hub("SELECT device, epoch, seq, sha256 FROM messages"))
        spans = self.read_hub("SELECT device, epoch, first, last FROM forgotten")
        known = set(self.generated()) - self.books.excused  # a span has no hashes: their numbers were used again
        return found + Counter(key for key in known if key not in found and is_in(key, spans))

    def settle(self, seconds: float = PATIENCE_S) -> None:
        """Everything that lies in the outbox now is acknowledged."""
        last = self.read_outbox("SELECT next_seq FROM state")[0][0]
        waiting = f"SELECT count(*) FROM messages WHERE acknowledged IS NULL AND seq < {last}"  # noqa: S608 - a number
        self.until(lambda: self.read_outbox(waiting)[0][0] == 0, "the last acknowledgement", seconds)
        if self.deletes_on_puback:  # which says nothing of the hub: give it the time to take in what it can
            there = -1
            while there < (there := self.stored().total()):
                time.sleep(DRAIN_S)

    def check(self) -> tuple[int, int]:
        """Nothing lost, nothing twice, no session in two releases: how many messages were made and are stored.

        Raises Miss.
        """
        generated = self.generated()
        self.settle()
        stored = self.stored()
        lost = set(generated) - set(stored) - self.books.excused
        if not self.heartbeats_count:
            lost = {key for key in lost if isinstance(wire.unseal(generated[key]).body, wire.Release)}
        strange = set(stored) - set(self.generated()) | (set(stored) & self.books.excused)
        twice = [key for key, times in stored.items() if times > 1]
        if lost or strange or twice:
            raise Miss(f"{len(lost)} lost, {len(strange)} never generated, {len(twice)} twice: {sorted(lost)[:3]}")
        self._check_releases(Counter(body.id for body in self.weekly(generated)))
        made = set(generated) - self.books.excused
        return len(made), len(made & set(stored))

    def _check_releases(self, before: Counter[str]) -> None:
        """What is made while we look may be counted or not."""
        kept = Counter(row[0] for row in self.read_hub("SELECT release_id FROM releases"))
        after = Counter(body.id for body in self.weekly())
        if before - kept or kept - after:
            raise Miss(f"releases made and not kept {before - kept}, kept and not made {kept - after}")
        aside = [bytes(row[0]) for row in self.read_hub("SELECT payload FROM quarantine")]
        if aside:
            raise Miss(f"{len(aside)} messages were set aside: {aside[0][:200]!r}")
        self._check_sessions()

    def _check_sessions(self) -> None:
        while True:
            before, waiting = self.weekly(), Counter(self.ask(waiting=True)["waiting"])
            if before == self.weekly():
                break
        released, held = in_all(before), self.held() - self.books.gone
        if released + waiting != held:
            twice, lost = released + waiting - held, held - released - waiting
            raise Miss(f"{twice.total()} sessions released twice, {lost.total()} lost: {twice} {lost}")

    def weekly(self, generated: dict[Key, bytes] | None = None) -> list[wire.Release]:
        """The weekly messages among these, or all that were made, that count."""
        found = (self.generated() if generated is None else generated).items()
        bodies = [wire.unseal(payload).body for key, payload in found if key not in self.books.excused]
        return [body for body in bodies if isinstance(body, wire.Release)]

    def held(self) -> Counter[int]:
        """The marks of the sessions that were ever held."""
        journal = self.folder / "journal"
        lines = [line.split() for line in journal.read_text().splitlines()] if journal.exists() else []
        return Counter(int(mark) for verb, mark in lines if verb == "held")

    # Copies

    def lose_card(self) -> None:
        """What the room unit keeps is gone, and with it the sessions that waited there."""
        self.books.gone += Counter(self.ask(waiting=True)["waiting"])
        self.books.generated = self.generated()
        for name in ("room", "send"):
            self.kill(name)
        for file in self.card.iterdir():
            file.unlink()

    def epoch(self) -> str:
        return str(self.read_outbox("SELECT epoch FROM state")[0][0])

    def excuse_what_was_erased(self) -> None:
        """What the restored card made in its old epoch must have gone nowhere."""
        epoch = self.epoch()
        self.books.excused |= {
            key for key in self.generated() if key.epoch != epoch and key not in self.books.generated
        }
        self.books.generated = self.generated()

    def hub_command(self, *arguments: str) -> None:
        """One of the commands below `fermata hub`."""
        command = [sys.executable, "-m", "app", "--settings", str(self._settings()), "hub", *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
        if done.returncode:
            raise Miss(f"hub {arguments[0]} failed: {done.stderr}")

    def releases_missing(self) -> int:
        """Weekly messages that the hub's database does not have."""
        return len(self.weekly()) - int(self.read_hub("SELECT count(*) FROM releases")[0][0])

    def _settings(self) -> Path:
        file = self.folder / "fermata.toml"
        text = (
            f'[room]\nclinic = "{CLINIC}"\ndevice = "{DEVICE}"\n'
            f'[paths]\nstate = "{self.card}"\noutbox = "{self.card}"\n'
            f"[send]\nport = {self.send_port or self.port}\n"
            f"resend_s = {self.resend_s}\nheartbeat_s = {self.heartbeat_s}\n"
            f'[release]\nmin_sessions = 10\n[hub]\nstate = "{self.folder / "hub"}"\ntherapists = 6\n'
        )
        if not file.exists():
            file.write_text(text)
        return file


def is_in(key: Key, spans: list[Any]) -> bool:
    """Whether a message's number is in one of these spans of device, epoch, first and last."""
    return any(
        (key.device, key.epoch) == (device, epoch) and first <= key.seq <= last for device, epoch, first, last in spans
    )


def free_port() -> int:
    """A port that nobody has, chosen below those that the system gives to clients."""
    import socket

    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
