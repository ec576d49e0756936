"""What an answer of a group, of two rankers or under rotation is made again from."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_COLUMNS = ("members", "duel", "shown")


def upgrade() -> None:
    with op.batch_alter_table("answer") as table:
        for name in _COLUMNS:
            table.add_column(sa.Column(name, sa.JSON(), nullable=True))
    op.create_table(
        "answer_member",
        sa.Column("user_id", sa.String(length=200), nullable=False),
        sa.Column("recommendation_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "recommendation_id", name="pk_answer_member"),
    )
    op.create_index("ix_answer_member_answer", "answer_member", ["recommendation_id"], unique=False)


def downgrade() -> None:
    op.drop_table("answer_member")
    with op.batch_alter_table("answer") as table:
        for name in _COLUMNS:
            table.drop_column(name)
