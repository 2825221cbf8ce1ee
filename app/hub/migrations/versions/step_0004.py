"""People who sign in: accounts, visits, one-time links, and the journal of what was done."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("password", sa.Text),
        sa.Column("added", sa.BigInteger, nullable=False),
        sa.Column("disabled", sa.BigInteger),
    )
    op.create_table(
        "visits",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("begun", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
    )
    op.create_index("visits_by_name", "visits", ["name"])
    op.create_table(
        "links",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(80)),
        sa.Column("ends", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "journal",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.String(80), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("about", sa.Text, nullable=False),
    )
    op.create_index("journal_by_time", "journal", ["at"])


def downgrade() -> None:
    """Refuse: older hubs are given a backup, not a stripped database."""
    raise NotImplementedError("a hub's database never goes back a step: restore a backup instead")
