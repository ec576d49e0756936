"""A panel of validation shoppers that chooses between settings, quickly and always alike.

    B shoppers of the panel   I items   P pieces, scores (B, I) that a weighted sum fuses

Each piece is scored once; what a choice of weights is worth then costs one pass over the panel.
The panel is a sample where validation is large: its pieces are the only dense shoppers x items
arrays here, and `cells` bounds them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.learning.split import HoldOut

LARGEST = 4_000  # shoppers: past them the choice is not sharper, only slower
_LEAST = 64
_STEPS = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 16.0)  # of the spread of what is there already
_FINER = (0.7, 1.4)
_ABOUT = (1.0, 0.6, 1.6)  # as one setting moves, so does the weight that suits it, a little

Piece = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """`at` is the depth of the NDCG that the panel judges by."""

    holdout: HoldOut
    at: int

    def __len__(self) -> int:
        return len(self.holdout)

    def ndcg(self, pieces: Sequence[Piece], weights: Sequence[float]) -> float:
        """NDCG@at of the weighted sum, what is masked left out; a tie counts against the target.

        The rank of a target is the number of items that reach its score: nothing is sorted.
        """
        used = [(piece, np.float32(w)) for piece, w in zip(pieces, weights, strict=True) if w]
        if not used or not len(self):
            return 0.0
        targets = self.holdout.targets
        hidden_at, hidden = self._hidden()
        gains = 1 / np.log2(np.arange(2, self.at + 2))
        ideal = np.cumsum(gains)
        total = 0.0
        for user in range(len(self)):
            row = used[0][0][user] * used[0][1]
            for piece, weight in used[1:]:
                row += piece[user] * weight
            row[hidden[hidden_at[user] : hidden_at[user + 1]]] = -np.inf
            wanted = targets.indices[targets.indptr[user] : targets.indptr[user + 1]]
            values = row[wanted]
            ranks = np.array([np.count_nonzero(row >= value) - 1 for value in values])
            found = ranks[(ranks < self.at) & (values > -np.inf)]
            total += gains[found].sum() / ideal[min(self.at, len(wanted)) - 1]
        return float(total / len(self))

    def _hidden(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        masked = self.holdout.masked
        if masked is None:
            return self.holdout.fold_in.indptr, self.holdout.fold_in.items
        return masked.indptr, masked.indices


def draw(validation: HoldOut, *, at: int, cells: int, seed: int) -> Panel:
    """Shoppers with a target, as many as `cells` scores allow but no more than LARGEST."""
    there = np.flatnonzero(np.diff(validation.targets.indptr) > 0)
    n_items = validation.fold_in.n_items
    room = min(LARGEST, max(_LEAST, cells // max(n_items, 1)))
    if len(there) > room:
        there = np.sort(np.random.default_rng(seed).choice(there, room, replace=False))
    masked = None if validation.masked is None else validation.masked[there]
    drawn = HoldOut(
        fold_in=validation.fold_in.take(there), targets=validation.targets[there], masked=masked
    )
    return Panel(holdout=drawn, at=at)


def best_weight(
    panel: Panel, base: Piece | None, piece: Piece, *, near: float | None = None
) -> tuple[float, float]:
    """The weight at which `piece` helps `base` most, and the NDCG of the two together.

    `near`, in the unit of both spreads, is where a like piece was best: a few weights about it are
    tried, not all.
    """
    if base is None:
        return 1.0, panel.ndcg([piece], [1.0])
    scale = unit(base, piece)
    tried: dict[float, float] = {}

    def value(weight: float) -> float:
        if weight not in tried:
            tried[weight] = panel.ndcg([base, piece], [1.0, weight])
        return tried[weight]

    steps = [near * factor for factor in _ABOUT] if near else _STEPS
    best = max((step * scale for step in steps), key=value)
    if not near:
        best = max((best, *(best * finer for finer in _FINER)), key=value)
    return best, value(best)


def balance(
    panel: Panel, pieces: Mapping[str, Piece], weights: Mapping[str, float], *, worth: float
) -> tuple[dict[str, float], float]:
    """Coordinate search over all weights; a piece worth less than `worth` of the NDCG is dropped."""
    names = list(pieces)
    found = {name: float(weights[name]) for name in names}

    def value(of: Mapping[str, float]) -> float:
        return panel.ndcg([pieces[name] for name in names], [of[name] for name in names])

    best = value(found)
    for factors in ((0.5, 2.0), (0.7, 1.4), (0.84, 1.2)):
        for name in names[1:]:  # the first sets the scale
            for factor in factors:
                trial = {**found, name: found[name] * factor}
                worthy = value(trial) if found[name] else -1.0
                if worthy > best:
                    found, best = trial, worthy
    for name in reversed(names):
        trial = {**found, name: 0.0}
        left = value(trial) if found[name] else -1.0
        if left > 0 and left >= best * (1 - worth):
            found, best = trial, left
    return found, best


def unit(base: Piece | None, piece: Piece) -> float:
    """The weight at which `piece` is spread as far as `base`."""
    return 1.0 if base is None else (spread(base) or 1.0) / (spread(piece) or 1.0)


def spread(piece: Piece) -> float:
    """How far a shopper's scores lie apart, on average: the unit in which weights are tried."""
    return float(piece.std(axis=1).mean())
