"""Who a shopper is like, in words: a category and a price band.

Words, not a cluster number: a retrain changes no persona, so the creatives made for it are kept.
"""

from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from recsys.serving.assortment import Shelf
from recsys.types import EventKind, Item, Persona, UserHistory

_VALUE, _PREMIUM = 1 / 3, 2 / 3  # a band is a third of the category's own prices
_REMEMBERED = 200_000  # items whose place was looked up, some 150 bytes each

Place = tuple[str, float | None]  # an item's department and its price there
_UNREAD: Place = ("", None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Prices:
    """What a department's items cost, cheapest first, on one shelf; and places looked up there."""

    shelf: Shelf
    of: Mapping[str, list[float]]
    places: dict[str, Place | None] = field(default_factory=dict)


def persona_of(shelf: Shelf, history: UserHistory) -> Persona:
    """The category a shopper turns to most, and how dear what they choose there is.

    Nothing known gives the persona of everyone. Ties go to the word that comes first.
    """
    prices = _prices(shelf)
    places, item_ids = prices.places, history.item_ids
    if EventKind.DISMISS in history.kinds:
        pairs = zip(item_ids, history.kinds, strict=True)
        dismissed = {item_id for item_id, kind in pairs if kind is EventKind.DISMISS}
        item_ids = tuple([item_id for item_id in item_ids if item_id not in dismissed])
    chosen: list[Place] = []
    for item_id in item_ids:
        place = places.get(item_id, _UNREAD)
        if place is _UNREAD:
            place = _looked_up(prices, item_id)
        if place is not None:
            chosen.append(place)
    counts = Counter([department for department, _ in chosen])
    if not counts:
        return Persona()
    most = max(counts.values())
    favourite = min([name for name, count in counts.items() if count == most])
    return Persona(categories=(favourite,), price_band=_band(prices, favourite, chosen))


def _band(prices: _Prices, favourite: str, chosen: list[Place]) -> str:
    """Which third of the department's prices the chosen ones stand in, in the mean.

    Each stands at the share of prices below it, and half of those that are equal.
    """
    paid = [price for name, price in chosen if name == favourite and price is not None]
    known = prices.of.get(favourite, [])
    if not paid:
        return "any"
    places = sum([bisect_left(known, price) + bisect_right(known, price) for price in paid])
    mean = places / (2 * max(len(known), 1) * len(paid))
    if mean < _VALUE:
        return "value"
    return "premium" if mean > _PREMIUM else "mid"


def _looked_up(prices: _Prices, item_id: str) -> Place | None:
    if len(prices.places) >= _REMEMBERED:
        prices.places.clear()
    item = prices.shelf.items.get(item_id)
    found = prices.places[item_id] = None if item is None else _place(item)
    return found


def _place(item: Item) -> Place | None:
    if not item.category:
        return None
    department = item.category[1] if len(item.category) > 1 else item.category[0]
    return department, None if item.price is None else float(item.price)


# A shelf lives until the catalogue changes, and the next one's prices are mended from its own.
_last: list[_Prices] = []


def _prices(shelf: Shelf) -> _Prices:
    last = _last[0] if _last else None
    if last is not None:
        # Who still holds the shelf before it is told of prices that are a moment newer.
        if last.shelf is shelf or last.shelf.since(shelf) is not None:
            return last
        mended = _mended(last, shelf)
        if mended is not None:
            _last[:] = [mended]
            return mended
    _last[:] = [_read(shelf)]
    return _last[0]


def _read(shelf: Shelf) -> _Prices:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for item in shelf.items.values():
        place = _place(item)
        if place is not None and place[1] is not None:
            found[place[0]].append(place[1])
    return _Prices(shelf=shelf, of={name: sorted(prices) for name, prices in found.items()})


def _mended(last: _Prices, shelf: Shelf) -> _Prices | None:
    """The same for a shelf that follows from the last one; None where it does not."""
    written = shelf.since(last.shelf)
    if written is None:
        return None
    of, copied = dict(last.of), set[str]()
    places = dict(last.places)

    def own(department: str) -> list[float]:
        if department not in copied:
            copied.add(department)
            of[department] = list(of.get(department, ()))
        return of[department]

    for item_id, item in written.items():
        places.pop(item_id, None)
        earlier = last.shelf.items.get(item_id)
        before = None if earlier is None else _place(earlier)
        after = _place(item)
        if before == after:
            continue
        if before is not None and before[1] is not None:
            known = own(before[0])
            known.pop(bisect_left(known, before[1]))
        if after is not None and after[1] is not None:
            insort(own(after[0]), after[1])
    return _Prices(shelf=shelf, of=of, places=places)
