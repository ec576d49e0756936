"""Shoppers who never were, from a fitted model of baskets: the baseline of every better sampler.

    M deeds (an item in a basket)   K baskets   I items

Fitted are the baskets of a shopper and their sizes, what sells, how often an item of an earlier
basket is bought again, and how often a new one goes with those already there rather than being just popular. A
basket grows as a Markov chain: the next item is drawn from a real basket that held the one
before, so the I x I transitions are never written down, and no two of a real shopper's choices
but those that shared a basket can come back together by more than chance.
"""

from dataclasses import dataclass, replace

import numpy as np

from recsys.behaviour.rhythm import (
    LONGEST,
    Deeds,
    Ints,
    Rhythm,
    below,
    fit,
    parted,
    stamp,
    starts_of,
    tidy,
)
from recsys.types import EventLog

_EM_ROUNDS = 30
_REHEARSALS, _REHEARSED = 3, 2_000  # how often, and with how many shoppers, `again` is corrected


@dataclass(frozen=True, slots=True, kw_only=True)
class BasketModel:
    """Real deeds grouped by basket and, the other way, by item; and two fitted chances."""

    rhythm: Rhythm
    item_ids: tuple[str, ...]
    baskets: Ints  # (M,): of the whole log, ascending
    starts: Ints  # (K,): where each begins
    sizes: Ints  # (K,)
    items: Ints  # (M,)
    places: Ints  # (M,): where each item lies in `items`, item by item
    sold_from: Ints  # (I,): where each item's places begin
    sold: Ints  # (I,)
    again: float  # that a deed repeats an item of an earlier basket
    follows: float  # that a new item goes with one already there


def fit_baskets(log: EventLog, *, seed: int = 0) -> BasketModel:
    """Fit the baseline.

    Raises:
        NotEnoughData: There is no event at all.
    """
    rhythm, deeds = fit(log)
    opens = np.ones(len(deeds.users), np.bool_)
    opens[1:] = (np.diff(deeds.users) != 0) | (np.diff(deeds.baskets) != 0)
    baskets = np.cumsum(opens) - 1
    sizes = np.bincount(baskets)
    n_items = len(log.item_ids)
    sold = np.bincount(deeds.items, minlength=n_items)
    again = _share_again(deeds, n_items)
    model = BasketModel(
        rhythm=rhythm,
        item_ids=log.item_ids,
        baskets=baskets,
        starts=starts_of(sizes),
        sizes=sizes,
        items=deeds.items,
        places=np.argsort(deeds.items, kind="stable"),
        sold_from=starts_of(sold),
        sold=sold,
        again=again,
        follows=_share_following(deeds.items, baskets, sizes, np.random.default_rng(seed)),
    )
    # What is popular, and what goes with the past, repeats too: rehearse until the sum is right.
    for rehearsal in range(_REHEARSALS):
        played = sample_deeds(model, min(deeds.n_users, _REHEARSED), seed=seed + rehearsal)
        excess = _share_again(played, n_items) - again
        model = replace(model, again=float(np.clip(model.again - excess, 0, 1)))
    return model


def sample_log(model: BasketModel, n_users: int, *, seed: int) -> EventLog:
    """A log of made-up shoppers over the same items."""
    deeds = sample_deeds(model, n_users, seed=seed)
    return stamp(deeds, rhythm=model.rhythm, item_ids=model.item_ids, seed=seed + 1)


def sample_deeds(model: BasketModel, n_users: int, *, seed: int) -> Deeds:
    """Draw shoppers one deed at a time, all of them at once."""
    draw = np.random.default_rng(seed)
    like = draw.integers(len(model.rhythm.deeds), size=n_users)
    n_deeds = np.minimum(model.rhythm.deeds[like], LONGEST)
    n_baskets = np.minimum(model.rhythm.baskets[like], n_deeds)
    starts = starts_of(n_deeds)
    users = np.repeat(np.arange(n_users), n_deeds)
    baskets = parted(users, n_baskets, draw)
    baskets = baskets[np.lexsort((baskets, users))]
    step_in_user = np.arange(len(users)) - starts[users]
    opens = np.ones(len(users), np.bool_)
    opens[1:] = (np.diff(users) != 0) | (np.diff(baskets) != 0)
    earlier = np.maximum.accumulate(np.where(opens, np.arange(len(users)), 0)) - starts[users]
    items = np.zeros(len(users), np.int64)
    longest_first = np.argsort(-n_deeds, kind="stable")
    n_active = np.bincount(step_in_user)  # shoppers with a deed at each step
    for step in range(int(n_deeds.max(initial=0))):
        at = starts[longest_first[: n_active[step]]]  # (A,): where those shoppers' deeds begin
        items[at + step] = _next(model, items, at, earlier[at + step], step, draw)
    return tidy(users, baskets, items, n_users=n_users)


def _next(
    model: BasketModel, found: Ints, at: Ints, earlier: Ints, step: int, draw: np.random.Generator
) -> Ints:
    """One more item for each of A shoppers, who have `step` deeds, `earlier` in baskets before."""
    chosen = model.items[draw.integers(len(model.items), size=len(at))]  # as often as it sells
    if step == 0:
        return np.asarray(chosen)
    lies_here = step > earlier
    newest = np.where(lies_here, step - 1, below(np.full(len(at), step), draw))
    anchor = found[at + newest]
    place = model.places[model.sold_from[anchor] + below(model.sold[anchor], draw)]
    start, size = (of[model.baskets[place]] for of in (model.starts, model.sizes))
    partner = model.items[_beside(place, start, size, draw)]
    follows = (draw.random(len(at)) < model.follows) & (size > 1)
    chosen = np.where(follows, partner, chosen)
    repeats = (draw.random(len(at)) < model.again) & (earlier > 0)
    return np.where(repeats, found[at + below(np.maximum(earlier, 1), draw)], chosen)


def _beside(place: Ints, start: Ints, size: Ints, draw: np.random.Generator) -> Ints:
    """Another place of the same basket; the place itself where it is alone."""
    further = np.where(size > 1, 1 + below(size - 1, draw), 0)
    return np.asarray(start + (place - start + further) % size)


def _share_again(deeds: Deeds, n_items: int) -> float:
    """Of the deeds after a shopper's first basket, how many repeat an item."""
    _, first = np.unique(deeds.users * n_items + deeds.items, return_index=True)
    new = np.zeros(len(deeds.items), np.bool_)
    new[first] = True
    later = deeds.baskets > 0
    return float((~new[later]).mean()) if later.any() else 0.0


def _share_following(items: Ints, baskets: Ints, sizes: Ints, draw: np.random.Generator) -> float:
    """How often an item goes with another of its basket, by expectation-maximisation.

    The chances P(item | other) are counted in the even baskets and weighed against plain popularity in
    the odd ones, so that a pair cannot foretell itself.
    """
    starts = starts_of(sizes)
    shared = np.flatnonzero(sizes[baskets] > 1)
    if not len(shared):
        return 0.0
    start, size = (of[baskets[shared]] for of in (starts, sizes))
    other = items[_beside(shared, start, size, draw)]
    n_items = int(items.max()) + 1
    pair, even = other * n_items + items[shared], baskets[shared] % 2 == 0
    if even.all() or not even.any():
        return 0.0
    known, counts = np.unique(pair[even], return_counts=True)
    of_other = np.bincount(other[even], minlength=n_items)
    place = np.minimum(np.searchsorted(known, pair[~even]), len(known) - 1)
    together = np.where(known[place] == pair[~even], counts[place], 0)
    together = together / np.maximum(of_other[other[~even]], 1)
    popular = np.bincount(items[shared][even], minlength=n_items) + 1.0
    alone = (popular / popular.sum())[items[shared][~even]]
    share = 0.5
    for _ in range(_EM_ROUNDS):
        share = float((share * together / (share * together + (1 - share) * alone)).mean())
    return share
