"""From a log of events to a candidate that has earned its place, or a reason why it has not.

split -> fit -> candidate and live model on the same hold-out -> gate. Nothing is written here:
publishing and promoting are the caller's, and only what passed should be promoted.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.config import RecsysConfig
from recsys.errors import Cancelled
from recsys.learning import bundle as bundles
from recsys.learning import evaluation, split, training
from recsys.learning.bundle import ModelBundle
from recsys.learning.split import Split
from recsys.learning.training import Fitted, TrainingOptions
from recsys.models import neighbours, popularity
from recsys.models.neighbours import ItemLists
from recsys.types import EventLog

GATE_METRIC = "ndcg@20"
COVERAGE_METRIC = "coverage@20"
# A collapsed model shows everybody the same 20 items: 1.3 % of a shop of 1,600. In a shop of
# fewer items than this share makes sense for, any list passes.
COVERAGE_FLOOR = 0.015

Curves = dict[str, list[float]]
OnProgress = Callable[[str, float, Curves], bool]  # stage, 0..1, curves -> go on?
Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A candidate and its examination; `verdict` says in one sentence why it passed or did not."""

    bundle: ModelBundle
    metrics: Mapping[str, Any]
    curves: Curves
    passed: bool
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signals:
    """What is counted rather than fitted, for the model's items."""

    popularity: NDArray[np.float32]
    neighbours: ItemLists
    together: ItemLists


def train_candidate(
    log: EventLog,
    live: ModelBundle,
    config: RecsysConfig,
    on_progress: OnProgress = lambda _stage, _progress, _curves: True,
    *,
    options: TrainingOptions | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Train, examine, judge.

    Raises:
        NotEnoughData: The log is too short to learn from.
        Cancelled: `on_progress` said to stop.
    """
    device = training.device_of(config.train_device)
    torch.set_num_threads(max(1, config.train_threads))
    options = options or TrainingOptions()
    curves: Curves = {"loss": [], "ndcg": []}
    _report(on_progress, "split", 0.0, curves)
    cut = split.temporal(log, seed=config.train_seed)

    def on_epoch(progress: float, loss: float, ndcg: float) -> bool:
        curves["loss"].append(loss)
        curves["ndcg"].append(ndcg)
        return on_progress("fit", 0.9 * progress, curves)

    fitted = training.fit(
        cut.train,
        validation=cut.validation,
        options=options,
        epochs=config.train_epochs,
        seed=config.train_seed,
        max_seconds=config.train_max_seconds,
        device=device,
        on_epoch=on_epoch,
    )
    _report(on_progress, "evaluate", 0.9, curves)
    before = _signals(log, cut, (log.at < cut.cut_at) & split.positive(log))
    overall = np.bincount(cut.train.items, minlength=len(cut.item_rows)).astype(np.float32)
    fitted = training.seasoned(
        fitted,
        popularity.trend(before.popularity, overall),
        validation=cut.validation,
        options=options,
    )
    item_ids = tuple(log.item_ids[row] for row in cut.item_rows)
    metrics = _examine(cut, fitted, before, live, item_ids)
    passed, verdict = _judge(metrics, config.gate_ratio, finite=fitted.finite)
    trained = {"epochs": config.train_epochs, "seed": config.train_seed, "device": device}
    manifest = {
        "created_at": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
        "config": {**asdict(options), **trained},
        "metrics": {**metrics, "passed": passed, "verdict": verdict},
        "data": _data(log, cut),
    }
    made = _assemble(log, cut, fitted, item_ids, manifest, now or datetime.now(UTC))
    _report(on_progress, "evaluate", 1.0, curves)
    return Outcome(bundle=made, metrics=metrics, curves=curves, passed=passed, verdict=verdict)


def _examine(
    cut: Split, fitted: Fitted, before: _Signals, live: ModelBundle, item_ids: tuple[str, ...]
) -> dict[str, Any]:
    """Candidate, live model and two plain counts on the shoppers that chose nothing."""
    metrics: dict[str, Any] = {
        "holdout_users": len(cut.test),
        "best_epoch": fitted.best_epoch,
        "season_weight": fitted.season_weight,
        "candidate": None,
        "live": None,
        "live_version": live.version if live.item_ids else None,
        "live_has_seen_holdout": _until(live) > cut.cut_at,
    }
    if not len(cut.test) or not fitted.finite:
        return metrics
    scorers = {
        "candidate": evaluation.by_vae(fitted.encoder, fitted.vectors),
        "popularity": evaluation.by_counts(before.popularity),
        "itemknn": evaluation.by_neighbours(before.neighbours),
    }
    if live.item_ids:
        scorers["live"] = evaluation.by_bundle(live, item_ids)
    for name, score in scorers.items():
        metrics[name] = evaluation.measure(score, cut.test)
    return metrics


def _judge(metrics: Mapping[str, Any], ratio: float, *, finite: bool) -> tuple[bool, str]:
    candidate, live = metrics["candidate"], metrics["live"]
    if not finite:
        return False, "the fit diverged: its loss was not a number from the first epoch"
    if candidate is None:
        if metrics["live_version"] is None:
            return True, "the first model; too few shoppers came back to measure it"
        return False, "too few shoppers came back to compare it with the live model"
    ndcg, coverage = candidate[GATE_METRIC], candidate[COVERAGE_METRIC]
    if coverage < COVERAGE_FLOOR:
        return False, f"it shows {coverage:.1%} of the catalogue, below {COVERAGE_FLOOR:.1%}"
    if live is None:
        return True, f"the first model: {GATE_METRIC} {ndcg:.4f}"
    passed = ndcg >= ratio * live[GATE_METRIC]
    bound = "reaches" if passed else "is below"
    compared = f"{ndcg:.4f} {bound} {ratio:g} of the live model's {live[GATE_METRIC]:.4f}"
    return passed, f"{GATE_METRIC} {compared}"


def _signals(log: EventLog, cut: Split, wanted: Any) -> _Signals:
    """Popularity, cosine neighbours and shared baskets of the model's items."""
    row_of = np.full(len(log.item_ids), -1, np.int32)
    row_of[cut.item_rows] = np.arange(len(cut.item_rows), dtype=np.int32)
    wanted = wanted & (row_of[log.item_rows] >= 0)
    users, items, at = log.user_rows[wanted], row_of[log.item_rows[wanted]], log.at[wanted]
    orders = log.order_rows[wanted]
    n_items = len(cut.item_rows)
    histories = split.matrix(users, items, shape=(len(log.user_ids), n_items))
    in_order = orders >= 0
    n_orders = int(orders.max(initial=-1)) + 1
    baskets = split.matrix(orders[in_order], items[in_order], shape=(n_orders, n_items))
    counts = popularity.decayed_counts(users, items, at, n_items=n_items)
    return _Signals(
        popularity=counts,
        neighbours=neighbours.cosine(histories),
        together=neighbours.together(baskets),
    )


def _assemble(
    log: EventLog,
    cut: Split,
    fitted: Fitted,
    item_ids: tuple[str, ...],
    manifest: Mapping[str, Any],
    now: datetime,
) -> ModelBundle:
    # The signals may know the last days too: the gate does not rest on them, and "popular now"
    # must mean now.
    signals = _signals(log, cut, split.positive(log))
    digest = hashlib.sha256(log.at.tobytes() + log.item_rows.tobytes() + fitted.vectors.tobytes())
    return bundles.assemble(
        version=f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest.hexdigest()[:6]}",
        encoder=fitted.encoder,
        vectors=fitted.vectors,
        item_ids=item_ids,
        popularity=signals.popularity,
        neighbours=signals.neighbours,
        together=signals.together,
        manifest=manifest,
    )


def _data(log: EventLog, cut: Split) -> dict[str, Any]:
    return {
        "from": _when(int(log.at[0])),
        "until": _when(int(log.at[-1])),
        "cut_at": cut.cut_at,
        "events": len(log),
        "users": len(cut.train),
        "items": cut.train.n_items,
        "interactions": len(cut.train.items),
    }


def _when(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _until(live: ModelBundle) -> int:
    return int(live.manifest.get("data", {}).get("cut_at", 0))


def _report(on_progress: OnProgress, stage: str, progress: float, curves: Curves) -> None:
    if not on_progress(stage, progress, curves):
        raise Cancelled(f"stopped during {stage}; nothing was published")
