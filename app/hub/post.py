"""The post: which alerts a mail shall tell of, taken on by one hub at a time, and what became of every mail."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from app.hub.alerts import Alert, as_alert
from app.hub.conditions import AHEAD_S, DAY_S, HOUR_S, MINUTE_S
from app.hub.database import open_database, transaction, writing
from app.hub.tables import ALERTS, MAILS

GATHER_S = 6 * MINUTE_S
"""A mail waits so long for more: units speak every five minutes, so what befalls them all shows within."""
EVERY_S = 15 * MINUTE_S
"""Between two mails at least, whatever happens."""
RETRY_S = (MINUTE_S, HOUR_S)
"""First and longest wait after a mail that failed; it doubles in between."""
LOST_S = 10 * MINUTE_S
"""Who has taken a mail on and said nothing for so long is gone: another mail tells of it."""
KEPT_S = 90 * DAY_S


@dataclass(frozen=True, slots=True)
class Mail:
    """What one mail tells of."""

    id: int
    begun: tuple[Alert, ...]
    over: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """How mail goes; times in seconds since 1970 UTC."""

    sent: int | None
    """When the last one went out."""
    refused: str
    """Whom the server refused then."""
    failures: int
    """How many have failed since."""
    failed: int | None
    why: str
    wait_s: int
    """How long after that the next is tried."""


class Post:
    """The mails of one clinic, whichever hub sends them. Everything here raises StoreError."""

    def __init__(self, where: Path | str) -> None:
        self._engine = open_database(where)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def take(self, now: int) -> Mail | None:
        """Take on the next mail, so that no other hub does; None while there is nothing to tell, or it is not time."""
        with writing(self._engine) as connection:
            _give_up_lost(connection, now)
            standing = _standing(connection)
            under_way = connection.execute(select(MAILS.c.id).where(_UNDER_WAY)).first()
            if under_way or _ago(standing.failed, now) < standing.wait_s or _ago(standing.sent, now) < EVERY_S:
                return None
            rows = connection.execute(select(ALERTS).where(_BEGUN | _OVER).order_by(ALERTS.c.opened, ALERTS.c.id)).all()
            first = min((row.opened if row.closed is None else row.closed for row in rows), default=None)
            if first is None or _ago(first, now) < GATHER_S:
                return None
            number = int(connection.execute(MAILS.insert().values(taken=now)).inserted_primary_key[0])  # type: ignore[index]  # one column
            connection.execute(update(ALERTS).where(_BEGUN).values(told=number))
            connection.execute(update(ALERTS).where(_OVER).values(told_over=number))
            alerts = [as_alert(row) for row in rows]
        begun = tuple(alert for alert in alerts if alert.closed is None)
        return Mail(number, begun, tuple(alert for alert in alerts if alert.closed is not None))

    def sent(self, mail: Mail, now: int, refused: str = "") -> None:
        """Note that a mail went out."""
        with writing(self._engine) as connection:
            connection.execute(update(MAILS).where(MAILS.c.id == mail.id).values(sent=now, failed=None, said=refused))

    def failed(self, mail: Mail, now: int, why: str) -> None:
        """Note that a mail did not go out: the next one tells of what it would have told."""
        with writing(self._engine) as connection:
            _fail(connection, MAILS.c.id == mail.id, now, why)

    def standing(self) -> Standing:
        """How mail goes."""
        with transaction(self._engine) as connection:
            return _standing(connection)

    def forget(self, now: int) -> None:
        """Let go of what became of old mails."""
        with transaction(self._engine) as connection:
            connection.execute(delete(MAILS).where(MAILS.c.taken < now - KEPT_S))


_UNDER_WAY: ColumnElement[bool] = MAILS.c.sent.is_(None) & MAILS.c.failed.is_(None)
_BEGUN: ColumnElement[bool] = ALERTS.c.opened.is_not(None) & ALERTS.c.closed.is_(None) & ALERTS.c.told.is_(None)
_OVER: ColumnElement[bool] = ALERTS.c.closed.is_not(None) & ALERTS.c.told.is_not(None) & ALERTS.c.told_over.is_(None)
"""What was over before anybody was told of it is not told at all."""


def _give_up_lost(connection: Connection, now: int) -> None:
    lost = (MAILS.c.taken < now - LOST_S) | (MAILS.c.taken > now + AHEAD_S)
    _fail(connection, _UNDER_WAY & lost, now, "the hub was ended while it sent")


def _fail(connection: Connection, which: ColumnElement[bool], now: int, why: str) -> None:
    lost = list(connection.execute(select(MAILS.c.id).where(which, _UNDER_WAY)).scalars())
    connection.execute(update(MAILS).where(MAILS.c.id.in_(lost)).values(failed=now, said=why))
    connection.execute(update(ALERTS).where(ALERTS.c.told.in_(lost)).values(told=None))
    connection.execute(update(ALERTS).where(ALERTS.c.told_over.in_(lost)).values(told_over=None))


def _standing(connection: Connection) -> Standing:
    sent: Any = connection.execute(
        select(MAILS).where(MAILS.c.sent.is_not(None)).order_by(MAILS.c.id.desc()).limit(1)
    ).first()
    since = MAILS.c.failed.is_not(None) & (MAILS.c.id > (sent.id if sent else 0))
    failures = connection.execute(select(func.count()).select_from(MAILS).where(since)).scalar_one()
    failed: Any = connection.execute(select(MAILS).where(since).order_by(MAILS.c.id.desc()).limit(1)).first()
    wait = min(RETRY_S[0] * 2 ** min(failures - 1, 10), RETRY_S[1]) if failures else 0
    return Standing(
        sent=sent.sent if sent else None,
        refused=(sent.said or "") if sent else "",
        failures=failures,
        failed=failed.failed if failed else None,
        why=(failed.said or "") if failed else "",
        wait_s=wait,
    )


def _ago(then: int | None, now: int) -> float:
    """Seconds since then; endless for never, and for a time that only a clock gone wrong can have told."""
    return math.inf if then is None or then > now + AHEAD_S else now - then
