"""The record of made creatives [SQL].

A key names its content, so a row is written once; only where the bytes of a product's photo changed
behind its address, which no key can see, is a row written over.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from generative.brief import from_json, to_json
from generative.cache import as_dict, from_dict
from generative.picture.source import MEDIA
from generative.tables import CreativeRow
from generative.truth import ITEM, digest
from generative.types import Brief, Creative, State

_KEYS_A_QUERY = 500


class Photographed(NamedTuple):
    """Whose photo a creative shows, and the hash of the bytes that it had."""

    key: str
    item_id: str
    image_url: str
    photo_sha256: str


def save(
    session: Session, creative: Creative, brief: Brief, *, now: datetime | None = None
) -> bool:
    """Keep a creative with the brief it answers; False where its key was there already."""
    return insert_new(session, CreativeRow, [_row(creative, brief, now)]) == 1


def write_over(
    session: Session, creative: Creative, brief: Brief, *, now: datetime | None = None
) -> None:
    """Keep a creative in the place of the one that had its key."""
    session.merge(CreativeRow(**_row(creative, brief, now)))
    session.flush()


def photographed(session: Session, *, after: str, limit: int) -> list[Photographed]:
    """Ready creatives with a photo of the shop's own folders, in the order of their keys."""
    address = CreativeRow.brief["item"]["image_url"].as_string()
    photo = CreativeRow.audit["photo_sha256"].as_string()
    rows = session.execute(
        select(CreativeRow.key, CreativeRow.item_id, address, photo)
        .where(CreativeRow.key > after, CreativeRow.state == State.READY.value)
        .where(photo != "", address.like(f"{MEDIA}%"))
        .order_by(CreativeRow.key)
        .limit(limit)
    )
    return [Photographed(*row) for row in rows]


def get(session: Session, key: str) -> Creative | None:
    row = session.get(CreativeRow, key)
    return None if row is None else creative_of(row)


def brief_of(session: Session, key: str) -> Brief | None:
    """What a creative was asked with."""
    kept = session.scalar(select(CreativeRow.brief).where(CreativeRow.key == key))
    return None if kept is None else from_json(kept)


def get_many(session: Session, keys: Sequence[str]) -> dict[str, Creative]:
    found: dict[str, Creative] = {}
    for start in range(0, len(keys), _KEYS_A_QUERY):
        part = keys[start : start + _KEYS_A_QUERY]
        rows = session.scalars(select(CreativeRow).where(CreativeRow.key.in_(part)))
        found.update((row.key, creative_of(row)) for row in rows)
    return found


def creative_of(row: CreativeRow) -> Creative:
    found = from_dict(
        {
            "key": row.key,
            "item_id": row.item_id,
            "size": row.size,
            "state": row.state,
            "copy": row.copy,
            "banner": row.banner,
            "provenance": {ITEM: digest(from_json(row.brief).item), **row.provenance},
            "checks": row.checks,
        }
    )
    return replace(found, proofs=tuple(row.proofs or ()), audit=row.audit or {})


def _row(creative: Creative, brief: Brief, now: datetime | None) -> dict[str, Any]:
    values = as_dict(creative)
    return {
        "key": creative.key,
        "item_id": creative.item_id,
        "size": creative.size,
        "state": creative.state.value,
        "brief": to_json(brief),
        "copy": values["copy"],
        "banner": values["banner"],
        "provenance": values["provenance"],
        "checks": values["checks"],
        "proofs": [dict(proof) for proof in creative.proofs],
        "audit": dict(creative.audit),
        "created_at": now or datetime.now(UTC),
    }


def insert_new(session: Session, table: type[Any], rows: Sequence[dict[str, Any]]) -> int:
    """Insert the rows whose primary key is new, in one statement; the number inserted."""
    if not rows:
        return 0
    dialect = session.get_bind().dialect.name
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(table).on_conflict_do_nothing().returning(table.key)
    return len(session.execute(statement, list(rows)).all())
