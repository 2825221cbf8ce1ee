"""What the hub knows of each unit's past, and what it asks of units: epochs, commands, results."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "epochs",
        sa.Column("device", sa.String(48), primary_key=True),
        sa.Column("epoch", sa.String(32), primary_key=True),
        sa.Column("boot", sa.BigInteger, nullable=False),
        sa.Column("before", sa.String(32)),
    )
    op.create_table(
        "commands",
        sa.Column("device", sa.String(48), primary_key=True),
        sa.Column("epoch", sa.String(32), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("made", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "results",
        sa.Column("device", sa.String(48), primary_key=True),
        sa.Column("epoch", sa.String(32), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger),
        sa.Column("outcome", sa.String(8), nullable=False),
        sa.Column("reason", sa.String(16)),
        sa.Column("received", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Refuse: older hubs are given a backup, not a stripped database."""
    raise NotImplementedError("a hub's database never goes back a step: restore a backup instead")
