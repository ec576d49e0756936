"""Free words looked for in the catalogue, and put in the shopper's own order.

How well the words fit leads; among items that fit about equally well the shopper's taste decides,
and for a stranger what sells. The text index is one a process, mended when the catalogue changes:
a question costs 0.02 to 1.2 ms at 100,000 items, the order another 0.2.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from recsys.catalogue.search import TextIndex
from recsys.serving.asking import Ask
from recsys.serving.assortment import Assortment, Shelf
from recsys.serving.candidates import Candidates, Floats, Places, nothing, ordered
from recsys.serving.strategies.orders import NO_ITEMS, always, spread
from recsys.types import Reason, Source

TASTE = 0.4  # of the best text's worth, between the shopper's most and least liked candidate
_SALES = 0.1  # the same for a bestseller, whoever asks

_SHELVES = 4
_SHOWN = 60  # characters of the question in a reason
_EACH = 4  # texts looked at for each candidate: taste may bring one so far up


class _Kept:
    """The text indexes of the shelves in use, and where their documents are in an assortment.

    A few of each: while a change arrives, requests of the old shelf and of the new one mix. A shelf
    is known by its identity: where nobody searches, an old one's items would else stay for good.
    """

    def __init__(self) -> None:
        self._indexes: tuple[tuple[object, TextIndex], ...] = ()
        self._places: tuple[tuple[tuple[str, ...], tuple[str, ...], Places], ...] = ()

    def index(self, shelf: Shelf) -> TextIndex:
        for of, found in self._indexes:
            if of is shelf.identity:
                return found
        found = self._made(shelf)
        self._indexes = ((shelf.identity, found), *self._indexes[: _SHELVES - 1])
        return found

    def places(self, index: TextIndex, assortment: Assortment) -> Places:
        """The place of every document (D,), or -1."""
        main = self._main(index.main_ids, assortment)
        return (
            np.concatenate([main, _places(index.late_ids, assortment)]) if index.late_ids else main
        )

    def _main(self, ids: tuple[str, ...], assortment: Assortment) -> Places:
        for main_ids, item_ids, found in self._places:
            if main_ids is ids and item_ids is assortment.item_ids:
                return found
        found = _places(ids, assortment)
        self._places = ((ids, assortment.item_ids, found), *self._places[: _SHELVES - 1])
        return found

    def _made(self, shelf: Shelf) -> TextIndex:
        for of, index in self._indexes:
            written = shelf.since(of)
            if written is not None:
                return index.changed(written, shelf.items)
        if (
            self._indexes
        ):  # too far apart to be told what changed: compare, which is a tenth of reading
            return self._indexes[0][1].changed(shelf.items, shelf.items)
        return TextIndex.of(shelf.items.values())


def _places(item_ids: tuple[str, ...], assortment: Assortment) -> Places:
    places = assortment.places
    return np.fromiter((places.get(one, -1) for one in item_ids), np.int64, len(item_ids))


_KEPT = _Kept()


def search(ask: Ask, n: int) -> Candidates:
    """The items that hold the query's words, in the order of words and taste together."""
    places, texts = hits(ask, max(n * _EACH, n))
    if not len(places):
        return nothing(Source.SEARCH)
    asked = " ".join(ask.query.text.split())[:_SHOWN]
    return ordered(
        places,
        fused(texts, _taste(ask, places), ask.assortment.popularity[places]),
        source=Source.SEARCH,
        reasons=always(Reason(kind="search", text=f'Found for "{asked}"')),
    ).first(n)


def hits(ask: Ask, n: int, *, every: bool = False) -> tuple[Places, Floats]:
    """The `n` allowed places that fit the query's words best, and how well; or `every` one of them."""
    return _best(ask.assortment, ask.query.text, n, ask.allowed.keeps, every=every)


def listed(assortment: Assortment, text: str, limit: int) -> list[str]:
    """The ids of visible items that fit the words best: for a page that knows no shopper.

    Without words those that sell most.
    """
    if not text.strip():
        visible = np.flatnonzero(assortment.visible)
        first = np.argsort(-assortment.popularity[visible], kind="stable")[:limit]
        return [assortment.item_ids[place] for place in visible[first].tolist()]
    places, _ = _best(assortment, text, limit, lambda places: assortment.visible[places])
    return [assortment.item_ids[place] for place in places.tolist()]


def fused(texts: Floats, taste: Floats, sales: Floats, *, weight: float = TASTE) -> Floats:
    """Text scores above 0 and what a shopper thinks of the same items, as one score (C,).

    Both are taken relative to this list: the best text counts 1, the best liked `weight`.
    """
    if not len(texts):
        return texts
    sold = np.log1p(np.maximum(sales, 0))
    most = float(sold.max())
    best = max(float(texts.max()), float(np.finfo(np.float32).tiny))
    whole = texts / best + weight * spread(taste)
    return np.asarray(whole + _SALES * sold / most if most > 0 else whole, np.float32)


def warm(assortment: Assortment) -> None:
    """Read every title now, so that no shopper waits for it: 1.4 CPU-seconds at 100,000 items."""
    _KEPT.places(_KEPT.index(assortment.shelf), assortment)


def _best(
    assortment: Assortment,
    text: str,
    n: int,
    keeps: Callable[[Places], NDArray[np.bool_]],
    *,
    every: bool = False,
) -> tuple[Places, Floats]:
    """The best texts; of those that fit alike what sells most, then the lower place."""
    if not text.strip():
        return NO_ITEMS
    index = _KEPT.index(assortment.shelf)
    found = index.find(text, every=every)
    places, texts = _KEPT.places(index, assortment)[found.docs], found.scores
    places, texts = places[places >= 0], texts[places >= 0]
    kept = keeps(places)
    places, texts = places[kept], texts[kept]
    if 0 < n < len(places):
        top = texts >= np.partition(texts, len(texts) - n)[len(texts) - n]
        places, texts = places[top], texts[top]
    order = np.lexsort((places, -assortment.popularity[places], -texts))[:n]
    return places[order], texts[order]


def _taste(ask: Ask, places: Places) -> Floats:
    if ask.shopper is None or not ask.query.personal:
        return np.zeros(len(places), np.float32)
    return ask.scores(places, ask.shopper)
