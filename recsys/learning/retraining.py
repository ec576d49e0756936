"""From a log of events to a candidate that has earned its place, or a reason why it has not.

split -> fit the dense branch -> grow the others and weigh all -> place what nobody has touched by
its words -> examine beside the live model on the same hold-out -> gate. Nothing is published here:
publishing and promoting are the caller's, and only what passed should be promoted.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch

from recsys.behaviour import rebuying
from recsys.config import RecsysConfig
from recsys.errors import Cancelled, NotEnoughData
from recsys.learning import bundle as bundles
from recsys.learning import personas, signals, split
from recsys.learning.blending import branches, texts
from recsys.learning.bundle import ModelBundle
from recsys.learning.examining import evaluation, examination, market
from recsys.learning.examining.evaluation import Score
from recsys.learning.fitting import training
from recsys.learning.fitting.training import Fitted
from recsys.learning.plan import Curves, OnProgress, Outcome, Plan, SplitBy
from recsys.learning.signals import Signals
from recsys.learning.split import Split
from recsys.learning.unvisited import by_words, is_unvisited
from recsys.models.fusion import Fused
from recsys.models.personas import Personas
from recsys.models.text import TextMap
from recsys.types import EventLog

# Where each stage ends, of the whole; the fit takes most of the time.
_FITTED, _GROWN, _JOINED = 0.6, 0.8, 0.85
_DEFAULTS = Plan()
_SAMPLE = 1_000  # shoppers whose queries tune an index that is not exact


def train_candidate(
    log: EventLog,
    live: ModelBundle,
    config: RecsysConfig,
    on_progress: OnProgress = lambda _stage, _progress, _curves: True,
    *,
    plan: Plan = _DEFAULTS,
    now: datetime | None = None,
) -> Outcome:
    """Train, examine, judge.

    Raises:
        NotEnoughData: The log is too short to learn from, and there is a model already or no
            words to know items by.
        Cancelled: `on_progress` said to stop.
    """
    now = now or datetime.now(UTC)
    torch.set_num_threads(max(1, config.train_threads))
    curves: Curves = {"loss": [], "ndcg": []}
    _report(on_progress, "split", 0.0, curves)
    try:
        cut = _cut(log, config, plan)
    except NotEnoughData:
        learnt = bool(live.item_ids) and not is_unvisited(live)
        unvisited = None if learnt else by_words(plan.vectors, now, log=log)
        if unvisited is None:
            raise
        return unvisited
    item_ids = tuple(log.item_ids[row] for row in cut.item_rows)
    fitted = _fit(cut, config, plan, on_progress, curves)
    before = signals.count(log, cut, cut.taught)
    fused, grown = _grow(cut, fitted, before, config, plan, on_progress, curves)
    if plan.vectors is not None:
        _report(on_progress, "text", _GROWN, curves)
    fused, text, said = texts.join(
        fused, plan.vectors, item_ids=item_ids, train=cut.train, validation=cut.validation
    )
    _report(on_progress, "evaluate", _JOINED, curves)
    metrics = _examine(cut, fitted, fused, before, live, item_ids, config, plan)
    metrics |= {"best_epoch": fitted.best_epoch, "branches": grown, "text": said}
    trained = {
        "epochs": config.train_epochs,
        "seed": config.train_seed,
        "device": training.device_of(config.train_device),
    }
    manifest = {
        "created_at": now.isoformat(timespec="seconds"),
        "config": {**asdict(plan.options), **trained},
        "metrics": metrics,
        "curves": {name: [round(value, 6) for value in line] for name, line in curves.items()},
        "data": _data(log, cut),
    }
    groups = _personas(log, cut, fused, live, item_ids, config, plan)
    made = _assemble(log, cut, (fused, text), item_ids, manifest, now, plan.paths or {}, groups)
    _report(on_progress, "evaluate", 1.0, curves)
    passed, verdict = bool(metrics["passed"]), str(metrics["verdict"])
    return Outcome(bundle=made, metrics=metrics, curves=curves, passed=passed, verdict=verdict)


def _cut(log: EventLog, config: RecsysConfig, plan: Plan) -> Split:
    cut = split.by_users if plan.split_by is SplitBy.USERS else split.temporal
    return cut(log, seed=config.train_seed)


def _fit(
    cut: Split, config: RecsysConfig, plan: Plan, on_progress: OnProgress, curves: Curves
) -> Fitted:
    def on_epoch(progress: float, loss: float, ndcg: float) -> bool:
        curves["loss"].append(loss)
        curves["ndcg"].append(ndcg)
        return on_progress("fit", _FITTED * progress, curves)

    return training.fit(
        cut.train,
        validation=cut.validation,
        options=plan.options,
        epochs=config.train_epochs,
        seed=config.train_seed,
        max_seconds=config.train_max_seconds,
        device=training.device_of(config.train_device),
        on_epoch=on_epoch,
        checkpoint=plan.checkpoint,
        log_dir=plan.log_dir,
    )


def _grow(
    cut: Split,
    fitted: Fitted,
    before: Signals,
    config: RecsysConfig,
    plan: Plan,
    on_progress: OnProgress,
    curves: Curves,
) -> tuple[Fused, dict[str, Any]]:
    """The other branches and all weights; a season is what sells now beside what always sold."""
    return branches.grow(
        cut.train,
        fitted,
        cut.validation,
        options=replace(
            plan.branches, max_seconds=min(plan.branches.max_seconds, config.train_max_seconds / 2)
        ),
        trend=signals.trend(before, cut),
        on_progress=lambda share: on_progress(
            "branches", _FITTED + share * (_GROWN - _FITTED), curves
        ),
    )


def _examine(
    cut: Split,
    fitted: Fitted,
    fused: Fused,
    before: Signals,
    live: ModelBundle,
    item_ids: tuple[str, ...],
    config: RecsysConfig,
    plan: Plan,
) -> dict[str, Any]:
    """Candidate, its branches, the live model and two plain counts on who chose nothing."""
    metrics: dict[str, Any] = {
        "holdout_users": len(cut.test),
        "split": plan.split_by.value,
        "candidate": None,
        "live": None,
        "live_version": live.version if live.item_ids else None,
        "live_has_seen_holdout": _until(live) > cut.cut_at,
    }
    if not fitted.finite:
        verdict = "the fit diverged: its loss was not a number from the first epoch"
        return {**metrics, "passed": False, "verdict": verdict}
    if not len(cut.test):
        first = metrics["live_version"] is None or is_unvisited(live)
        verdict = (
            "the first model; too few shoppers came back to measure it"
            if first
            else "too few shoppers came back to compare it with the live model"
        )
        return {**metrics, "passed": first, "verdict": verdict}
    scorers = {
        "candidate": evaluation.by_fused(fused),
        **_alone(fitted, fused),
        **signals.scorers(before),
    }
    if live.item_ids:
        scorers["live"] = evaluation.by_bundle(live, item_ids)
    found, judged = examination.examine(
        scorers,
        cut.test,
        market.of(cut.train, item_ids, plan.paths),
        ratio=config.gate_ratio,
        vectors=fused.items()[:, :-1],
        seed=config.train_seed,
    )
    return {**metrics, **found, "passed": judged.passed, "verdict": judged.sentence}


def _alone(fitted: Fitted, fused: Fused) -> dict[str, Score]:
    """The branches in use, and the dense one even where it was given no weight."""
    dense = replace(fused, encoder=fitted.encoder, vectors=fitted.vectors)
    parts = examination.branches_of(dense)
    return {name: evaluation.by_fused(part) for name, part in parts.items()}


def _assemble(
    log: EventLog,
    cut: Split,
    model: tuple[Fused, TextMap | None],
    item_ids: tuple[str, ...],
    manifest: Mapping[str, Any],
    now: datetime,
    paths: Mapping[str, tuple[str, ...]],
    groups: Personas | None,
) -> ModelBundle:
    # The signals may know the last days too: the gate does not rest on them, and "popular now"
    # must mean now.
    known = signals.count(log, cut, split.positive(log))
    fused, text = model
    digest = hashlib.sha256(log.at.tobytes() + log.item_rows.tobytes() + fused.items().tobytes())
    return bundles.assemble(
        version=f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest.hexdigest()[:6]}",
        fused=fused,
        item_ids=item_ids,
        popularity=known.popularity,
        neighbours=known.neighbours,
        together=known.together,
        trends=known.trends,
        again=rebuying.fit(log, [paths.get(item_id, ()) for item_id in log.item_ids]).of(
            cut.item_rows
        ),
        text=text,
        personas=groups,
        shoppers=cut.train.take(slice(0, _SAMPLE)),
        manifest=manifest,
    )


def _personas(
    log: EventLog,
    cut: Split,
    fused: Fused,
    live: ModelBundle,
    item_ids: tuple[str, ...],
    config: RecsysConfig,
    plan: Plan,
) -> Personas | None:
    """Groups of those who taught the model, each with the moment of their last deed."""
    users, places = np.unique(log.user_rows[cut.taught], return_inverse=True)
    if len(users) != len(cut.train) or not np.isfinite(fused.items()).all():
        return None
    last_at = np.zeros(len(users), np.int64)
    np.maximum.at(last_at, places, log.at[cut.taught])
    return personas.fit(
        fused,
        cut.train,
        personas.goods_of(item_ids, plan.paths or {}, plan.prices),
        last_at,
        live=live,
        item_ids=item_ids,
        seed=config.train_seed,
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
