"""What the model thinks best of all that may appear: the shopper's history, every branch, newcomers too."""

from collections.abc import Sequence

import numpy as np

from recsys.serving import explain, retrieval
from recsys.serving.asking import Ask
from recsys.serving.candidates import Candidates, Places, Reasons, nothing, ordered
from recsys.serving.shopper import Shopper
from recsys.types import Reason, Source, UserHistory

POPULAR = Reason(kind="popular", text="Popular right now")
PICKED = Reason(kind="similar", text="Picked for you")


def personal(ask: Ask, n: int) -> Candidates:
    shopper = ask.shopper
    return nothing(Source.PERSONAL) if shopper is None else best_for(ask, shopper, ask.history, n)


def best_for(ask: Ask, shopper: Shopper, history: UserHistory, n: int) -> Candidates:
    """The `n` best for a shopper already read; `history` names the reasons' deeds."""
    rows, scores = retrieval.best(ask.assortment.bundle, shopper, n, ask.allowed)
    found = Candidates(
        places=rows,
        scores=scores,
        source=Source.PERSONAL,
        reasons=because(ask, shopper, history),
    )
    return found if ask.assortment.newcomers is None else _with_newcomers(ask, shopper, found, n)


def because(ask: Ask, shopper: Shopper, history: UserHistory) -> Reasons:
    """For any places, the deed whose loss would cost each most, in words."""

    def told(places: Places) -> Sequence[Reason]:
        one, deeds = ask.assortment, explain.strongest_deeds(history)
        causes = explain.causes(one, shopper, places)
        pasts = {cause: one.shelf.items.get(cause) for cause in set(causes) if cause is not None}
        named: dict[str | None, Reason] = {
            cause: explain.because(past, deeds[cause])
            for cause, past in pasts.items()
            if past is not None
        }
        sold = (one.popularity[places] > 0).tolist()
        item_ids = [one.item_ids[place] for place in places.tolist()]
        return [
            # "Because you viewed this very item" would be true and useless.
            explain.again(item_id, deeds[item_id])
            if item_id in deeds
            else named.get(cause) or (POPULAR if sells else PICKED)
            for item_id, cause, sells in zip(item_ids, causes, sold, strict=True)
        ]

    return told


def _with_newcomers(ask: Ask, shopper: Shopper, found: Candidates, n: int) -> Candidates:
    """The `n` best of these and of the items that no model has met but whose words it can place."""
    places, scores = ask.assortment.arrived, ask.assortment.arrived_scores(shopper.query)
    if len(found) == n:  # of equals the lower place comes first, and theirs are the higher ones
        above = scores > found.scores[-1]
        places, scores = places[above], scores[above]
    kept = ask.allowed.keeps(places)
    if not kept.any():
        return found
    return ordered(
        np.concatenate([found.places, places[kept]]),
        np.concatenate([found.scores, scores[kept]]),
        source=found.source,
        reasons=found.reasons,
    ).first(n)
