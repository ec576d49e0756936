"""The brand kit's versions [SQL]: the newest is in force, and none is ever changed or deleted.

Going back appends the older kit as a new version, so that the list says what was in force when.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from generative.branding import brand
from generative.branding.brand import BadBrandKit, BrandKit
from generative.errors import BrandConflict, UnknownBrandVersion
from generative.tables import BrandKitRow

log = logging.getLogger(__name__)

_NEWEST = "SELECT max(version) FROM brand_kit"  # asked at every pulse: the short way
_TABLE = BrandKitRow.__table__.c
_LOOKED_AT = 20  # versions that are tried for one that this release can read


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    version: int
    kit: BrandKit
    who: str
    created_at: datetime


def save(
    session: Session, kit: BrandKit, *, who: str = "", based_on: int | None = None, now: datetime
) -> Version:
    """Put a kit in force; what is in force already is not saved twice.

    Raises:
        BrandConflict: `based_on` is not the version in force any more: somebody else saved one.
    """
    known = current(session)
    if based_on is not None and based_on != newest(session):
        raise BrandConflict(based_on, newest(session))
    if known is not None and known.kit == kit:
        return known
    row = BrandKitRow(kit=brand.to_json(kit), who=who[:64], created_at=now)
    session.add(row)
    session.flush()
    return Version(version=row.version, kit=kit, who=row.who, created_at=now)


def current(reader: Session | Connection) -> Version | None:
    """The version in force; None while the configuration's kit is."""
    return next(iter(versions(reader, limit=_LOOKED_AT)), None)


def newest(reader: Session | Connection) -> int:
    plain = reader if isinstance(reader, Connection) else reader.connection()
    return plain.exec_driver_sql(_NEWEST).scalar() or 0


def refresh(reader: Session | Connection, known: Version | None) -> Version | None:
    """The version in force; the same object where that is still the one."""
    number = newest(reader)
    if number == (0 if known is None else known.version):
        return known
    return current(reader)


def versions(reader: Session | Connection, *, limit: int = 50) -> list[Version]:
    """The newest first; those of another release that this one cannot read are left out."""
    statement = select(_TABLE.version, _TABLE.kit, _TABLE.who, _TABLE.created_at)
    rows = reader.execute(statement.order_by(_TABLE.version.desc()).limit(limit))
    return [found for found in map(_version, rows) if found is not None]


def get(reader: Session | Connection, version: int) -> Version:
    """One version.

    Raises:
        UnknownBrandVersion: None has this number, or this release cannot read it.
    """
    statement = select(_TABLE.version, _TABLE.kit, _TABLE.who, _TABLE.created_at)
    row = reader.execute(statement.where(_TABLE.version == version)).one_or_none()
    found = None if row is None else _version(row)
    if found is None:
        raise UnknownBrandVersion(version)
    return found


def _version(row: Any) -> Version | None:
    try:
        kit = brand.from_json(row.kit)
    except (BadBrandKit, TypeError, ValueError) as error:
        log.warning("brand kit %d cannot be read: %s", row.version, error)
        return None
    return Version(version=row.version, kit=kit, who=row.who, created_at=row.created_at)
