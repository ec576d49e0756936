"""An index that covers a shopper's history: every recommendation reads one."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    columns = ["user_id", "at", "event_id", "item_id", "kind"]
    op.create_index("ix_event_history", "event", columns, unique=False)
    op.drop_index("ix_event_user_at", table_name="event")


def downgrade() -> None:
    op.create_index("ix_event_user_at", "event", ["user_id", "at"], unique=False)
    op.drop_index("ix_event_history", table_name="event")
