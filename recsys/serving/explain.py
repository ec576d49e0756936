"""True reasons: what the shopper did that, left out of the model's input, costs an item most.

A reason is therefore checkable: remove the named item from the history and the score falls.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.learning.bundle import ModelBundle
from recsys.models.encoder import user_vectors
from recsys.types import EventKind, Item, Reason, UserHistory

N_LEFT_OUT = 20  # only the newest deeds are tried: enough to find one, and bounds the cost

_LEAST_FALL = 1e-5  # below this a difference is float32 rounding, not a reason
# The strongest deed names the reason: who viewed and then bought, bought.
_DEEDS = (EventKind.PURCHASE, EventKind.CART, EventKind.LIKE, EventKind.VIEW)
_VERBS = {
    EventKind.PURCHASE: "bought",
    EventKind.CART: "added",
    EventKind.LIKE: "liked",
    EventKind.VIEW: "viewed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Understanding:
    """A shopper encoded once: the posterior mean, and the means without each of `left_out`."""

    mean: NDArray[np.float32]
    without: NDArray[np.float32]
    left_out: tuple[str, ...]


def understand(bundle: ModelBundle, history: UserHistory) -> Understanding | None:
    """Encode what the model knows of a history; None where it knows nothing."""
    item_ids = _distinct(bundle, history)
    if not item_ids:
        return None
    rows = np.array([bundle.item_rows[item_id] for item_id in item_ids])
    n = min(N_LEFT_OUT, len(rows))
    means = bundle.encoder.encode_leaving_out(rows, n)
    return Understanding(mean=means[0], without=means[1:], left_out=tuple(item_ids[-n:]))


def causes(
    bundle: ModelBundle, shopper: Understanding, rows: NDArray[np.int64]
) -> list[str | None]:
    """For each recommended row the past item whose removal lowers its score most, if any does."""
    vectors = bundle.vectors[rows]  # (k, D + 1)
    means = np.concatenate([shopper.mean[None, :], shopper.without])
    scores = vectors @ user_vectors(means).T  # (k, 1 + n)
    falls = scores[:, :1] - scores[:, 1:]
    best = falls.argmax(axis=1)
    enough = falls[np.arange(len(rows)), best] > _LEAST_FALL
    pairs = zip(best.tolist(), enough.tolist(), strict=True)
    return [shopper.left_out[n] if ok else None for n, ok in pairs]


def strongest_deeds(history: UserHistory) -> dict[str, EventKind]:
    """The most telling thing done with each item of a history."""
    deeds: dict[str, EventKind] = {}
    for deed in reversed(_DEEDS):  # the stronger is written over the weaker
        pairs = zip(history.item_ids, history.kinds, strict=True)
        deeds |= {item_id: deed for item_id, kind in pairs if kind is deed}
    return deeds


def because(item: Item, deed: EventKind) -> Reason:
    verb = _VERBS[deed]
    return Reason(
        kind=f"because_{verb}", item_id=item.item_id, text=f"Because you {verb} {item.title}"
    )


def again(item_id: str, deed: EventKind) -> Reason:
    """The item itself is in the history: say so, rather than name it as its own cause."""
    kind = "buy_again" if deed is EventKind.PURCHASE else "look_again"
    return Reason(kind=kind, item_id=item_id, text=f"You {_VERBS[deed]} this before")


def _distinct(bundle: ModelBundle, history: UserHistory) -> list[str]:
    """Known items in the order of their last deed, oldest first, without the dismissed."""
    dismissed: set[str] = set()
    last: dict[str, None] = {}
    for item_id, kind in zip(reversed(history.item_ids), reversed(history.kinds), strict=True):
        if kind is EventKind.DISMISS:
            dismissed.add(item_id)
        elif item_id in bundle.item_rows:
            last.setdefault(item_id)
    return [item_id for item_id in reversed(last) if item_id not in dismissed]
