"""Offers that end, proofs of claims, words apart from pictures, the brand kit, voice runs and providers."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_columns()
    _create_words_and_kit()
    _tell_runs_apart()
    _create_providers()
    _create_variants()


def _add_columns() -> None:
    for name in ("item", "item_version"):
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("offer_until", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("creative") as table:
        table.add_column(sa.Column("proofs", sa.JSON(), nullable=True))
        table.add_column(sa.Column("audit", sa.JSON(), nullable=True))
    with op.batch_alter_table("answer") as table:
        table.add_column(sa.Column("creative_draw", sa.JSON(), nullable=True))
    op.create_index("ix_campaign_creative_key", "campaign_creative", ["key"], unique=False)


def _create_words_and_kit() -> None:
    op.create_table(
        "creative_words",
        sa.Column("copy_key", sa.String(length=64), nullable=False),
        sa.Column("item_id", sa.String(length=200), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("copy_key", name="pk_creative_words"),
    )
    op.create_index("ix_creative_words_item_id", "creative_words", ["item_id"], unique=False)
    op.create_table(
        "brand_kit",
        sa.Column("version", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kit", sa.JSON(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_brand_kit"),
    )


def _tell_runs_apart() -> None:
    with op.batch_alter_table("training_run") as table:
        table.add_column(
            sa.Column("kind", sa.String(length=10), server_default="model", nullable=False)
        )
    _allow_one_active("kind")


def _allow_one_active(column: str) -> None:
    """Of each value in `column`, at most one run waits or runs."""
    op.drop_index("uq_training_run_active", table_name="training_run")
    op.create_index(
        "uq_training_run_active",
        "training_run",
        [column],
        unique=True,
        sqlite_where=sa.text("active = 1"),
        postgresql_where=sa.text("active"),
    )


def _create_providers() -> None:
    op.create_table(
        "creative_provider",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_creative_provider"),
    )
    op.create_table(
        "creative_provider_day",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("candidates", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("spent", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", "day", name="pk_creative_provider_day"),
    )


def _create_variants() -> None:
    op.create_table(
        "creative_variant",
        sa.Column("size", sa.String(length=20), nullable=False),
        sa.Column("variant", sa.String(length=40), nullable=False),
        sa.Column("approval", sa.String(length=10), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("size", "variant", name="pk_creative_variant"),
    )
    op.create_table(
        "creative_variant_result",
        sa.Column("size", sa.String(length=20), nullable=False),
        sa.Column("persona", sa.String(length=200), nullable=False),
        sa.Column("variant", sa.String(length=40), nullable=False),
        sa.Column("shown", sa.Float(), nullable=False),
        sa.Column("clicked", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("size", "persona", "variant", name="pk_creative_variant_result"),
    )
    op.create_table(
        "creative_variant_table",
        sa.Column("name", sa.String(length=10), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("chances", sa.JSON(), nullable=False),
        sa.Column("counted_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_creative_variant_table"),
    )


def downgrade() -> None:
    op.drop_index("ix_campaign_creative_key", table_name="campaign_creative")
    with op.batch_alter_table("answer") as table:
        table.drop_column("creative_draw")
    for table in (
        "creative_variant_table",
        "creative_variant_result",
        "creative_variant",
        "creative_provider_day",
        "creative_provider",
        "brand_kit",
        "creative_words",
    ):
        op.drop_table(table)
    op.execute("DELETE FROM training_run WHERE kind = 'voice'")
    _allow_one_active("active")
    with op.batch_alter_table("training_run") as table:
        table.drop_column("kind")
    with op.batch_alter_table("creative") as table:
        table.drop_column("audit")
        table.drop_column("proofs")
    for name in ("item_version", "item"):
        with op.batch_alter_table(name) as table:
            table.drop_column("offer_until")
