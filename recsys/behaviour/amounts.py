"""What was paid for one piece, as a shop or an analytics tool says it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from recsys.errors import InvalidEvent

LARGEST = Decimal("9999999999.9999")
_SMALLEST = Decimal("0.0001")  # a share of an order's discount leaves fractions of a cent
_CURRENCY = re.compile(r"[A-Za-z]{3}")


@dataclass(frozen=True, slots=True)
class Paid:
    """A price of one piece; without a currency it is in the item's own."""

    price: Decimal | None = None
    currency: str | None = None


NOT_SAID = Paid()


def paid(price: object, currency: object) -> Paid:
    """What these two fields say.

    Raises:
        InvalidEvent: One of them cannot be read.
    """
    if price is None:
        return NOT_SAID
    return Paid(_amount(price), _currency(currency))


def paid_abroad(layers: Sequence[Mapping[str, object]]) -> Paid:
    """As another system says it, from the inside out: an order outweighs a price that cannot be read."""
    said = [next((one[name] for one in layers if name in one), None) for name in _NAMES]
    try:
        return paid(*said)
    except InvalidEvent:
        return NOT_SAID


_NAMES = ("price", "currency")


def _amount(value: object) -> Decimal:
    message = f"must be an amount from 0 to {LARGEST}, with a dot"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidEvent("price", message)
    try:
        amount = Decimal(str(value))
    except (InvalidOperation, ValueError):
        raise InvalidEvent("price", message) from None
    if not amount.is_finite() or not 0 <= amount <= LARGEST:
        raise InvalidEvent("price", message)
    return amount.quantize(_SMALLEST, ROUND_HALF_UP)


def _currency(value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise InvalidEvent("currency", "must be three letters, such as EUR")
    return value.upper()
