"""The best of search and neighbours together: the model's own ranking, without scoring every item.

An item that is no neighbour of the history has only its searched score, so the best k of all are
among {the best k of the search} and {the neighbours}. Most neighbours need not even be scored: no
item outside the search's list has a higher searched score than its last, so one whose addition
cannot lift that over the k-th best sum so far is out.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.learning import indexing
from recsys.learning.bundle import ModelBundle
from recsys.models.fusion import best_of_union
from recsys.serving import index
from recsys.serving.eligibility import Allowed
from recsys.serving.shopper import Shopper

_LIKE_ENOUGH = 0.3  # cosine: in some 200 dimensions chance stays below
_POOL = 8  # candidates for each place, where not every item is compared
_FIRST = 4  # neighbours for each place, scored first to raise the bar for the others
_ROUNDING = 1e-4  # kept below the bar: far more than sums in float32 can differ

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]


def best(bundle: ModelBundle, shopper: Shopper, k: int, allowed: Allowed) -> tuple[Rows, Floats]:
    """The best `k` allowed item rows for a shopper, best first, with their scores; ties by row."""
    if len(bundle.vectors) <= index.FEW:
        return _of_all(bundle, shopper, k, allowed)
    rows, scores = index.search(bundle, shopper.query, k, allowed)
    if shopper.lent is None or not len(rows):
        return rows, scores
    near, added = shopper.lent.sums()
    may = allowed.keeps(near) & (added > 0)
    near, added = near[may], added[may]
    if not len(near):
        return rows, scores
    there = np.minimum(np.searchsorted(near, rows), len(near) - 1)
    both = near[there] == rows
    sums = scores + np.where(both, added[there], 0)  # of the search's own list
    could = np.zeros(len(near), np.bool_)
    could[there[both]] = True
    could[_promising(bundle, shopper.query, near, added, could, sums, scores[-1])] = True
    near, added = near[could], added[could]
    searched = index.score(bundle, near, shopper.query)
    if len(near) > k:  # the neighbours' own best k are enough: whoever is below is below k others
        whole = searched + added
        best_own = whole >= np.partition(whole, len(whole) - k)[len(whole) - k]
        near, added, searched = near[best_own], added[best_own], searched[best_own]
    return best_of_union(rows, scores, near, added, searched, k)


def _of_all(bundle: ModelBundle, shopper: Shopper, k: int, allowed: Allowed) -> tuple[Rows, Floats]:
    """The same by scoring every item: of so few, cheaper than looking for the right ones."""
    scores = np.vecdot(bundle.vectors, shopper.query)
    if shopper.lent is not None:
        near, added = shopper.lent.sums()
        scores[near] += added
    rows = allowed.left(allowed.pool.rows)
    return index.best_of(rows, scores[rows], k)


def _promising(
    bundle: ModelBundle,
    query: Floats,
    near: Rows,
    added: Floats,
    listed: NDArray[np.bool_],
    sums: Floats,
    last: np.float32,
) -> Rows:
    """Places in `near` whose items may be among the best, beside those `listed` already.

    As many items as are listed reach the bar: at first the lowest sum of the list, then what is
    reached with the neighbours to whom most is added.
    """
    k = len(sums)
    places = np.flatnonzero(~listed & _reaches(last + added, sums.min()))
    n_first = _FIRST * k
    if len(places) <= 2 * n_first:
        return places
    first = places[np.argpartition(-added[places], n_first)[:n_first]]
    tried = index.score(bundle, near[first], query) + added[first]
    bar = -np.partition(-np.concatenate([sums, tried]), k - 1)[k - 1]
    return places[_reaches(last + added[places], bar)]


def _reaches(most: Floats, bar: np.float32) -> NDArray[np.bool_]:
    return np.asarray(most >= bar - _ROUNDING * max(1.0, abs(float(bar))))


def nearest(bundle: ModelBundle, vector: Floats, k: int, allowed: Allowed) -> tuple[Rows, Floats]:
    """The allowed items whose vectors point the way of this one (d,), by cosine, the bias apart.

    Where the index is not exact, candidates are those of the largest inner product.
    """
    way = vector.copy()
    way[-1] = 0
    length = float(np.linalg.norm(way))
    if not length:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    rows = allowed.left(allowed.pool.rows)
    if len(rows) > indexing.FLAT_LIMIT:
        rows, _ = index.search(bundle, way, _POOL * k, allowed)
    near = bundle.vectors[rows, :-1]
    lengths = np.maximum(np.linalg.norm(near, axis=1), np.finfo(np.float32).tiny)
    cosines = np.asarray(near @ (way[:-1] / length) / lengths, np.float32)
    kept = cosines > _LIKE_ENOUGH
    rows, cosines = rows[kept], cosines[kept]
    order = np.lexsort((rows, -cosines))[:k]
    return rows[order], cosines[order]
