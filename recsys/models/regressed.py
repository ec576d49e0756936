"""Neighbour lists that know of one another: each item regressed on those most like it.

    U shoppers   I items   m candidates of an item

A cosine counts every neighbour as if it were alone; of ten that say the same, a regression believes
each a tenth. This is EASE's regression (Steck, WWW 2019) with the candidates of fsSLIM (Ning and
Karypis, ICDM 2011): m x m systems instead of one of I x I, so that the catalogue may be large, and
only its positive weights, so that the lists stay what the exact fusion needs.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.models.neighbours import ItemLists, without_robots

_DENSE_LIMIT = 5_000  # items: the products of all pairs take 100 MB, and one look-up is quicker

Products = Callable[[NDArray[Any]], NDArray[np.float64]]  # rows (m,) -> (m, m)


def regressed(
    interactions: Any, candidates: ItemLists, *, penalty: float, user_power: float = 0.0
) -> ItemLists:
    """The lists of `candidates` with the weights of a ridge regression, the positive ones.

    Minimises |x_j - X_C w|^2 + penalty |w|^2 for each item j and its candidates C, where a shopper
    with n items counts n^-`user_power`.

    Raises:
        ValueError: The penalty is not positive: what always comes together could not be told apart.
    """
    if penalty <= 0:
        raise ValueError(f"a regression on neighbours needs a positive penalty, not {penalty}")
    products = _products(without_robots(interactions), user_power)
    n_items = len(candidates.indptr) - 1
    lengths = np.zeros(n_items, np.int64)
    indices: list[NDArray[Any]] = []
    scores: list[NDArray[Any]] = []
    for row in range(n_items):
        near, _ = candidates.of(row)
        if not len(near):
            continue
        all_pairs = products(np.concatenate([[row], near]))  # (1 + m, 1 + m)
        system = all_pairs[1:, 1:]
        system[np.diag_indices(len(near))] += penalty
        weights = np.linalg.solve(system, all_pairs[1:, 0])
        order = np.lexsort((near, -weights))
        order = order[weights[order] > 0]
        lengths[row] = len(order)
        indices.append(near[order])
        scores.append(weights[order])
    return ItemLists(
        indptr=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        indices=np.concatenate([*indices, np.zeros(0)]).astype(np.int32),
        scores=np.concatenate([*scores, np.zeros(0)]).astype(np.float32),
    )


def _products(interactions: Any, user_power: float) -> Products:
    """How to get the inner products of some items, at once for all of them or on the spot."""
    sizes = np.maximum(np.diff(interactions.indptr), 1).astype(np.float64)
    halved = sparse.diags_array(sizes ** (-user_power / 2))
    by_item = sparse.csr_array((halved @ interactions).T.tocsr(), dtype=np.float32)  # (I, U)
    if by_item.shape[0] <= _DENSE_LIMIT:
        known = (by_item @ by_item.T).toarray()
        return lambda rows: known[np.ix_(rows, rows)].astype(np.float64)

    def on_the_spot(rows: NDArray[Any]) -> NDArray[np.float64]:
        some = by_item[rows]
        return np.asarray((some @ some.T).toarray(), np.float64)

    return on_the_spot
