"""The catalogue as it was: what a write replaces is kept, so that an older shelf can be set up again.

A version is the item's row before the write: it held from its own `revision` until, not including,
the revision `until` that replaced it. What holds now is only in `item`, so a first import writes
nothing here, and a later one copies inside the database.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    Column,
    CursorResult,
    Table,
    delete,
    insert,
    literal,
    select,
    tuple_,
)
from sqlalchemy.orm import Session

from recsys.database import Reader
from recsys.tables import Base, ItemRow, UtcDateTime

_PRUNED_AT_ONCE = 10_000
_ITEM = ItemRow.__table__.c
_NAMES = tuple(column.name for column in _ITEM)

VERSIONS = Table(
    "item_version",
    Base.metadata,
    *(
        Column(one.name, one.type, primary_key=one.name in {"item_id", "revision"},
               nullable=one.nullable, autoincrement=False)
        for one in _ITEM
    ),
    Column("until", BigInteger, nullable=False, index=True),
    Column("replaced_at", UtcDateTime, nullable=False),
)  # fmt: skip


def keep(
    session: Session, item_ids: Sequence[str], *, until: int, now: datetime | None = None
) -> None:
    """Copy these items' rows, before they are written over under the revision `until`."""
    stamp = literal(now or datetime.now(UTC), UtcDateTime())
    rows = select(*_ITEM, literal(until, BigInteger), stamp).where(_ITEM.item_id.in_(item_ids))
    session.execute(insert(VERSIONS).from_select([*_NAMES, "until", "replaced_at"], rows))


def changed_after(reader: Reader, revision: int) -> tuple[set[str], list[Any]]:
    """What has to be undone to go back to a revision.

    Returns:
        The items written after it, and the rows that those of them had which were there already.
    """
    written = select(_ITEM.item_id).where(_ITEM.revision > revision)
    before = select(*(VERSIONS.c[name] for name in _NAMES)).where(
        VERSIONS.c.until > revision, VERSIONS.c.revision <= revision
    )
    return set(reader.execute(written).scalars()), list(reader.execute(before))


def prune(session: Session, *, now: datetime, days: float) -> int:
    """Delete some of what was replaced longer ago than `days`; call again while it deletes any.

    An answer that is younger than that was made from what replaced them, or from something newer.
    """
    table = VERSIONS.c
    oldest = select(table.item_id, table.revision).order_by(table.until).limit(_PRUNED_AT_ONCE)
    statement = delete(VERSIONS).where(
        tuple_(table.item_id, table.revision).in_(oldest),
        table.replaced_at < now - timedelta(days=days),
    )
    return int(cast(CursorResult[Any], session.execute(statement)).rowcount)
