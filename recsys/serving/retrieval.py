"""The best of search and neighbours together: the model's own ranking, without scoring every item.

An item that is no neighbour of the history has only its searched score, so the best k of all are
among {the best k of the search} and {the neighbours}. Most neighbours need not even be scored. No
item outside the search's list has a higher searched score than its last, nor a higher one than the
lengths of both vectors allow (Cauchy and Schwarz); with what it is lent, that bounds its sum, and
who cannot reach the k-th best sum so far is out.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from recsys.learning import indexing
from recsys.learning.bundle import ModelBundle
from recsys.serving import index
from recsys.serving.eligibility import Allowed
from recsys.serving.shopper import Shopper, distinct

_LIKE_ENOUGH = 0.3  # cosine: in some 200 dimensions chance stays below
_POOL = 8  # candidates for each place, where not every item is compared
_FIRST = 6  # entries for each place, of which some are scored first to raise the bar for others
_SAMPLED = 1_024  # entries by which it is guessed what many are lent
_LEAST = float(np.finfo(np.float32).tiny)  # who is lent nothing is no neighbour
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
    with shopper.lent.spread() as added:
        sums = scores + added[rows]
        near, found = _neighbours(bundle, shopper, added, (rows, sums, scores[-1]), allowed)
    return index.best_of(np.concatenate([rows, near]), np.concatenate([sums, found]), k)


def _neighbours(
    bundle: ModelBundle,
    shopper: Shopper,
    added: Floats,
    listed: tuple[Rows, Floats, np.float32],
    allowed: Allowed,
) -> tuple[Rows, Floats]:
    """Those not listed whose sums may be among the best, and the sums (n,).

    First those that may become the best are scored: with the listed sums they raise the bar for
    all others. What is done with is taken from `added`, so that it comes no more.
    """
    (rows, sums, last), k = listed, len(listed[0])
    entries = shopper.lent.rows if shopper.lent is not None else rows[:0]
    if 2 * allowed.pool.n_rows < len(allowed.pool.known):  # a look at each here saves more later
        entries = entries[allowed.pool.mask.take(entries)]
    added[rows[added[rows] > 0]] = -np.inf
    lent = added.take(entries)
    length = np.float32(np.linalg.norm(shopper.query))

    def most(entries: Rows) -> Floats:
        far = np.minimum(bundle.lengths.take(entries) * length, last)
        return np.asarray(far + added.take(entries), np.float32)

    def scored(entries: Rows) -> tuple[Rows, Floats]:
        near = entries[allowed.keeps(entries)]
        return near, np.asarray(index.score(bundle, near, shopper.query) + added[near])

    first, of_first = scored(_greatest(distinct(entries[lent >= _high(lent, _FIRST * k)]), most, k))
    added[first] = -np.inf
    both = np.concatenate([sums, of_first])
    bar = np.partition(both, len(both) - k)[len(both) - k]
    bar -= _ROUNDING * max(1.0, abs(float(bar)))
    rest = entries[lent >= max(bar - last, _LEAST)]
    second, of_second = scored(distinct(rest[most(rest) >= bar]))
    return np.concatenate([first, second]), np.concatenate([of_first, of_second])


def _high(values: Floats, n: int) -> float:
    """What about `n` of the values reach, by a sample of them; all of them are above zero."""
    sample = values[:: 1 + len(values) // _SAMPLED]
    below = len(sample) - 1 - len(sample) * n // max(1, len(values))
    return _LEAST if below < 0 else max(float(np.partition(sample, below)[below]), _LEAST)


def _greatest(entries: Rows, most: Callable[[Rows], Floats], n: int) -> Rows:
    if len(entries) <= n:
        return entries
    found = most(entries)
    best = found >= np.partition(found, len(found) - n)[len(found) - n]
    return np.asarray(entries[best])


def _of_all(bundle: ModelBundle, shopper: Shopper, k: int, allowed: Allowed) -> tuple[Rows, Floats]:
    """The same by scoring every item: of so few, cheaper than looking for the right ones."""
    scores = np.vecdot(bundle.vectors, shopper.query)
    if shopper.lent is not None:
        near, added = shopper.lent.sums()
        scores[near] += added
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
