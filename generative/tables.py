"""The rows this domain owns: creatives and their words, brand kits, providers, looks, campaigns [SQL]."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, DateTime, Float, Index, Integer, MetaData, String, Text, true
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
    """One made creative. The key hashes all that shaped it but a photo's bytes: see `creatives.write_over`."""

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
    proofs: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON, nullable=True)
    audit: Mapped[dict[str, Any] | None] = mapped_column(JSON, nullable=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class WordsRow(Base):
    """Copy that passed its checks, under `brief.copy_key`: a new price needs a new picture, not new words."""

    __tablename__ = "creative_words"

    copy_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    item_id: Mapped[str] = mapped_column(String(200), index=True)
    words: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class BrandKitRow(Base):
    """Every version of the brand kit; the newest is in force, and none is ever changed."""

    __tablename__ = "brand_kit"

    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    kit: Mapped[dict[str, Any]] = mapped_column(JSON)
    who: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ProviderRow(Base):
    """A provider's switch: off means that nothing asks it, whatever the configuration says."""

    __tablename__ = "creative_provider"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    enabled: Mapped[bool] = mapped_column(Boolean, default=True, server_default=true())
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ProviderDayRow(Base):
    """What a provider did on one day (UTC). `spent` is in the unit of the budget."""

    __tablename__ = "creative_provider_day"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)  # YYYY-MM-DD
    calls: Mapped[int] = mapped_column(Integer, default=0)
    failures: Mapped[int] = mapped_column(Integer, default=0)
    candidates: Mapped[int] = mapped_column(Integer, default=0)
    accepted: Mapped[int] = mapped_column(Integer, default=0)
    seconds: Mapped[float] = mapped_column(Float, default=0.0)
    spent: Mapped[float] = mapped_column(Float, default=0.0)


class VariantRow(Base):
    """Whether a look may be shown in a size at all; a marketer's word, and never a count's."""

    __tablename__ = "creative_variant"

    size: Mapped[str] = mapped_column(String(20), primary_key=True)
    variant: Mapped[str] = mapped_column(String(40), primary_key=True)
    approval: Mapped[str] = mapped_column(String(10))
    who: Mapped[str] = mapped_column(String(64), default="")
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class VariantResultRow(Base):
    """Slates that wore a look, and those that were clicked; old ones count less and less."""

    __tablename__ = "creative_variant_result"

    size: Mapped[str] = mapped_column(String(20), primary_key=True)
    persona: Mapped[str] = mapped_column(String(200), primary_key=True)
    variant: Mapped[str] = mapped_column(String(40), primary_key=True)
    shown: Mapped[float] = mapped_column(Float, default=0.0)
    clicked: Mapped[float] = mapped_column(Float, default=0.0)


class VariantTableRow(Base):
    """How likely each look is drawn: one row, written anew whenever something was counted or decided."""

    __tablename__ = "creative_variant_table"

    name: Mapped[str] = mapped_column(String(10), primary_key=True)
    revision: Mapped[int] = mapped_column(Integer)
    chances: Mapped[dict[str, Any]] = mapped_column(JSON)
    counted_until: Mapped[datetime] = mapped_column(UtcDateTime)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


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

    __table_args__ = (
        Index("ix_campaign_creative_todo", "campaign_id", "status", "position"),
        Index("ix_campaign_creative_key", "key"),  # was it turned down anywhere?
    )
