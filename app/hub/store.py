"""The hub's database: what was committed, exactly once, and what can be read of it."""

import json
import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import alembic.command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Table, create_engine, event, exists, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DatabaseError

from app.hub.arrivals import Accepted, Aside, Sorted, Standing
from app.hub.errors import StoreError
from app.hub.rooms import Room
from app.hub.tables import HEALTH, MESSAGES, META, QUARANTINE, RELEASES
from app.hub.trends import Release
from app.sync import wire

Key = tuple[str, str, int]
"""(device, epoch, seq)."""

ASIDE_BYTES = 65_536
"""No more is kept of what was set aside; the embedded broker lets no more through."""

INSERT = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""Both know ON CONFLICT; the common insert does not."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much the store holds."""

    messages: int
    releases: int
    withheld: int
    simulated: int
    """Of the releases and withheld weeks, those of rehearsals."""
    quarantined: int
    rooms: int


class Store:
    """A SQLite database; safe to read from other threads while one writes."""

    def __init__(self, path: Path) -> None:
        """Open the database, bring it up to date. Raises StoreError."""
        self._path = path
        self._engine = _engine(path)
        try:
            _migrate(self._engine, path)
            with self._engine.begin() as connection:
                row = {"key": "generation", "value": secrets.token_hex(16)}
                connection.execute(_insert(connection, META, row).on_conflict_do_nothing())
        except (DatabaseError, sqlite3.Error) as error:
            self.close()
            cause = error.orig if isinstance(error, DatabaseError) else error
            raise StoreError(f"the database {path} cannot be opened ({cause}): mend it or restore a backup") from error
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def commit(self, items: Iterable[Sorted], now: int) -> list[Key]:
        """Write all in one transaction; return the keys to acknowledge once this has returned.

        A message that is there already is acknowledged again and changes nothing. Raises StoreError, and then
        nothing was written.
        """
        try:
            with self._engine.begin() as connection:
                keys = [key for item in items if (key := _write(connection, item, now))]
        except DatabaseError as error:
            raise StoreError(
                f"the database {self._path} cannot be written ({error.orig}): make room or mend it"
            ) from error
        return keys

    def releases(self) -> list[Release]:
        """Every release and withheld week, in order of week and device."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(RELEASES).order_by(RELEASES.c.week, RELEASES.c.device)).all()
        return [
            Release(
                device=row.device,
                week=row.week,
                sessions=row.sessions,
                sums=None if row.sums is None else json.loads(row.sums),
                ranges={metric: (low, high) for metric, (low, high) in json.loads(row.ranges).items()},
                sigma2=row.sigma2,
                simulated=row.simulated,
            )
            for row in rows
        ]

    def rooms(self) -> list[Room]:
        """Every room unit that was ever heard of, by name."""
        last = (
            select(RELEASES.c.device, func.max(RELEASES.c.week).label("last_week"))
            .group_by(RELEASES.c.device)
            .subquery()
        )
        columns = [HEALTH.c[name] for name in Room.__dataclass_fields__ if name != "last_week"]
        query = (
            select(*columns, last.c.last_week)
            .outerjoin(last, last.c.device == HEALTH.c.device)
            .order_by(HEALTH.c.device)
        )
        with self._engine.connect() as connection:
            return [Room(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001  SQLAlchemy's public name

    def counts(self) -> Counts:
        """How much there is."""
        with self._engine.connect() as connection:

            def count(table: Table, *where: Any) -> int:  # noqa: ANN401  SQLAlchemy's own type for conditions is private
                return connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()

            return Counts(
                messages=count(MESSAGES),
                releases=count(RELEASES, RELEASES.c.sums.is_not(None)),
                withheld=count(RELEASES, RELEASES.c.sums.is_(None)),
                simulated=count(RELEASES, RELEASES.c.simulated),
                quarantined=count(QUARANTINE),
                rooms=count(HEALTH),
            )

    def generation(self) -> str:
        """The database's own name; a restored backup will take a new one."""
        with self._engine.connect() as connection:
            return str(connection.execute(select(META.c.value).where(META.c.key == "generation")).scalar_one())

    def newer_versions(self) -> list[str]:
        """The rooms whose messages this hub is too old to read."""
        read_since = exists().where(
            MESSAGES.c.device == QUARANTINE.c.device,
            MESSAGES.c.epoch == QUARANTINE.c.epoch,
            MESSAGES.c.seq == QUARANTINE.c.seq,
        )
        unread = (~QUARANTINE.c.acknowledged, QUARANTINE.c.leaf == "m", QUARANTINE.c.epoch.is_not(None), ~read_since)
        with self._engine.connect() as connection:
            return sorted(connection.execute(select(QUARANTINE.c.device).where(*unread).distinct()).scalars())


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 10.0})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401  any driver's connection
        connection.isolation_level = None  # pysqlite's own BEGIN comes too late; ours is below
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _migrate(engine: Engine, path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    steps = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    with engine.begin() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current not in steps:
            raise StoreError(
                f"the database {path} is from a newer hub (step {current}): install that version or a newer one"
            )
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")


def _insert(connection: Connection, table: Table, row: dict[str, Any]) -> Any:  # noqa: ANN401  two dialects' Insert
    return INSERT[connection.dialect.name](table).values(**row)


def _write(connection: Connection, item: Sorted, now: int) -> Key | None:
    """Write one item; the key to acknowledge, if any."""
    match item:
        case Accepted():
            return _write_message(connection, item, now)
        case Standing():
            _write_state(connection, item, now)
            return None
        case Aside():
            _set_aside(connection, item, now)
            return (item.arrival.device, *item.key) if item.acknowledge and item.key else None


def _write_message(connection: Connection, item: Accepted, now: int) -> Key:
    envelope = item.envelope
    key = (envelope.device, envelope.epoch, envelope.seq)
    where = (MESSAGES.c.device == key[0], MESSAGES.c.epoch == key[1], MESSAGES.c.seq == key[2])
    known = connection.execute(select(MESSAGES.c.sha256).where(*where)).scalar_one_or_none()
    if known == item.sha256:
        return key
    if known is not None:
        _set_aside(connection, _conflict(item, "another message has this number"), now)
        return key
    match envelope.body:
        case wire.Release() as release:
            if not _write_release(connection, envelope, release, now):
                _set_aside(connection, _conflict(item, "another release has this id"), now)
                return key
        case wire.Heartbeat() as heartbeat:
            _write_heartbeat(connection, envelope, heartbeat, now)
    row = dict(zip(("device", "epoch", "seq"), key, strict=True))
    connection.execute(
        _insert(connection, MESSAGES, {**row, "sha256": item.sha256, "kind": envelope.body.kind, "received": now})
    )
    return key


def _conflict(item: Accepted, reason: str) -> Aside:
    # Acknowledged, so that it cannot block the line behind it; it is kept here, whole.
    return Aside(item.arrival, reason, item.sha256, (item.envelope.epoch, item.envelope.seq), acknowledge=True)


def _write_release(connection: Connection, envelope: wire.Envelope, release: wire.Release, now: int) -> bool:
    """Insert a release, or find the very same one there; False if another has its id."""
    sha256 = wire.fingerprint(f"{envelope.device} {envelope.simulated} {release.model_dump_json()}".encode())
    known = connection.execute(
        select(RELEASES.c.sha256).where(RELEASES.c.release_id == release.id)
    ).scalar_one_or_none()
    if known is not None:
        return bool(known == sha256)
    row = {
        "release_id": release.id,
        "device": envelope.device,
        "week": release.week,
        "sessions": release.sessions,
        "sums": None if release.sums is None else json.dumps(release.sums),
        "ranges": json.dumps(release.ranges),
        "sigma2": release.sigma2,
        "rho": release.rho,
        "simulated": envelope.simulated,
        "sha256": sha256,
        "received": now,
    }
    connection.execute(_insert(connection, RELEASES, row))
    _write_health(connection, envelope.device, {"simulated": envelope.simulated})
    return True


def _write_heartbeat(connection: Connection, envelope: wire.Envelope, heartbeat: wire.Heartbeat, now: int) -> None:
    """Take over a heartbeat unless a later one of the same epoch was here first."""
    newest = select(HEALTH.c.heartbeat_seq).where(
        HEALTH.c.device == envelope.device, HEALTH.c.heartbeat_epoch == envelope.epoch
    )
    seq = connection.execute(newest).scalar_one_or_none()
    if seq is not None and seq > envelope.seq:
        return
    row = {
        "simulated": envelope.simulated,
        "heartbeat": now,
        "heartbeat_epoch": envelope.epoch,
        "heartbeat_seq": envelope.seq,
        "software": heartbeat.software,
        "microphones": heartbeat.microphones,
        "clock": heartbeat.clock,
        "waiting": heartbeat.outbox_waiting,
        "dropped": heartbeat.outbox_dropped,
    }
    _write_health(connection, envelope.device, row)


def _write_state(connection: Connection, item: Standing, now: int) -> None:
    """Take over a state; its time is when it changed, not when a retained copy was read again."""
    state = item.state
    row = {"state": state.state, "epoch": state.epoch, "boot": state.boot}
    columns = (HEALTH.c.state, HEALTH.c.epoch, HEALTH.c.boot)
    known = connection.execute(select(*columns).where(HEALTH.c.device == item.device)).one_or_none()
    if known is not None and tuple(known) == tuple(row.values()):
        return
    births = {"next_seq": state.next_seq} if state.state == "birth" else {}
    _write_health(connection, item.device, {**row, **births, "since": now})


def _write_health(connection: Connection, device: str, row: dict[str, Any]) -> None:
    connection.execute(
        _insert(connection, HEALTH, {"device": device, **row}).on_conflict_do_update(
            index_elements=["device"], set_=row
        )
    )


def _set_aside(connection: Connection, item: Aside, now: int) -> None:
    """Keep it as it came, once, with how often it was seen."""
    device = item.arrival.device[:48]  # a topic may be longer than any device's name
    where = (
        QUARANTINE.c.device == device,
        QUARANTINE.c.leaf == item.arrival.leaf,
        QUARANTINE.c.sha256 == item.sha256,
    )
    again = update(QUARANTINE).where(*where).values(times=QUARANTINE.c.times + 1, last_seen=now)
    if connection.execute(again).rowcount:
        return
    row = {
        "device": device,
        "leaf": item.arrival.leaf,
        "epoch": item.key[0] if item.key else None,
        "seq": item.key[1] if item.key else None,
        "sha256": item.sha256,
        "reason": item.reason,
        "acknowledged": item.acknowledge,
        "payload": item.arrival.payload[:ASIDE_BYTES],
        "first_seen": now,
        "last_seen": now,
        "times": 1,
    }
    connection.execute(_insert(connection, QUARANTINE, row))
