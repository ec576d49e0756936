"""The linear branch: what a history says, added up item by item, in few enough numbers to search.

    U, B shoppers   I items   r rank

A small catalogue has EASE (Steck, WWW 2019) in closed form, cut to rank r; a large one has the
leading directions of the matrix scaled by popularity, the low-pass filter of GF-CF (Shen et al.,
CIKM 2021). Both end as two (I, r) matrices: a shopper is a sum of rows of the one, an item is a
row of the other, so that the branch lies beside the decoder in one inner-product space.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from recsys.models.histories import Histories, InputWeights

ITEM_LIMIT = 12_000  # EASE holds two I x I matrices: 1.2 GB here, and time grows with the cube
_DOUBLE_LIMIT = 5_000  # below, the inverse is made in float64: there it is cheap
_TURNS = 6  # of the subspace iteration: past them the directions no longer move the ranking
_SPARE = 16  # directions drawn beyond the rank: what a random subspace needs to hold it

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """A shopper is `(weights @ project) * sum(weights) ** -norm`; its scores `user @ items.T`."""

    project: Floats  # (I, r)
    items: Floats  # (I, r)
    input: InputWeights = InputWeights()
    norm: float = 0.0

    @property
    def rank(self) -> int:
        return int(self.items.shape[1])

    def users(self, histories: Histories) -> Floats:
        weights = histories.matrix(self.input)
        users = np.asarray(weights @ self.project, np.float32)  # (B, I) -> (B, r)
        if self.norm:
            total = np.asarray(weights.sum(axis=1), np.float32).ravel()
            users *= np.maximum(total, np.float32(1e-6))[:, None] ** np.float32(-self.norm)
        return users


def ease(
    histories: Histories,
    *,
    penalty: float,
    rank: int,
    input: InputWeights = InputWeights(),  # noqa: A002 the field it becomes
    taught: InputWeights = InputWeights(),
    rounds: int = 2,
    item_limit: int = ITEM_LIMIT,
    seed: int = 0,
) -> Linear:
    """EASE cut to `rank`, with the diagonal of B free: it is never read, so it is not fitted.

    `taught` weighs the histories that are learnt from, `input` those that are then scored.

    Raises:
        ValueError: More items than `item_limit`: the closed form needs memory of their square.
    """
    n_items = histories.n_items
    if n_items > item_limit:
        raise ValueError(
            f"EASE of {n_items} items needs a matrix of their square; the limit is {item_limit}, "
            "beyond it use svd"
        )
    weights = _ease_weights(histories.matrix(taught), penalty)
    rank = min(rank, n_items)
    start = np.random.default_rng(seed).standard_normal((n_items, min(rank + _SPARE, n_items)))
    right = start.astype(np.float32)
    left, values = right[:, :rank], np.zeros(rank, np.float32)
    for turn in range(max(rounds, 1)):
        if turn:
            np.fill_diagonal(weights, ((left * values) * right[:, :rank]).sum(axis=1))
        left, values, right = _leading(weights, right, turns=4 if turn == 0 else 2)
        left, values = left[:, :rank], values[:rank]
    root = np.sqrt(values)
    return Linear(
        project=np.ascontiguousarray(left * root),
        items=np.ascontiguousarray(right[:, :rank] * root),
        input=input,
    )


def svd(
    histories: Histories,
    *,
    rank: int,
    popularity_power: float,
    user_power: float = 0.0,
    item_power: float | None = None,
    input: InputWeights = InputWeights(),  # noqa: A002 the field it becomes
    taught: InputWeights = InputWeights(),
    seed: int = 0,
) -> Linear:
    """Scores x D^-p V V' D^q with V the leading directions of diag(n_u^-user_power) X D^-p.

    D holds the items' counts, p is `popularity_power` and q `item_power`, which is p unless said:
    the way back to counts. Randomised subspace iteration on the sparse matrix (Halko et al., 2011).
    """
    matrix = histories.matrix(taught)
    counts = np.maximum(np.bincount(histories.items, minlength=histories.n_items), 1)
    counts = counts.astype(np.float32)
    down = counts ** np.float32(-popularity_power)
    sizes = np.maximum(histories.sizes, 1).astype(np.float32)
    scaled = sparse.diags_array(sizes ** np.float32(-user_power)) @ matrix
    scaled = sparse.csr_array(scaled @ sparse.diags_array(down), dtype=np.float32)
    directions = _directions(scaled, rank, seed=seed)  # (I, r)
    up = counts ** np.float32(popularity_power if item_power is None else item_power)
    return Linear(
        project=np.ascontiguousarray(directions * down[:, None]),
        items=np.ascontiguousarray(directions * up[:, None]),
        input=input,
    )


def _ease_weights(matrix: Any, penalty: float) -> Floats:
    """B = I - P diag(P)^-1 with P = (X'X + penalty)^-1; in place, as I x I is the whole cost."""
    n_items = matrix.shape[1]
    double = n_items <= _DOUBLE_LIMIT
    gram = (matrix.T @ matrix).toarray(order="F").astype(np.float64 if double else np.float32)
    gram[np.diag_indices(n_items)] += penalty
    factorise, invert = linalg.get_lapack_funcs(("potrf", "potri"), (gram,))
    factor, failed = factorise(gram, lower=True, overwrite_a=True, clean=True)
    if failed:
        raise ValueError(f"EASE needs a positive penalty; {penalty} leaves the items dependent")
    inverse, failed = invert(factor, lower=True, overwrite_c=True)
    if failed:
        raise ValueError(f"EASE needs a larger penalty than {penalty}")
    lower = np.tril(inverse, -1)
    inverse = lower + lower.T + np.diag(np.diag(inverse))
    weights = np.asarray(inverse / -np.diag(inverse)[None, :], np.float32)
    np.fill_diagonal(weights, 0)
    return weights


def _leading(matrix: Floats, start: Floats, *, turns: int) -> tuple[Floats, Floats, Floats]:
    """The leading singular triplets of a dense matrix, by subspace iteration from `start` (I, s)."""
    right = start
    left = np.linalg.qr(matrix @ right)[0]
    for _ in range(turns):
        right = np.linalg.qr(matrix.T @ left)[0]
        left = np.linalg.qr(matrix @ right)[0]
    small = (matrix.T @ left).T  # (s, I)
    turn, values, rows = np.linalg.svd(small, full_matrices=False)
    return (
        np.asarray(left @ turn, np.float32),
        np.asarray(values, np.float32),
        np.asarray(rows.T, np.float32),
    )


def _directions(matrix: Any, rank: int, *, seed: int) -> Floats:
    """The leading right singular vectors of a sparse (U, I) matrix -> (I, r)."""
    n_items = matrix.shape[1]
    wide = min(rank + _SPARE, n_items)
    found = np.random.default_rng(seed).standard_normal((n_items, wide)).astype(np.float32)
    turned = matrix.T.tocsr()
    for _ in range(_TURNS):
        found = np.linalg.qr(turned @ (matrix @ found))[0]
    seen = matrix @ found  # (U, s)
    values, turn = np.linalg.eigh((seen.T @ seen).astype(np.float64))
    best = np.argsort(-values, kind="stable")[: min(rank, wide)]
    return np.asarray(found @ turn[:, best].astype(np.float32), np.float32)
