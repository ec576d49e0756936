"""The record of made creatives [SQL]. A key names its content, so a row is written once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from generative.brief import from_json, to_json
from generative.cache import as_dict, from_dict
from generative.tables import CreativeRow
from generative.truth import ITEM, digest
from generative.types import Brief, Creative

_KEYS_A_QUERY = 500


def save(
    session: Session, creative: Creative, brief: Brief, *, now: datetime | None = None
) -> bool:
    """Keep a creative with the brief it answers; False where its key was there already."""
    values = as_dict(creative)
    row = {
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
    return insert_new(session, CreativeRow, [row]) == 1


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


def insert_new(session: Session, table: type[Any], rows: Sequence[dict[str, Any]]) -> int:
    """Insert the rows whose primary key is new, in one statement; the number inserted."""
    if not rows:
        return 0
    dialect = session.get_bind().dialect.name
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(table).on_conflict_do_nothing().returning(table.key)
    return len(session.execute(statement, list(rows)).all())
