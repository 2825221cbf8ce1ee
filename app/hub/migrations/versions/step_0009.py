"""Which releases came when their month was closed."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the mark: what is there has been counted."""
    kind = sa.Boolean(create_constraint=False)
    op.add_column("releases", sa.Column("late", kind, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Refuse: older hubs are given a backup, not a stripped database."""
    raise NotImplementedError("a hub's database never goes back a step: restore a backup instead")
