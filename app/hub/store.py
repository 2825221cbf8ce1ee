"""The hub's store: what was committed, exactly once, and what can be read of it."""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import Connection, and_, exists, func, select, true
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.hub.arrivals import Sorted
from app.hub.database import cause, name, open_database, transaction
from app.hub.entries import write
from app.hub.errors import StoreError
from app.hub.forgetting import Epoch, forget
from app.hub.keys import Key, asked, same_epoch
from app.hub.rest import Size
from app.hub.tables import EPOCHS, FORGOTTEN, HEALTH, MESSAGES, META, QUARANTINE, RELEASES, WEEKS
from app.hub.tally import open_until, read, reopen, reopened
from app.hub.trends import Release
from app.hub.turns import FORGETTING, first, to_write
from app.hub.weeks import Week
from app.sync import wire

KEPT_S = 86_400
"""So long the row of a heartbeat is kept."""
AT_ONCE = 500
"""Rows that go in one transaction: the inbox waits for no more."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much the store holds."""

    messages: int
    """Ever committed, those included whose rows are gone."""
    releases: int
    withheld: int
    simulated: int
    """Of the releases and withheld weeks, those of rehearsals."""
    quarantined: int
    rooms: int


class Store:
    """A database; safe to read from other threads while one writes. Everything here raises StoreError."""

    def __init__(self, where: Path | str, *, keep_old: bool = True) -> None:
        """Open a file, or a PostgreSQL by its URL; `keep_old` as in `open_database`."""
        self._engine = open_database(where, keep_old=keep_old)
        self._name = name(self._engine)

    def close(self) -> None:
        """Let go of it."""
        self._engine.dispose()

    def commit(self, items: Iterable[Sorted], now: int) -> list[Key]:
        """Write all in one transaction; return the keys to acknowledge once this has returned.

        A message that is there already is acknowledged again and changes nothing. Raises StoreError, and then
        nothing was written.
        """
        items = list(items)
        try:
            try:
                return self._write(items, now)
            except IntegrityError:  # another hub on this database was quicker: now its rows are seen
                return self._write(items, now)
        except DBAPIError as error:
            raise StoreError(
                f"the database {self._name} cannot be written ({cause(error)}): make room or mend it"
            ) from error

    def _write(self, items: Sequence[Sorted], now: int) -> list[Key]:
        with to_write(self._engine).begin() as connection:
            return write(connection, items, now)

    def reopen(self, until: date) -> None:
        """Keep months open until a day that have closed since the last message came: this was put back from a copy."""
        with to_write(self._engine).begin() as connection:
            reopen(connection, until)

    def forget(self, now: int, most: int = AT_ONCE) -> bool:
        """Let go of some rows of heartbeats older than a day; whether there may be more.

        What came is known all the same: it is acknowledged when it comes again, and not counted again.
        """
        with transaction(to_write(self._engine)) as connection:
            return first(connection, FORGETTING) and forget(connection, now - KEPT_S, most) == most

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise StoreError(f"the database {self._name} cannot be read ({cause(error)}): mend it") from error

    def releases(self, device: str | None = None) -> list[Release]:
        """Every release and withheld week, or those of one room, in order of week and device."""
        of = RELEASES.c.device == device if device is not None else true()
        with self._reading() as connection:
            rows = connection.execute(select(RELEASES).where(of).order_by(RELEASES.c.week, RELEASES.c.device)).all()
            again = reopened(connection)
        return [
            Release(
                device=row.device,
                week=row.week,
                sessions=row.sessions,
                sums=None if row.sums is None else json.loads(row.sums),
                ranges={metric: (low, high) for metric, (low, high) in json.loads(row.ranges).items()},
                sigma2=row.sigma2,
                simulated=row.simulated,
                late=row.late,
                open_until=open_until(row.week, again),
            )
            for row in rows
        ]

    def sizes(self, *, simulated: bool) -> list[Size]:
        """Of every release that counts, how many sessions it has: that is long for a clinic of many rooms."""
        counts = (RELEASES.c.simulated.is_(simulated), RELEASES.c.late.is_(False), RELEASES.c.sessions > 0)
        with self._reading() as connection:
            rows = connection.execute(select(RELEASES.c.device, RELEASES.c.week, RELEASES.c.sessions).where(*counts))
            return [Size(*row) for row in rows]

    def weeks(self) -> list[Week]:
        """All releases and withheld weeks, summed by week."""
        with self._reading() as connection:
            return read(connection)

    def counts(self) -> Counts:
        """How much there is."""
        with self._reading() as connection:
            rooms, messages = connection.execute(select(func.count(), func.sum(HEALTH.c.messages))).one()
            aside = connection.execute(select(func.count()).select_from(QUARANTINE)).scalar_one()
            weeks = connection.execute(select(WEEKS.c.simulated, WEEKS.c.released, WEEKS.c.withheld)).all()
        return Counts(
            messages=int(messages or 0),
            releases=sum(week.released for week in weeks),
            withheld=sum(week.withheld for week in weeks),
            simulated=sum(week.released + week.withheld for week in weeks if week.simulated),
            quarantined=aside,
            rooms=rooms,
        )

    def holds_real(self) -> bool:
        """Whether any release or room is of people, not of a rehearsal."""
        real = (WEEKS.c.simulated.is_(False), HEALTH.c.simulated.is_(False))
        with self._reading() as connection:
            return any(connection.execute(select(exists().where(each))).scalar_one() for each in real)

    def generation(self) -> str:
        """The database's own name; a restored backup will take a new one."""
        with self._reading() as connection:
            return str(connection.execute(select(META.c.value).where(META.c.key == "generation")).scalar_one())

    def word(self, device: str, epoch: str, now: int) -> wire.Word:
        """What is known of a unit under this epoch."""
        ((_, word),) = self.words([(device, epoch)], now)
        return word

    def words(self, units: Collection[Epoch], now: int) -> list[tuple[str, wire.Word]]:
        """What is known of each unit under an epoch, by device: thousands say at once that they are there."""
        these = asked([(*unit, 0) for unit in units])
        mine = same_epoch(these, MESSAGES.c.device, MESSAGES.c.epoch)
        newest = select(func.max(MESSAGES.c.seq)).where(mine).correlate(these).scalar_subquery()
        last = select(these.c.device, these.c.epoch, newest.label("seq")).subquery()
        known = and_(MESSAGES.c.device == last.c.device, MESSAGES.c.epoch == last.c.epoch, MESSAGES.c.seq == last.c.seq)
        start = and_(EPOCHS.c.device == last.c.device, EPOCHS.c.epoch == last.c.epoch)
        query = select(last, MESSAGES.c.sha256, EPOCHS.c.boot).select_from(last.outerjoin(MESSAGES, known))
        if not units:
            return []
        with self._reading() as connection:
            generation = connection.execute(select(META.c.value).where(META.c.key == "generation")).scalar_one()
            rows = connection.execute(query.outerjoin(EPOCHS, start).order_by(last.c.device, last.c.epoch)).all()
        told = {"generation": generation, "hub_time": now}
        return [
            (row.device, wire.Word(epoch=row.epoch, boot=row.boot or 0, seq=row.seq, sha256=row.sha256, **told))
            for row in rows
        ]

    def newer_versions(self, most: int) -> list[str]:
        """The rooms whose messages this hub is too old to read, so many at most."""
        read_since = exists().where(
            MESSAGES.c.device == QUARANTINE.c.device,
            MESSAGES.c.epoch == QUARANTINE.c.epoch,
            MESSAGES.c.seq == QUARANTINE.c.seq,
        )
        read_long_since = exists().where(
            FORGOTTEN.c.device == QUARANTINE.c.device,
            FORGOTTEN.c.epoch == QUARANTINE.c.epoch,
            FORGOTTEN.c.first <= QUARANTINE.c.seq,
            FORGOTTEN.c.last >= QUARANTINE.c.seq,
        )
        of_a_message = (QUARANTINE.c.leaf == "m", QUARANTINE.c.epoch.is_not(None))
        unread = (~QUARANTINE.c.acknowledged, *of_a_message, ~read_since, ~read_long_since)
        with self._reading() as connection:
            query = select(QUARANTINE.c.device).where(*unread).distinct().order_by(QUARANTINE.c.device).limit(most)
            return list(connection.execute(query).scalars())
