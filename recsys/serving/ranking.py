"""The ladder: personal, then popular, then newest, until the slate is full.

Pure: a bundle, a shelf, a history and a query in, a slate out. Whatever the rung, an item that is
hidden, sold out (where stock matters), excluded, filtered away or to be kept from this shopper
never appears. `excluded` counts each such item once, under the first rule that met it.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from recsys.learning import metrics
from recsys.learning.bundle import ModelBundle
from recsys.models.neighbours import ItemLists
from recsys.serving import explain, index, rules
from recsys.serving.rules import Shelf
from recsys.types import Hide, Query, Reason, Recommendation, Slate, Source, UserHistory

_NOBODY = UserHistory()
_POPULAR = Reason(kind="popular", text="Popular right now")
_NEWEST = Reason(kind="newest", text="New in the shop")

Picks = dict[str, Recommendation]


def recommend(bundle: ModelBundle, shelf: Shelf, history: UserHistory, query: Query) -> Slate:
    """The best `query.k` items for a shopper, each with its source and a reason that is true."""
    seen = rules.kept_from(history, query.hide)
    mask, excluded = rules.allowed(bundle, shelf, query, seen)
    picks: Picks = {}
    shopper = explain.understand(bundle, history)
    if shopper is not None:
        rows, scores = index.search(bundle, shopper.mean, query.k, mask)
        reasons = _because(bundle, shelf, history, shopper, rows)
        for row, score, reason in zip(rows.tolist(), scores.tolist(), reasons, strict=True):
            _add(picks, bundle.item_ids[row], score, Source.PERSONAL, reason)
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
) -> Slate:
    """What the item's shoppers also like, then the nearest category: popular before newest."""
    item = shelf.items.get(item_id)
    query = Query(k=k, exclude=exclude | {item_id}, hide=Hide.NONE)
    mask, excluded = rules.allowed(bundle, shelf, query, frozenset())
    picks: Picks = {}
    title = "this" if item is None else item.title
    reason = Reason(kind="similar", item_id=item_id, text=f"Similar to {title}")
    _from_lists(picks, bundle, bundle.neighbours, item_id, k=k, mask=mask, reason=reason)
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


def _because(
    bundle: ModelBundle,
    shelf: Shelf,
    history: UserHistory,
    shopper: explain.Understanding,
    rows: NDArray[np.int64],
) -> list[Reason]:
    deeds = explain.strongest_deeds(history)
    reasons = []
    for row, cause in zip(rows.tolist(), explain.causes(bundle, shopper, rows), strict=True):
        item_id = bundle.item_ids[row]
        past = None if cause is None else shelf.items.get(cause)
        if item_id in deeds:  # "because you viewed this very item" would be true and useless
            reasons.append(explain.again(item_id, deeds[item_id]))
        elif past is None:
            reasons.append(
                _POPULAR
                if bundle.popularity[row] > 0
                else Reason(kind="similar", text="Picked for you")
            )
        else:
            reasons.append(explain.because(past, deeds[past.item_id]))
    return reasons


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
