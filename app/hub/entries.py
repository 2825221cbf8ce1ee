"""How one arrival is entered in the tables: once, and never over another."""

import json
from typing import Any

from sqlalchemy import Connection, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.hub.arrivals import Accepted, Aside, Sorted, Standing
from app.hub.tables import HEALTH, MESSAGES, QUARANTINE, RELEASES
from app.sync import wire

Key = tuple[str, str, int]
"""(device, epoch, seq)."""

ASIDE_BYTES = 65_536
"""No more is kept of what was set aside; the embedded broker lets no more through."""

INSERT = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""Both know ON CONFLICT; the common insert does not."""


def insert(connection: Connection, table: Table, row: dict[str, Any]) -> Any:  # noqa: ANN401  two dialects' Insert
    """An insert that knows ON CONFLICT, whichever the database."""
    return INSERT[connection.dialect.name](table).values(**row)


def write(connection: Connection, item: Sorted, now: int) -> Key | None:
    """Write one item in the transaction of a connection; the key to acknowledge once it is committed, if any."""
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
        insert(connection, MESSAGES, {**row, "sha256": item.sha256, "kind": envelope.body.kind, "received": now})
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
    connection.execute(insert(connection, RELEASES, row))
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
        insert(connection, HEALTH, {"device": device, **row}).on_conflict_do_update(index_elements=["device"], set_=row)
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
    connection.execute(insert(connection, QUARANTINE, row))
