"""A hub of ten thousand rooms: numbers known without their rows, releases summed by week, rooms in their order."""

import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WEEKS: tuple[sa.Column[Any], ...] = (
    sa.Column("simulated", sa.Boolean(create_constraint=False), primary_key=True),
    sa.Column("week", sa.String(8), primary_key=True),
    sa.Column("released", sa.BigInteger, nullable=False),
    sa.Column("withheld", sa.BigInteger, nullable=False),
    sa.Column("told", sa.Text, nullable=False),
)


def upgrade() -> None:
    """Make tables, columns and indexes; fill them from what is there."""
    op.create_table(
        "forgotten",
        sa.Column("device", sa.String(48), primary_key=True),
        sa.Column("epoch", sa.String(32), primary_key=True),
        sa.Column("first", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    heartbeats = sa.text("kind = 'heartbeat'")
    op.create_index(
        "messages_to_forget", "messages", ["received"], sqlite_where=heartbeats, postgresql_where=heartbeats
    )
    op.create_index("commands_by_end", "commands", ["expires"])
    op.create_index(
        "quarantine_unread",
        "quarantine",
        ["device"],
        sqlite_where=sa.text("acknowledged = 0"),
        postgresql_where=sa.text("NOT acknowledged"),
    )
    weeks = op.create_table("weeks", *WEEKS)
    with releases() as rows:
        op.bulk_insert(weeks, list(summed(rows)))
    _count_messages()
    _order_rooms()


def releases() -> sa.CursorResult[Any]:
    """Every release, a part at a time."""
    names = ("simulated", "week", "sessions", "sums", "ranges", "sigma2")
    kinds = {"simulated": sa.Boolean()}
    table = sa.table("releases", *(sa.column(name, kinds.get(name)) for name in names))
    query = sa.select(table)
    return op.get_bind().execute(query.execution_options(yield_per=10_000))


def summed(rows: Iterable[Any]) -> Iterable[dict[str, object]]:
    """Their weeks: sessions, and by metric and range how many releases and the sums of n, c, sigma2, nn, nc and cc."""
    weeks: dict[tuple[bool, str], list[Any]] = {}
    for row in rows:
        week = weeks.setdefault((row.simulated, row.week), [0, 0, 0, {}])
        if row.sums is None:
            week[1] += 1
            continue
        week[0], n, ranges = week[0] + 1, row.sessions, json.loads(row.ranges)
        week[2] += n
        for metric, c in json.loads(row.sums).items():
            own = week[3].setdefault((metric, *ranges[metric]), [0] * 7)
            for at, more in enumerate((1, n, c, row.sigma2, n * n, n * c, c * c)):
                own[at] += more
    for (simulated, name), (released, withheld, sessions, moments) in weeks.items():
        told = json.dumps({"sessions": sessions, "moments": [[*key, *own] for key, own in moments.items()]})
        yield {"simulated": simulated, "week": name, "released": released, "withheld": withheld, "told": told}


def _count_messages() -> None:
    op.add_column("health", sa.Column("messages", sa.BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE health SET messages = (SELECT count(*) FROM messages WHERE messages.device = health.device)")


def _order_rooms() -> None:
    folded = sa.Column("folded", sa.Text, nullable=False, server_default="")
    op.add_column("rooms", folded)
    op.add_column("rooms", sa.Column("certificate_ends", sa.BigInteger))
    rooms, connection = sa.table("rooms", sa.column("device"), sa.column("name"), sa.column("folded")), op.get_bind()
    for row in connection.execute(sa.select(rooms.c.device, rooms.c.name)).all():
        mine = rooms.c.device == row.device
        connection.execute(sa.update(rooms).where(mine).values(folded=row.name.casefold()))
    op.execute(
        "UPDATE rooms SET certificate_ends = (SELECT max(ends) FROM certificates "
        "WHERE certificates.device = rooms.device AND certificates.joining = rooms.joining)"
    )


def downgrade() -> None:
    """Refuse: older hubs are given a backup, not a stripped database."""
    raise NotImplementedError("a hub's database never goes back a step: restore a backup instead")
