"""The ledger: the sessions that wait for their release, and the releases that wait for the outbox.

A session is erased from it in three ways: withdrawn, released with many others, or expired. Each time all that stays
is written anew under a new key, in an order of its own, and the log is emptied: what the flash may still hold of the
erased is ciphertext without a key, and nothing tells which of the others came when.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from app.ballast import Ballast
from app.catalogue import RELEASED
from app.durable import DamagedError, Durable, DurableError, FullError, as_durable
from app.release.locked import lock, new_key, unlock
from app.release.week import moved, weeks_between

LEAST_MEASURED_S = 600.0
"""Measurable seconds below which a session does not count."""
LONGEST_WAIT_WEEKS = 13
VALUES_SIZE = 512
"""Bytes of every session's values before encryption: sizes tell nothing."""

MODE = 0o600
VERSION = 1
SCHEMA = """
    CREATE TABLE vault (one INTEGER PRIMARY KEY CHECK (one = 1), key BLOB NOT NULL);
    CREATE TABLE open (one INTEGER PRIMARY KEY CHECK (one = 1), session TEXT NOT NULL, key BLOB NOT NULL,
                       checkpoint BLOB NOT NULL);
    CREATE TABLE waiting (row INTEGER PRIMARY KEY, session TEXT, week TEXT NOT NULL, locked BLOB NOT NULL);
    CREATE TABLE sealed (release TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE weeks (week TEXT PRIMARY KEY) WITHOUT ROWID
"""
TIME = "CREATE TABLE IF NOT EXISTS time (one INTEGER PRIMARY KEY CHECK (one = 1), known INTEGER NOT NULL)"
"""Came later than the others; who does not know it can do without."""
UNSURE = "?"
"""Behind a week in the file: named by a clock that had not heard from the hub since its start."""

Values = Mapping[str, float | None]
"""A session's value per metric id; None where it is undefined."""


class LedgerError(DurableError):
    """What the ledger refuses; says what to do in one sentence."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A session that waits for its release."""

    row: int
    """Random, and another after each rewriting."""
    session: str | None
    """Its id while it can still be withdrawn, then None."""
    week: str
    """ISO week of its end."""
    values: Values
    sure: bool = True
    """The clock that named the week had heard from the hub."""


P = ParamSpec("P")
T = TypeVar("T")


def _with_room(change: "Callable[Concatenate[Ledger, P], T]", /) -> "Callable[Concatenate[Ledger, P], T]":
    """On a full disk give up the ballast and do it again: a change is one transaction, so nothing of it was done."""

    @wraps(change)
    def changed(self: "Ledger", /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return change(self, *args, **kwargs)
        except FullError:
            self.ballast.give_up()
            return change(self, *args, **kwargs)

    return changed


class Ledger:
    """The ledger in a file that only one process opens.

    Raises LedgerError, or another DurableError when the file or the disk fails. A damaged file is put aside first,
    beside it under the name `….damaged`, so that the next opening starts an empty one.
    """

    def __init__(self, path: Path) -> None:
        self.damaged = 0
        """Sessions erased since the opening because their row could not be read."""
        self.sure = True
        """Set it to False while the clock has not heard from the hub: sessions that end are marked so."""
        try:
            first = ("INSERT INTO vault VALUES (1, ?)", (new_key(),))
            self._db = Durable(path, SCHEMA, VERSION, first, mode=MODE, exclusive=True)
        except DamagedError as error:
            raise DamagedError(f"{error}; it lies as {_put_aside(path)} now, and a new start begins empty") from error
        self.ballast = Ballast(path.with_name(f"{path.name}.ballast"), MODE)
        self._start()

    @_with_room
    def _start(self) -> None:
        self._db.do(TIME)
        self._lay_ballast()
        self._db.empty_log()  # a death may have come between an erasure and this

    def shut(self) -> None:
        """Close the file."""
        self._db.close()

    @_with_room
    def open_session(self) -> str:
        """A new session's random id; the one before it can no longer be withdrawn."""
        session = secrets.token_hex(16)
        with self._erasing():
            if self.interrupted() is not None:
                raise LedgerError("a session is still open in the ledger: close or withdraw it first")
            key = new_key()
            self._db.do("INSERT INTO open VALUES (1, ?, ?, ?)", session, key, lock(key, session, ""))
            if self.withdrawable() is not None:
                self._rewrite(replace(each, session=None) for each in self.waiting())
        return session

    @_with_room
    def checkpoint(self, session: str, text: str) -> None:
        """Replace what is kept of the open session, should the power fail."""
        with self._db.transaction():
            key = self._key_of(session)
            self._db.do("UPDATE open SET checkpoint = ?", lock(key, session, text))

    def interrupted(self) -> tuple[str, str] | None:
        """Id and last checkpoint of a session that was never closed; the text is empty if there is none to read."""
        found = self._db.all("SELECT session, key, checkpoint FROM open")
        if not found:
            return None
        session, key, checkpoint = found[0]
        return session, unlock(key, session, checkpoint) or ""

    @_with_room
    def close(self, session: str, values: Values | None, week: str, measured_s: float) -> bool:
        """End the open session; it waits with this week if enough of it was measurable, and is erased otherwise.

        Of `values` only the released metrics are kept. It can be withdrawn until forgotten. Says whether it waits.
        """
        counts = values is not None and measured_s >= LEAST_MEASURED_S
        weeks_between(week, week)
        with self._erasing():
            self._key_of(session)
            self._db.do("DELETE FROM open")
            if values is not None and counts:
                kept = {each.id: values.get(each.id) for each in RELEASED}
                self._write(secrets.randbits(62), Waiting(0, session, week, kept, self.sure))
        return counts

    def withdrawable(self) -> str | None:
        """Id of the closed session that is not forgotten yet; for a start after a power cut."""
        found = self._db.all("SELECT session FROM waiting WHERE session IS NOT NULL")
        return str(found[0][0]) if found else None

    @_with_room
    def withdraw(self, session: str) -> None:
        """Erase all of this session, open or closed; afterwards the ledger is as if it had not been."""
        with self._erasing():
            self._db.do("DELETE FROM open WHERE session = ?", session)
            self._rewrite(each for each in self.waiting() if each.session != session)

    @_with_room
    def forget(self, session: str) -> None:
        """Cut the link from this id to its values: from now on it is one among those that wait."""
        with self._erasing():
            self._rewrite(replace(each, session=None) if each.session == session else each for each in self.waiting())

    @_with_room
    def expire(self, week: str) -> int:
        """Erase what may have waited 13 weeks by this ISO week; how many that were. Call it each week at least."""
        with self._erasing():
            waiting = self.waiting()
            kept = [each for each in waiting if weeks_between(each.week, week) < LONGEST_WAIT_WEEKS]
            if len(kept) < len(waiting):
                self._rewrite(kept)
        self._lay_ballast()
        return len(waiting) - len(kept)

    @_with_room
    def erase(self) -> None:
        """Erase every session, and every release that was not handed over: this ledger is a copy of an older one."""
        with self._erasing():
            self._db.do("DELETE FROM open")
            self._db.do("DELETE FROM sealed")
            self._rewrite([])

    def known_time(self) -> int | None:
        """The time that was last kept here, seconds since 1970 UTC; it outlives the power."""
        found = self._db.all("SELECT known FROM time")
        return int(found[0][0]) if found else None

    @_with_room
    def keep_time(self, now: int) -> None:
        """Keep the time, for the next start."""
        with self._db.transaction():
            self._db.do("INSERT OR REPLACE INTO time VALUES (1, ?)", now)

    @_with_room
    def turn(self, before: str, after: str, now: int, *, passed: bool) -> None:
        """The clock was set from one ISO week to another: what waits keeps its age.

        Where the time between has passed while the machine was off, only the weeks that were named since then are
        moved. Otherwise the clock had been wrong, and all are, those that have had their release too.
        """
        weeks = weeks_between(before, after)
        with self._erasing():
            waiting = self.waiting()
            if not passed and weeks:
                sealed = {moved(str(week), weeks) for (week,) in self._db.all("SELECT week FROM weeks")}
                self._db.do("DELETE FROM weeks")
                for week in sorted(sealed):
                    self._db.do("INSERT INTO weeks VALUES (?)", week)
            if any(not (each.sure and (passed or weeks == 0)) for each in waiting):
                self._rewrite(
                    each if each.sure and passed else replace(each, week=moved(each.week, weeks), sure=True)
                    for each in waiting
                )
            self._db.do("INSERT OR REPLACE INTO time VALUES (1, ?)", now)

    def waiting(self) -> list[Waiting]:
        """All sessions that wait, in no order; unreadable rows are left out, and erased with the next rewriting."""
        key = self._vault_key()
        found = []
        for row, session, week, locked in self._db.all("SELECT row, session, week, locked FROM waiting"):
            text = unlock(key, week, locked)
            if text is not None:
                named = week.removesuffix(UNSURE)
                found.append(Waiting(row, session, named, json.loads(text), sure=named == week))
        return found

    def has_sealed(self, week: str) -> bool:
        """Whether this ISO week has had its release, withheld or not."""
        return bool(self._db.all("SELECT 1 FROM weeks WHERE week = ?", week))

    @_with_room
    def seal(self, release: str, week: str, body: bytes, taken: Sequence[Waiting]) -> None:
        """Keep a release's noised bytes and erase the sessions that are in it: both, or neither."""
        rows = {each.row for each in taken}
        with self._erasing():
            if self.has_sealed(week):
                raise LedgerError(f"{week} has had its release: wait for the next week")
            waiting = self.waiting()
            if not rows <= {each.row for each in waiting}:
                raise LedgerError("the ledger has changed since these sessions were read: read them again")
            self._db.do("INSERT INTO weeks VALUES (?)", week)
            self._db.do("INSERT INTO sealed VALUES (?, ?)", release, body)
            self._rewrite(each for each in waiting if each.row not in rows)

    def sealed(self) -> list[tuple[str, bytes]]:
        """The releases that are not yet dropped: id and bytes."""
        return [(str(release), bytes(body)) for release, body in self._db.all("SELECT release, body FROM sealed")]

    @_with_room
    def drop(self, release: str) -> None:
        """Forget a sealed release; call it once the copy elsewhere is committed."""
        with self._db.transaction():
            self._db.do("DELETE FROM sealed WHERE release = ?", release)

    def _rewrite(self, kept: Iterable[Waiting]) -> None:
        """Erase all that waits and its key, then write the kept under a new key, sorted by new random rows."""
        kept = list(kept)
        unreadable = self._db.one("SELECT count(*) FROM waiting") - len(self.waiting())
        rows = sorted(secrets.randbits(62) for _ in kept)
        secrets.SystemRandom().shuffle(kept)
        self._db.do("DELETE FROM waiting")
        self._db.do("UPDATE vault SET key = ?", new_key())
        for row, each in zip(rows, kept, strict=True):
            self._write(row, each)
        self.damaged += unreadable

    def _write(self, row: int, each: Waiting) -> None:
        week = each.week if each.sure else each.week + UNSURE
        locked = lock(self._vault_key(), week, json.dumps(dict(each.values)).ljust(VALUES_SIZE))
        self._db.do("INSERT INTO waiting VALUES (?, ?, ?, ?)", row, each.session, week, locked)

    def _vault_key(self) -> bytes:
        return bytes(self._db.one("SELECT key FROM vault"))

    def _key_of(self, session: str) -> bytes:
        """The open session's own key, which goes when it goes."""
        found = self._db.all("SELECT key FROM open WHERE session = ?", session)
        if not found:
            raise LedgerError("this session is not open in the ledger: open one first")
        return bytes(found[0][0])

    @contextmanager
    def _erasing(self) -> Iterator[None]:
        """One transaction, and then nothing of what it erased left in the log."""
        with self._db.transaction():
            yield
        try:
            self._db.empty_log()
        except FullError:  # what was done is done: only this again
            self.ballast.give_up()
            self._db.empty_log()

    def _lay_ballast(self) -> None:
        with as_durable(self._db.path):
            self.ballast.lay()


def _put_aside(path: Path) -> Path:
    """Rename a damaged file and its log, in place of any put aside earlier."""
    aside = path.with_name(f"{path.name}.damaged")
    for ending in ("", "-wal"):
        if Path(f"{path}{ending}").exists():
            Path(f"{path}{ending}").replace(f"{aside}{ending}")
    return aside
