"""The rows this domain owns: items, events, erasures, training runs [SQL].

No foreign keys: an event may name an item the catalogue has not met yet, and must still be kept.
"""

import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Text,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "pk": "pk_%(table_name)s",
}
MAX_ID_LENGTH = 200
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def is_storable(value: str) -> bool:
    """Whether both databases can hold it: PostgreSQL refuses NUL, and no one can encode a lone surrogate."""
    return _UNSTORABLE.search(value) is None


def has_control(value: str) -> bool:
    """Whether it holds control characters, or what neither database can hold."""
    return _CONTROL.search(value) is not None


def id_problem(value: object) -> str | None:
    """Why this cannot be an id of an item, a user, an event or an order; None if it can."""
    if not isinstance(value, str):
        return "must be a string"
    if not value.strip():
        return "must not be empty"
    if len(value) > MAX_ID_LENGTH:
        return f"must have at most {MAX_ID_LENGTH} characters"
    if has_control(value):
        return "must not contain control characters"
    return None


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python; SQLite drops the zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002 SQLAlchemy's signature
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002 SQLAlchemy's signature
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class ItemRow(Base):
    """`revision` is the catalogue's counter at the last write: a shelf reads only what is newer."""

    __tablename__ = "item"

    item_id: Mapped[str] = mapped_column(String(MAX_ID_LENGTH), primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, default="")
    category: Mapped[list[str]] = mapped_column(JSON, default=list)
    brand: Mapped[str] = mapped_column(Text, default="")
    price: Mapped[Any] = mapped_column(Numeric(12, 2), nullable=True)
    was_price: Mapped[Any] = mapped_column(Numeric(12, 2), nullable=True)
    currency: Mapped[str] = mapped_column(String(3), default="EUR")
    image_url: Mapped[str] = mapped_column(Text, default="")
    url: Mapped[str] = mapped_column(Text, default="")
    stock: Mapped[int | None] = mapped_column(Integer, nullable=True)
    hidden: Mapped[bool] = mapped_column(Boolean, default=False)
    attributes: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    offer_until: Mapped[datetime | None] = mapped_column(UtcDateTime, nullable=True)
    revision: Mapped[int] = mapped_column(BigInteger, index=True)


class ItemTextRow(Base):
    """What an item's words mean to one encoder; below the item's own `revision` it may be stale."""

    __tablename__ = "item_text"

    item_id: Mapped[str] = mapped_column(String(MAX_ID_LENGTH), primary_key=True)
    encoder: Mapped[str] = mapped_column(String(64))  # its fingerprint
    sha256: Mapped[str] = mapped_column(String(64))  # of the text that was encoded
    revision: Mapped[int] = mapped_column(BigInteger, index=True)
    vector: Mapped[bytes] = mapped_column(LargeBinary)  # float16 numbers, little end first


class CatalogueRevision(Base):
    """One row. Writers increment it first, so its lock orders them as they commit."""

    __tablename__ = "catalogue_revision"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger, default=0)


class EventRow(Base):
    __tablename__ = "event"

    event_id: Mapped[str] = mapped_column(String(MAX_ID_LENGTH), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(MAX_ID_LENGTH))
    item_id: Mapped[str] = mapped_column(String(MAX_ID_LENGTH))
    kind: Mapped[str] = mapped_column(String(12))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    quantity: Mapped[int] = mapped_column(Integer, default=1)
    order_id: Mapped[str | None] = mapped_column(String(MAX_ID_LENGTH), nullable=True)
    recommendation_id: Mapped[str | None] = mapped_column(String(64), nullable=True)
    price: Mapped[Any] = mapped_column(Numeric(14, 4), nullable=True)
    currency: Mapped[str | None] = mapped_column(String(3), nullable=True)

    __table_args__ = (
        # Covers a history: it is read from the index alone, in order, wherever its rows lie.
        Index("ix_event_history", "user_id", "at", "event_id", "item_id", "kind"),
        Index("ix_event_at", "at"),
    )


class ErasureRow(Base):
    """A forgotten shopper: events up to `erased_at` are refused for good, whoever brings them back."""

    __tablename__ = "erasure"

    user_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    erased_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ErasedEventRow(Base):
    """A deleted event: sent again without a time of its own it would look new. Only its hash is kept."""

    __tablename__ = "erased_event"
    __table_args__ = (Index("ix_erased_event_at", "erased_at"),)

    event_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    erased_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TrainingRunRow(Base):
    """The ledger. A partial unique index allows one waiting or running run of each kind."""

    __tablename__ = "training_run"

    run_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), server_default="model")  # model voice
    status: Mapped[str] = mapped_column(String(12))  # waiting running done refused failed cancelled
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False)
    trigger: Mapped[str] = mapped_column(String(20), default="admin")
    stage: Mapped[str] = mapped_column(String(20), default="waiting")
    progress: Mapped[float] = mapped_column(default=0.0)
    curves: Mapped[dict[str, list[float]]] = mapped_column(JSON, default=dict)
    metrics: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    model_version: Mapped[str | None] = mapped_column(String(64), nullable=True)
    error: Mapped[str | None] = mapped_column(Text, nullable=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    heartbeat_at: Mapped[datetime | None] = mapped_column(UtcDateTime, nullable=True)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, nullable=True)

    __table_args__ = (
        Index(
            "uq_training_run_active",
            "kind",
            unique=True,
            sqlite_where=text("active = 1"),
            postgresql_where=text("active"),
        ),
    )
