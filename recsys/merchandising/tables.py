"""The rows this room owns: every change that was ever made, from which any version is read [SQL]."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from recsys.tables import Base, UtcDateTime


class SteeringChangeRow(Base):
    """One change. Rows are only ever added, and `version` has no gaps: it counts them."""

    __tablename__ = "steering_change"

    version: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    who: Mapped[str] = mapped_column(String(64))  # a key's id
    subject: Mapped[str] = mapped_column(String(12))  # rule, placement or strategy
    name: Mapped[str] = mapped_column(String(64))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), nullable=True)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), nullable=True)
    undoes: Mapped[int | None] = mapped_column(BigInteger, nullable=True)

    # The last change of each thing up to a version is found in the index alone.
    __table_args__ = (Index("ix_steering_change_thing", "subject", "name", "version"),)
