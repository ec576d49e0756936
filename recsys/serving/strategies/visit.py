"""Only what happened in this visit: for a shopper who came for something else than usual, or for nobody.

Costs what `personal` costs for so short a history: one search.
"""

from dataclasses import replace

import numpy as np

from recsys.serving.asking import Ask
from recsys.serving.candidates import Candidates, nothing
from recsys.serving.strategies.personal import best_for
from recsys.types import EventKind, Source, UserHistory

PAUSE_SECONDS = 1_800  # after which a shopper has come anew
_UNTIMED = 10  # newest deeds taken for the visit where nobody noted the time


def session(ask: Ask, n: int) -> Candidates:
    """What follows from this visit, in the order it happened; its own items are not proposed."""
    history = this_visit(ask)
    shopper = ask.understood(history)
    if shopper is None:
        return nothing(Source.SESSION)
    own = ask.assortment.place_of(dict.fromkeys(history.item_ids))
    found = best_for(ask, shopper, history, n + len(own))
    other = ~np.isin(found.places, own)
    return replace(
        found, places=found.places[other], scores=found.scores[other], source=Source.SESSION
    ).first(n)


def this_visit(ask: Ask) -> UserHistory:
    """The items the request names, as views, oldest first; if none, the history's last stretch."""
    history, named = ask.history, ask.query.item_ids
    if named:
        return UserHistory(item_ids=named, kinds=(EventKind.VIEW,) * len(named))
    begin = max(0, len(history.item_ids) - _UNTIMED)
    if history.at:
        times = np.array([*history.at, ask.query.now.timestamp()])
        pauses = np.flatnonzero(np.diff(times) > PAUSE_SECONDS)
        begin = int(pauses[-1]) + 1 if len(pauses) else 0
    return UserHistory(
        user_id=history.user_id, item_ids=history.item_ids[begin:], kinds=history.kinds[begin:]
    )
