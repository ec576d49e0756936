"""The rows this domain owns: creatives, campaigns, and what each campaign planned [SQL]."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Index, Integer, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "pk": "pk_%(table_name)s",
}


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


class CreativeRow(Base):
    """One made creative. The key hashes all that shaped it, so a row is never updated but for approval."""

    __tablename__ = "creative"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    item_id: Mapped[str] = mapped_column(String(200), index=True)
    size: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10))
    brief: Mapped[dict[str, Any]] = mapped_column(JSON)
    copy: Mapped[dict[str, str]] = mapped_column(JSON)
    banner: Mapped[dict[str, Any] | None] = mapped_column(JSON, nullable=True)
    provenance: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    checks: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class CampaignRow(Base):
    """`lease_until` is the worker's claim: past it, the sweep hands the campaign to another."""

    __tablename__ = "campaign"

    campaign_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(
        String(12)
    )  # waiting planning running done failed cancelled
    sizes: Mapped[list[str]] = mapped_column(JSON)
    audience: Mapped[dict[str, Any]] = mapped_column(
        JSON
    )  # {"personas": true} or {"user_ids": [...]}
    items: Mapped[dict[str, Any]] = mapped_column(
        JSON
    )  # {"item_ids": [...]} or {"best": n per persona}
    locale: Mapped[str] = mapped_column(String(10), default="en")
    total: Mapped[int] = mapped_column(Integer, default=0)
    error: Mapped[str | None] = mapped_column(Text, nullable=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime, nullable=True)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, nullable=True)


class CampaignCreativeRow(Base):
    """One planned creative of one campaign; `key` is unique inside it, so nothing is made twice."""

    __tablename__ = "campaign_creative"

    campaign_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    item_id: Mapped[str] = mapped_column(String(200))
    brief: Mapped[dict[str, Any]] = mapped_column(JSON)
    status: Mapped[str] = mapped_column(String(10), default="planned")  # planned made failed
    approval: Mapped[str] = mapped_column(String(10), default="none")
    error: Mapped[str | None] = mapped_column(Text, nullable=True)

    __table_args__ = (Index("ix_campaign_creative_todo", "campaign_id", "status", "position"),)
