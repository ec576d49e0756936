"""Measure any ranker on a hold-out: a candidate, the live model, or a plain count beside them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from recsys.learning import metrics
from recsys.learning.bundle import ModelBundle
from recsys.learning.split import HoldOut
from recsys.models.encoder import Encoder, Floats, user_vectors
from recsys.models.histories import Histories
from recsys.models.neighbours import ItemLists

COVERAGE_AT = 20
BATCH = 512  # shoppers scored at a time: the only dense shoppers x items array there is

Score = Callable[[Histories], NDArray[np.float32]]  # of B shoppers -> (B, I)


def measure(
    score: Score,
    holdout: HoldOut,
    *,
    recall_at: tuple[int, ...] = (20, 50),
    ndcg_at: tuple[int, ...] = (20, 100),
) -> dict[str, float]:
    """Mean metrics over the hold-out, all items ranked, the history masked.

    `coverage@20` is the share of the catalogue that at least one of these shoppers is shown.
    """
    k = max(*recall_at, *ndcg_at, COVERAGE_AT)
    parts: list[metrics.Metrics] = []
    shown = np.zeros(holdout.fold_in.shape[1], np.bool_)
    for start in range(0, len(holdout), BATCH):
        batch = holdout.batch(start, BATCH)
        ranked = ranked_lists(score, batch, k)
        parts.append(metrics.per_user(ranked, batch.targets, recall_at=recall_at, ndcg_at=ndcg_at))
        first = ranked[:, :COVERAGE_AT]
        shown[first[first != metrics.NOTHING]] = True
    names = [f"recall@{r}" for r in recall_at] + [f"ndcg@{r}" for r in ndcg_at]
    joined = {
        name: np.concatenate([np.zeros(0), *(part[name] for part in parts)]) for name in names
    }
    coverage = float(shown.mean()) if len(shown) else 0.0
    users = float(len(joined[names[0]]))
    return {**metrics.summary(joined), f"coverage@{COVERAGE_AT}": coverage, "users": users}


def ranked_lists(score: Score, holdout: HoldOut, k: int) -> NDArray[np.int64]:
    """The `k` best items of each shopper, without what the hold-out masks."""
    scores = np.array(score(holdout.fold_in), dtype=np.float32)
    if holdout.masked is None:
        scores[holdout.fold_in.owners, holdout.fold_in.items] = -np.inf
    else:
        scores[holdout.masked.nonzero()] = -np.inf
    return metrics.best_rows(scores, k)


def by_vae(encoder: Encoder, vectors: Floats) -> Score:
    """The decoder's logits at the posterior mean: what serving searches."""
    return lambda histories: np.asarray(
        user_vectors(encoder.encode_many(histories.matrix())) @ vectors.T
    )


def by_counts(counts: NDArray[np.float32]) -> Score:
    """The same order for everybody."""
    return lambda histories: np.repeat(counts[None, :], len(histories), axis=0)


def by_neighbours(lists: ItemLists) -> Score:
    """ItemKNN: an item scores its similarity to those of its own neighbours that are in the history.

    The other way round, where the history's items lend to their neighbours, favours bestsellers:
    on ML-1M it costs .03 NDCG@100.
    """
    lent = lists.matrix().T.tocsr()
    return lambda histories: np.asarray((histories.matrix() @ lent).toarray())


def by_bundle(bundle: ModelBundle, item_ids: tuple[str, ...]) -> Score:
    """Another model over this hold-out's items; what it has never met, it cannot recommend."""
    rows = np.array([bundle.item_rows.get(item_id, -1) for item_id in item_ids], dtype=np.int64)
    known = np.flatnonzero(rows >= 0)
    score = by_vae(bundle.encoder, bundle.vectors)

    def mapped(histories: Histories) -> NDArray[np.float32]:
        found = np.full(histories.shape, -np.inf, np.float32)
        found[:, known] = score(histories.renamed(rows, len(bundle.item_ids)))[:, rows[known]]
        return found

    return mapped
