"""What a shopper's deeds lend to the neighbours of their items.

   m deeds   n of them left out in turn   E entries in R runs   I items

Summed on a board that each thread keeps, so a request touches the entries and not every item.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import local

import numpy as np
from numpy.typing import NDArray

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
    """What each deed lends to its neighbours: E entries in R runs, and the deeds' weights (1 + n, m)."""

    rows: Rows  # (E,) who is lent to, distinct within a run
    values: Floats  # (E,)
    sizes: Rows  # (R,) how many entries a run has
    deeds: Rows  # (R,) by which deed
    weights: Floats  # of the whole history, then without each deed left out
    n_items: int

    @contextmanager
    def spread(self) -> Iterator[Floats]:
        """What the whole history adds to every item (I,), to be read and cleared only inside."""
        board = _BOARD.of(self.n_items)
        try:
            values = np.repeat(self.weights[0][self.deeds], self.sizes)
            values *= self.values
            np.add.at(board, self.rows, values)
            yield board
        finally:
            board[self.rows] = 0

    def at(self, rows: Rows) -> Floats:
        """What these distinct rows (k,) are lent by the whole history and each shorter one: (k, 1 + n)."""
        board, n_deeds = _BOARD.of(self.n_items), self.weights.shape[1]
        board[rows] = np.arange(1, len(rows) + 1)
        ranks = board.take(self.rows)
        board[rows] = 0
        hit = np.flatnonzero(ranks)
        places = ranks[hit].astype(np.int64) - 1
        runs = np.searchsorted(np.cumsum(self.sizes), hit, side="right")
        cells = places * n_deeds + self.deeds[runs]
        lent = np.bincount(cells, self.values[hit], minlength=len(rows) * n_deeds)
        return np.asarray(lent.reshape(len(rows), n_deeds) @ self.weights.T, np.float32)
