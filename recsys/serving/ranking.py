"""The ladder: personal, then popular, then newest, until the slate is full.

Pure: a bundle, a shelf, a history and a query in, a slate out. Whatever the rung, an item that is
hidden, sold out (where stock matters), excluded, filtered away or to be kept from this shopper
never appears. `excluded` counts each such item once, under the first rule that met it.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.learning.bundle import ModelBundle
from recsys.learning.examining import metrics
from recsys.models.neighbours import ItemLists
from recsys.serving import explain, retrieval, rules
from recsys.serving import newcomers as arrivals
from recsys.serving import shopper as shoppers
from recsys.serving.newcomers import Newcomers
from recsys.serving.rules import Shelf
from recsys.serving.shopper import Shopper
from recsys.types import EventKind, Hide, Query, Reason, Recommendation, Slate, Source, UserHistory

_NOBODY = UserHistory()
_POPULAR = Reason(kind="popular", text="Popular right now")
_PICKED = Reason(kind="similar", text="Picked for you")
_NEWEST = Reason(kind="newest", text="New in the shop")

Picks = dict[str, Recommendation]


def recommend(
    bundle: ModelBundle,
    shelf: Shelf,
    history: UserHistory,
    query: Query,
    newcomers: Newcomers | None = None,
) -> Slate:
    """The best `query.k` items for a shopper, each with its source and a reason that is true."""
    seen = rules.kept_from(history, query.hide)
    mask, excluded = rules.allowed(bundle, shelf, query, seen)
    picks: Picks = {}
    shopper = shoppers.understand(bundle, history, newcomers)
    if shopper is not None:
        rows, scores = retrieval.best(bundle, shopper, query.k, mask)
        causes = explain.causes(bundle, shopper, rows)
        best = [
            _Personal(bundle.item_ids[row], score, cause, popular=bundle.popularity[row] > 0)
            for row, score, cause in zip(rows.tolist(), scores.tolist(), causes, strict=True)
        ]
        if newcomers is not None:
            above = scores[-1] if len(scores) == query.k else -np.inf
            new = _new(newcomers, shelf, query, shopper=shopper, seen=seen, above=float(above))
            best = sorted([*best, *new], key=lambda one: -one.score)[: query.k]
        deeds = explain.strongest_deeds(history)
        for one in best:
            reason = _because(one, shelf, deeds)
            _add(picks, one.item_id, one.score, Source.PERSONAL, reason)
    _fill(picks, bundle, shelf, query, seen=seen, mask=mask, excluded=excluded)
    return _slate(picks, bundle, excluded, _missing(shelf, (*history.item_ids, *query.exclude)))


def popular(bundle: ModelBundle, shelf: Shelf, query: Query) -> Slate:
    """What sells now, then what is new: the same rules, nobody's history."""
    mask, excluded = rules.allowed(bundle, shelf, query, frozenset())
    picks: Picks = {}
    _fill(picks, bundle, shelf, query, seen=frozenset(), mask=mask, excluded=excluded)
    return _slate(picks, bundle, excluded, _missing(shelf, query.exclude))


def similar(
    bundle: ModelBundle,
    shelf: Shelf,
    item_id: str,
    *,
    k: int,
    exclude: frozenset[str] = frozenset(),
    newcomers: Newcomers | None = None,
) -> Slate:
    """What the item's shoppers also like, what lies near it, then the nearest category."""
    item = shelf.items.get(item_id)
    query = Query(k=k, exclude=exclude | {item_id}, hide=Hide.NONE)
    mask, excluded = rules.allowed(bundle, shelf, query, frozenset())
    picks: Picks = {}
    title = "this" if item is None else item.title
    reason = Reason(kind="similar", item_id=item_id, text=f"Similar to {title}")
    _from_lists(picks, bundle, bundle.neighbours, item_id, k=k, mask=mask, reason=reason)
    vector = None if picks else _vector(bundle, item_id, newcomers)
    if vector is not None:  # nobody's neighbour: what the model says of it is all there is
        rows, cosines = retrieval.nearest(bundle, vector, k, mask)
        for row, cosine in zip(rows.tolist(), cosines.tolist(), strict=True):
            _add(picks, bundle.item_ids[row], cosine, Source.SIMILAR, reason)
    path = () if item is None else item.category
    for depth in range(len(path), 0 if path else -1, -1):
        if len(picks) >= k:
            break
        near = Query(k=k, exclude=query.exclude, category=path[:depth], hide=Hide.NONE)
        within, _ = rules.allowed(bundle, shelf, near, frozenset())
        _fill(picks, bundle, shelf, near, seen=frozenset(), mask=within, excluded={})
    return _slate(picks, bundle, excluded, _missing(shelf, (item_id, *exclude)))


def bought_together(bundle: ModelBundle, shelf: Shelf, item_id: str, *, k: int) -> Slate:
    """What shares a basket with the item more than chance would: rather none than a random one."""
    item = shelf.items.get(item_id)
    query = Query(k=k, exclude=frozenset({item_id}), hide=Hide.NONE)
    mask, excluded = rules.allowed(bundle, shelf, query, frozenset())
    title = "this" if item is None else item.title
    reason = Reason(kind="bought_together", item_id=item_id, text=f"Often bought with {title}")
    picks: Picks = {}
    _from_lists(picks, bundle, bundle.together, item_id, k=k, mask=mask, reason=reason)
    return _slate(picks, bundle, excluded, _missing(shelf, (item_id,)))


class _Personal(NamedTuple):
    item_id: str
    score: float
    cause: str | None
    popular: bool


def _new(
    newcomers: Newcomers,
    shelf: Shelf,
    query: Query,
    *,
    shopper: Shopper,
    seen: frozenset[str],
    above: float,
) -> list[_Personal]:
    found = arrivals.best(newcomers, shelf, query, shopper=shopper.query, seen=seen, above=above)
    places = [place for place, _ in found]
    causes = explain.causes_of(shopper, newcomers.vectors[places])
    return [
        _Personal(newcomers.item_ids[place], score, cause, popular=False)
        for (place, score), cause in zip(found, causes, strict=True)
    ]


def _because(one: _Personal, shelf: Shelf, deeds: Mapping[str, EventKind]) -> Reason:
    past = None if one.cause is None else shelf.items.get(one.cause)
    if one.item_id in deeds:  # "because you viewed this very item" would be true and useless
        return explain.again(one.item_id, deeds[one.item_id])
    if past is not None:
        return explain.because(past, deeds[past.item_id])
    return _POPULAR if one.popular else _PICKED


def _vector(
    bundle: ModelBundle, item_id: str, newcomers: Newcomers | None
) -> NDArray[np.float32] | None:
    row = bundle.item_rows.get(item_id)
    if row is not None:
        vector: NDArray[np.float32] = bundle.vectors[row]
        return vector
    if newcomers is None or item_id not in newcomers.item_ids:
        return None
    return np.asarray(newcomers.vectors[newcomers.item_ids.index(item_id)])


def _from_lists(
    picks: Picks,
    bundle: ModelBundle,
    lists: ItemLists,
    item_id: str,
    *,
    k: int,
    mask: NDArray[np.bool_],
    reason: Reason,
) -> None:
    row = bundle.item_rows.get(item_id)
    if row is None:
        return
    rows, scores = lists.of(row)
    may = mask[rows]
    for other, score in zip(rows[may][:k].tolist(), scores[may][:k].tolist(), strict=True):
        _add(picks, bundle.item_ids[other], score, Source(reason.kind), reason)


def _fill(
    picks: Picks,
    bundle: ModelBundle,
    shelf: Shelf,
    query: Query,
    *,
    seen: frozenset[str],
    mask: NDArray[np.bool_],
    excluded: dict[str, int],
) -> None:
    """The impersonal rungs. The newest one also reaches items that the model has never met."""
    if len(picks) < query.k:
        counts = np.where(mask & (bundle.popularity > 0), bundle.popularity, -np.inf)
        for row in metrics.best_rows(counts[None, :], query.k + len(picks))[0].tolist():
            if len(picks) == query.k:
                return
            if row != metrics.NOTHING:
                _add(picks, bundle.item_ids[row], float(counts[row]), Source.POPULAR, _POPULAR)
    if len(picks) < query.k:
        for item in shelf.newest():
            refusal = rules.refuses(item, query, seen)
            if refusal is None:
                _add(picks, item.item_id, 0.0, Source.NEWEST, _NEWEST)
                if len(picks) == query.k:
                    return
            elif item.item_id not in bundle.item_rows:
                excluded[refusal] = excluded.get(refusal, 0) + 1


def _add(picks: Picks, item_id: str, score: float, source: Source, reason: Reason) -> None:
    if item_id not in picks:
        picks[item_id] = Recommendation(
            item_id=item_id, rank=len(picks) + 1, score=score, source=source, reasons=(reason,)
        )


def _slate(
    picks: Picks, bundle: ModelBundle, excluded: dict[str, int], missing: tuple[str, ...]
) -> Slate:
    return Slate(
        recommendations=tuple(picks.values()),
        model_version=bundle.version,
        excluded={rule: n for rule, n in excluded.items() if n},
        missing_ids=missing,
    )


def _missing(shelf: Shelf, item_ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({item_id for item_id in item_ids if item_id not in shelf.items}))
