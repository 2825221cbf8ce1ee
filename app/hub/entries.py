"""How a batch of arrivals is entered in the tables: each once, and never over another.

What the tables know of a batch is read first and what is new is written last, a few statements for all of it: one
worker takes a thousand messages a second that way, and each is still decided on by itself, in its order.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Table, and_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.hub.arrivals import Accepted, Aside, Sorted, Standing
from app.hub.days import Days, day_of
from app.hub.forgetting import forgotten
from app.hub.keys import Key, asked, same_epoch
from app.hub.tables import EPOCHS, HEALTH, MESSAGES, QUARANTINE, RELEASES, RESULTS
from app.hub.tally import add, open_until, reopened
from app.hub.weeks import Week, single
from app.sync import wire

ASIDE_BYTES = 65_536
"""No more is kept of what was set aside; the embedded broker lets no more through."""

INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""Both know ON CONFLICT; the common insert does not."""


def insert(connection: Connection, table: Table, row: dict[str, Any]) -> Any:  # noqa: ANN401  two dialects' Insert
    """An insert that knows ON CONFLICT, whichever the database."""
    return INSERT[connection.dialect.name](table).values(**row)


def write(connection: Connection, items: Sequence[Sorted], now: int) -> list[Key]:
    """Write a batch in the transaction of a connection; the keys to acknowledge once it is committed."""
    batch = _Batch(connection, items, now)
    keys = [key for item in items if (key := batch.take(item))]
    batch.flush()
    return keys


class _Batch:
    """What the tables know of a batch, and what is to be written of it."""

    def __init__(self, connection: Connection, items: Sequence[Sorted], now: int) -> None:
        self._connection, self._now = connection, now
        envelopes = [item.envelope for item in items if isinstance(item, Accepted)]
        states = [item.device for item in items if isinstance(item, Standing)]
        # First, for it locks their rows: of two hubs with messages of one room the second sees what the first did.
        self._health = self._known_health({envelope.device for envelope in envelopes} | set(states))
        keys = {_key(envelope) for envelope in envelopes}
        self._messages = self._known_messages(keys)
        self._forgotten = forgotten(connection, keys - self._messages.keys())
        self._releases = self._known_releases({e.body.id for e in envelopes if isinstance(e.body, wire.Release)})
        self._reopened = reopened(connection)
        self._new: dict[Table, list[dict[str, Any]]] = {MESSAGES: [], RELEASES: [], RESULTS: []}
        self._starts: dict[tuple[str, str], dict[str, Any]] = {}
        """Per device and epoch, the highest start that was told."""
        self._changed: dict[str, dict[str, Any]] = {}
        """Per device, the columns of its health that change."""
        self._committed: Counter[str] = Counter()
        self._days = Days(now)
        self._weeks: list[Week] = []

    def take(self, item: Sorted) -> Key | None:
        """Decide on one item; its key if it is to be acknowledged."""
        match item:
            case Accepted():
                return self._take_message(item)
            case Standing():
                self._take_state(item)
                return None
            case Aside():
                self._set_aside(item)
                return (item.arrival.device, *item.key) if item.acknowledge and item.key else None

    def flush(self) -> None:
        """Write what is new, in an order that is the same in every process: none waits for another in a circle."""
        for table, rows in self._new.items():
            if rows:
                primary = [column.name for column in table.primary_key]
                rows.sort(key=lambda row: tuple(row[name] for name in primary))
                self._connection.execute(table.insert(), rows)
        add(self._connection, self._weeks, INSERT[self._connection.dialect.name])
        for (device, epoch), row in sorted(self._starts.items()):
            start = insert(self._connection, EPOCHS, {"device": device, "epoch": epoch, **row})
            later = EPOCHS.c.boot < start.excluded.boot
            self._connection.execute(
                start.on_conflict_do_update(index_elements=["device", "epoch"], set_={"boot": row["boot"]}, where=later)
            )
        alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for device, row in sorted(self._changed.items()):
            row |= {"device": device, "messages": self._committed[device]}
            alike.setdefault(tuple(sorted(row)), []).append(row)
        for columns, rows in sorted(alike.items()):
            upsert = INSERT[self._connection.dialect.name](HEALTH)
            new = {name: upsert.excluded[name] for name in columns}
            new["messages"] = HEALTH.c.messages + upsert.excluded.messages
            self._connection.execute(upsert.on_conflict_do_update(index_elements=["device"], set_=new), rows)
        self._days.flush(self._connection, INSERT[self._connection.dialect.name])

    def _known_messages(self, keys: Collection[Key]) -> dict[Key, str]:
        if not keys:
            return {}
        these = asked(keys)
        same = and_(same_epoch(these, MESSAGES.c.device, MESSAGES.c.epoch), MESSAGES.c.seq == these.c.seq)
        query = select(*these.c, MESSAGES.c.sha256).select_from(these.join(MESSAGES, same))
        return {(row.device, row.epoch, row.seq): row.sha256 for row in self._connection.execute(query)}

    def _known_releases(self, ids: Iterable[str]) -> dict[str, str]:
        query = select(RELEASES.c.release_id, RELEASES.c.sha256).where(RELEASES.c.release_id.in_(list(ids)))
        return {row.release_id: row.sha256 for row in self._connection.execute(query)}

    def _known_health(self, devices: Iterable[str]) -> dict[str, dict[str, Any]]:
        query = select(HEALTH).where(HEALTH.c.device.in_(list(devices))).order_by(HEALTH.c.device).with_for_update()
        return {row["device"]: dict(row) for row in self._connection.execute(query).mappings()}

    def _take_message(self, item: Accepted) -> Key:
        envelope, key = item.envelope, _key(item.envelope)
        known = self._messages.get(key)
        if known == item.sha256:
            return key
        if key in self._forgotten and isinstance(envelope.body, wire.Heartbeat):
            return key  # it was counted then; what it said is not known any more
        if known is not None or key in self._forgotten:
            self._set_aside(_conflict(item, "another message has this number"))
            return key
        match envelope.body:
            case wire.Release() as release:
                if not self._take_release(envelope, release):
                    self._set_aside(_conflict(item, "another release has this id"))
                    return key
            case wire.Heartbeat() as heartbeat:
                self._take_heartbeat(envelope, heartbeat)
            case wire.Result() as result:
                told = result.model_dump(include={"number", "outcome", "reason"})
                row = dict(zip(("device", "epoch", "seq"), key, strict=True))
                self._new[RESULTS].append({**row, **told, "received": self._now})
        row = dict(zip(("device", "epoch", "seq"), key, strict=True))
        row |= {"sha256": item.sha256, "kind": envelope.body.kind, "received": self._now}
        self._new[MESSAGES].append(row)
        self._messages[key] = item.sha256
        self._committed[envelope.device] += 1
        self._changed.setdefault(envelope.device, {})
        return key

    def _take_release(self, envelope: wire.Envelope, release: wire.Release) -> bool:
        """Take a release, or find the very same one there; False if another has its id."""
        sha256 = wire.fingerprint(f"{envelope.device} {envelope.simulated} {release.model_dump_json()}".encode())
        if release.id in self._releases:
            return self._releases[release.id] == sha256
        week = single(release, simulated=envelope.simulated, open_until=open_until(release.week, self._reopened))
        late = not envelope.simulated and day_of(self._now) >= week.closes
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
            "received": self._now,
            "late": late,
        }
        self._new[RELEASES].append(row)
        self._weeks.append(single(release, simulated=False, late=True) if late else week)
        self._releases[release.id] = sha256
        self._change_health(envelope.device, {"simulated": envelope.simulated})
        return True

    def _take_heartbeat(self, envelope: wire.Envelope, heartbeat: wire.Heartbeat) -> None:
        """Count a heartbeat, and take over what it says unless a later one of the same epoch was here first."""
        known = self._health.get(envelope.device, {})
        overtaken = known.get("heartbeat_epoch") == envelope.epoch and known["heartbeat_seq"] > envelope.seq
        self._days.add(envelope.device, heartbeat, None if overtaken else known.get("heartbeat"))
        if overtaken:
            return
        row = {
            "simulated": envelope.simulated,
            "heartbeat": self._now,
            "heartbeat_epoch": envelope.epoch,
            "heartbeat_seq": envelope.seq,
            "software": heartbeat.software,
            "microphones": heartbeat.microphones,
            "clock": heartbeat.clock,
            "waiting": heartbeat.outbox_waiting,
            "dropped": heartbeat.outbox_dropped,
        }
        self._change_health(envelope.device, row)

    def _take_state(self, item: Standing) -> None:
        """Take over a state; its time is when it changed, not when a retained copy was read again."""
        state = item.state
        start = self._starts.setdefault((item.device, state.epoch), {"boot": state.boot, "before": state.before})
        start["boot"] = max(start["boot"], state.boot)
        start["before"] = start["before"] or state.before
        row = {"state": state.state, "epoch": state.epoch, "boot": state.boot}
        known = self._health.get(item.device)
        if known is not None and all(known.get(name) == value for name, value in row.items()):
            return
        births = {"next_seq": state.next_seq} if state.state == "birth" else {}
        self._change_health(item.device, {**row, **births, "since": self._now})

    def _change_health(self, device: str, row: dict[str, Any]) -> None:
        self._changed.setdefault(device, {}).update(row)
        self._health.setdefault(device, {}).update(row)

    def _set_aside(self, item: Aside) -> None:
        """Keep it as it came, once, with how often it was seen."""
        device = item.arrival.device[:48]  # a topic may be longer than any device's name
        where = (
            QUARANTINE.c.device == device,
            QUARANTINE.c.leaf == item.arrival.leaf,
            QUARANTINE.c.sha256 == item.sha256,
        )
        again = update(QUARANTINE).where(*where).values(times=QUARANTINE.c.times + 1, last_seen=self._now)
        if self._connection.execute(again).rowcount:
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
            "first_seen": self._now,
            "last_seen": self._now,
            "times": 1,
        }
        self._connection.execute(QUARANTINE.insert(), row)


def _key(envelope: wire.Envelope) -> Key:
    return envelope.device, envelope.epoch, envelope.seq


def _conflict(item: Accepted, reason: str) -> Aside:
    # Acknowledged, so that it cannot block the line behind it; it is kept here, whole.
    return Aside(item.arrival, reason, item.sha256, (item.envelope.epoch, item.envelope.seq), acknowledge=True)
