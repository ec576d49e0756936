"""Which slate a deed is owed to: the one it names, else the last that the shopper could have followed.

    S slates   I impressions (a shown item)   E deeds

1. A deed that names a slate (`recommendation_id`; GA4's `item_list_id` and Segment's `list_id` are
   read as such) is owed to it, if the slate held the item and is not too old.
2. Else to the last slate in which the item was shown to this shopper: for a click within half an
   hour, for a purchase within a week (`Rule`). Carts and purchases go rather to a slate whose item
   was clicked than to one that only showed it.
3. Else to none.

Each deed is owed to one impression at most, and with it to a position, a creative and a strategy.
To be owed is not to be caused: `report` sets both side by side.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.types import EventKind

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NOBODY = NOTHING = -1
_KINDS = tuple(EventKind)
CLICK, CART, PURCHASE = (
    _KINDS.index(kind) for kind in (EventKind.VIEW, EventKind.CART, EventKind.PURCHASE)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How long after a slate a deed may still be owed to it, in seconds."""

    click_seconds: float = 30 * 60
    cart_seconds: float = 24 * 3600
    purchase_seconds: float = 7 * 24 * 3600
    named_seconds: float = 30 * 24 * 3600  # where the deed names the slate
    skew_seconds: float = 300.0  # a client's clock may lag: a named slate may seem to come later
    clicked_first: bool = True

    def windows(self) -> Floats:
        """By kind of deed, as `EventKind` orders them; likes and dismissals are as clicks."""
        found = np.full(len(_KINDS), self.click_seconds)
        found[CART], found[PURCHASE] = self.cart_seconds, self.purchase_seconds
        return found


USUAL = Rule()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Impressions as columns; `at` and `users` are their slate's, a user of -1 is unknown."""

    slates: Ints  # (I,)
    items: Ints
    users: Ints
    at: Floats  # seconds since the epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Deeds:
    """Deeds as columns, in any order; `slates` is the one a deed names, or -1."""

    users: Ints  # (E,)
    items: Ints
    kinds: Ints  # of tuple(EventKind)
    at: Floats
    slates: Ints

    def where(self, keep: NDArray[np.bool_]) -> "Deeds":
        return Deeds(
            users=self.users[keep],
            items=self.items[keep],
            kinds=self.kinds[keep],
            at=self.at[keep],
            slates=self.slates[keep],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """For each deed the impression it is owed to, or -1; and whether the deed named it."""

    impressions: Ints  # (E,)
    named: NDArray[np.bool_]

    def counts(self, kinds: Ints, kind: int, n_impressions: int) -> Ints:
        """How many deeds of a kind each impression is owed (I,)."""
        owed = self.impressions[(kinds == kind) & (self.impressions >= 0)]
        return np.bincount(owed, minlength=n_impressions).astype(np.int64)


def credit(shown: Shown, deeds: Deeds, rule: Rule) -> Credit:
    """Owe each deed to one impression at most, all at once."""
    found = _named(shown, deeds, rule)
    named = found >= 0
    windows = rule.windows()[deeds.kinds]
    clicks = ~np.isin(deeds.kinds, (CART, PURCHASE))
    touches = _Touches(users=shown.users, items=shown.items, at=shown.at, rows=_rows(shown.at))
    _fill(found, touches, deeds, windows, ~named & clicks)
    if rule.clicked_first:
        # A click says who it was even where the slate did not know.
        by = np.flatnonzero((deeds.kinds == CLICK) & (found >= 0))
        clicked = _Touches(
            users=deeds.users[by], items=deeds.items[by], at=deeds.at[by], rows=found[by]
        )
        _fill(found, clicked, deeds, windows, ~named & ~clicks)
    _fill(found, touches, deeds, windows, ~clicks & (found < 0))
    return Credit(impressions=found, named=named)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Touches:
    """What a deed may be owed to: who met which item when, and in which impression."""

    users: Ints  # (T,)
    items: Ints
    at: Floats
    rows: Ints

    def where(self, keep: NDArray[np.bool_]) -> "_Touches":
        return _Touches(
            users=self.users[keep], items=self.items[keep], at=self.at[keep], rows=self.rows[keep]
        )


def _named(shown: Shown, deeds: Deeds, rule: Rule) -> Ints:
    """(E,) the impression of the deed's item in the slate that it names."""
    found = np.full(len(deeds.at), NOTHING, np.int64)
    asking = np.flatnonzero(deeds.slates >= 0)
    if not len(asking) or not len(shown.at):
        return found
    width = _width(shown.items, deeds.items)
    keys = shown.slates * width + shown.items  # (I,)
    order = np.argsort(keys, kind="stable")
    wanted = deeds.slates[asking] * width + deeds.items[asking]
    places = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(order) - 1)
    rows = order[places]
    age = deeds.at[asking] - shown.at[rows]
    holds = (keys[rows] == wanted) & (age >= -rule.skew_seconds) & (age <= rule.named_seconds)
    found[asking[holds]] = rows[holds]
    return found


def _fill(
    found: Ints, touches: _Touches, deeds: Deeds, windows: Floats, asking: NDArray[np.bool_]
) -> None:
    """Write the last touch before each asking deed into `found`, where it is within the window."""
    rows = np.flatnonzero(asking & (found < 0) & (deeds.users >= 0))
    if not len(rows) or not len(touches.at):
        return
    width = _width(touches.items, deeds.items)
    wanted = deeds.users[rows] * width + deeds.items[rows]
    # Most of what is shown is never touched: only pairs that a deed asks for are sorted.
    asked = np.unique(wanted)
    pairs = touches.users * width + touches.items
    places = np.minimum(np.searchsorted(asked, pairs), len(asked) - 1)
    kept = (asked[places] == pairs) & (touches.users >= 0)
    touches, pairs = touches.where(kept), pairs[kept]
    n = len(pairs)
    both = np.concatenate([pairs, wanted])
    at = np.concatenate([touches.at, deeds.at[rows]])
    is_deed = np.arange(len(both)) >= n
    order = np.lexsort((is_deed, at, both))  # at the same moment the slate comes first
    last = np.maximum.accumulate(np.where(is_deed[order], -1, np.arange(len(both))))
    mine = np.flatnonzero(is_deed[order] & (last >= 0))
    touch, deed = order[last[mine]], order[mine]
    holds = (both[touch] == both[deed]) & (at[deed] - at[touch] <= windows[rows[deed - n]])
    found[rows[deed[holds] - n]] = touches.rows[touch[holds]]


def _width(shown: Ints, done: Ints) -> int:
    return int(max(shown.max(initial=0), done.max(initial=0))) + 1


def _rows(values: Floats) -> Ints:
    return np.arange(len(values), dtype=np.int64)
