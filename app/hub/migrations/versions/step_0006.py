"""A hub of ten thousand rooms: numbers of heartbeats that are known without their rows."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make table and index."""
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


def downgrade() -> None:
    """Refuse: older hubs are given a backup, not a stripped database."""
    raise NotImplementedError("a hub's database never goes back a step: restore a backup instead")
