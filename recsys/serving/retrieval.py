"""The best of search and neighbours together: the model's own ranking, without scoring every item.

An item that is no neighbour of the history has only its searched score, so the best k of all are
among {the best k of the search} and {the neighbours}. Most neighbours need not even be scored. No
item outside the search's list has a higher searched score than its last, nor a higher one than the
lengths of both vectors allow (Cauchy and Schwarz); with what it is lent, that bounds its sum, and
who cannot reach the k-th best sum of the list is out.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.learning import indexing
from recsys.learning.bundle import ModelBundle
from recsys.serving import index
from recsys.serving.eligibility import Allowed
from recsys.serving.shopper import Shopper

_LIKE_ENOUGH = 0.3  # cosine: in some 200 dimensions chance stays below
_POOL = 8  # candidates for each place, where not every item is compared

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]


def best(bundle: ModelBundle, shopper: Shopper, k: int, allowed: Allowed) -> tuple[Rows, Floats]:
    """The best `k` allowed item rows for a shopper, best first, with their scores; ties by row."""
    found = index.candidates(bundle, shopper.query, k, allowed)
    k = min(k, len(found[0]))
    if shopper.lent is None or not k:
        return index.best_of(*found, k)
    return shopper.lent.best(bundle, shopper.query, found, k, allowed)


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
