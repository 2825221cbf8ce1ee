"""The first tables: messages, releases, health, quarantine, meta."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "meta",
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "messages",
        sa.Column("device", sa.String(48), primary_key=True),
        sa.Column("epoch", sa.String(32), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("received", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "releases",
        sa.Column("release_id", sa.String(32), primary_key=True),
        sa.Column("device", sa.String(48), nullable=False),
        sa.Column("week", sa.String(8), nullable=False),
        sa.Column("sessions", sa.BigInteger, nullable=False),
        sa.Column("sums", sa.Text),
        sa.Column("ranges", sa.Text, nullable=False),
        sa.Column("sigma2", sa.BigInteger, nullable=False),
        sa.Column("rho", sa.Float, nullable=False),
        sa.Column("simulated", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("received", sa.BigInteger, nullable=False),
    )
    op.create_index("releases_by_device", "releases", ["device", "week"])
    op.create_table(
        "health",
        sa.Column("device", sa.String(48), primary_key=True),
        sa.Column("simulated", sa.Boolean(create_constraint=False)),
        sa.Column("state", sa.String(8)),
        sa.Column("since", sa.BigInteger),
        sa.Column("epoch", sa.String(32)),
        sa.Column("boot", sa.BigInteger),
        sa.Column("next_seq", sa.BigInteger),
        sa.Column("heartbeat", sa.BigInteger),
        sa.Column("heartbeat_epoch", sa.String(32)),
        sa.Column("heartbeat_seq", sa.BigInteger),
        sa.Column("software", sa.Text),
        sa.Column("microphones", sa.String(8)),
        sa.Column("clock", sa.String(8)),
        sa.Column("waiting", sa.BigInteger),
        sa.Column("dropped", sa.BigInteger),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("device", sa.String(48), nullable=False),
        sa.Column("leaf", sa.String(8), nullable=False),
        sa.Column("epoch", sa.String(32)),
        sa.Column("seq", sa.BigInteger),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("acknowledged", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("last_seen", sa.BigInteger, nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.UniqueConstraint("device", "leaf", "sha256", name="quarantine_once"),
    )


def downgrade() -> None:
    """Refuse: older hubs are given a backup, not a stripped database."""
    raise NotImplementedError("a hub's database never goes back a step: restore a backup instead")
