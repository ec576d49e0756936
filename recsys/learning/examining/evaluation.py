"""Measure any ranker on a hold-out: a candidate, the live model, or a plain count beside them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.learning.bundle import ModelBundle
from recsys.learning.examining import metrics
from recsys.learning.examining.market import Market
from recsys.learning.split import HoldOut
from recsys.models.encoder import Encoder, Floats, user_vectors
from recsys.models.fusion import Fused
from recsys.models.histories import Histories
from recsys.models.neighbours import ItemLists

LISTED = 20  # how long a list is when it is judged as a list: coverage, novelty, diversity
SAMPLED_AT = 10  # the depth at which papers report the number among sampled negatives
BATCH = 512  # shoppers scored at a time: the only dense shoppers x items array there is

Score = Callable[[Histories], NDArray[np.float32]]  # of B shoppers -> (B, I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Depths:
    """At which depths what is measured. Nothing is a valid answer to each."""

    recall: tuple[int, ...] = (20, 50)
    ndcg: tuple[int, ...] = (20, 100)
    hit: tuple[int, ...] = ()
    mrr: tuple[int, ...] = ()

    @property
    def deepest(self) -> int:
        return max(*self.recall, *self.ndcg, *self.hit, *self.mrr, LISTED)


IN_FULL = Depths(ndcg=(10, 20, 100), hit=(10,), mrr=(10,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """One scorer on one hold-out, kept by shopper so that two of them can be compared in pairs.

    `values[name]` has one number for each of `shoppers`, the hold-out's rows with a target; NaN
    where a measure says nothing of that shopper. `figures` are the means, their standard errors
    as `<name>_se`, and what belongs to all lists together.
    """

    shoppers: NDArray[np.int64]  # (S,)
    ranked: NDArray[np.int64]  # (T, k), every row of the hold-out
    values: metrics.Metrics
    figures: dict[str, float]


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
    return examine(score, holdout, depths=Depths(recall=recall_at, ndcg=ndcg_at)).figures


def examine(
    score: Score,
    holdout: HoldOut,
    *,
    depths: Depths = Depths(),
    market: Market | None = None,
    vectors: Floats | None = None,
    sampled: int = 0,
    seed: int = 0,
) -> Examination:
    """Rank for everybody, keep every shopper's numbers.

    With a `market` also what lists are like besides right or wrong; `vectors` (I, D) say how far
    items are apart where the shop has no categories. `sampled` > 0 adds the number among so many
    random items, which is comparable with nothing.
    """
    parts: list[metrics.Metrics] = [_nothing(holdout, depths)]
    ranked = np.full((len(holdout), min(depths.deepest, holdout.fold_in.n_items)), metrics.NOTHING)
    for start in range(0, len(holdout), BATCH):
        batch = holdout.batch(start, BATCH)
        scores = _masked_scores(score, batch)
        lists = metrics.best_rows(scores, depths.deepest)
        ranked[start : start + BATCH] = lists
        part = _accuracy(lists, batch.targets, depths)
        if sampled:
            part |= metrics.among_sampled(
                scores, batch.targets, n=sampled, k=SAMPLED_AT, seed=seed + start
            )
        if market is not None:
            part |= _character(lists[:, :LISTED], batch, market, vectors)
        parts.append(part)
    values = {
        name: np.concatenate([part.get(name, np.zeros(0)) for part in parts]) for name in parts[-1]
    }
    shoppers = np.flatnonzero(np.diff(holdout.targets.indptr) > 0)
    figures = {**metrics.summary(values), **_exposure(ranked[:, :LISTED], holdout.fold_in.n_items)}
    figures["users"] = float(len(shoppers))
    return Examination(shoppers=shoppers, ranked=ranked, values=values, figures=figures)


def by_vae(encoder: Encoder, vectors: Floats) -> Score:
    """The decoder's logits at the posterior mean."""
    return lambda histories: np.asarray(
        user_vectors(encoder.encode_weighted(histories)) @ vectors.T
    )


def by_fused(fused: Fused) -> Score:
    """All branches summed, as serving ranks."""
    items = fused.items()  # once: for a large catalogue it is as dear as a batch

    def summed(histories: Histories) -> NDArray[np.float32]:
        found = fused.users(histories) @ items.T
        added = fused.sparse(histories)
        owners = np.repeat(np.arange(len(histories)), np.diff(added.indptr))
        found[owners, added.indices] += added.data
        return np.asarray(found, np.float32)

    return summed


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
    score = by_fused(bundle.fused)

    def mapped(histories: Histories) -> NDArray[np.float32]:
        found = np.full(histories.shape, -np.inf, np.float32)
        found[:, known] = score(histories.renamed(rows, len(bundle.item_ids)))[:, rows[known]]
        return found

    return mapped


def _masked_scores(score: Score, holdout: HoldOut) -> NDArray[np.float32]:
    scores = np.array(score(holdout.fold_in), dtype=np.float32)
    if holdout.masked is None:
        scores[holdout.fold_in.owners, holdout.fold_in.items] = -np.inf
    else:
        scores[holdout.masked.nonzero()] = -np.inf
    return scores


def _accuracy(ranked: NDArray[np.int64], targets: Any, depths: Depths) -> metrics.Metrics:
    return metrics.per_user(
        ranked,
        targets,
        recall_at=depths.recall,
        ndcg_at=depths.ndcg,
        hit_at=depths.hit,
        mrr_at=depths.mrr,
    )


def _nothing(holdout: HoldOut, depths: Depths) -> metrics.Metrics:
    """What nobody's lists are worth: every name with no number."""
    nobody = np.zeros((0, depths.deepest), np.int64)
    return _accuracy(nobody, holdout.targets[:0], depths)


def _character(
    ranked: NDArray[np.int64], batch: HoldOut, market: Market, vectors: Floats | None
) -> metrics.Metrics:
    """What the lists of the shoppers with a target are like, besides right or wrong."""
    has = np.diff(batch.targets.indptr) > 0
    ranked = ranked[has]
    information = metrics.self_information(market.counts, market.n_shoppers)
    found = {
        f"novelty@{LISTED}": metrics.listed_mean(ranked, information),
        f"popularity@{LISTED}": metrics.listed_mean(ranked, metrics.percentiles(market.counts)),
    }
    if market.names:
        history = batch.fold_in.matrix()[np.flatnonzero(has)]
        found[f"diversity@{LISTED}"] = metrics.diversity(ranked, market.categories)
        found[f"calibration@{LISTED}"] = metrics.calibration(ranked, history, market.categories)
    elif vectors is not None:
        found[f"diversity@{LISTED}"] = metrics.spread(ranked, vectors)
    return found


def _exposure(ranked: NDArray[np.int64], n_items: int) -> dict[str, float]:
    """Who is shown at all: the share of the catalogue, and how unequal the shares of places are."""
    shown = np.bincount(ranked[ranked != metrics.NOTHING], minlength=n_items)
    coverage = float((shown > 0).mean()) if n_items else 0.0
    return {f"coverage@{LISTED}": coverage, f"gini@{LISTED}": metrics.gini(shown)}
