"""The rows of the ledger: one for each answer that may be remembered [SQL]."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from recsys.tables import MAX_ID_LENGTH, Base, UtcDateTime


class AnswerRow(Base):
    """An answer as `entry.Answer` says it; the lists are aligned with `item_ids`, best first."""

    __tablename__ = "answer"

    recommendation_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    user_id: Mapped[str | None] = mapped_column(String(MAX_ID_LENGTH), nullable=True)
    session_hash: Mapped[str | None] = mapped_column(String(16), nullable=True)
    placement: Mapped[str] = mapped_column(String(64))
    strategy: Mapped[str] = mapped_column(String(64))
    request: Mapped[dict[str, Any]] = mapped_column(JSON)
    model_version: Mapped[str] = mapped_column(String(64))
    catalogue_revision: Mapped[int] = mapped_column(BigInteger)
    rules_version: Mapped[int] = mapped_column(BigInteger)
    history_n: Mapped[int] = mapped_column(Integer)
    history_digest: Mapped[str] = mapped_column(String(16))
    experiments: Mapped[dict[str, str]] = mapped_column(JSON)
    item_ids: Mapped[list[str]] = mapped_column(JSON)
    sources: Mapped[list[str]] = mapped_column(JSON)
    scores: Mapped[list[float]] = mapped_column(JSON)
    propensities: Mapped[list[float]] = mapped_column(JSON)
    creative_keys: Mapped[list[str | None]] = mapped_column(JSON)
    creative_draw: Mapped[dict[str, Any] | None] = mapped_column(
        JSON(none_as_null=True), nullable=True
    )
    teams: Mapped[list[str]] = mapped_column(JSON)
    # What few answers have: a group's shoppers, two rankers' requests, what rotation knew.
    members: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSON(none_as_null=True), nullable=True
    )
    duel: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSON(none_as_null=True), nullable=True
    )
    shown: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True), nullable=True)
    degraded: Mapped[str] = mapped_column(Text)  # words with a comma between: can be grouped by

    __table_args__ = (
        Index("ix_answer_at", "at"),
        Index("ix_answer_user", "user_id", "at"),
    )


class AnswerMemberRow(Base):
    """That an answer was made from this shopper's past too, among others': an erasure asks."""

    __tablename__ = "answer_member"

    user_id: Mapped[str] = mapped_column(String(MAX_ID_LENGTH), primary_key=True)
    recommendation_id: Mapped[str] = mapped_column(String(36), primary_key=True)

    __table_args__ = (Index("ix_answer_member_answer", "recommendation_id"),)
