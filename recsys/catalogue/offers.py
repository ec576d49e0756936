"""Offers end by the clock: from that moment on an item costs what it did before, whoever reads it.

The row stays as the shop wrote it. Nothing has to be written, or run, for an offer to end.
"""

from dataclasses import replace
from datetime import UTC, datetime

from recsys.types import Item


def current(item: Item, now: datetime) -> Item:
    """The item as it is sold at this moment; the same one while its offer holds or it has none."""
    if item.offer_until is None or now < item.offer_until:
        return item
    return replace(item, price=item.was_price, was_price=None, offer_until=None)


def at(seconds: float) -> datetime:
    """A moment from seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC)
