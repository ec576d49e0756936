"""What can be asked of an item: every property by name, and how it is read from `Item`.

None, an empty text and a number that is not finite all mean missing. Whatever is no property here
is an attribute, whose text is read as what it meets: a number, a text, a condition or a time.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from operator import attrgetter

from recsys.expressions.nodes import Kind
from recsys.types import Item

ATTRIBUTES = "attributes."
Value = float | Decimal | str | bool | None
Reader = Callable[[Item], Value]

_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?")
_SEPARATOR = re.compile(r"[|,;]")
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    kind: Kind
    about: str
    read: Reader


def reader(name: str, kind: Kind) -> Reader:
    """How `name` is read as `kind`; of a property the kind is its own."""
    known = PROPERTIES.get(name)
    if known is not None:
        return known.read
    attribute = name.removeprefix(ATTRIBUTES)
    if kind is Kind.TEXT:
        return lambda item: item.attributes.get(attribute)
    parse = cache(_PARSERS[kind])  # lives as long as one column is being made

    def read(item: Item) -> Value:
        text = item.attributes.get(attribute)
        return None if text is None else parse(text)

    return read


def moment(text: str) -> float | None:
    """Seconds since 1970 of an ISO 8601 date or time; without a zone it is UTC."""
    try:
        read = datetime.fromisoformat(text.strip())
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def words(text: str) -> frozenset[str]:
    """The set that an attribute's text stands for: split at |, comma and semicolon."""
    return frozenset(word.strip() for word in _SEPARATOR.split(text)) - {""}


def _number(text: str) -> float | None:
    stripped = text.strip()
    return float(stripped) if _NUMBER.fullmatch(stripped) else None


def _flag(text: str) -> bool | None:
    return _FLAGS.get(text.strip().lower())


_PARSERS: Mapping[Kind, Callable[[str], Value]] = {
    Kind.NUMBER: _number,
    Kind.FLAG: _flag,
    Kind.TIME: moment,
}


def _discount(item: Item) -> Value:
    if item.price is None:
        return None
    if item.was_price is None or item.was_price <= item.price:
        return 0.0
    return (item.was_price - item.price) / item.was_price


def _cost(item: Item) -> Decimal | None:
    text = item.attributes.get("cost", "").strip()
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _margin(item: Item) -> Value:
    cost = _cost(item)
    return None if cost is None or not item.price else (item.price - cost) / item.price


def _in_stock(item: Item) -> Value:
    return item.in_stock if item.item_id else None  # without an id it stands for an unknown item


def _created_at(item: Item) -> Value:
    return None if item.created_at is None else item.created_at.timestamp()


PROPERTIES: Mapping[str, Known] = {
    "item_id": Known(kind=Kind.TEXT, about="the shop's id", read=attrgetter("item_id")),
    "title": Known(kind=Kind.TEXT, about="the name it is sold under", read=attrgetter("title")),
    "brand": Known(kind=Kind.TEXT, about="the maker", read=attrgetter("brand")),
    "category": Known(
        kind=Kind.TEXT,
        about="the path, widest level first, such as Grocery/Fruit",
        read=lambda item: "/".join(item.category),
    ),
    "currency": Known(kind=Kind.TEXT, about="three letters", read=attrgetter("currency")),
    "price": Known(kind=Kind.NUMBER, about="what it costs now", read=attrgetter("price")),
    "was_price": Known(
        kind=Kind.NUMBER, about="what it cost before it was reduced", read=attrgetter("was_price")
    ),
    "discount": Known(
        kind=Kind.NUMBER,
        about="share of was_price that is saved, 0 to 1; 0 where nothing is reduced",
        read=_discount,
    ),
    "cost": Known(kind=Kind.NUMBER, about="what the shop pays: the attribute cost", read=_cost),
    "margin": Known(kind=Kind.NUMBER, about="(price - cost) / price", read=_margin),
    "stock": Known(
        kind=Kind.NUMBER,
        about="how many are left; missing where not counted",
        read=attrgetter("stock"),
    ),
    "in_stock": Known(kind=Kind.FLAG, about="stock is not counted, or above 0", read=_in_stock),
    "created_at": Known(kind=Kind.TIME, about="when it joined the shop", read=_created_at),
}
DERIVED = {"age_days": "days since created_at"}  # written out by the parser, as it needs `now`
