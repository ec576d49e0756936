"""The classic models themselves: sums over items x items, factors, and nothing of the product's.

X (U, I) binary histories   C = X' X (I, I) how many shoppers two items share
"""

from typing import Any

import numpy as np
from implicit.als import AlternatingLeastSquares
from numpy.typing import NDArray
from scipy import linalg, sparse

SEED = 11
_BLOCK = 2_000  # items of a sparse product at a time
_OVERSAMPLE, _POWER_ITERATIONS = 20, 4


class Walks:
    """Co-occurrence X' diag(n_u ** -alpha) X, kept between settings that differ elsewhere."""

    def __init__(self, matrix: Any) -> None:
        self.matrix = sparse.csr_matrix(matrix, dtype=np.float64)
        self.items = np.maximum(np.bincount(self.matrix.indices, minlength=matrix.shape[1]), 1)
        self._alpha: float | None = None
        self._found: list[Any] = []

    def blocks(self, alpha: float) -> list[Any]:
        """The product as CSR rows, a block of items at a time, without its diagonal."""
        if alpha != self._alpha:
            sizes = np.maximum(np.diff(self.matrix.indptr), 1).astype(np.float64)
            right = (sparse.diags(sizes**-alpha) @ self.matrix).tocsr()
            left = self.matrix.T.tocsr()
            n = left.shape[0]
            self._found = [
                _hollow(left[start : start + _BLOCK] @ right, start)
                for start in range(0, n, _BLOCK)
            ]
            self._alpha = alpha
        return self._found


def cosine(walks: Walks, *, k: int, shrink: float) -> Any:
    """ItemKNN: c_ij / (sqrt(c_i c_j) + shrink), each item lent to by its own k nearest."""
    roots = np.sqrt(walks.items)
    kept = []
    for start, block in _started(walks.blocks(0.0)):
        own = np.repeat(roots[start : start + block.shape[0]], np.diff(block.indptr))
        kept.append(_nearest(_like(block, block.data / (own * roots[block.indices] + shrink)), k))
    return sparse.vstack(kept, format="csr", dtype=np.float32).T.tocsr()


def rp3beta(walks: Walks, *, alpha: float, beta: float, k: int) -> Any:
    """Paudel et al. (TiiS 2017): a walk item, shopper, item; popular ends count less."""
    counts = walks.items.astype(np.float64)
    kept = []
    for start, block in _started(walks.blocks(alpha)):
        own = np.repeat(counts[start : start + block.shape[0]] ** -alpha, np.diff(block.indptr))
        kept.append(_nearest(_like(block, block.data * own * counts[block.indices] ** -beta), k))
    return sparse.vstack(kept, format="csr", dtype=np.float32)


def ease(matrix: Any, *, penalty: float) -> NDArray[np.float32]:
    """Steck (WWW 2019): B = I - P / diag(P) with P = (X' X + penalty I)^-1, dense."""
    gram = (matrix.T @ matrix).toarray().astype(np.float32)
    gram[np.diag_indices_from(gram)] += np.float32(penalty)
    factor, failed = linalg.lapack.spotrf(gram, lower=True, overwrite_a=True)
    inverse, failed_too = linalg.lapack.spotri(factor, lower=True, overwrite_c=True)
    if failed or failed_too:
        raise ValueError(f"EASE with lambda {penalty:g}: the gram matrix has no inverse")
    lower = np.tril(inverse, -1)
    own = np.diag(inverse).copy()
    del inverse
    lower += lower.T
    lower /= -own[None, :]
    return lower


def ials(
    matrix: Any, *, factors: int, regularisation: float, alpha: float
) -> AlternatingLeastSquares:
    """Hu, Koren, Volinsky (ICDM 2008), by `implicit`."""
    model = AlternatingLeastSquares(
        factors=factors,
        regularization=regularisation,
        alpha=alpha,
        iterations=15,
        num_threads=1,
        random_state=SEED,
    )
    model.fit(sparse.csr_matrix(matrix), show_progress=False)
    return model


def svd(matrix: Any, *, rank: int, item_power: float, user_power: float) -> tuple[Any, Any]:
    """Low pass of diag(n_u^-user_power) X diag(c_i^-item_power): x P Q' ; Halko et al. (2011)."""
    counts = np.maximum(np.bincount(matrix.indices, minlength=matrix.shape[1]), 1.0)
    sizes = np.maximum(np.diff(matrix.indptr), 1.0)
    scaled = sparse.diags(sizes**-user_power) @ matrix @ sparse.diags(counts**-item_power)
    scaled = scaled.tocsr().astype(np.float32)
    draw = np.random.default_rng(SEED).standard_normal((matrix.shape[1], rank + _OVERSAMPLE))
    basis = draw.astype(np.float32)
    for _ in range(_POWER_ITERATIONS):
        basis = linalg.qr(scaled.T @ (scaled @ basis), mode="economic")[0]
    _, _, rows = linalg.svd(scaled @ basis, full_matrices=False)
    items = (basis @ rows.T)[:, :rank]  # (I, rank)
    return (
        (items * (counts**-item_power)[:, None]).astype(np.float32),
        (items * (counts**item_power)[:, None]).astype(np.float32),
    )


def _started(blocks: list[Any]) -> list[tuple[int, Any]]:
    return [(n * _BLOCK, block) for n, block in enumerate(blocks)]


def _hollow(block: Any, start: int) -> Any:
    """Without each item's walk to itself."""
    found = block.tocsr()
    rows = np.repeat(np.arange(start, start + found.shape[0]), np.diff(found.indptr))
    found.data[found.indices == rows] = 0
    found.eliminate_zeros()
    return found


def _like(block: Any, data: NDArray[Any]) -> Any:
    return sparse.csr_matrix((data, block.indices, block.indptr), shape=block.shape)


def _nearest(block: Any, k: int) -> Any:
    """The k largest of each row."""
    keep = np.ones(block.nnz, np.bool_)
    for row in np.flatnonzero(np.diff(block.indptr) > k):
        at = slice(block.indptr[row], block.indptr[row + 1])
        values = block.data[at]
        keep[at] = False
        keep[block.indptr[row] + np.argpartition(-values, k - 1)[:k]] = True
    sizes = np.add.reduceat(np.append(keep, 0), block.indptr[:-1]) * (np.diff(block.indptr) > 0)
    return sparse.csr_matrix(
        (block.data[keep], block.indices[keep], np.concatenate([[0], np.cumsum(sizes)])),
        shape=block.shape,
    )
