"""Read a ranker on a hold-out in a table's own words, every item ranked; never an average early.

The metrics are the product's (`recsys.learning.examining.metrics`), with two of the tables' own ways: plain
recall divides by all targets, and one target a shopper needs no list, only its rank.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.learning.examining import evaluation, metrics
from recsys.learning.examining.evaluation import Score
from recsys.learning.split import HoldOut

TOLERANCE = 1e-9


def per_user(
    score: Score,
    holdout: HoldOut,
    *,
    names: tuple[str, ...],
    plain_recall: bool = False,
    judge: ModuleType | None = None,
) -> metrics.Metrics:
    """Metrics such as `ndcg@10` of each shopper who has a target.

    Raises:
        AssertionError: The published evaluator, where it is given, says something else.
    """
    recall_at, ndcg_at = _depths(names, "recall"), _depths(names, "ndcg")
    k = max(*recall_at, *ndcg_at, 1)
    single = bool((np.diff(holdout.targets.indptr) == 1).all())
    parts: list[metrics.Metrics] = []
    for start in range(0, len(holdout), evaluation.BATCH):
        batch = holdout.batch(start, evaluation.BATCH)
        scores = _masked(score, batch)
        if single:
            ranks = _ranks(scores, batch.targets.indices)
            found = _next_item(ranks, recall_at=recall_at, ndcg_at=ndcg_at)
        else:
            ranks = None
            ranked = metrics.best_rows(scores, k)
            found = metrics.per_user(ranked, batch.targets, recall_at=recall_at, ndcg_at=ndcg_at)
            if plain_recall:
                found = _plain(found, batch.targets)
        if judge is not None and (start == 0 or single):
            _agree(judge, scores, batch.targets, found, ranks=ranks, plain_recall=plain_recall)
        parts.append(found)
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def means(users: metrics.Metrics) -> dict[str, float]:
    return {name: float(values.mean()) for name, values in users.items()}


def standard_error(values: NDArray[Any]) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def published_evaluator(path: Path) -> ModuleType | None:
    """Somebody else's code for the same metrics, where it is at hand."""
    if not path.exists():
        return None
    spec = importlib.util.spec_from_file_location("accuracy_eval", path)
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def _depths(names: tuple[str, ...], metric: str) -> tuple[int, ...]:
    return tuple(int(name.split("@")[1]) for name in names if name.startswith(f"{metric}@"))


def _masked(score: Score, batch: HoldOut) -> NDArray[np.float32]:
    scores = np.array(score(batch.fold_in), dtype=np.float32)
    if batch.masked is None:
        scores[batch.fold_in.owners, batch.fold_in.items] = -np.inf
    else:
        scores[batch.masked.nonzero()] = -np.inf
    return scores


def _ranks(scores: NDArray[np.float32], targets: NDArray[Any]) -> NDArray[np.float64]:
    """1 is first; of equal scores the lower row first; a masked target is never found."""
    if np.isnan(scores).any():
        raise ValueError("a score is not a number")
    own = scores[np.arange(len(scores)), targets][:, None]  # (B, 1)
    ahead = (scores > own).sum(axis=1)
    for row in np.flatnonzero((scores == own).sum(axis=1) > 1):  # rare, but for zeros
        ahead[row] += (scores[row, : targets[row]] == own[row]).sum()
    return np.where(own[:, 0] == -np.inf, np.inf, ahead + 1.0)


def _next_item(
    ranks: NDArray[np.float64], *, recall_at: tuple[int, ...], ndcg_at: tuple[int, ...]
) -> metrics.Metrics:
    gains = 1 / np.log2(ranks + 1)
    found = {f"recall@{r}": (ranks <= r).astype(np.float64) for r in recall_at}
    return found | {f"ndcg@{r}": np.where(ranks <= r, gains, 0.0) for r in ndcg_at}


def _plain(found: metrics.Metrics, targets: Any) -> metrics.Metrics:
    sizes = np.diff(targets.indptr)
    sizes = sizes[sizes > 0]
    return {
        name: values * np.minimum(int(name.split("@")[1]), sizes) / sizes
        if name.startswith("recall@")
        else values
        for name, values in found.items()
    }


def _agree(
    judge: ModuleType,
    scores: NDArray[np.float32],
    targets: Any,
    ours: metrics.Metrics,
    *,
    ranks: NDArray[np.float64] | None,
    plain_recall: bool,
) -> None:
    names = tuple(ours)
    recall_at, ndcg_at = _depths(names, "recall"), _depths(names, "ndcg")
    if ranks is not None:
        theirs = {
            name.replace("hr@", "recall@"): value
            for name, value in judge.next_item_metrics(
                ranks, at=tuple({*recall_at, *ndcg_at})
            ).items()
        }
    else:
        ranked = judge.topk_from_scores(scores, max(*recall_at, *ndcg_at, 1))
        ranked[np.take_along_axis(scores, ranked, 1) == -np.inf] = -1
        users = judge.metrics_from_lists(ranked, sparse.csr_matrix(targets), recall_at, ndcg_at)
        theirs = {name: float(values.mean()) for name, values in users.items()}
    for name, values in ours.items():
        if plain_recall and name.startswith("recall@"):
            continue  # it knows the other recall only
        if abs(theirs[name] - float(values.mean())) > TOLERANCE:
            raise AssertionError(f"{name}: the evaluator says {theirs[name]}, we {values.mean()}")
