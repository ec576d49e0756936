"""True reasons: what the shopper did that, left out of the model's input, costs an item most.

A reason is therefore checkable: remove the named item from the history and the score falls. The
score is the whole one, of all branches.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.models.histories import STRENGTH
from recsys.serving.assortment import Assortment
from recsys.serving.shopper import Shopper
from recsys.types import EventKind, Item, Reason, UserHistory

_STRENGTH = {kind: number for number, kind in enumerate((EventKind.DISMISS, *STRENGTH))}
_LEAST_FALL = 1e-5  # below this a difference is float32 rounding, not a reason
_VERBS = {
    EventKind.PURCHASE: "bought",
    EventKind.CART: "added",
    EventKind.LIKE: "liked",
    EventKind.VIEW: "viewed",
}


def causes(assortment: Assortment, shopper: Shopper, places: NDArray[np.int64]) -> list[str | None]:
    """For each place the past item whose removal lowers its score most, if any does."""
    scores = assortment.vectors(places) @ shopper.queries.T  # (k, 1 + n)
    if shopper.lent is not None:
        known = places < assortment.n_known
        scores[known] += shopper.lent.at(places[known])
    return _greatest_falls(shopper, scores)


def _greatest_falls(shopper: Shopper, scores: NDArray[np.float32]) -> list[str | None]:
    if not shopper.left_out:
        return [None] * len(scores)
    falls = scores[:, :1] - scores[:, 1:]  # (k, n)
    best = falls.argmax(axis=1)
    enough = falls[np.arange(len(falls)), best] > _LEAST_FALL
    pairs = zip(best.tolist(), enough.tolist(), strict=True)
    return [shopper.left_out[n] if ok else None for n, ok in pairs]


def strongest_deeds(history: UserHistory) -> dict[str, EventKind]:
    """The most telling thing done with each item of a history; what was dismissed is not there."""
    found: dict[str, EventKind] = {}
    for item_id, kind in zip(history.item_ids, history.kinds, strict=True):
        other = found.setdefault(item_id, kind)
        if other is not kind and _STRENGTH[kind] > _STRENGTH[other]:
            found[item_id] = kind
    for item_id in history.dismissed:
        found.pop(item_id, None)  # it may have been dismissed long before these deeds
    return found


def because(item: Item, deed: EventKind) -> Reason:
    verb = _VERBS[deed]
    return Reason(
        kind=f"because_{verb}", item_id=item.item_id, text=f"Because you {verb} {item.title}"
    )


def again(item_id: str, deed: EventKind) -> Reason:
    """The item itself is in the history: say so, rather than name it as its own cause."""
    kind = "buy_again" if deed is EventKind.PURCHASE else "look_again"
    return Reason(kind=kind, item_id=item_id, text=f"You {_VERBS[deed]} this before")
