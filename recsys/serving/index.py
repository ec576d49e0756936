"""Search over `[W, Q, b]`: the best items for a shopper are the model's own ranking.

A small catalogue's answer is exact. A larger one's candidates come from a coarser index (chosen in
`learning.indexing`) and are scored again with the vectors themselves, so that every score is the
model's own; only which candidates there are is approximate, to the recall the index was tuned to.
"""

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from recsys.learning.bundle import ModelBundle
from recsys.learning.indexing import padded
from recsys.serving.eligibility import Allowed, Pool

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]

FEW = 4_096  # allowed items that are scored one and all without asking an index

_SPARE = 16  # asked for beyond k, so that what FAISS rounds otherwise than we do is not cut off
_SCATTERED = 3  # a row copied from somewhere costs as much as so many read in order
_ROUNDING = 1e-6
# Nanoseconds, measured at 100,000 and a million items of 329 dimensions: only their ratios matter.
_CENTRE, _CHECKED, _COMPARED, _COPIED = 30, 10, 20, 350


def search(bundle: ModelBundle, query: Floats, k: int, allowed: Allowed) -> tuple[Rows, Floats]:
    """The best `k` allowed item rows for one query (d,), best first, with their scores.

    Equal scores go to the lower row, so that the answer does not depend on the heap's order.
    """
    n_allowed = allowed.n_rows
    k = min(k, n_allowed)
    if k == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    if n_allowed <= FEW or _is_cheaper_whole(bundle.index, allowed.pool):
        return _exhaustive(bundle, query, k, allowed)
    exact = isinstance(bundle.index, faiss.IndexFlatIP)
    half = isinstance(bundle.index, faiss.IndexScalarQuantizer)
    wanted = min(n_allowed, k + (max(k, _SPARE) if half else _SPARE))
    # what this shopper may not see is few: asked for beyond what is wanted, and left out after
    rows = _candidates(bundle.index, query, wanted + len(allowed.gone_rows), allowed.pool)
    rows = allowed.left(rows)[:wanted]
    if len(rows) < wanted and len(rows) < k:  # the lists looked into ran dry
        return _exhaustive(bundle, query, k, allowed)
    rows, scores = _ordered(rows, score(bundle, rows, query))
    if exact and wanted < n_allowed and _tied(scores[k - 1], scores[-1]):
        return _exhaustive(bundle, query, k, allowed)  # which of the tied FAISS keeps is chance
    return rows[:k], scores[:k]


def _is_cheaper_whole(index: Any, pool: Pool) -> bool:
    """Whether scoring all that a selective filter leaves costs less than finding the best in lists."""
    if not isinstance(index, faiss.IndexIVF):
        return False
    looked_at = _probes(index, pool) * len(pool.known) / index.nlist
    share = pool.n_rows / len(pool.known)
    lists = _CENTRE * index.nlist + looked_at * (_CHECKED + _COMPARED * share)
    return pool.n_rows * _COPIED < lists


def _probes(index: Any, pool: Pool) -> int:
    """The fewer may be found, the more lists are looked into: as many allowed items as ever."""
    return int(min(-(-index.nprobe * len(pool.known) // pool.n_rows), index.nlist))


def score(bundle: ModelBundle, rows: NDArray[Any], query: Floats) -> Floats:
    """The searched scores of some item rows (n,): equal items get equal scores, to the bit."""
    vectors = bundle.vectors
    if len(rows) * _SCATTERED > len(vectors):
        found = np.vecdot(vectors, query)[rows]
    else:
        found = np.vecdot(vectors.take(rows, axis=0), query)
    return np.asarray(found, np.float32)


def _candidates(index: Any, query: Floats, wanted: int, pool: Pool) -> Rows:
    made = pool.parameters
    if made is None or made[0] is not index:
        made = pool.parameters = (index, _parameters(index, pool))
    _, rows = index.search(padded(query[None, :], index.d), wanted, params=made[1])
    found: Rows = rows[0][rows[0] >= 0]
    return found


def _parameters(index: Any, pool: Pool) -> Any:
    chosen: dict[str, Any] = {}
    if pool.bits is not None:
        chosen["sel"] = faiss.IDSelectorBitmap(pool.bits)  # type: ignore[call-arg,arg-type]  # stubs are of the C++ signature
    if isinstance(index, faiss.IndexIVF):
        return faiss.SearchParametersIVF(nprobe=_probes(index, pool), **chosen)  # type: ignore[call-arg]  # as above
    return faiss.SearchParameters(**chosen) if chosen else None


def best_of(rows: Rows, scores: Floats, k: int) -> tuple[Rows, Floats]:
    """The `k` best of these rows, best first, the lower row of those that tie."""
    k = min(k, len(rows))
    if k == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    kept = scores >= np.partition(scores, len(scores) - k)[len(scores) - k]
    rows, scores = _ordered(rows[kept], scores[kept])
    return rows[:k], scores[:k]


def _exhaustive(
    bundle: ModelBundle, query: Floats, k: int, allowed: Allowed
) -> tuple[Rows, Floats]:
    rows = allowed.left(allowed.pool.rows)
    return best_of(rows, score(bundle, rows, query), k)


def _ordered(rows: Rows, scores: Floats) -> tuple[Rows, Floats]:
    order = np.lexsort((rows, -scores))
    return rows[order], scores[order]


def _tied(one: np.float32, other: np.float32) -> bool:
    return bool(one - other <= _ROUNDING * max(1.0, abs(float(one))))
