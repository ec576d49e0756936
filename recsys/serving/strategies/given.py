"""Items that are given: a list to be put in order, or what the shopper saw last.

Costs one look at each given item: 0.1 ms for a few hundred.
"""

import numpy as np

from recsys.serving import explain
from recsys.serving.asking import Ask
from recsys.serving.candidates import Candidates, Places, nothing, ordered
from recsys.serving.strategies.orders import always, falling
from recsys.serving.strategies.personal import because
from recsys.types import EventKind, Reason, Source

_GIVEN = Reason(kind="given", text="From the list you gave")


def rerank(ask: Ask, n: int) -> Candidates:
    """The query's items that may appear, best for the shopper first: none is lost, none is added.

    What the model cannot place, and everything where the shopper is unknown, keeps the order in
    which it was given; ids that nobody knows are left out (the slate reports them).
    """
    places = _places(ask, ask.query.item_ids)
    if not len(places):
        return nothing(Source.GIVEN)
    if ask.shopper is None or not ask.query.personal:
        return _in_order(places, n)
    scores = ask.scores(places, ask.shopper)
    untold = ~ask.assortment.vectors(places).any(axis=1)
    if untold.any():  # behind all others, as they came
        last = float(scores[~untold].min()) if not untold.all() else 0.0
        scores[untold] = last - np.arange(1, np.count_nonzero(untold) + 1)
    reasons = because(ask, ask.shopper, ask.history)
    return ordered(places, scores, source=Source.GIVEN, reasons=reasons).first(n)


def recently_viewed(ask: Ask, n: int) -> Candidates:
    """What the shopper looked at last, newest first, each item once; nothing dismissed since."""
    seen, gone = reversed(ask.history.item_ids), ask.history.dismissed
    places = _places(ask, tuple(item_id for item_id in seen if item_id not in gone))[:n]
    deeds = explain.strongest_deeds(ask.history)
    ids = ask.assortment.item_ids

    def told(asked: Places) -> list[Reason]:
        return [_viewed(ids[place], deeds[ids[place]]) for place in asked.tolist()]

    return Candidates(
        places=places, scores=falling(len(places)), source=Source.VIEWED, reasons=told
    )


def _viewed(item_id: str, deed: EventKind) -> Reason:
    return Reason(kind="viewed", item_id=item_id, text=explain.again(item_id, deed).text)


def _in_order(places: Places, n: int) -> Candidates:
    places = places[:n]
    return Candidates(
        places=places, scores=falling(len(places)), source=Source.GIVEN, reasons=always(_GIVEN)
    )


def _places(ask: Ask, item_ids: tuple[str, ...]) -> Places:
    """Those that may appear, each once, in their order."""
    found = np.array(ask.assortment.place_of(dict.fromkeys(item_ids)), np.int64)
    return found[ask.allowed.keeps(found)] if len(found) else found
