"""The outbox: the only door between the process with the microphones and the one with the network.

`listen` puts releases in and takes the hub's bytes out; `send` carries the messages and writes down what the hub says.
Both have the file open at once. A message is sealed once, when it is put, and is the same bytes each time it is sent.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from app import ballast
from app.durable import PAGE, Durable, DurableError, FullError, as_durable
from app.sync import ties, wire

MODE = 0o660
"""Both users write: SQLite needs that even to read in WAL mode."""
BOUND = 64 * 2**20
"""Bytes that the outbox takes at most, log and ballast included."""
LOG = 2 * 2**20
"""Bytes of these that the write-ahead log may take."""
DROP = 256
"""Heartbeats dropped at once for want of room, oldest first."""
KEPT_S = 100 * 86400
"""Acknowledged releases are kept this long, for a hub that is restored from a backup."""
KEPT = 15
"""So many of them are kept in any case, 100 days' worth: no wrong clock takes them."""
MOST_FROM_HUB = 100
LARGEST_FROM_HUB = 16 * 2**10
MOST_RESULTS = 20
"""Results of commands that may wait for a heartbeat; more are not taken, and no more than these go with one."""

VERSION = 1
SCHEMA = """
    CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), device TEXT NOT NULL, simulated INTEGER NOT NULL,
                        epoch TEXT NOT NULL, boot INTEGER NOT NULL, next_seq INTEGER NOT NULL,
                        dropped INTEGER NOT NULL, slot INTEGER, hub_time INTEGER, microphones TEXT NOT NULL);
    CREATE TABLE messages (seq INTEGER PRIMARY KEY, release TEXT UNIQUE, payload BLOB NOT NULL, acknowledged INTEGER);
    CREATE INDEX waiting ON messages (release IS NULL, seq) WHERE acknowledged IS NULL;
    CREATE TABLE from_hub (number INTEGER PRIMARY KEY AUTOINCREMENT, payload BLOB NOT NULL)
"""

Microphones = Literal["ok", "fault", "unknown"]
T = TypeVar("T")


class OutboxError(DurableError):
    """What the outbox refuses; says what to do in one sentence."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message up, sealed."""

    seq: int
    release: str | None
    """Its release's id; None for a heartbeat."""
    payload: bytes
    acknowledged: int | None
    """Hub's time at which it said that it has committed it, seconds since 1970 UTC; None while it waits."""


@dataclass(frozen=True, slots=True)
class Stock:
    """What is in the outbox, counted."""

    releases_waiting: int
    heartbeats_waiting: int
    releases_kept: int
    """Acknowledged, kept 100 days."""
    dropped: int
    """Heartbeats dropped for want of room since the outbox was made."""


class Outbox:
    """The outbox in a file that both processes have open. Raises OutboxError, or another DurableError.

    `listen` calls put, write_health, received, done, hub_time, is_old, renew and ask_to_rotate, `send` the rest; both
    may look at messages and stock.

    `simulated` is fixed when the file is made: a rehearsal's outbox stays one. None takes the file as it is.
    """

    def __init__(self, path: Path, device: str, *, simulated: bool | None = None, bound: int = BOUND) -> None:
        try:
            TypeAdapter(wire.Slug).validate_python(device)
        except ValidationError:
            raise OutboxError(f"'{device}' is no device id: use small letters, digits and hyphens") from None
        if simulated is None and not path.exists():
            raise OutboxError(f"there is no outbox at {path} yet: start `fermata listen` first")
        self._path = path
        self._ballast = ballast.Ballast(path.with_name(f"{path.name}.ballast"), MODE)
        first = (
            "INSERT INTO state VALUES (1, ?, ?, ?, 0, 0, 0, NULL, NULL, 'unknown')",
            (device, simulated, secrets.token_hex(16)),
        )
        self._db = Durable(path, SCHEMA, VERSION, first, mode=MODE, exclusive=False)
        try:
            self._db.do(f"PRAGMA max_page_count = {max(bound - ballast.SIZE - LOG, 16 * PAGE) // PAGE}")
            self._claim(device, simulated)
            with as_durable(path):
                self._ballast.lay()
        except BaseException:
            self._db.close()
            raise

    def _claim(self, device: str, simulated: bool | None) -> None:
        ties.tie(self._db)
        self.device, was_simulated = self._db.row("SELECT device, simulated FROM state")
        self.simulated = bool(was_simulated)
        if self.device != device or simulated not in {None, self.simulated}:
            kind = "a rehearsal" if self.simulated else "a real room"
            raise OutboxError(f"{self._path} belongs to '{self.device}', {kind}: use another folder for this one")

    @property
    def epoch(self) -> str:
        """The file's random name on the wire; `listen` may give it another one while `send` has it open."""
        return str(self._db.one("SELECT epoch FROM state"))

    def shut(self) -> None:
        """Close the file."""
        self._db.close()

    def put(self, release: str, body: bytes) -> None:
        """Take a sealed release, committed when this returns; one whose id is known is ignored."""
        try:
            content = wire.Release.model_validate_json(body)
        except ValidationError as error:
            raise OutboxError(f"release {release} is none: {error.errors()[0]['msg']}") from error
        if content.id != release:
            raise OutboxError(f"release {release} says it is {content.id}: put it under its own id")

        def put() -> None:
            if not self._db.one("SELECT count(*) FROM messages WHERE release = ?", release):
                self._append(release, content)

        self._write(put)

    def write_health(self, microphones: Microphones) -> None:
        """Note how the microphones are, for the heartbeats to come."""
        self._write(lambda: self._db.do("UPDATE state SET microphones = ?", microphones))

    def received(self) -> list[tuple[int, bytes]]:
        """What came from the hub and is not done: number and bytes, unverified."""
        return self._db.all("SELECT number, payload FROM from_hub ORDER BY number")

    def done(self, number: int, result: wire.Result | None = None) -> None:
        """Remove what came from the hub under this number; what became of it goes with the next heartbeat."""

        def done() -> None:
            self._db.do("DELETE FROM from_hub WHERE number = ?", number)
            if result and self._db.one("SELECT count(*) FROM results") < MOST_RESULTS:
                self._db.do("INSERT INTO results (body) VALUES (?)", result.model_dump_json())

        self._write(done)

    def ask_to_rotate(self) -> None:
        """Ask `send` for another key and certificate."""
        self._write(lambda: self._db.do("UPDATE hub SET rotate = 1"))

    def shall_rotate(self) -> bool:
        """Whether `listen` has asked for another key and certificate."""
        return bool(self._db.one("SELECT rotate FROM hub"))

    def rotated(self) -> None:
        """They are there."""
        self._write(lambda: self._db.do("UPDATE hub SET rotate = 0"))

    def is_old(self) -> bool:
        """Whether the hub knows more of this epoch than we: this file is a copy of an older one."""
        return bool(self._db.one("SELECT is_old FROM hub"))

    def renew(self) -> None:
        """Erase all that lies here and begin anew under another epoch; call it when the ledger is erased."""
        self._write(lambda: ties.renew(self._db))

    def hub_time(self) -> int | None:
        """The time that the hub has told last, whole seconds since 1970 UTC; it may be wrong, see clock.py."""
        found = self._db.one("SELECT hub_time FROM state")
        return None if found is None else int(found)

    def birth(self) -> wire.State:
        """Count a start of `send`; what it announces."""
        self._write(lambda: self._db.do("UPDATE state SET boot = boot + 1"))
        return self.state()

    def state(self) -> wire.State:
        """What the birth says now."""
        epoch, boot, next_seq, before = self._db.row("SELECT epoch, boot, next_seq, before FROM state, hub")
        return wire.State(state="birth", epoch=epoch, boot=boot, next_seq=next_seq, before=before)

    def generation(self) -> str | None:
        """The hub's memory, as it told last; None if it never did."""
        found = self._db.one("SELECT generation FROM hub")
        return None if found is None else str(found)

    def greet(self, word: wire.Word) -> bool:
        """Take what the hub says that it knows of us; False if that is about another epoch.

        If it knows more than we do, we are a copy: nothing waits any more, until `listen` has renewed us. If it has
        another memory, or knows less than it has acknowledged, it was restored: all releases that are kept wait again.
        """
        return self._write(lambda: ties.greet(self._db, word))

    def beat(self, slot: int, software: str) -> bool:
        """Put this slot's heartbeat, if it has not been put, and with it what became of commands; whether it was."""

        def beat() -> bool:
            microphones, hub_time, dropped, last = self._db.row(
                "SELECT microphones, hub_time, dropped, slot FROM state"
            )
            if last == slot:
                return False
            self._db.do("UPDATE state SET slot = ?", slot)
            heartbeat = wire.Heartbeat(
                software=software,
                microphones=microphones,
                clock="own" if hub_time is None else "hub",
                outbox_waiting=self.stock().releases_waiting,
                outbox_dropped=dropped,
            )
            self._append(None, heartbeat)
            for (body,) in self._db.all("SELECT body FROM results ORDER BY number"):
                self._append(None, wire.Result.model_validate_json(body))
            self._db.do("DELETE FROM results")
            return True

        return self._write(beat)

    def waiting(self, most: int = wire.MAX_ACK_SEQS) -> list[Message]:
        """The first messages without an acknowledgement: releases before heartbeats, oldest first; none from a copy."""
        first = "SELECT * FROM messages WHERE acknowledged IS NULL ORDER BY release IS NULL, seq LIMIT ?"
        if self.is_old():
            return []
        return [Message(*row) for row in self._db.all(first, most)]

    def messages(self) -> list[Message]:
        """All messages, kept ones included, oldest first."""
        return [Message(*row) for row in self._db.all("SELECT * FROM messages ORDER BY seq")]

    def acknowledge(self, epoch: str, seqs: Sequence[int], hub_time: int) -> int:
        """Note that the hub has committed these; how many of them waited. Another epoch's are not ours."""

        def acknowledge() -> int:
            if epoch != self.epoch:
                return 0
            marked = "UPDATE messages SET acknowledged = ? WHERE seq = ? AND acknowledged IS NULL"
            landed = [seq for seq in seqs if self._db.do(marked, hub_time, seq)]
            self._db.do("DELETE FROM messages WHERE release IS NULL AND acknowledged IS NOT NULL")
            self._db.do("UPDATE state SET hub_time = ?", hub_time)
            if landed:
                self._db.do("UPDATE hub SET acknowledged = max(coalesce(acknowledged, -1), ?)", max(landed))
            self._drop_kept(hub_time - KEPT_S)
            return len(landed)

        waited = self._write(acknowledge)
        with as_durable(self._path):
            self._ballast.lay()
        return waited

    def receive(self, payload: bytes) -> bool:
        """Keep bytes from the hub for `listen` to verify; False if they are too large or too many lie there."""
        if len(payload) > LARGEST_FROM_HUB or self._db.one("SELECT count(*) FROM from_hub") >= MOST_FROM_HUB:
            return False
        self._write(lambda: self._db.do("INSERT INTO from_hub (payload) VALUES (?)", payload))
        return True

    def stock(self) -> Stock:
        """What is in here, counted."""
        return Stock(
            *self._db.row("""SELECT count(*) FILTER (WHERE release IS NOT NULL AND acknowledged IS NULL),
                                 count(*) FILTER (WHERE release IS NULL),
                                 count(*) FILTER (WHERE acknowledged IS NOT NULL),
                                 (SELECT dropped FROM state) FROM messages""")
        )

    def _drop_kept(self, before: int) -> None:
        """Erase releases that were acknowledged before this time, but for the latest few."""
        self._db.do(
            "DELETE FROM messages WHERE acknowledged < ? AND seq NOT IN (SELECT seq FROM messages "
            "WHERE acknowledged IS NOT NULL ORDER BY seq DESC LIMIT ?)",
            before,
            KEPT,
        )

    def _append(self, release: str | None, body: wire.Release | wire.Heartbeat | wire.Result) -> None:
        """Seal a message under the next number and put it; salted, so that a copy of us never makes the same bytes."""
        epoch, seq = self._db.row("SELECT epoch, next_seq FROM state")
        envelope = wire.Envelope(device=self.device, epoch=epoch, seq=seq, simulated=self.simulated, body=body)
        self._db.do(
            "INSERT INTO messages VALUES (?, ?, ?, NULL)", seq, release, wire.seal(envelope, secrets.token_hex(16))
        )
        self._db.do("UPDATE state SET next_seq = next_seq + 1")

    def _write(self, work: Callable[[], T]) -> T:
        """Do this work in one transaction; where there is no room, make some and do it again."""
        try:
            with self._db.transaction():
                return work()
        except FullError:
            self._ballast.give_up()
            with self._db.transaction():
                self._drop_heartbeats()
            with self._db.transaction():
                return work()

    def _drop_heartbeats(self) -> None:
        dropped = self._db.do(
            "DELETE FROM messages WHERE seq IN (SELECT seq FROM messages WHERE release IS NULL ORDER BY seq LIMIT ?)",
            DROP,
        )
        self._db.do("UPDATE state SET dropped = dropped + ?", dropped)
