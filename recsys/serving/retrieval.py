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
from recsys.serving.shopper import Shopper

_LIKE_ENOUGH = 0.3  # cosine: in some 200 dimensions chance stays below
_POOL = 8  # candidates for each place, where not every item is compared
_ROUNDING = 1e-4  # kept below the bar: far more than sums in float32 can differ

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]


def best(
    bundle: ModelBundle, shopper: Shopper, k: int, allowed: NDArray[np.bool_]
) -> tuple[Rows, Floats]:
    """The best `k` allowed item rows for a shopper, best first, with their scores; ties by row."""
    rows, scores = index.search(bundle, shopper.query, k, allowed)
    if shopper.lent is None or not len(rows):
        return rows, scores
    near, added = shopper.lent.sums()
    may = allowed[near] & (added > 0)
    near, added = near[may], added[may]
    if not len(near):
        return rows, scores
    there = np.minimum(np.searchsorted(near, rows), len(near) - 1)
    both = near[there] == rows
    bar = (scores + np.where(both, added[there], 0)).min()  # at least k items reach it
    could = scores[-1] + added >= bar - _ROUNDING * max(1.0, abs(float(bar)))
    could[there[both]] = True
    near, added = near[could], added[could]
    return best_of_union(rows, scores, near, added, index.score(bundle, near, shopper.query), k)


def nearest(
    bundle: ModelBundle, vector: Floats, k: int, allowed: NDArray[np.bool_]
) -> tuple[Rows, Floats]:
    """The allowed items whose vectors point the way of this one (d,), by cosine, the bias apart.

    Where the index is not exact, candidates are those of the largest inner product.
    """
    way = vector.copy()
    way[-1] = 0
    length = float(np.linalg.norm(way))
    if not length:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    rows = np.flatnonzero(allowed)
    if len(rows) > indexing.FLAT_LIMIT:
        rows, _ = index.search(bundle, way, _POOL * k, allowed)
    near = bundle.vectors[rows, :-1]
    lengths = np.maximum(np.linalg.norm(near, axis=1), np.finfo(np.float32).tiny)
    cosines = np.asarray(near @ (way[:-1] / length) / lengths, np.float32)
    kept = cosines > _LIKE_ENOUGH
    rows, cosines = rows[kept], cosines[kept]
    order = np.lexsort((rows, -cosines))[:k]
    return rows[order], cosines[order]
