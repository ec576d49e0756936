"""`evaluate`: examine a model on the newest hold-out, beside another, and write the report."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recsys.commands.terminal import DONE, FAILED, Bar, Commands, say
from recsys.config import RecsysConfig
from recsys.database import connect
from recsys.learning import bundle as bundles
from recsys.learning.bundle import ModelBundle
from recsys.learning.examining import report
from recsys.serving import registry

REPORTS = "reports"  # in the artifacts directory, where nothing takes it for a version

_SPLITS = ("time", "users")
_PRINTED = ("candidate", "live", "popularity", "itemknn")


def add_to(commands: Commands) -> None:
    evaluate = commands.add_parser("evaluate", help="examine a model and write an HTML report")
    evaluate.add_argument("--version", help="which one; the live one if left out")
    evaluate.add_argument("--against", help="a version to compare it with in pairs")
    evaluate.add_argument(
        "--split",
        choices=_SPLITS,
        default=_SPLITS[0],
        help="time: what shoppers did after a date. users: shoppers whom a model never met; "
        "this trains one anew, for a published model has met them all",
    )
    evaluate.add_argument(
        "--output", type=Path, help="the HTML file; beside the models if left out"
    )
    evaluate.add_argument("--quiet", action="store_true", help="no progress bar")
    evaluate.set_defaults(command=_evaluate)


def _evaluate(options: argparse.Namespace, config: RecsysConfig) -> int:
    if options.split == "users":
        if options.version or options.against:
            say("a published model has met every shopper: --split users trains one of its own")
            return FAILED
        name, manifest = _of_new_shoppers(config, quiet=options.quiet)
    else:
        version = options.version or registry.live_version(config.artifacts_dir)
        if version is None:
            say("no model is live yet; run `python -m recsys train` first")
            return FAILED
        model = bundles.load(config.artifacts_dir / version)
        rival = bundles.load(config.artifacts_dir / options.against) if options.against else None
        name, manifest = version, _of_versions(model, rival, config)
    output = options.output or config.artifacts_dir / REPORTS / f"{name}.html"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(report.render(name, manifest), encoding="utf-8")
    metrics = manifest["metrics"]
    figures = {who: metrics[who] for who in _PRINTED if metrics.get(who)}
    said = {key: metrics.get(key) for key in ("split", "has_seen_holdout", "verdict")}
    print(json.dumps({"version": name, "report": str(output), **said, **figures}, indent=1))
    return DONE


def _of_versions(
    model: ModelBundle, rival: ModelBundle | None, config: RecsysConfig
) -> dict[str, Any]:
    """Published models as they are, on what happened after today's cut."""
    from recsys.learning import materials, signals, split  # noqa: PLC0415 heavy
    from recsys.learning.examining import evaluation, examination, market  # noqa: PLC0415 heavy

    engine = connect(config.database_url, busy_seconds=config.database_busy_seconds)
    log, plan = materials.gather(engine, replace(config, text_encoder="none"))
    cut = split.temporal(log, seed=config.train_seed)
    if not len(cut.test):
        raise ValueError("too few shoppers came back after the cut to measure anything")
    item_ids = tuple(log.item_ids[row] for row in cut.item_rows)
    scorers = {
        "candidate": evaluation.by_bundle(model, item_ids),
        **signals.scorers(signals.count(log, cut, cut.taught)),
    }
    for branch, part in examination.branches_of(model.fused).items():
        scorers[branch] = evaluation.by_bundle(replace(model, fused=part), item_ids)
    if rival is not None:
        scorers["live"] = evaluation.by_bundle(rival, item_ids)
    metrics, verdict = examination.examine(
        scorers,
        cut.test,
        market.of(cut.train, item_ids, plan.paths),
        ratio=config.gate_ratio,
        seed=config.train_seed,
    )
    made: Mapping[str, Any] = model.manifest.get("metrics", {})
    metrics |= {
        "split": "time",
        "holdout_users": len(cut.test),
        "has_seen_holdout": _cut_of(model) > cut.cut_at,
        "live_version": rival.version if rival else None,
        "live_has_seen_holdout": rival is not None and _cut_of(rival) > cut.cut_at,
        "branches": made.get("branches"),
        "best_epoch": made.get("best_epoch"),
    }
    if rival is not None:
        metrics |= {"passed": verdict.passed, "verdict": verdict.sentence}
    return {**model.manifest, "metrics": metrics}


def _of_new_shoppers(config: RecsysConfig, *, quiet: bool) -> tuple[str, dict[str, Any]]:
    """A model trained without a tenth of the shoppers, examined on them; nothing is published."""
    from recsys.learning import materials  # noqa: PLC0415 heavy
    from recsys.learning.plan import SplitBy  # noqa: PLC0415 heavy
    from recsys.learning.retraining import train_candidate  # noqa: PLC0415 heavy

    engine = connect(config.database_url, busy_seconds=config.database_busy_seconds)
    log, plan = materials.gather(engine, config)
    bar = Bar(quiet=quiet)

    def on_progress(stage: str, progress: float, curves: dict[str, list[float]]) -> bool:
        bar.show(stage, progress, curves)
        return True

    outcome = train_candidate(
        log,
        ModelBundle.empty(),
        config,
        on_progress,
        plan=replace(plan, split_by=SplitBy.USERS, checkpoint=None),
    )
    bar.end()
    return f"new-shoppers-{datetime.now(UTC):%Y%m%dT%H%M%SZ}", dict(outcome.bundle.manifest)


def _cut_of(model: ModelBundle) -> int:
    return int(model.manifest.get("data", {}).get("cut_at", 0))
