"""What the items' words mean, as vectors kept beside the items [SQL].

A row holds one item's vector, of one encoder. The worker writes it, training and the web read it:
nobody encodes a text twice, and the web needs no encoder. A new vector moves the catalogue's
revision on, so that every process notices it the way it notices a new price.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from recsys.catalogue import items
from recsys.database import Reader
from recsys.tables import ItemRow, ItemTextRow, is_storable

LONGEST = 4_000  # characters of a text that are read: a first page says what a thing is

_CHUNK = 500
_BYTES = 2  # a number is kept as float16: cosines change by less than 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemVectors:
    """Vectors (n, T) of the items that have one; unit rows, or zeros where there is no word."""

    encoder: str
    item_ids: tuple[str, ...]
    vectors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.item_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An item whose kept vector is missing or older than the item."""

    item_id: str
    text: str
    revision: int
    known: bool  # its words are those of the kept vector: only something else was written

    @property
    def sha256(self) -> str:
        return _sha256(self.text)


def words_of(
    *,
    title: str,
    brand: str = "",
    category: Sequence[str] = (),
    attributes: Mapping[str, str] | None = None,
    description: str = "",
) -> str:
    """What an encoder reads of an item: what says most comes first, for the end is cut off."""
    facts = [f"{name} {value}" for name, value in sorted((attributes or {}).items())]
    parts = (title, brand, " ".join(category), ", ".join(facts), description)
    return ". ".join(part[:LONGEST].strip() for part in parts if part.strip())[:LONGEST]


def pending(
    reader: Reader, encoder: str, width: int, *, limit: int, item_ids: Sequence[str] | None = None
) -> list[Pending]:
    """Items that need a vector of this encoder, what was written last first."""
    kept = ItemTextRow
    stale = or_(
        kept.item_id.is_(None),
        kept.encoder != encoder,
        kept.revision < ItemRow.revision,
        func.length(kept.vector) != _BYTES * width,
    )
    columns = (
        *(ItemRow.item_id, ItemRow.title, ItemRow.brand, ItemRow.category, ItemRow.attributes),
        *(ItemRow.description, ItemRow.revision, kept.sha256, kept.encoder),
        func.length(kept.vector).label("size"),
    )
    statement = (
        select(*columns)
        .outerjoin(kept, kept.item_id == ItemRow.item_id)
        .where(stale)
        .order_by(ItemRow.revision.desc(), ItemRow.item_id)
        .limit(limit)
    )
    if item_ids is not None:
        asked = [item_id for item_id in item_ids if is_storable(item_id)]
        statement = statement.where(ItemRow.item_id.in_(asked))
    found = []
    for row in reader.execute(statement):
        text = words_of(
            title=row.title,
            brand=row.brand,
            category=row.category,
            attributes=row.attributes,
            description=row.description,
        )
        same = (row.encoder, row.size, row.sha256) == (encoder, _BYTES * width, _sha256(text))
        found.append(Pending(item_id=row.item_id, text=text, revision=row.revision, known=same))
    return found


def save(
    session: Session, encoder: str, done: Sequence[Pending], vectors: NDArray[np.float32]
) -> int:
    """Keep the vectors (n, T) of `done`; an item written meanwhile is left for the next time.

    Returns:
        How many rows were written.
    """
    if not done:
        return 0
    # Taken first, and held until the commit: no item can be written between the look and the row.
    revision = items.next_revision(session)
    now = _revisions(session, [one.item_id for one in done])
    rows = [
        {
            "item_id": one.item_id,
            "encoder": encoder,
            "sha256": one.sha256,
            "revision": revision,
            "vector": vector.astype("<f2").tobytes(),
        }
        for one, vector in zip(done, vectors, strict=True)
        if now.get(one.item_id) == one.revision
    ]
    if rows:
        insert = _insert(session)(ItemTextRow)
        columns = ("encoder", "sha256", "revision", "vector")
        session.execute(
            insert.on_conflict_do_update(
                index_elements=["item_id"], set_={name: insert.excluded[name] for name in columns}
            ),
            rows,
        )
    return len(rows)


def confirm(session: Session, done: Sequence[Pending]) -> None:
    """Note that these items' words are unchanged: their vectors stay as they are."""
    for one in done:
        session.execute(
            update(ItemTextRow)
            .where(ItemTextRow.item_id == one.item_id)
            .values(revision=one.revision)
        )


def latest(reader: Reader) -> int:
    """The revision of the newest vector, 0 where there is none."""
    return int(reader.scalar(select(func.max(ItemTextRow.revision))) or 0)


def read(
    reader: Reader, encoder: str, width: int, item_ids: Iterable[str] | None = None
) -> ItemVectors:
    """The vectors of this encoder, of these items or of all; an unreadable one is left out."""
    columns = (ItemTextRow.item_id, ItemTextRow.vector)
    statement = select(*columns).where(ItemTextRow.encoder == encoder)
    statement = statement.order_by(ItemTextRow.item_id)
    if item_ids is None:
        rows: list[Any] = list(reader.execute(statement))
    else:
        asked = sorted({item_id for item_id in item_ids if is_storable(item_id)})
        rows = [
            row
            for start in range(0, len(asked), _CHUNK)
            for row in reader.execute(
                statement.where(ItemTextRow.item_id.in_(asked[start : start + _CHUNK]))
            )
        ]
    good = [row for row in rows if len(row.vector) == _BYTES * width]
    joined = b"".join(row.vector for row in good)
    vectors = np.frombuffer(joined, "<f2").reshape(len(good), width).astype(np.float32)
    whole = np.asarray(np.isfinite(vectors).all(axis=1))
    return ItemVectors(
        encoder=encoder,
        item_ids=tuple(row.item_id for row, ok in zip(good, whole, strict=True) if ok),
        vectors=vectors[whole],
    )


def unreadable(reader: Reader, encoder: str, width: int) -> list[str]:
    """Ids of the vectors that hold what is no number, or have another width."""
    statement = select(ItemTextRow.item_id).where(ItemTextRow.encoder == encoder)
    kept = set(reader.execute(statement).scalars())
    return sorted(kept.difference(read(reader, encoder, width).item_ids))


def forget(session: Session, item_ids: Sequence[str]) -> None:
    """Drop these vectors: they will be made again."""
    for start in range(0, len(item_ids), _CHUNK):
        chunk = item_ids[start : start + _CHUNK]
        session.execute(delete(ItemTextRow).where(ItemTextRow.item_id.in_(chunk)))


def _revisions(session: Session, item_ids: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(item_ids), _CHUNK):
        chunk = item_ids[start : start + _CHUNK]
        statement = select(ItemRow.item_id, ItemRow.revision).where(ItemRow.item_id.in_(chunk))
        found |= {row.item_id: row.revision for row in session.execute(statement)}
    return found


def _insert(session: Session) -> Any:
    dialect = session.get_bind().dialect.name
    return postgresql.insert if dialect == "postgresql" else sqlite.insert


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
