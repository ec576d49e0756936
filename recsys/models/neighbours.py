"""Items beside an item, counted: cosine neighbours of shoppers, and what shares a basket.

Sparse in, sparse out: co-occurrence is made a block of items at a time, never users x items.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

_BLOCK_CELLS = 1 << 23  # dense cells of one block of co-occurrence: 64 MB of float64
_LARGEST_ORDER = 100  # a larger basket is a wholesaler's: 5,000 pairs that say little

Floats = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLists:
    """For every item row its listed item rows, best first, as CSR."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    scores: NDArray[np.float32]

    def of(self, row: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        at = slice(self.indptr[row], self.indptr[row + 1])
        return self.indices[at], self.scores[at]

    def matrix(self) -> Any:
        """The lists as a sparse (I, I) matrix: `histories @ matrix` is ItemKNN."""
        n = len(self.indptr) - 1
        return sparse.csr_array((self.scores, self.indices, self.indptr), shape=(n, n))


def empty(n_items: int) -> ItemLists:
    return ItemLists(
        indptr=np.zeros(n_items + 1, np.int64),
        indices=np.zeros(0, np.int32),
        scores=np.zeros(0, np.float32),
    )


def cosine(interactions: Any, *, k: int = 100, shrink: float = 10.0) -> ItemLists:
    """Items of the same shoppers: c_ij / (sqrt(c_i c_j) + shrink), the best `k` of each.

    `shrink` discounts pairs that a handful of shoppers made by accident.
    """
    counts = _counts(interactions)

    def score(together: Floats, rows: Floats) -> Floats:
        scale = np.sqrt(counts[rows, None] * counts[None, :]) + shrink
        return np.asarray(together / np.maximum(scale, 1e-9))

    return _best(interactions, score, k)


def together(orders: Any, *, k: int = 20, minimum_support: int = 3) -> ItemLists:
    """Items of the same basket, by how far the pair exceeds chance.

    The score is (c - e) / sqrt(e) with e = c_i c_j / n, what two unrelated items would share: lift
    alone adores rare pairs, raw counts adore bananas. Pairs below `minimum_support` are left out.
    """
    sizes = np.diff(orders.indptr)
    orders = orders[(sizes > 1) & (sizes <= _LARGEST_ORDER)]
    counts = _counts(orders)
    n = max(orders.shape[0], 1)

    def score(shared: Floats, rows: Floats) -> Floats:
        expected = np.maximum(counts[rows, None] * counts[None, :] / n, 1e-9)
        excess = (shared - expected) / np.sqrt(expected)
        return np.where(shared >= minimum_support, np.maximum(excess, 0), 0)

    return _best(orders, score, k)


def _counts(interactions: Any) -> Floats:
    counts: Floats = np.bincount(interactions.indices, minlength=interactions.shape[1])
    return np.asarray(counts, dtype=np.float64)


def _best(interactions: Any, score: Callable[[Floats, Floats], Floats], k: int) -> ItemLists:
    n = interactions.shape[1]
    by_item = interactions.T.tocsr().astype(np.float64)  # (I, U)
    by_user = interactions.astype(np.float64)  # (U, I)
    block = max(1, _BLOCK_CELLS // max(n, 1))
    lengths = np.zeros(n, np.int64)
    indices: list[NDArray[Any]] = []
    scores: list[NDArray[Any]] = []
    for start in range(0, n, block):
        rows = np.arange(start, min(start + block, n))
        cells = score((by_item[rows] @ by_user).toarray(), rows)  # (block, I)
        cells[np.arange(len(rows)), rows] = 0  # an item is no neighbour of itself
        keep = min(k, n)
        top = np.argsort(-cells, axis=1, kind="stable")[:, :keep]  # ties: the lower row first
        best = np.take_along_axis(cells, top, axis=1)
        positive = best > 0
        lengths[rows] = positive.sum(axis=1)
        indices.append(top[positive])
        scores.append(best[positive])
    return ItemLists(
        indptr=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        indices=np.concatenate([*indices, np.zeros(0)]).astype(np.int32),
        scores=np.concatenate([*scores, np.zeros(0)]).astype(np.float32),
    )
