"""What the model thinks best of all that may appear: the shopper's history, every branch, newcomers too."""

from collections.abc import Mapping, Sequence

import numpy as np

from recsys.serving import explain, retrieval
from recsys.serving.asking import Ask
from recsys.serving.candidates import Candidates, Floats, Places, Reasons, nothing, ordered
from recsys.serving.shopper import Shopper
from recsys.types import EventKind, Reason, Source, UserHistory

POPULAR = Reason(kind="popular", text="Popular right now")
PICKED = Reason(kind="similar", text="Picked for you")


def personal(ask: Ask, n: int) -> Candidates:
    shopper = ask.shopper
    return nothing(Source.PERSONAL) if shopper is None else best_for(ask, shopper, ask.history, n)


def best_for(ask: Ask, shopper: Shopper, history: UserHistory, n: int) -> Candidates:
    """The `n` best for a shopper already read; `history` names the reasons' deeds."""
    rows, scores = retrieval.best(ask.assortment.bundle, shopper, n, ask.allowed)
    reasons = because(ask, shopper, history)
    arrived, of_arrived = _newcomers(ask, shopper)
    if not len(arrived):
        return Candidates(places=rows, scores=scores, source=Source.PERSONAL, reasons=reasons)
    places, both = np.concatenate([rows, arrived]), np.concatenate([scores, of_arrived])
    return ordered(places, both, source=Source.PERSONAL, reasons=reasons).first(n)


def because(ask: Ask, shopper: Shopper, history: UserHistory) -> Reasons:
    """For any places, the deed whose loss would cost each most, in words."""

    def told(places: Places) -> Sequence[Reason]:
        causes = explain.causes(ask.assortment, shopper, places)
        deeds = explain.strongest_deeds(history)
        return [
            _reason(ask, int(place), cause, deeds)
            for place, cause in zip(places, causes, strict=True)
        ]

    return told


def _reason(ask: Ask, place: int, cause: str | None, deeds: Mapping[str, EventKind]) -> Reason:
    one = ask.assortment
    item_id = one.item_ids[place]
    if item_id in deeds:  # "because you viewed this very item" would be true and useless
        return explain.again(item_id, deeds[item_id])
    past = None if cause is None else one.shelf.items.get(cause)
    if past is not None:
        return explain.because(past, deeds[past.item_id])
    return POPULAR if one.popularity[place] > 0 else PICKED


def _newcomers(ask: Ask, shopper: Shopper) -> tuple[Places, Floats]:
    """Items that no model has met but whose words it can place."""
    places = ask.assortment.arrived()
    places = places[ask.allowed.keeps(places)] if len(places) else places
    return places, np.vecdot(ask.assortment.vectors(places), shopper.query)
