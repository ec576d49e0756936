"""What a shopper's deeds lend to the neighbours of their items.

    m deeds   n of them left out in turn   R lenders   I items

Nothing is copied: what a lender lends is a stretch of the model's own arrays. Sums are made on a board that each
thread keeps, so a request touches what is lent to and not every item.
"""

from dataclasses import dataclass
from threading import local

import numpy as np
from numpy.typing import NDArray

from recsys.learning.bundle import ModelBundle
from recsys.serving import kernels
from recsys.serving.eligibility import Allowed

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
Names = NDArray[np.int32]


class _Board(local):
    """One number for every item, all zero between requests; each thread has its own."""

    numbers: Floats = np.zeros(0, np.float32)

    def of(self, n_items: int) -> Floats:
        if len(self.numbers) < n_items:
            self.numbers = np.zeros(n_items, np.float32)
        return self.numbers[:n_items]


_BOARD = _Board()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """Rows of the model's neighbours: who is lent to, and how much, by which deed."""

    indices: Names  # all of the model's, distinct within a row
    data: Floats
    indptr: Names  # (I + 1,)
    lenders: Rows  # (R,) the model's rows
    deeds: Rows  # (R,)
    shares: Floats  # (R,) how much of its deed a lender speaks for
    weights: Floats  # of the deeds in the whole history, then without each left out (1 + n, m)
    n_items: int

    def best(
        self,
        bundle: ModelBundle,
        query: Floats,
        found: tuple[Rows, Floats],
        k: int,
        allowed: Allowed,
    ) -> tuple[Rows, Floats]:
        """The best k of what a search found and of all who are lent to, best first: `kernels.best_with`."""
        kept, scores = np.empty(k, np.int64), np.empty(k, np.float32)
        kernels.best_with(
            *self._runs(),
            self.weights[0],
            *found,
            allowed.gone_rows,
            allowed.pool.mask,
            bundle.lengths,
            bundle.vectors,
            query,
            kept,
            scores,
        )
        return kept, scores

    def at(self, rows: Rows) -> Floats:
        """What these distinct rows (k,) are lent by the whole history and each shorter one: (k, 1 + n)."""
        found = np.zeros((len(rows), self.weights.shape[1]), np.float32)
        kernels.lend(*self._runs(), rows, found)
        return np.asarray(found @ self.weights.T, np.float32)

    def _runs(self) -> tuple[Floats, Names, Floats, Names, Rows, Rows, Floats]:
        board = _BOARD.of(self.n_items)
        return board, self.indices, self.data, self.indptr, self.lenders, self.deeds, self.shares
