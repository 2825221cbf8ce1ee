"""What is wrong with devices, the mails that tell of it, and the tokens by which programs read the hub."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("fact", sa.BigInteger),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("opened", sa.BigInteger),
        sa.Column("gone", sa.BigInteger),
        sa.Column("closed", sa.BigInteger),
        sa.Column("seen_by", sa.String(80)),
        sa.Column("seen_at", sa.BigInteger),
        sa.Column("told", sa.Integer),
        sa.Column("told_over", sa.Integer),
    )
    live = sa.text("closed IS NULL")
    op.create_index("alerts_live", "alerts", ["subject", "kind"], unique=True, sqlite_where=live, postgresql_where=live)
    op.create_index("alerts_by_end", "alerts", ["closed"])
    op.create_table(
        "mails",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("taken", sa.BigInteger, nullable=False),
        sa.Column("sent", sa.BigInteger),
        sa.Column("failed", sa.BigInteger),
        sa.Column("said", sa.Text),
    )
    op.create_index("mails_by_time", "mails", ["taken"])
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("made", sa.BigInteger, nullable=False),
        sa.Column("made_by", sa.String(80), nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
        sa.Column("revoked", sa.BigInteger),
        sa.Column("used", sa.BigInteger),
        sa.Column("read_on", sa.String(10)),
    )


def downgrade() -> None:
    """Refuse: older hubs are given a backup, not a stripped database."""
    raise NotImplementedError("a hub's database never goes back a step: restore a backup instead")
