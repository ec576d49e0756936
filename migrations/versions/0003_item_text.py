"""What the items' words mean: a vector beside each item."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "item_text",
        sa.Column("item_id", sa.String(length=200), nullable=False),
        sa.Column("encoder", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", name="pk_item_text"),
    )
    op.create_index("ix_item_text_revision", "item_text", ["revision"], unique=False)


def downgrade() -> None:
    op.drop_table("item_text")
