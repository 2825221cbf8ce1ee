"""Room units that join: rooms, codes, certificates."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "rooms",
        sa.Column("device", sa.String(48), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("joining", sa.Integer, nullable=False),
        sa.Column("added", sa.BigInteger, nullable=False),
        sa.Column("revoked", sa.BigInteger),
    )
    op.create_table(
        "codes",
        sa.Column("device", sa.String(48), primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
        sa.Column("wrong", sa.Integer, nullable=False),
        sa.Column("key", sa.String(64)),
    )
    op.create_table(
        "certificates",
        sa.Column("serial", sa.String(40), primary_key=True),
        sa.Column("device", sa.String(48), nullable=False),
        sa.Column("joining", sa.Integer, nullable=False),
        sa.Column("issued", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
    )
    op.create_index("certificates_by_device", "certificates", ["device"])


def downgrade() -> None:
    """Refuse: older hubs are given a backup, not a stripped database."""
    raise NotImplementedError("a hub's database never goes back a step: restore a backup instead")
