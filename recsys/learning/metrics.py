"""Ranking metrics as the published tables mean them (Liang et al., WWW 2018).

    Recall@R = hits in the first R / min(R, targets)
    NDCG@R   = discounted hits in the first R / the same sum of a perfect list of min(R, targets)
Averages are over shoppers with a target. Equal scores: the lower row first, so that a constant
scorer gains nothing by luck.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

NOTHING = -1  # a place in a list for which no item was left

Metrics = dict[str, NDArray[np.float64]]


def best_rows(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The `k` best columns of each row, best first; NOTHING where the score is -inf.

    Raises:
        ValueError: A score is NaN.
    """
    if np.isnan(scores).any():
        raise ValueError("a score is not a number")
    k = min(k, scores.shape[1])
    if k == 0:
        return np.zeros((len(scores), 0), np.int64)
    best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    cut = np.take_along_axis(scores, best, axis=1).min(axis=1, keepdims=True)
    # argpartition takes any of those tied at the cut: mend the rows in which there was a choice
    for row in np.flatnonzero((scores >= cut).sum(axis=1) > k):
        above = np.flatnonzero(scores[row] > cut[row])
        tied = np.flatnonzero(scores[row] == cut[row])[: k - len(above)]
        best[row] = np.concatenate([above, tied])
    best.sort(axis=1)
    values = np.take_along_axis(scores, best, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    ranked = np.take_along_axis(best, order, axis=1)
    return np.where(np.take_along_axis(values, order, axis=1) == -np.inf, NOTHING, ranked)


def per_user(
    ranked: NDArray[np.int64],
    targets: Any,
    *,
    recall_at: tuple[int, ...] = (20, 50),
    ndcg_at: tuple[int, ...] = (20, 100),
) -> Metrics:
    """Metrics of each shopper with a target; `ranked` (B, k), `targets` sparse (B, I)."""
    n_users, n_items = targets.shape
    n_targets = np.diff(targets.indptr)
    owners = np.repeat(np.arange(n_users, dtype=np.int64), n_targets)
    wanted = owners * n_items + targets.indices
    listed = np.arange(n_users, dtype=np.int64)[:, None] * n_items + ranked
    hits = np.isin(listed, wanted) & (ranked != NOTHING)  # (B, k)
    has = n_targets > 0
    hits, n_targets = hits[has], n_targets[has]
    found: Metrics = {}
    for r in recall_at:
        found[f"recall@{r}"] = hits[:, :r].sum(axis=1) / np.minimum(r, n_targets)
    for r in ndcg_at:
        gains = 1 / np.log2(np.arange(2, r + 2))
        ideal = np.cumsum(gains)[np.minimum(r, n_targets) - 1]
        cut = hits[:, :r]
        found[f"ndcg@{r}"] = (cut * gains[: cut.shape[1]]).sum(axis=1) / ideal
    return found


def summary(parts: Metrics) -> dict[str, float]:
    """Means, and standard errors as `<metric>_se`."""
    found: dict[str, float] = {}
    for name, values in parts.items():
        n = len(values)
        found[name] = float(values.mean()) if n else 0.0
        found[f"{name}_se"] = float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
    return found
