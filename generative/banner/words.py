"""The words of a banner: copy as checked, prices as the shop's facts give them."""

import re
from dataclasses import dataclass

from generative.copy.audience import eyebrow
from generative.types import Brief, Copy

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹"}
_PRICE = re.compile(r"\d{1,7}(?:\.\d{1,2})?")
_AMOUNT = re.compile(r"(?<=\b\d) (?=[a-zA-Z]{1,3}\b)|(?<=\b\d\d) (?=[a-zA-Z]{1,3}\b)")  # "10 lb"
MAX_BRAND = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    brand: str
    eyebrow: str
    headline: str
    tagline: str
    price: str
    was: str
    action: str


def words(brief: Brief, copy: Copy, brand_name: str) -> Words:
    item = brief.item
    price = printed(item.price, item.currency)
    reduced = (
        price and _valid(item.was_price) and float(item.was_price or 0) > float(item.price or 0)
    )
    return Words(
        brand=brand_name[:MAX_BRAND],
        eyebrow=eyebrow(brief),
        headline=_AMOUNT.sub("\u00a0", copy.headline),
        tagline=copy.tagline,
        price=price,
        was=printed(item.was_price, item.currency) if reduced else "",
        action=copy.action,
    )


def printed(price: str | None, currency: str) -> str:
    """A price with its currency; empty where it is no price."""
    if not _valid(price):
        return ""
    shown = f"{float(price or 0):.2f}" if "." in str(price) else str(price)
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{shown}" if symbol else f"{shown} {currency[:3]}"


def _valid(price: str | None) -> bool:
    return price is not None and _PRICE.fullmatch(price) is not None
