"""Who a shopper is like, in words: a category and a price band.

Words, not a cluster number: a retrain changes no persona, so the creatives made for it are kept.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import lru_cache

from recsys.serving.rules import Shelf
from recsys.types import EventKind, Item, Persona, UserHistory

_VALUE, _PREMIUM = 1 / 3, 2 / 3  # a band is a third of the category's own prices

Prices = Mapping[str, list[float]]


def persona_of(shelf: Shelf, history: UserHistory) -> Persona:
    """The category a shopper turns to most, and how dear what they choose there is.

    Nothing known gives the persona of everyone. Ties go to the word that comes first.
    """
    dismissed = {i for i, k in zip(history.item_ids, history.kinds, strict=True) if _no(k)}
    met = [shelf.items.get(item_id) for item_id in history.item_ids if item_id not in dismissed]
    chosen = [(_department(item), item.price) for item in met if item is not None and item.category]
    counts = Counter([department for department, _ in chosen])
    if not counts:
        return Persona()
    favourite = min(counts, key=lambda name: (-counts[name], name))
    prices = _prices(shelf).get(favourite, [])
    shares = [
        _share_below(prices, float(price))
        for department, price in chosen
        if department == favourite and price is not None
    ]
    return Persona(categories=(favourite,), price_band=_band(shares))


def _no(kind: EventKind) -> bool:
    return kind is EventKind.DISMISS


def _department(item: Item) -> str:
    return item.category[1] if len(item.category) > 1 else item.category[0]


def _band(shares: list[float]) -> str:
    if not shares:
        return "any"
    mean = sum(shares) / len(shares)
    if mean < _VALUE:
        return "value"
    return "premium" if mean > _PREMIUM else "mid"


def _share_below(prices: list[float], price: float) -> float:
    """Where a price stands among its category's, 0 to 1; equal prices stand in the middle."""
    return (bisect_left(prices, price) + bisect_right(prices, price)) / (2 * max(len(prices), 1))


@lru_cache(maxsize=2)  # a shelf lives until the catalogue changes; the last one may still be in use
def _prices(shelf: Shelf) -> Prices:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for item in shelf.items.values():
        if item.price is not None and item.category:
            found[_department(item)].append(float(item.price))
    return {name: sorted(prices) for name, prices in found.items()}
