"""What the shop's pages show of an item. Values only; Jinja escapes them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from flask import url_for

from recsys.types import Item

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}
_PICTURE_SCHEMES = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    name: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """`image` is empty where there is no picture that may be shown; `letter` stands in for it."""

    item_id: str
    title: str
    href: str
    image: str = ""
    letter: str = ""
    price: str = ""
    was_price: str = ""
    reason: str = ""
    leaf: str = ""

    @property
    def look(self) -> tuple[str, str] | None:
        """What a shopper tells products apart by at a glance; None where there is no picture."""
        return (self.image, self.leaf) if self.image else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`note` says once what would otherwise stand under each of the tiles."""

    title: str
    tiles: tuple[Tile, ...]
    note: str = ""


def of_item(item: Item) -> Tile:
    tile = _tile(
        item.item_id,
        title=item.title,
        image_url=item.image_url,
        price=item.price,
        was_price=item.was_price,
        currency=item.currency,
    )
    return replace(tile, leaf="/".join(item.category))


def of_answer(answer: Mapping[str, Any], *, without: Iterable[str] = ()) -> tuple[Tile, ...]:
    """One tile for each recommended item, with its first reason; the link says which answer it was."""
    skipped = frozenset(without)
    return tuple(
        _of_entry(entry, str(answer["recommendation_id"]))
        for entry in answer["items"]
        if entry["item_id"] not in skipped
    )


def _of_entry(entry: Mapping[str, Any], recommendation_id: str) -> Tile:
    product = entry["product"]
    tile = _tile(
        entry["item_id"],
        title=product["title"],
        image_url=product["image_url"],
        price=_amount(product["price"]),
        was_price=_amount(product["was_price"]),
        currency=product["currency"],
        reason=entry["reasons"][0]["text"] if entry["reasons"] else "",
        recommendation_id=recommendation_id,
    )
    return replace(tile, leaf=product["category"])


def _tile(
    item_id: str,
    *,
    title: str,
    image_url: str,
    price: Decimal | None,
    was_price: Decimal | None,
    currency: str,
    reason: str = "",
    recommendation_id: str = "",
) -> Tile:
    reduced = price is not None and was_price is not None and was_price > price
    return Tile(
        item_id=item_id,
        title=title,
        href=item_href(item_id, recommendation_id=recommendation_id),
        image=_picture(image_url),
        letter=title[:1].upper(),
        price=money(price, currency),
        was_price=money(was_price, currency) if reduced else "",
        reason=reason,
    )


def money(amount: Decimal | None, currency: str) -> str:
    """As in €3.49; the code stands in front where the currency has no sign of its own here."""
    if amount is None:
        return ""
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{amount:,.2f}" if symbol else f"{currency} {amount:,.2f}"


def item_href(item_id: str, *, recommendation_id: str = "", after: str | None = None) -> str:
    """The item's page. An id that a path would bend (`a//b`, `../a`) travels as a parameter."""
    rid = recommendation_id or None
    if any(part in {"", ".", ".."} for part in item_id.split("/")):
        return url_for("storefront.item", item_id=None, id=item_id, rid=rid, after=after)
    return url_for("storefront.item", item_id=item_id, rid=rid, after=after)


def category_href(path: Iterable[str]) -> str:
    return url_for("storefront.category", path="/".join(path))


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _picture(url: str) -> str:
    """The address, if it is one that a page may load; anything else is no picture."""
    if url.startswith("/media/"):
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in _PICTURE_SCHEMES and parts.netloc else ""
