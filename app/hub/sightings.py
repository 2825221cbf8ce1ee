"""What the database tells of trouble with devices beside their last heartbeat: messages dropped, and set aside."""

from pathlib import Path

from sqlalchemy import and_, func, not_, select

from app.hub.database import open_database, transaction
from app.hub.days import day_of
from app.hub.tables import HEALTH, HEALTH_DAYS, QUARANTINE


class Sightings:
    """Reads of the hub's database. Everything here raises StoreError."""

    def __init__(self, where: Path | str) -> None:
        self._engine = open_database(where)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def lost(self, now: int) -> dict[str, int]:
        """Per room, how many messages it has dropped for want of space since its last word of a day before today."""
        day = HEALTH_DAYS.c
        before = (
            select(day.dropped)
            .where(day.device == HEALTH.c.device, day.day < day_of(now).isoformat())
            .order_by(day.day.desc())
            .limit(1)
            .scalar_subquery()
        )
        query = select(HEALTH.c.device, HEALTH.c.dropped, before.label("before")).where(HEALTH.c.dropped > 0)
        with transaction(self._engine) as connection:
            rows = connection.execute(query).all()
        return {row.device: row.dropped - (row.before or 0) for row in rows if row.dropped > (row.before or 0)}

    def aside(self, since: int) -> dict[str, int]:
        """Per room as its topic names it, the messages set aside since then; not those of a newer version."""
        newer = and_(not_(QUARANTINE.c.acknowledged), QUARANTINE.c.leaf == "m", QUARANTINE.c.epoch.is_not(None))
        query = select(QUARANTINE.c.device, func.count().label("n")).where(QUARANTINE.c.last_seen > since, not_(newer))
        with transaction(self._engine) as connection:
            return {row.device: row.n for row in connection.execute(query.group_by(QUARANTINE.c.device))}
