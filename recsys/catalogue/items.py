"""The catalogue's rows: what the shop sells, written one by one or by the feed [SQL].

Every write first increments the catalogue's revision and stamps its rows with it. The increment
locks its row until the commit, so revisions become visible in order, and a shelf that has read up
to one has missed nothing below it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from recsys.catalogue import offers, versions
from recsys.database import Reader
from recsys.errors import UnknownItem
from recsys.tables import CatalogueRevision, ItemRow, is_storable
from recsys.types import Item

_T = TypeVar("_T")
_CHUNK = 500  # rows a statement; SQLite allows 32,766 parameters, a row has 16
_PATCHABLE = frozenset({"price", "stock", "hidden"})
_COLUMNS = tuple(column.name for column in ItemRow.__table__.columns)
_UPDATED = tuple(name for name in _COLUMNS if name not in {"item_id", "created_at"})
_REVISION = "SELECT value FROM catalogue_revision"  # asked at every request: the short way


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueCounts:
    total: int
    hidden: int
    out_of_stock: int


def put(session: Session, item: Item, *, now: datetime | None = None) -> bool:
    """Write one item whole; True if it was not there before."""
    revision = next_revision(session)
    known = session.scalar(select(ItemRow.item_id).where(ItemRow.item_id == item.item_id))
    _upsert(session, [item], revision=revision, now=now)
    return known is None


def put_many(session: Session, items: Sequence[Item], *, now: datetime | None = None) -> int:
    """Write many items under one revision; of two with the same id the later counts.

    Returns:
        How many different items were written.
    """
    latest = {item.item_id: item for item in items}
    if not latest:
        return 0
    revision = next_revision(session)
    for chunk in _chunks(list(latest.values())):
        _upsert(session, chunk, revision=revision, now=now)
    return len(latest)


def patch(
    session: Session, item_id: str, changes: Mapping[str, object], *, now: datetime | None = None
) -> Item:
    """Change price, stock or hidden, and leave the rest; the values are taken as validated.

    A former price that the new one reaches is dropped: it would promise a saving that is none. So
    is one whose offer has ended, and with either the end of the offer.

    Raises:
        UnknownItem: The catalogue does not hold it.
    """
    unknown = changes.keys() - _PATCHABLE
    if unknown:
        raise ValueError(f"only price, stock and hidden can be patched, not {sorted(unknown)}")
    if not is_storable(item_id):
        raise UnknownItem(item_id)
    revision, stamp = next_revision(session), now or datetime.now(UTC)
    versions.keep(session, [item_id], until=revision)
    statement = (
        update(ItemRow)
        .where(ItemRow.item_id == item_id)
        .values(revision=revision, **changes, **_former_price(changes, stamp))
        .returning(*ItemRow.__table__.columns)
    )
    row = session.execute(statement).one_or_none()
    if row is None:
        raise UnknownItem(item_id)
    return offers.current(item_of(row), stamp)


def get(session: Session, item_id: str, *, now: datetime | None = None) -> Item | None:
    """The item as it is sold at this moment."""
    return get_many(session, [item_id], now=now).get(item_id)


def get_many(
    session: Session, item_ids: Iterable[str], *, now: datetime | None = None
) -> dict[str, Item]:
    """The known ones of `item_ids`, in the order asked for, as they are sold at this moment."""
    stamp = now or datetime.now(UTC)
    asked = [item_id for item_id in dict.fromkeys(item_ids) if is_storable(item_id)]
    found: dict[str, Item] = {}
    for chunk in _chunks(asked):
        statement = select(*ItemRow.__table__.columns).where(ItemRow.item_id.in_(chunk))
        rows = session.execute(statement)
        found |= {row.item_id: offers.current(item_of(row), stamp) for row in rows}
    return {item_id: found[item_id] for item_id in asked if item_id in found}


def count(session: Session) -> CatalogueCounts:
    total, hidden, sold_out = session.execute(
        select(
            func.count(),
            func.count().filter(ItemRow.hidden.is_(True)),
            func.count().filter(ItemRow.stock <= 0),
        ).select_from(ItemRow)
    ).one()
    return CatalogueCounts(total=total, hidden=hidden, out_of_stock=sold_out)


def categories(reader: Reader) -> dict[str, tuple[str, ...]]:
    """Every item's category path, without the rest of its row."""
    rows = reader.execute(select(ItemRow.item_id, ItemRow.category))
    return {row.item_id: tuple(row.category or ()) for row in rows}


def prices(reader: Reader) -> dict[str, float]:
    """Every item's price, without the rest of its row; what has none is left out."""
    price = price_at(datetime.now(UTC))
    rows = reader.execute(select(ItemRow.item_id, price).where(price.is_not(None)))
    return {item_id: float(amount) for item_id, amount in rows}


def price_at(now: datetime) -> ColumnElement[Any]:
    """In a query, what an item costs at a moment: as `offers.current` says it of a value."""
    return case((ItemRow.offer_until <= now, ItemRow.was_price), else_=ItemRow.price)


def changed_since(reader: Reader, revision: int) -> tuple[int, list[Item]]:
    """The catalogue's revision now, and every item written after `revision`, as it was written."""
    # The number is read before the rows: a writer that commits in between is read twice, not missed.
    plain = reader if isinstance(reader, Connection) else reader.connection()
    current = plain.exec_driver_sql(_REVISION).scalar() or 0
    if current <= revision:
        return current, []
    statement = select(*ItemRow.__table__.columns).where(ItemRow.revision > revision)
    rows = reader.execute(statement.execution_options(yield_per=2_000))
    return current, [item_of(row) for row in rows]


def _former_price(changes: Mapping[str, object], now: datetime) -> dict[str, Any]:
    if "price" not in changes:
        return {}
    if changes["price"] is None:
        return {"was_price": None, "offer_until": None}
    holds = or_(ItemRow.offer_until.is_(None), ItemRow.offer_until > now)
    kept = and_(holds, ItemRow.was_price > changes["price"])
    return {
        "was_price": case((kept, ItemRow.was_price)),
        "offer_until": case((kept, ItemRow.offer_until)),
    }


def next_revision(session: Session) -> int:
    """Move the catalogue's counter on; its lock is held until the commit."""
    insert = _insert(session)(CatalogueRevision).values(id=1, value=1)
    statement = insert.on_conflict_do_update(
        index_elements=["id"], set_={"value": CatalogueRevision.value + 1}
    ).returning(CatalogueRevision.value)
    return int(session.execute(statement).scalar_one())


def _upsert(
    session: Session, items: Sequence[Item], *, revision: int, now: datetime | None
) -> None:
    stamp = now or datetime.now(UTC)
    versions.keep(session, [item.item_id for item in items], until=revision, now=stamp)
    dated = [item for item in items if item.created_at is not None]
    undated = [item for item in items if item.created_at is None]
    for group, columns in ((dated, (*_UPDATED, "created_at")), (undated, _UPDATED)):
        if not group:
            continue
        insert = _insert(session)(ItemRow)
        statement = insert.on_conflict_do_update(
            index_elements=["item_id"], set_={name: insert.excluded[name] for name in columns}
        )
        session.execute(statement, [_values(item, revision, stamp) for item in group])


def _insert(session: Session) -> Any:
    dialect = session.get_bind().dialect.name
    return postgresql.insert if dialect == "postgresql" else sqlite.insert


def _values(item: Item, revision: int, stamp: datetime) -> dict[str, object]:
    return {
        "item_id": item.item_id,
        "title": item.title,
        "description": item.description,
        "category": list(item.category),
        "brand": item.brand,
        "price": item.price,
        "was_price": item.was_price,
        "currency": item.currency,
        "image_url": item.image_url,
        "url": item.url,
        "stock": item.stock,
        "hidden": item.hidden,
        "attributes": dict(item.attributes),
        "created_at": item.created_at or stamp,
        "offer_until": item.offer_until,
        "revision": revision,
    }


def item_of(row: Any) -> Item:
    """The value of a row of `item`, or of one that has the same columns."""
    return Item(
        item_id=row.item_id,
        title=row.title,
        description=row.description,
        category=tuple(row.category),
        brand=row.brand,
        price=row.price,
        was_price=row.was_price,
        currency=row.currency,
        image_url=row.image_url,
        url=row.url,
        stock=row.stock,
        hidden=row.hidden,
        attributes=row.attributes,
        created_at=row.created_at,
        offer_until=row.offer_until,
    )


def _chunks(values: Sequence[_T]) -> Iterable[Sequence[_T]]:
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))
