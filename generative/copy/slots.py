"""Prices and savings as slots: a text says `{price}`, and the shop's own facts say how much.

No model writes an amount of money. What it may write is one of three names in braces, filled when
the words are printed, so that a new price changes the picture and never the copy.
"""

import re
from decimal import Decimal

from generative.brief import language
from generative.types import ItemFacts

SLOTS = ("price", "was", "saving")
_SLOT = re.compile(r"\{([a-z]+)\}")
_PRICE = re.compile(r"\d{1,7}(?:\.\d{1,2})?")
_SYMBOLS = {
    "EUR": "€",
    "USD": "$",
    "GBP": "£",
    "JPY": "¥",
    "CNY": "¥",
    "INR": "₹",
    "ILS": "₪",
    "KRW": "₩",
}
_WHOLE = frozenset({"JPY", "KRW"})  # money without a hundredth part
_COMMA = frozenset({"de", "fr", "es"})  # "3,49 €"
_LEAST_SAVING = 5  # percent: less is no news
_HOLD = "\u00a0"  # a no-break space


def fill(text: str, item: ItemFacts, locale: str = "en") -> str:
    """The text with its slots filled; one that cannot be filled is left, and `unfilled` names it."""
    values = amounts(item, locale)
    return _SLOT.sub(lambda found: values.get(found[1]) or found[0], text)


def unfilled(text: str, item: ItemFacts) -> str:
    """The problem of a text whose slots have nothing to say; "" where all can be filled."""
    values = amounts(item, "en")
    for name in _SLOT.findall(text):
        if name not in SLOTS:
            return f"unknown slot {{{name}}}"
        if not values[name]:
            return f"slot {{{name}}} has no amount"
    return ""


def amounts(item: ItemFacts, locale: str) -> dict[str, str]:
    """What each slot says of an item, "" nothing: `was` and `saving` only of a price that fell."""
    price, was = _amount(item.price), _amount(item.was_price)
    fell = price is not None and was is not None and was > price
    return {
        "price": printed(item.price, item.currency, locale),
        "was": printed(item.was_price, item.currency, locale) if fell else "",
        "saving": _saving(price, was, locale) if fell else "",
    }


def printed(price: str | None, currency: str, locale: str = "en") -> str:
    """A price with its currency as the language writes it; empty where it is no price."""
    amount = _amount(price)
    if amount is None:
        return ""
    shown = str(price)
    if currency in _WHOLE:
        shown = f"{amount:,.0f}"
    elif "." in shown:
        shown = f"{amount:.2f}"
    symbol = _SYMBOLS.get(currency)
    if language(locale) in _COMMA:
        return f"{shown.replace('.', ',')}{_HOLD}{symbol or currency[:3]}"
    return f"{symbol}{shown}" if symbol else f"{shown}{_HOLD}{currency[:3]}"


def _saving(price: Decimal | None, was: Decimal | None, locale: str) -> str:
    """The saving rounded down, so that no shop says more than it gives."""
    if price is None or not was:
        return ""
    percent = int((was - price) * 100 / was)
    if not _LEAST_SAVING <= percent < 100:  # noqa: PLR2004 all of it
        return ""
    return f"-{percent}{_HOLD}%" if language(locale) in _COMMA else f"-{percent}%"


def _amount(price: str | None) -> Decimal | None:
    return Decimal(price) if price is not None and _PRICE.fullmatch(price) else None
