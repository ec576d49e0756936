"""The rows of experiments [SQL]. They name no shopper: who is in which variant is a hash."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Float, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from recsys.tables import Base, UtcDateTime

MAX_NAME = 64  # of an experiment's id, a variant, a layer, a salt


class ExperimentRow(Base):
    """One experiment; `variants` as `experiments.variants_json` says them, the base first."""

    __tablename__ = "experiment"

    experiment_id: Mapped[str] = mapped_column(String(MAX_NAME), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(12))  # draft running stopped
    kind: Mapped[str] = mapped_column(String(12))  # split interleaved
    variants: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    salt: Mapped[str] = mapped_column(String(MAX_NAME))
    layer: Mapped[str] = mapped_column(String(MAX_NAME), default="")
    slice_from: Mapped[float] = mapped_column(Float)  # per cent of the layer
    slice_to: Mapped[float] = mapped_column(Float)
    planned_users: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime, nullable=True)
    stopped_at: Mapped[datetime | None] = mapped_column(UtcDateTime, nullable=True)


class ExperimentRevisionRow(Base):
    """One row. It moves with every start and stop, and is all that a request path asks for."""

    __tablename__ = "experiment_revision"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger, default=0)
