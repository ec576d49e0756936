"""Items beside an item, counted: cosine neighbours, what follows what, and what shares a basket.

    U, B shoppers   I items

Sparse in, sparse out: co-occurrence is made a block of items at a time, never users x items and
never items x items. What is listed beside an item are those that speak for it: the transposed
lists carry a history to what it recommends.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.models.histories import Histories, InputWeights

_BLOCK_PAIRS = 1 << 22  # pairs of shared shoppers counted at a time: some 100 MB
_LARGEST_ORDER = 100  # a larger basket is a wholesaler's: 5,000 pairs that say little
_LONGEST_HISTORY = 20_000  # distinct items; beyond it, 200 million pairs of a robot
# Items that one lends to. Lists are short, but of a million items 60,000 listed the same bestseller;
# half as many save little more and begin to change real shoppers' lists (docs/architecture.md).
MOST_LENT = 2_048

Floats = NDArray[Any]
Score = Callable[[Floats, NDArray[Any], NDArray[Any]], Floats]  # shared, row, column -> score


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
        """The lists as a sparse (I, I) matrix: `histories @ matrix.T` is ItemKNN."""
        n = len(self.indptr) - 1
        return sparse.csr_array((self.scores, self.indices, self.indptr), shape=(n, n))


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Every item of a history lends to its neighbours: `weights @ lent * sum(weights) ** -norm`."""

    lent: Any  # sparse (I, I), from the history's item to the one recommended; nonnegative
    input: InputWeights = InputWeights()
    norm: float = 0.0

    def scores(self, histories: Histories) -> Any:
        """Sparse (B, I), nonnegative; the history's own items may be among them."""
        weights = histories.matrix(self.input)
        if self.norm:
            total = np.asarray(weights.sum(axis=1), np.float32).ravel()
            factor = np.maximum(total, np.float32(1e-6)) ** np.float32(-self.norm)
            weights.data *= np.repeat(factor, np.diff(weights.indptr))
        return sparse.csr_array(weights @ self.lent, dtype=np.float32)


def lend(lists: ItemLists, *others: tuple[float, ItemLists], most: int = MOST_LENT) -> Any:
    """What each item lends to those that list it: the sum, each of the others by its weight.

    An item lends to the `most` it lends most to; of equal ones, to the lower rows.
    """
    lent = lists.matrix()
    for weight, other in others:
        if weight:
            lent = lent + np.float32(weight) * other.matrix()
    found = sparse.csr_array(lent.T.tocsr(), dtype=np.float32)
    found.sort_indices()
    return _strongest(found, most)


def _strongest(lent: Any, most: int) -> Any:
    """At most so many cells of a row of sparse (I, I); rows with no more are as they were."""
    sizes = np.diff(lent.indptr)
    kept = np.ones(len(lent.data), np.bool_)
    for row in np.flatnonzero(sizes > most):
        where = slice(lent.indptr[row], lent.indptr[row + 1])
        columns, _ = _top(lent.indices[where], lent.data[where], most)
        kept[where] = np.isin(lent.indices[where], columns)
    if kept.all():
        return lent
    indptr = np.concatenate([[0], np.cumsum(kept)])[lent.indptr].astype(lent.indptr.dtype)
    return sparse.csr_array((lent.data[kept], lent.indices[kept], indptr), shape=lent.shape)


def empty(n_items: int) -> ItemLists:
    return ItemLists(
        indptr=np.zeros(n_items + 1, np.int64),
        indices=np.zeros(0, np.int32),
        scores=np.zeros(0, np.float32),
    )


def cosine(
    interactions: Any,
    *,
    k: int = 100,
    shrink: float = 10.0,
    powers: tuple[float, float] = (0.5, 0.5),
    user_power: float = 0.0,
) -> ItemLists:
    """Items of the same shoppers: c_ij / (c_i^a c_j^b + shrink), the best `k` of each.

    i is the item whose list it is and (a, b) are the `powers`: two halves are the cosine. A shopper
    with n items counts n^-`user_power`; that power beside an equal b is RP3beta (Paudel et al.,
    2017). `shrink` discounts pairs that a handful of shoppers made by accident. Interactions may be
    weighted: then c_ij sums the products, and c_i the weights.
    """
    interactions = without_robots(interactions)
    counts = np.asarray(interactions.sum(axis=0), np.float64).ravel()
    sizes = np.maximum(np.diff(interactions.indptr), 1).astype(np.float64)
    by_user = sparse.csr_array(interactions, dtype=np.float64)
    weighted = sparse.csr_array(sparse.diags_array(sizes**-user_power) @ by_user)
    own, theirs = (np.maximum(counts, 1e-9) ** power for power in powers)

    def score(shared: Floats, rows: NDArray[Any], columns: NDArray[Any]) -> Floats:
        return np.asarray(shared / np.maximum(own[rows] * theirs[columns] + shrink, 1e-9))

    return _best(_shared(weighted, by_user), score, by_user.shape[1], k)


def transitions(
    histories: Histories,
    *,
    k: int = 100,
    horizon: int = 8,
    shrink: float = 0.0,
    powers: tuple[float, float] = (0.0, 0.5),
    taught: InputWeights = InputWeights(),
) -> ItemLists:
    """What came before an item: each earlier item within `horizon` steps counts 1 / gap.

    The list of an item holds the `k` that led to it, t_ij / (t_j^a t_i^b + shrink) with t_j what
    ended in the item, t_i what began in the other, and (a, b) the `powers`. Where nothing is known
    of time there are none.
    """
    n_items = histories.n_items
    steps: Any = sparse.csr_array((n_items, n_items), dtype=np.float64)
    items, owners, weights = histories.items, histories.owners, histories.weights(taught)
    # oldest first and distinct ages: without a clock every age is 0 and the order says nothing
    timed = histories.ages.any() if len(items) else False
    for gap in range(1, horizon + 1 if timed else 1):
        same = np.flatnonzero(owners[gap:] == owners[:-gap])
        if not len(same):
            break
        cells = (weights[same] * weights[same + gap] / gap, (items[same + gap], items[same]))
        steps = steps + sparse.csr_array(cells, shape=(n_items, n_items), dtype=np.float64)
    ended = np.maximum(np.asarray(steps.sum(axis=1)).ravel(), 1e-9) ** powers[0]
    began = np.maximum(np.asarray(steps.sum(axis=0)).ravel(), 1e-9) ** powers[1]

    def score(shared: Floats, rows: NDArray[Any], columns: NDArray[Any]) -> Floats:
        return np.asarray(shared / (ended[rows] * began[columns] + shrink))

    return _best(iter([(np.arange(n_items), steps)]), score, n_items, k)


def together(orders: Any, *, k: int = 20, minimum_support: int = 3) -> ItemLists:
    """Items of the same basket, by how far the pair exceeds chance.

    The score is (c - e) / sqrt(e) with e = c_i c_j / n, what two unrelated items would share: lift
    alone adores rare pairs, raw counts adore bananas. Pairs below `minimum_support` are left out.
    """
    sizes = np.diff(orders.indptr)
    orders = sparse.csr_array(orders[(sizes > 1) & (sizes <= _LARGEST_ORDER)], dtype=np.float64)
    counts = np.bincount(orders.indices, minlength=orders.shape[1]).astype(np.float64)
    n = max(orders.shape[0], 1)

    def score(shared: Floats, rows: NDArray[Any], columns: NDArray[Any]) -> Floats:
        expected = np.maximum(counts[rows] * counts[columns] / n, 1e-9)
        excess = (shared - expected) / np.sqrt(expected)
        return np.where(shared >= minimum_support, np.maximum(excess, 0), 0)

    return _best(_shared(orders, orders), score, orders.shape[1], k)


def without_robots(interactions: Any) -> Any:
    """The interactions (U, I) without histories too long to be anybody's."""
    sizes = np.diff(interactions.indptr)
    if sizes.max(initial=0) <= _LONGEST_HISTORY:
        return interactions
    return interactions[sizes <= _LONGEST_HISTORY]


def _shared(left: Any, right: Any) -> Iterator[tuple[NDArray[Any], Any]]:
    """The product left' @ right, sparse (I, I), some rows at a time: those whose pairs fit into a block."""
    by_item = left.T.tocsr()  # (I, U)
    sizes = np.diff(right.indptr).astype(np.float64)
    pairs = np.asarray(sparse.csr_array(by_item != 0, dtype=np.float64) @ sizes)  # (I,)
    block = (np.cumsum(pairs) // _BLOCK_PAIRS).astype(np.int64)
    bounds = np.concatenate([[0], np.flatnonzero(np.diff(block)) + 1, [len(pairs)]])
    for start, stop in pairwise(bounds):
        if stop > start:
            yield np.arange(start, stop), by_item[start:stop] @ right


def _best(blocks: Iterator[tuple[NDArray[Any], Any]], score: Score, n: int, k: int) -> ItemLists:
    """The `k` best positive cells of each row, best first; equal ones by the lower column."""
    lengths = np.zeros(n, np.int64)
    indices: list[NDArray[Any]] = []
    scores: list[NDArray[Any]] = []
    for rows, cells in blocks:
        at = np.repeat(rows, np.diff(cells.indptr))
        values = score(cells.data, at, cells.indices)
        values[at == cells.indices] = 0  # an item is no neighbour of itself
        for place, row in enumerate(rows):
            where = slice(cells.indptr[place], cells.indptr[place + 1])
            columns, best = _top(cells.indices[where], values[where], k)
            lengths[row] = len(columns)
            indices.append(columns)
            scores.append(best)
    return ItemLists(
        indptr=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        indices=np.concatenate([*indices, np.zeros(0)]).astype(np.int32),
        scores=np.concatenate([*scores, np.zeros(0)]).astype(np.float32),
    )


def _top(columns: NDArray[Any], values: Floats, k: int) -> tuple[NDArray[Any], Floats]:
    if len(values) > k:  # all that tie with the k-th stay for the sort below to decide
        bound = np.partition(values, len(values) - k)[len(values) - k]
        kept = values >= max(bound, np.finfo(np.float64).tiny)
    else:
        kept = values > 0
    columns, values = columns[kept], values[kept]
    order = np.lexsort((columns, -values))[:k]
    return columns[order], values[order]
