"""The alerts in the hub's database: opened when a trouble lasts, one a subject and kind, over when it has been gone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Delete, Insert, Row, Select, Update, delete, func, select, update

from app.hub.conditions import AHEAD_S, DAY_S, HUB, RULES, Findings, Kind, Trouble
from app.hub.database import open_database, transaction, writing
from app.hub.entries import insert
from app.hub.journal import By, Deed, enter
from app.hub.tables import ALERTS, META

GAP_S = 180
"""A hub looks every minute. Where none did for so long, none has listened in between."""
LISTENING, LOOKED = "listening", "look:"
"""Names in the table META: since when and until when it was listened; and when each hub looked last."""
LONGEST_HUB = 24
"""Letters of a hub's name: the table's keys have 32."""
DOUBLED = 4
"""So often at most the time is doubled after which a trouble that comes and goes is over."""
MOST = 100
"""So many at most are shown of those that are over."""
KEPT_S = 730 * DAY_S


@dataclass(frozen=True, slots=True)
class Alert:
    """A trouble that was told; times are the hub's, seconds since 1970 UTC."""

    id: int
    subject: str
    kind: Kind
    name: str
    fact: int | None
    since: int
    opened: int
    closed: int | None
    seen_by: str | None
    seen_at: int | None

    @property
    def device(self) -> str | None:
        """The room's, if it is about one."""
        return self.subject if self.subject and not self.subject.startswith(HUB) else None


class Alerts:
    """The alerts of one clinic, whichever hub has looked. Everything here raises StoreError."""

    def __init__(self, where: Path | str) -> None:
        self._engine = open_database(where)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def listened(self, hub: str, now: int, *, listening: bool) -> int | None:
        """Note that this hub looks, and whether it listens; since when one has without a break, None: none does."""
        with writing(self._engine) as connection:
            _put(connection, f"{LOOKED}{hub}", str(now))
            known = _got(connection, LISTENING)
            since, until = (int(part) for part in known.split()) if known else (now, now - DAY_S)
            unbroken = until - AHEAD_S <= now <= until + GAP_S  # two hubs' clocks are not quite the same
            if listening:
                since, until = (since, max(until, now)) if unbroken else (now, now)
                _put(connection, LISTENING, f"{since} {until}")
            return since if listening or unbroken else None

    def observe(self, hub: str, findings: Findings, now: int) -> None:
        """Open what has lasted, close what has been gone. What is another hub's own is left to that hub."""
        with transaction(self._engine) as connection:
            if not _changes(connection, hub, findings, now):
                return  # as nearly always: nothing is written
        with writing(self._engine) as connection:
            for change in _changes(connection, hub, findings, now):
                connection.execute(change)

    def open(self) -> list[Alert]:
        """All that is wrong now, the newest first."""
        return self._read(select(ALERTS).where(_OPEN).order_by(ALERTS.c.opened.desc(), ALERTS.c.id.desc()))

    def over(self, now: int, days: int = 30) -> list[Alert]:
        """What was wrong in the last days and is over, the newest first; so many at most."""
        query = select(ALERTS).where(_KNOWN, ALERTS.c.closed > now - days * DAY_S)
        return self._read(query.order_by(ALERTS.c.closed.desc(), ALERTS.c.id.desc()).limit(MOST))

    def count(self) -> tuple[int, int]:
        """How many alerts are open, and how many of them nobody has seen."""
        query = select(func.count(), func.count(ALERTS.c.seen_by)).select_from(ALERTS).where(_OPEN)
        with transaction(self._engine) as connection:
            total, seen = connection.execute(query).one()
        return total, total - seen

    def see(self, alert: int, by: By, now: int) -> bool:
        """Note that somebody has seen an open alert; False if there is none, or somebody has before."""
        where = (_OPEN, ALERTS.c.id == alert, ALERTS.c.seen_by.is_(None))
        with writing(self._engine) as connection:
            row = connection.execute(select(ALERTS).where(*where)).one_or_none()
            if row is None:
                return False
            connection.execute(_set(row, seen_by=by.who, seen_at=now))
            enter(connection, now, by, Deed.ALERT_SEEN, f"{row.subject or '?'}: {row.kind}")
        return True

    def forget(self, now: int) -> None:
        """Let go of what has been over for two years."""
        with transaction(self._engine) as connection:
            connection.execute(delete(ALERTS).where(ALERTS.c.closed < now - KEPT_S))

    def _read(self, query: Select[Any]) -> list[Alert]:
        with transaction(self._engine) as connection:
            return [as_alert(row) for row in connection.execute(query)]


_KNOWN: ColumnElement[bool] = ALERTS.c.kind.in_(list(Kind))
"""Of a kind that this version knows."""
_OPEN: ColumnElement[bool] = _KNOWN & ALERTS.c.opened.is_not(None) & ALERTS.c.closed.is_(None)


def as_alert(row: Row[Any]) -> Alert:
    """An alert from its row."""
    return Alert(**{name: row._mapping[name] for name in Alert.__dataclass_fields__} | {"kind": Kind(row.kind)})  # noqa: SLF001  SQLAlchemy's public name


def _changes(connection: Connection, hub: str, findings: Findings, now: int) -> list[Update | Insert | Delete]:
    """What is to be written, for what was found."""
    troubles = {(each.subject, each.kind): each for each in findings.troubles}
    others = _hubs(connection, now) - {HUB + hub}
    changes: list[Update | Insert | Delete | None] = []
    for row in connection.execute(select(ALERTS).where(_KNOWN, ALERTS.c.closed.is_(None))).all():
        key = row.subject, Kind(row.kind)
        trouble = troubles.pop(key, None)
        if trouble:
            changes.append(_last(row, trouble, now))
        elif row.subject not in others:
            changes.append(_fade(connection, row, now, unknown=key in findings.unknown))
    return [change for change in changes if change is not None] + [_begin(each, now) for each in troubles.values()]


def _begin(trouble: Trouble, now: int) -> Insert:
    row = {"subject": trouble.subject, "kind": trouble.kind, "name": trouble.name[:80], "fact": trouble.fact}
    opened = now if RULES[trouble.kind].after_s == 0 else None
    return ALERTS.insert().values(**row, since=now, opened=opened)


def _last(row: Row[Any], trouble: Trouble, now: int) -> Update | None:
    """It is still so."""
    due = row.opened is None and now - row.since >= RULES[trouble.kind].after_s
    held = (row.name, row.fact, row.gone, row.opened)
    new = (trouble.name[:80], trouble.fact, None, now if due else row.opened)
    return None if held == new else _set(row, **dict(zip(("name", "fact", "gone", "opened"), new, strict=True)))


def _fade(connection: Connection, row: Row[Any], now: int, *, unknown: bool) -> Update | Delete | None:
    """It is not seen now; what cannot be told stays as it was."""
    if unknown:
        return None if row.gone is None else _set(row, gone=None)
    if row.opened is None:
        return delete(ALERTS).where(ALERTS.c.id == row.id)
    gone = now if row.gone is None else row.gone
    if now - gone >= _over_s(connection, row, now):
        return _set(row, gone=gone, closed=now)
    return _set(row, gone=gone) if row.gone is None else None


def _set(row: Row[Any], **new: object) -> Update:
    return update(ALERTS).where(ALERTS.c.id == row.id).values(**new)


def _over_s(connection: Connection, row: Row[Any], now: int) -> int:
    """How long it must be gone: twice as long each time that it was over within a day, so that no room flaps."""
    same = (ALERTS.c.subject == row.subject, ALERTS.c.kind == row.kind, ALERTS.c.closed > now - DAY_S)
    times = connection.execute(select(func.count()).select_from(ALERTS).where(*same)).scalar_one()
    return int(RULES[Kind(row.kind)].over_s * 2 ** min(times, DOUBLED))


def _hubs(connection: Connection, now: int) -> set[str]:
    """The subjects of hubs that have looked within a day."""
    rows = connection.execute(select(META).where(META.c.key.startswith(LOOKED, autoescape=True))).all()
    return {HUB + row.key.removeprefix(LOOKED) for row in rows if int(row.value) > now - DAY_S}


def _got(connection: Connection, key: str) -> str | None:
    return connection.execute(select(META.c.value).where(META.c.key == key)).scalar_one_or_none()


def _put(connection: Connection, key: str, value: str) -> None:
    row = {"key": key, "value": value}
    connection.execute(insert(connection, META, row).on_conflict_do_update(index_elements=["key"], set_=row))
