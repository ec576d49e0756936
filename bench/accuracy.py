"""NDCG@100 and Recall of popularity, ItemKNN, iALS, EASE and the VAE, on the grocery shop and ML-1M.

Validation shoppers choose every setting and the epoch; test shoppers are read once. The grocery
shop is cut in time (its last 10 % of events are the hold-out, new items only); ML-1M follows the
Mult-VAE protocol and is run only where its files are. Where the published evaluator is there too,
every figure is computed by both and must agree to 1e-9.

python bench/accuracy.py [--shared ../shared/data] [--seeds 3] [--threads 2]
"""

import argparse
import csv
import gzip
import importlib.util
import itertools
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from implicit.als import AlternatingLeastSquares
from scipy import sparse
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.record import write  # noqa: E402 the path is set above
from recsys.learning import evaluation, metrics, split, training  # noqa: E402 as above
from recsys.learning.evaluation import Score  # noqa: E402 as above
from recsys.learning.split import HoldOut  # noqa: E402 as above
from recsys.learning.training import TrainingOptions  # noqa: E402 as above
from recsys.models import neighbours, popularity  # noqa: E402 as above
from recsys.types import EventKind, EventLog  # noqa: E402 as above

GROCERY = ROOT / "demo" / "grocery" / "events.csv.gz"
SPLIT_SEED = 98765
FIRST_SEED = 11
GROCERY_EPOCHS, ML1M_EPOCHS = 30, 50
# Long histories (ML-1M has 85 a user) repay a wider model and half the prior's weight.
ML1M_OPTIONS = TrainingOptions(hidden=600, latent=200, gamma=0.005)
RECALL_AT, NDCG_AT = (20, 50), (20, 100)
CHOSEN_BY = "ndcg@100"
EASE_SEASON_WEIGHTS = (0.0, 0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One data set: who trains, who chooses, who is read once."""

    name: str
    train: Any
    validation: HoldOut
    test: HoldOut
    recent: np.ndarray | None = None  # decayed counts, where the data know time


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranker:
    """`scores` holds one scorer for each seed, or one."""

    name: str
    settings: str
    scores: tuple[Score, ...]
    cpu_seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    seeds = tuple(range(FIRST_SEED, FIRST_SEED + options.seeds))
    evaluator = _evaluator(options.shared.parent / "tools" / "accuracy_eval.py")
    print("figures agree with the published evaluator" if evaluator else "our own metrics alone")
    names = ("popularity", "itemknn", "ials", "ease", "ease_season", "vae")
    figures: dict[str, float | None] = {
        f"{table}_{metric}_{name}": None
        for table in ("grocery", "ml1m")
        for metric in ("ndcg100", "recall20", "recall50")
        for name in names
    }
    rows: list[dict[str, Any]] = []
    for table, made in ((_grocery(), _grocery_vae), (_ml1m(options.shared), _ml1m_vae)):
        if table is None:
            continue
        peers = [_popularity(table), _itemknn(table), _ials(table), *_ease(table)]
        rankers = [*peers, *made(table, seeds)]
        _report(table, rankers, evaluator, figures, rows)
    write(
        "accuracy",
        figures=figures,
        rows=rows,
        packages=("torch", "numpy", "scipy", "implicit"),
        seeds=seeds,
    )
    return 0


def _report(
    table: Table,
    rankers: list[Ranker],
    evaluator: ModuleType | None,
    figures: dict[str, float | None],
    rows: list[dict[str, Any]],
) -> None:
    """Read the test shoppers, once for each ranker and seed."""
    knn: np.ndarray | None = None
    for ranker in rankers:
        runs = [_per_user(score, table.test) for score in ranker.scores]
        if evaluator is not None:
            for score, run in zip(ranker.scores, runs, strict=True):
                _agree(evaluator, score, table.test, run)
        means = {name: np.array([run[name].mean() for run in runs]) for name in runs[0]}
        users = {name: np.mean([run[name] for run in runs], axis=0) for name in runs[0]}
        knn = users[CHOSEN_BY] if ranker.name == "itemknn" else knn
        row: dict[str, Any] = {"data": table.name, "model": ranker.name}
        for name, values in means.items():
            row[name] = round(float(values.mean()), 5)
        row["ndcg@100 SE over users"] = round(_standard_error(users[CHOSEN_BY]), 5)
        row["ndcg@100 SE over seeds"] = (
            round(_standard_error(means[CHOSEN_BY]), 5) if len(runs) > 1 else None
        )
        if knn is not None:
            difference = users[CHOSEN_BY] - knn
            row["minus itemknn"] = round(float(difference.mean()), 5)
            row["its SE"] = round(_standard_error(difference), 5)
        row |= {"train CPU s": round(ranker.cpu_seconds, 1), "settings": ranker.settings}
        rows.append(row)
        print(row, flush=True)
        for metric in ("ndcg@100", "recall@20", "recall@50"):
            key = f"{table.name}_{metric.replace('@', '')}_{ranker.name}"
            if key in figures:
                figures[key] = float(means[metric].mean())
                figures[f"{key}_se"] = _standard_error(users[metric])


def _grocery() -> Table | None:
    if not GROCERY.exists():
        return None
    log = _read_log(GROCERY)
    cut = split.temporal(log, seed=SPLIT_SEED)
    row_of = np.full(len(log.item_ids), -1, np.int32)
    row_of[cut.item_rows] = np.arange(len(cut.item_rows), dtype=np.int32)
    before = log.at < cut.cut_at
    recent = popularity.decayed_counts(
        log.user_rows[before],
        row_of[log.item_rows[before]],
        log.at[before],
        n_items=len(cut.item_rows),
    )
    return Table(
        name="grocery", train=cut.train, validation=cut.validation, test=cut.test, recent=recent
    )


def _ml1m(shared: Path) -> Table | None:
    folder = shared / "ml-1m-multvae"
    if not folder.exists():
        print(f"{folder} is not there: ML-1M was not run")
        return None

    def read(name: str) -> Any:
        return sparse.csr_array(sparse.load_npz(folder / f"{name}.npz").astype(np.float32))

    return Table(
        name="ml1m",
        train=read("train"),
        validation=HoldOut(fold_in=read("valid_tr"), targets=read("valid_te")),
        test=HoldOut(fold_in=read("test_tr"), targets=read("test_te")),
    )


def _popularity(table: Table) -> Ranker:
    counts = np.bincount(table.train.indices, minlength=table.train.shape[1]).astype(np.float32)
    offers = [("all time", counts)]
    if table.recent is not None:
        offers.append((f"half-life {popularity.HALF_LIFE_DAYS:g} days", table.recent))
    return _choose("popularity", table, offers, evaluation.by_counts)


def _itemknn(table: Table) -> Ranker:
    grid = itertools.product((20, 50, 100, 200, 400), (0.0, 10.0, 50.0))
    offers = (
        (f"k {k}, shrink {shrink:g}", neighbours.cosine(table.train, k=k, shrink=shrink))
        for k, shrink in grid
    )
    return _choose("itemknn", table, offers, evaluation.by_neighbours)


def _ials(table: Table) -> Ranker:
    """Hu, Koren, Volinsky, "Collaborative filtering for implicit feedback" (ICDM 2008), by `implicit`."""

    def fit(factors: int, regularisation: float, alpha: float) -> AlternatingLeastSquares:
        model = AlternatingLeastSquares(
            factors=factors,
            regularization=regularisation,
            alpha=alpha,
            iterations=15,
            num_threads=1,
            random_state=FIRST_SEED,
        )
        model.fit(sparse.csr_matrix(table.train), show_progress=False)
        return model

    def score(model: AlternatingLeastSquares) -> Score:
        def scores(histories: Any) -> np.ndarray:
            folded = sparse.csr_matrix(histories)
            users = model.recalculate_user(np.arange(folded.shape[0]), folded)
            return np.asarray(users @ model.item_factors.T)

        return scores

    grid = itertools.product((32, 64, 128), (1.0, 10.0), (1.0, 4.0))
    offers = (
        (f"{factors} factors, reg {reg:g}, alpha {alpha:g}", fit(factors, reg, alpha))
        for factors, reg, alpha in grid
    )
    with threadpool_limits(1, "blas"):  # as its authors ask: its own threads and BLAS's collide
        return _choose("ials", table, offers, score)


def _ease(table: Table) -> list[Ranker]:
    """Steck, "Embarrassingly shallow autoencoders" (WWW 2019); dense items x items, so small shops only.

    Where the data know time it is also offered the season that our own decoder bias follows.
    """
    gram = (table.train.T @ table.train).toarray().astype(np.float64)

    def weights(penalty: float) -> np.ndarray:
        inverse = np.linalg.inv(gram + penalty * np.eye(len(gram)))
        found = inverse / -np.diag(inverse)
        np.fill_diagonal(found, 0)
        return found.astype(np.float32)

    offers = ((f"lambda {penalty:g}", weights(penalty)) for penalty in (100, 200, 400, 800, 1600))
    plain = _choose("ease", table, offers, lambda b: lambda histories: np.asarray(histories @ b))
    if table.recent is None:
        return [plain]
    trend, (score,) = _trend(table), plain.scores
    moved = _choose(
        "ease_season",
        table,
        ((f"{plain.settings}, season {weight:g}", weight) for weight in EASE_SEASON_WEIGHTS),
        lambda weight: lambda histories: score(histories) + np.float32(weight) * trend,
    )
    return [plain, moved]


def _trend(table: Table) -> np.ndarray:
    overall = np.bincount(table.train.indices, minlength=table.train.shape[1]).astype(np.float32)
    return popularity.trend(table.recent, overall)


def _grocery_vae(table: Table, seeds: tuple[int, ...]) -> list[Ranker]:
    """As it ships (the decoder's bias follows the season), and without that."""
    began = time.process_time()
    options = TrainingOptions()
    plain = _fit(table, options, GROCERY_EPOCHS, seeds)
    spent = (time.process_time() - began) / len(seeds)
    trend = _trend(table)
    shipped = [
        training.seasoned(fitted, trend, validation=table.validation, options=options)
        for fitted in plain
    ]
    weights = ", ".join(f"{fitted.season_weight:g}" for fitted in shipped)
    return [
        _vae("vae without season", _settings(options), plain, spent),
        _vae("vae", f"{_settings(options)}, season {weights}", shipped, spent),
    ]


def _ml1m_vae(table: Table, seeds: tuple[int, ...]) -> list[Ranker]:
    began = time.process_time()
    fitted = _fit(table, ML1M_OPTIONS, ML1M_EPOCHS, seeds)
    spent = (time.process_time() - began) / len(seeds)
    return [_vae("vae", _settings(ML1M_OPTIONS), fitted, spent)]


def _fit(
    table: Table, options: TrainingOptions, epochs: int, seeds: tuple[int, ...]
) -> list[training.Fitted]:
    found = []
    for seed in seeds:
        fitted = training.fit(
            table.train, validation=table.validation, options=options, epochs=epochs, seed=seed
        )
        print(table.name, "seed", seed, "validation", max(fitted.ndcgs), flush=True)
        found.append(fitted)
    return found


def _vae(name: str, settings: str, fitted: list[training.Fitted], seconds: float) -> Ranker:
    scores = tuple(evaluation.by_vae(one.encoder, one.vectors) for one in fitted)
    return Ranker(name=name, settings=settings, scores=scores, cpu_seconds=seconds)


def _settings(options: TrainingOptions) -> str:
    return f"{options.hidden} wide, {options.latent} latent, gamma {options.gamma:g}"


def _choose(
    name: str, table: Table, offers: Iterable[tuple[str, Any]], score: Callable[[Any], Score]
) -> Ranker:
    """The offer that the validation shoppers like best, with what making it cost."""
    best: Ranker | None = None
    best_ndcg = -1.0
    began = time.process_time()
    for settings, model in offers:
        spent = time.process_time() - began
        ndcg = float(_per_user(score(model), table.validation)[CHOSEN_BY].mean())
        if ndcg > best_ndcg:
            best_ndcg = ndcg
            best = Ranker(name=name, settings=settings, scores=(score(model),), cpu_seconds=spent)
        began = time.process_time()
    if best is None:
        raise ValueError(f"{name}: nothing to choose from")
    return best


def _per_user(score: Score, holdout: HoldOut) -> metrics.Metrics:
    k = max(*RECALL_AT, *NDCG_AT)
    parts = []
    for start in range(0, len(holdout), evaluation.BATCH):
        batch = slice(start, start + evaluation.BATCH)
        ranked = evaluation.ranked_lists(score, holdout.fold_in[batch], k)
        targets = holdout.targets[batch]
        parts.append(metrics.per_user(ranked, targets, recall_at=RECALL_AT, ndcg_at=NDCG_AT))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _agree(evaluator: ModuleType, score: Score, test: HoldOut, ours: metrics.Metrics) -> None:
    theirs = evaluator.evaluate_scores(
        lambda histories: score(sparse.csr_array(histories)),
        sparse.csr_matrix(test.fold_in),
        sparse.csr_matrix(test.targets),
        recall_at=RECALL_AT,
        ndcg_at=NDCG_AT,
    )
    for name, values in ours.items():
        difference = abs(theirs[name] - float(values.mean()))
        if difference > 1e-9:
            raise AssertionError(f"{name}: the evaluators differ by {difference}")


def _evaluator(path: Path) -> ModuleType | None:
    if not path.exists():
        return None
    spec = importlib.util.spec_from_file_location("accuracy_eval", path)
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def _read_log(path: Path) -> EventLog:
    with gzip.open(path, "rt", newline="", encoding="utf-8") as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: row["at"])
    kinds = {kind.value: n for n, kind in enumerate(EventKind)}
    users, user_rows = np.unique([row["user_id"] for row in rows], return_inverse=True)
    items, item_rows = np.unique([row["item_id"] for row in rows], return_inverse=True)
    at = [int(datetime.fromisoformat(row["at"]).timestamp()) for row in rows]
    return EventLog(
        user_rows=user_rows.astype(np.int32),
        item_rows=item_rows.astype(np.int32),
        kinds=np.array([kinds[row["kind"]] for row in rows], np.int8),
        at=np.array(at, np.int64),
        order_rows=np.full(len(rows), -1, np.int32),
        user_ids=tuple(users.tolist()),
        item_ids=tuple(items.tolist()),
    )


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


if __name__ == "__main__":
    sys.exit(main())
