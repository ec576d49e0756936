"""`evaluate`: measure a published model on the newest hold-out."""

import argparse
import json

from recsys.behaviour import events
from recsys.commands.terminal import DONE, FAILED, Commands, say
from recsys.config import RecsysConfig
from recsys.database import connect, reading
from recsys.learning import bundle as bundles
from recsys.serving import registry


def add_to(commands: Commands) -> None:
    evaluate = commands.add_parser("evaluate", help="measure a model on the newest hold-out")
    evaluate.add_argument("--version", help="which one; the live one if left out")
    evaluate.set_defaults(command=_evaluate)


def _evaluate(options: argparse.Namespace, config: RecsysConfig) -> int:
    from recsys.learning import evaluation, split  # noqa: PLC0415 heavy

    version = options.version or registry.live_version(config.artifacts_dir)
    if version is None:
        say("no model is live yet; run `python -m recsys train` first")
        return FAILED
    model = bundles.load(config.artifacts_dir / version)
    engine = connect(config.database_url, busy_seconds=config.database_busy_seconds)
    with reading(engine) as session:
        log = events.log(session)
    cut = split.temporal(log, seed=config.train_seed)
    item_ids = tuple(log.item_ids[row] for row in cut.item_rows)
    figures = evaluation.measure(evaluation.by_bundle(model, item_ids), cut.test)
    knew = int(model.manifest["data"]["cut_at"]) > cut.cut_at
    print(json.dumps({"version": version, "has_seen_holdout": knew, **figures}, indent=1))
    return DONE
