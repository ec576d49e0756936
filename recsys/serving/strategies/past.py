"""What was bought before and is wanted again: when, the shop's rhythm and the shopper's own say.

Costs a sort of the shopper's purchases: 0.1 ms for a few hundred.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from recsys.behaviour import rebuying
from recsys.behaviour.rebuying import Rebuying
from recsys.serving.asking import Ask
from recsys.serving.candidates import Candidates, Floats, Places, Reasons, nothing
from recsys.serving.strategies.orders import NO_ITEMS, layered
from recsys.types import Reason, Source


def buy_again(ask: Ask, n: int) -> Candidates:
    """What is due first; what is not due yet, or has no known rhythm, by how often it was bought.

    What nobody buys twice stays out, where the model has learnt so.
    """
    one, dismissed = ask.assortment.places, ask.history.dismissed
    known = [
        (one[item_id], when)
        for item_id, when in ask.history.purchases
        if item_id in one and item_id not in dismissed
    ]
    if not known:
        return nothing(Source.BUY_AGAIN)
    places, when = (np.array(part) for part in zip(*known, strict=True))
    kept = ask.allowed.keeps(places)
    places, when = places[kept], when[kept]
    wanted, lasting = _wanted(ask, places, when) if ask.history.at else (NO_ITEMS, places[:0])
    often = _often(places[~np.isin(places, lasting)])
    ranked, scores = layered(wanted, often)
    return Candidates(
        places=ranked[:n],
        scores=scores[:n],
        source=Source.BUY_AGAIN,
        reasons=_told(ask, Counter(places.tolist())),
    )


def _wanted(ask: Ask, places: Places, when: Floats) -> tuple[tuple[Places, Floats], Places]:
    """What is due and how much, most first; and what nobody buys again."""
    rhythm = ask.assortment.bundle.rebuying
    rows = np.array([_row(ask, rhythm, place) for place in places.tolist()], np.int64)
    habits = rebuying.habits(rhythm, places, rows, when)
    due = rebuying.due(habits, ask.query.now.timestamp()).astype(np.float32)
    some = np.flatnonzero(due > 0)
    order = some[np.lexsort((habits.places[some], -due[some]))]
    # a shop where nobody was seen to come back has not learnt that nobody does
    learnt = bool(np.isfinite(rhythm.seconds).any())
    lasting = habits.places[habits.shares < rebuying.RARELY] if learnt else places[:0]
    return (habits.places[order], due[order]), lasting


def _row(ask: Ask, rhythm: Rebuying, place: int) -> int:
    """Which row of the rhythm speaks for an item; its category's, where the model has not met it."""
    if place < min(ask.assortment.n_known, rhythm.n_items):
        return place
    item = ask.assortment.shelf.items.get(ask.assortment.item_ids[place])
    return rhythm.row(() if item is None else item.category)


def _often(places: Places) -> tuple[Places, Floats]:
    """Most bought first, then what was bought last."""
    found, newest, counts = np.unique(places[::-1], return_index=True, return_counts=True)
    order = np.lexsort((newest, -counts))
    scores = counts[order] + 1 / (2.0 + np.arange(len(order)))  # of equal counts the later falls
    return found[order].astype(np.int64), scores.astype(np.float32)


def _told(ask: Ask, times: Counter[int]) -> Reasons:
    def told(asked: Places) -> Sequence[Reason]:
        return [_bought(ask, place, times[place]) for place in asked.tolist()]

    return told


def _bought(ask: Ask, place: int, times: int) -> Reason:
    text = "You bought this before" if times == 1 else f"You bought this {times} times"
    return Reason(kind="buy_again", item_id=ask.assortment.item_ids[place], text=text)
