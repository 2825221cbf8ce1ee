"""What an owner declares: how many therapists there are, that they agree, and which rooms five or more of them use."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "declarations",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.String(80), nullable=False),
        sa.Column("matter", sa.String(16), nullable=False),
        sa.Column("about", sa.String(48), nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.create_index("declarations_by_matter", "declarations", ["matter", "about"])


def downgrade() -> None:
    """Refuse: older hubs are given a backup, not a stripped database."""
    raise NotImplementedError("a hub's database never goes back a step: restore a backup instead")
