"""What was paid for one piece of a purchase, where the shop says so."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("event", sa.Column("price", sa.Numeric(14, 4), nullable=True))
    op.add_column("event", sa.Column("currency", sa.String(length=3), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("event") as table:
        table.drop_column("currency")
        table.drop_column("price")
