"""Search over `[W, Q, b]`: the best items for a shopper are the model's own ranking.

A small catalogue's answer is exact. A larger one's candidates come from a coarser index (chosen in
`learning.indexing`) and are scored again with the vectors themselves, so that every score is the
model's own; only which candidates there are is approximate, to the recall the index was tuned to.
"""

from typing import Any, NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray

from recsys.learning import indexing
from recsys.learning.bundle import ModelBundle
from recsys.learning.lists import padded
from recsys.serving import kernels
from recsys.serving.eligibility import Allowed, Pool

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]

FEW = 4_096  # allowed items that are scored one and all without asking an index

_ROUNDING = 1e-6
# Nanoseconds, measured at 100,000 and a million items of 329 dimensions: only their ratios matter.
_CENTRE, _READ, _COPIED = 30, 20, 350
_CODES = 4  # codes are read so many times quicker


class _Way(NamedTuple):
    """How an index is asked for what a pool leaves."""

    index: Any
    whole: bool  # not at all: scoring everything that is left costs less
    parameters: Any


def search(bundle: ModelBundle, query: Floats, k: int, allowed: Allowed) -> tuple[Rows, Floats]:
    """The best `k` allowed item rows for one query (d,), best first, with their scores.

    Equal scores go to the lower row, so that the answer does not depend on the heap's order.
    """
    return best_of(*candidates(bundle, query, k, allowed), k)


def candidates(bundle: ModelBundle, query: Floats, k: int, allowed: Allowed) -> tuple[Rows, Floats]:
    """Allowed rows with the best `k` among them, or all there are, and their scores; in no order."""
    n_allowed = allowed.n_rows
    k = min(k, n_allowed)
    if k == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    if n_allowed <= FEW:
        return _all(bundle, query, allowed)
    way = _way(bundle.index, allowed.pool)
    if way.whole:
        return _all(bundle, query, allowed)
    wanted = min(n_allowed, indexing.wanted(bundle.index, k))
    # what this shopper may not see is few: asked for beyond what is wanted, and left out after
    asked = wanted + len(allowed.gone_rows)
    one = padded(query[None, :], bundle.index.d)
    found: Rows = bundle.index.search(one, asked, params=way.parameters)[1][0]
    rows, scores = np.empty(wanted, np.int64), np.empty(wanted, np.float32)
    n = kernels.left(found, allowed.gone_rows, bundle.vectors, query, rows, scores)
    if n < k:  # the lists looked into ran dry
        return _all(bundle, query, allowed)
    rows, scores = rows[:n], scores[:n]
    exact = isinstance(bundle.index, faiss.IndexFlatIP)
    if exact and wanted < n_allowed and _tied(np.partition(scores, -k)[-k], scores.min()):
        return _all(bundle, query, allowed)  # which of the tied FAISS keeps is chance
    return rows, scores


def _way(index: Any, pool: Pool) -> _Way:
    """Worked out once for each pool."""
    way: _Way | None = pool.way
    if way is None or way.index is not index:
        way = pool.way = _chosen(index, pool)
    return way


def _chosen(index: Any, pool: Pool) -> _Way:
    selected: dict[str, Any] = {}
    if pool.bits is not None:
        selected["sel"] = faiss.IDSelectorBitmap(pool.bits)  # type: ignore[call-arg,arg-type]  # stubs are of the C++ signature
    listed = indexing.lists_of(index)
    if listed is None:
        asked = faiss.SearchParameters(**selected) if selected else None
        return _Way(index, whole=False, parameters=asked)
    n, coded = len(pool.known), listed is not index
    # the fewer may be found, the more lists are looked into: as many allowed items as ever
    probes = min(-(-listed.nprobe * n // pool.n_rows), listed.nlist)
    looked_at = probes * n / listed.nlist
    cost = _CENTRE * listed.nlist + looked_at * (_READ / _CODES if coded else _READ)
    parameters: Any = faiss.SearchParametersIVF(nprobe=probes, **selected)  # type: ignore[call-arg]  # as above
    if coded:
        parameters = faiss.SearchParametersPreTransform(index_params=parameters)  # type: ignore[call-arg]  # as above
    return _Way(index, whole=pool.n_rows * _COPIED < cost, parameters=parameters)


def score(bundle: ModelBundle, rows: Rows, query: Floats) -> Floats:
    """The searched scores of some item rows (n,): equal items get equal scores, to the bit."""
    scores = np.empty(len(rows), np.float32)
    kernels.score(bundle.vectors, rows, query, scores)
    return scores


def best_of(rows: Rows, scores: Floats, k: int) -> tuple[Rows, Floats]:
    """The `k` best of these rows, best first, the lower row of those that tie."""
    k = min(k, len(rows))
    kept, of_kept = np.empty(k, np.int64), np.empty(k, np.float32)
    kernels.best(rows, scores, kept, of_kept)
    return kept, of_kept


def _all(bundle: ModelBundle, query: Floats, allowed: Allowed) -> tuple[Rows, Floats]:
    rows = allowed.left(allowed.pool.rows)
    return rows, score(bundle, rows, query)


def _tied(one: np.float32, other: np.float32) -> bool:
    return bool(one - other <= _ROUNDING * max(1.0, abs(float(one))))
