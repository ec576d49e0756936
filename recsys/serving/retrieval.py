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
_ROUNDING = 1e-4  # kept below the bar: far more than sums in float32 can differ

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]


def best(bundle: ModelBundle, shopper: Shopper, k: int, allowed: Allowed) -> tuple[Rows, Floats]:
    """The best `k` allowed item rows for a shopper, best first, with their scores; ties by row."""
    if len(bundle.vectors) <= index.FEW:
        return _of_all(bundle, shopper, k, allowed)
    rows, scores = index.candidates(bundle, shopper.query, k, allowed)
    lent = shopper.lent
    if lent is None or not len(rows):
        return index.best_of(rows, scores, k)
    k = min(k, len(rows))
    with lent.spread() as added:
        sums = scores + added[rows]
        added[rows] = 0  # who is lent nothing comes no more
        added[allowed.gone_rows] = 0
        bar = float(index.kth(sums, k))
        most = bundle.lengths.take(lent.rows)
        most *= np.linalg.norm(shopper.query)
        np.minimum(most, index.kth(scores, k), out=most)
        most += added.take(lent.rows)
        near = _distinct(lent.rows[most >= bar - _ROUNDING * max(1.0, abs(bar))])
        near = near[(added[near] > 0) & allowed.pool.mask[near]]
        of_near = index.score(bundle, near, shopper.query) + added[near]
    return index.best_of(np.concatenate([rows, near]), np.concatenate([sums, of_near]), k)


def _distinct(rows: Rows) -> Rows:
    """Ascending; `np.unique` hashes, which takes five times as long for some thousands."""
    found = np.sort(rows)
    first = np.ones(len(found), np.bool_)
    np.not_equal(found[1:], found[:-1], out=first[1:])
    return found[first]


def _of_all(bundle: ModelBundle, shopper: Shopper, k: int, allowed: Allowed) -> tuple[Rows, Floats]:
    """The same by scoring every item: of so few, cheaper than looking for the right ones."""
    scores = np.vecdot(bundle.vectors, shopper.query)
    if shopper.lent is not None:
        with shopper.lent.spread() as added:
            scores += added
    rows = allowed.left(allowed.pool.rows)
    return index.best_of(rows, scores[rows], k)


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
