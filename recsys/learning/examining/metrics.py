"""What a ranked list is worth, shopper by shopper.

Accuracy as the published tables mean it (Liang et al., WWW 2018):
    Recall@R = hits in the first R / min(R, targets)
    NDCG@R   = discounted hits in the first R / the same sum of a perfect list of min(R, targets)
    HR@R     = 1 where there is a hit in the first R;  MRR@R = 1 / the rank of the first of them
Averages are over shoppers with a target. Equal scores: the lower row first, so that a constant
scorer gains nothing by luck. What lists are like besides (novelty, diversity, calibration, who is
shown at all) stands below; `ranked` is always (B, k) rows with NOTHING where no item was left.
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
    hit_at: tuple[int, ...] = (),
    mrr_at: tuple[int, ...] = (),
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
    for r in hit_at:
        found[f"hit@{r}"] = hits[:, :r].any(axis=1).astype(np.float64)
    for r in mrr_at:
        ranks = 1 / np.arange(1, r + 1)
        cut = hits[:, :r]
        found[f"mrr@{r}"] = (cut * ranks[: cut.shape[1]]).max(axis=1, initial=0.0)
    return found


def among_sampled(
    scores: NDArray[np.float32], targets: Any, *, n: int, k: int, seed: int
) -> Metrics:
    """HR@k and NDCG@k of each target among `n` items drawn at random, averaged per shopper.

    Papers once reported this; it flatters every model and can turn their order round (Krichene and
    Rendle, KDD 2020), so it only ever stands beside the full ranking. What scores -inf is not
    drawn; a negative that ties with the target is ahead of it.
    """
    n_users = targets.shape[0]
    hits, gains = np.zeros(n_users), np.zeros(n_users)
    draw = np.random.default_rng(seed)
    for user in range(n_users):
        wanted = targets.indices[targets.indptr[user] : targets.indptr[user + 1]]
        allowed = np.isfinite(scores[user])
        allowed[wanted] = False
        pool = np.flatnonzero(allowed)
        drawn = draw.choice(pool, min(n, len(pool)), replace=False)
        ahead = (scores[user, drawn][None, :] >= scores[user, wanted][:, None]).sum(axis=1)
        found = (ahead < k) & np.isfinite(scores[user, wanted])
        if len(wanted):
            hits[user] = found.mean()
            gains[user] = np.where(found, 1 / np.log2(ahead + 2), 0).mean()
    has = np.diff(targets.indptr) > 0
    return {f"sampled_hit@{k}": hits[has], f"sampled_ndcg@{k}": gains[has]}


def self_information(counts: NDArray[Any], n_shoppers: int) -> NDArray[np.float64]:
    """Bits of surprise in being shown each item, -log2 of the share who had it (Zhou et al., 2010).

    One imagined shopper has everything, so that what nobody had is very surprising but finite.
    """
    return np.asarray(-np.log2((np.asarray(counts, np.float64) + 1) / (n_shoppers + 1)))


def percentiles(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Share of the other items that are less popular, ties counting half: 1 is the bestseller."""
    counts = np.asarray(counts)
    if len(counts) < 2:  # noqa: PLR2004 nothing to compare with
        return np.full(len(counts), 0.5)
    ordered = np.sort(counts)
    below = np.searchsorted(ordered, counts, side="left")
    upto = np.searchsorted(ordered, counts, side="right")
    return np.asarray((below + upto - 1) / (2 * (len(counts) - 1)))


def listed_mean(ranked: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of a property of items over each list; NaN for an empty list."""
    there = ranked != NOTHING
    total = (
        np.where(there, values[ranked], 0.0).sum(axis=1) if len(values) else np.zeros(len(there))
    )
    return _over(total, there.sum(axis=1))


def diversity(ranked: NDArray[np.int64], categories: NDArray[Any]) -> NDArray[np.float64]:
    """Share of a list's pairs that differ in category (Ziegler et al., WWW 2005); NaN below two.

    Items without a category (-1) say nothing and are left out.
    """
    counts = _category_counts(ranked, categories)  # (B, C)
    n = counts.sum(axis=1)
    same = (counts * (counts - 1)).sum(axis=1)
    return 1 - _over(same, n * (n - 1))


def spread(ranked: NDArray[np.int64], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean of 1 - cosine over a list's pairs, for shops without categories; NaN below two."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    there = ranked != NOTHING
    total = np.where(there[:, :, None], units[ranked], 0).sum(axis=1, dtype=np.float64)  # (B, D)
    own = np.where(there, (units * units).sum(axis=1)[ranked], 0).sum(axis=1)
    n = there.sum(axis=1)
    return 1 - _over((total * total).sum(axis=1) - own, n * (n - 1))


def calibration(
    ranked: NDArray[np.int64], history: Any, categories: NDArray[Any]
) -> NDArray[np.float64]:
    """KL of a list's category mix from the history's (Steck, RecSys 2018): 0 is the same mix.

    `history` is sparse (B, I). NaN where the history or the list has no categorised item.
    """
    n = int(categories.max(initial=-1)) + 1
    known = categories >= 0
    mixing = np.zeros((len(categories), n))
    mixing[np.flatnonzero(known), categories[known]] = 1
    had = np.asarray(history @ mixing)  # (B, C)
    shown = _category_counts(ranked, categories)
    p = _over(had, had.sum(axis=1, keepdims=True))
    q = 0.99 * _over(shown, shown.sum(axis=1, keepdims=True)) + 0.01 * p  # Steck's alpha
    terms = np.where(p > 0, p * np.log(np.divide(p, q, out=np.ones_like(p), where=p > 0)), 0.0)
    empty = (had.sum(axis=1) == 0) | (shown.sum(axis=1) == 0)
    return np.where(empty, np.nan, terms.sum(axis=1))


def gini(shown: NDArray[Any]) -> float:
    """How unequally the places go to items: 0 all alike, near 1 a few get all."""
    ordered = np.sort(np.asarray(shown, np.float64))
    n, total = len(ordered), ordered.sum()
    if n == 0 or total == 0:
        return 0.0
    return float(2 * (np.arange(1, n + 1) * ordered).sum() / (n * total) - (n + 1) / n)


def summary(parts: Metrics) -> dict[str, float]:
    """Means, and standard errors as `<metric>_se`; a NaN is a shopper of whom it says nothing."""
    found: dict[str, float] = {}
    for name, every in parts.items():
        values = every[~np.isnan(every)]
        n = len(values)
        found[name] = float(values.mean()) if n else 0.0
        found[f"{name}_se"] = float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
    return found


def _category_counts(ranked: NDArray[np.int64], categories: NDArray[Any]) -> NDArray[np.float64]:
    n = int(categories.max(initial=-1)) + 1
    listed = np.where(ranked == NOTHING, -1, categories[ranked]) if len(categories) else ranked
    users, places = np.nonzero(listed >= 0)
    cells = users * n + listed[users, places]
    return np.bincount(cells, minlength=len(ranked) * n).reshape(len(ranked), n).astype(np.float64)


def _over(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    below = np.broadcast_to(below, above.shape)
    found = np.full(above.shape, np.nan)
    return np.asarray(np.divide(above, below, out=found, where=below > 0))
