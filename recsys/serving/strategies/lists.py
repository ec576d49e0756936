"""What goes with given items: alike ones, basket mates, what a cart still lacks.

Each is a look into the lists counted at training, of at most 100 entries an item: some 30
microseconds for one item, 0.2 ms for a cart of fifty, whatever the size of the shop. Only an item
with too few neighbours costs a search for the nearest vectors.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recsys.expressions import quoted
from recsys.models.neighbours import ItemLists
from recsys.serving import retrieval
from recsys.serving.asking import Ask
from recsys.serving.assortment import Demand, Standing
from recsys.serving.candidates import Candidates, Floats, Places, Reasons, nothing, ordered
from recsys.serving.strategies.orders import NO_ITEMS, always, first_allowed, layered
from recsys.types import Reason, Source

_LARGEST_CART = 100  # what lies in it beyond is not asked for its mates


def similar(ask: Ask, n: int) -> Candidates:
    """What the item's shoppers also like, then what lies near it, then its nearest category.

    A later rung is asked only when those before it cannot fill the slate.
    """
    if not ask.query.item_ids:
        return nothing(Source.SIMILAR)
    item_id, wanted = ask.query.item_ids[0], min(n, ask.query.k)
    place = ask.assortment.places.get(item_id, -1)
    listed = _listed(ask, ask.assortment.bundle.neighbours, place)
    near = _nearest(ask, place, n) if len(listed[0]) < wanted else NO_ITEMS
    places, scores = layered(listed, near)
    told: dict[int, Reason] = {}
    for depth in range(len(_path(ask, item_id)), 0, -1):
        if len(places) >= wanted:
            break
        path = _path(ask, item_id)[:depth]
        more = _under(ask, path, place, n)
        reason = Reason(kind="similar", item_id=item_id, text=f"Also in {path[-1]}")
        told |= dict.fromkeys(set(more[0].tolist()).difference(places.tolist()), reason)
        places, scores = layered((places, scores), more)
    alike = Reason(kind="similar", item_id=item_id, text=f"Similar to {_title(ask, item_id)}")
    return Candidates(
        places=places[:n],
        scores=scores[:n],
        source=Source.SIMILAR,
        reasons=lambda asked: [told.get(one, alike) for one in asked.tolist()],
    )


def bought_together(ask: Ask, n: int) -> Candidates:
    """What shares a basket with the item more than chance would: rather none than a random one."""
    if not ask.query.item_ids:
        return nothing(Source.TOGETHER)
    item_id = ask.query.item_ids[0]
    place = ask.assortment.places.get(item_id, -1)
    places, scores = _listed(ask, ask.assortment.bundle.together, place)
    text = f"Often bought with {_title(ask, item_id)}"
    reason = Reason(kind="bought_together", item_id=item_id, text=text)
    return ordered(places, scores, source=Source.TOGETHER, reasons=always(reason)).first(n)


def complements(ask: Ask, n: int) -> Candidates:
    """What a cart still lacks: every item in it names its basket mates, each with one voice.

    An item's scores are divided by its best one: a staple that sells with everything, and so has
    the largest numbers, says no more than the others. The cart is the query's items and what it
    says is in the cart.
    """
    one, query = ask.assortment, ask.query
    cart = one.place_of(dict.fromkeys((*query.item_ids, *sorted(query.in_cart))))
    lists = one.bundle.together
    voices = [(place, *lists.of(place)) for place in cart[:_LARGEST_CART] if place < one.n_known]
    voices = [voice for voice in voices if len(voice[1]) and voice[2][0] > 0]
    if not voices:
        return nothing(Source.COMPLEMENTS)
    mates = np.concatenate([rows for _, rows, _ in voices]).astype(np.int64)
    worth = np.concatenate([scores / scores[0] for _, _, scores in voices])
    owners = np.repeat([place for place, _, _ in voices], [len(rows) for _, rows, _ in voices])
    kept = ask.allowed.keeps(mates) & ~np.isin(mates, cart) & (worth > 0)
    mates, worth, owners = mates[kept], worth[kept], owners[kept]
    places, at = np.unique(mates, return_inverse=True)
    return ordered(
        places,
        np.bincount(at, worth, minlength=len(places)).astype(np.float32),
        source=Source.COMPLEMENTS,
        reasons=_by_strongest(ask, mates, worth, owners),
    ).first(n)


def _by_strongest(
    ask: Ask, mates: Places, worth: NDArray[np.floating], owners: NDArray[np.int64]
) -> Reasons:
    """For a place, the item of the cart that speaks loudest for it."""

    def told(places: Places) -> Sequence[Reason]:
        order = np.lexsort(
            (-owners, worth)
        )  # the loudest is written last; of equals the lower place
        loudest = dict(zip(mates[order].tolist(), owners[order].tolist(), strict=True))
        return [_goes_with(ask, loudest.get(place)) for place in places.tolist()]

    return told


def _goes_with(ask: Ask, owner: int | None) -> Reason:
    if owner is None:  # none of ours: a rule put it there
        return Reason(kind="complements", text="Goes with your cart")
    item_id = ask.assortment.item_ids[owner]
    return Reason(kind="complements", item_id=item_id, text=f"Goes with {_title(ask, item_id)}")


def _listed(ask: Ask, lists: ItemLists, place: int) -> tuple[Places, Floats]:
    if not 0 <= place < ask.assortment.n_known:
        return NO_ITEMS
    rows, scores = lists.of(place)
    places = rows.astype(np.int64)
    kept = ask.allowed.keeps(places) & (scores > 0)
    return places[kept], scores[kept]


def _nearest(ask: Ask, place: int, n: int) -> tuple[Places, Floats]:
    if place < 0:
        return NO_ITEMS
    vector = ask.assortment.vectors(np.array([place]))[0]
    rows, cosines = retrieval.nearest(ask.assortment.bundle, vector, n + 1, ask.allowed)
    other = rows != place
    return rows[other][:n], cosines[other][:n]


def _under(ask: Ask, path: tuple[str, ...], place: int, n: int) -> tuple[Places, Floats]:
    """What sells in a category, then what is new in it."""
    one = ask.assortment
    demand = Demand(name="category", expression=f"category under {quoted('/'.join(path))}")
    under = one.pool(Standing(in_stock=False, now=ask.query.now, demands=(demand,))).mask

    def keeps(places: Places) -> NDArray[np.bool_]:
        return np.asarray(under[places] & (places != place) & ask.allowed.keeps(places))

    best = first_allowed(one.best_selling(), n, keeps)
    new = first_allowed(one.newest(), n, keeps) if len(best) < n else NO_ITEMS[0]
    falling = np.linspace(1, 0.5, len(new), dtype=np.float32)
    return layered((best, one.popularity[best]), (new, falling))


def _path(ask: Ask, item_id: str) -> tuple[str, ...]:
    item = ask.assortment.shelf.items.get(item_id)
    return () if item is None else item.category


def _title(ask: Ask, item_id: str) -> str:
    item = ask.assortment.shelf.items.get(item_id)
    return "this" if item is None else item.title
