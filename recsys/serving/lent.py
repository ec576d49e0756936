"""What a shopper's deeds lend to the neighbours of their items.

    m deeds   n of them left out in turn   R runs of what is lent   I items

Nothing is copied: a run is a stretch of the model's own arrays. Sums are made on a board that each
thread keeps, so a request touches what is lent to and not every item.
"""

from dataclasses import dataclass
from threading import local

import numpy as np
from numpy.typing import NDArray

from recsys.serving import kernels

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


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
    """Runs of the model's neighbours: who is lent to, and how much, by which deed."""

    indices: NDArray[np.int32]  # all of the model's, distinct within a run
    data: Floats
    starts: Rows  # (R,)
    stops: Rows  # (R,)
    deeds: Rows  # (R,)
    shares: Floats  # (R,) how much of its deed a run speaks for
    weights: Floats  # of the deeds in the whole history, then without each left out (1 + n, m)
    n_items: int

    def beside(
        self,
        rows: Rows,
        scores: Floats,
        k: int,
        *,
        gone: Rows,
        mask: NDArray[np.bool_],
        lengths: Floats,
        query: Floats,
    ) -> tuple[Floats, Rows, Floats]:
        """As `kernels.near`, for the whole history."""
        weights = self.weights[0].take(self.deeds)
        weights *= self.shares
        board, runs = _BOARD.of(self.n_items), (self.starts, self.stops, weights)
        return kernels.near(
            board, self.indices, self.data, *runs, rows, scores, gone, mask, lengths, query, k
        )

    def at(self, rows: Rows) -> Floats:
        """What these distinct rows (k,) are lent by the whole history and each shorter one: (k, 1 + n)."""
        board, n_deeds = _BOARD.of(self.n_items), self.weights.shape[1]
        runs = (self.starts, self.stops, self.deeds, self.shares)
        found = kernels.lent(board, self.indices, self.data, *runs, rows, n_deeds)
        return np.asarray(found @ self.weights.T, np.float32)
