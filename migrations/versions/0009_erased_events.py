"""Which events were deleted with their shopper, as hashes: a retry must not bring them back."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erased_event",
        sa.Column("event_hash", sa.String(length=64), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("event_hash", name="pk_erased_event"),
    )
    op.create_index("ix_erased_event_at", "erased_event", ["erased_at"], unique=False)


def downgrade() -> None:
    op.drop_table("erased_event")
