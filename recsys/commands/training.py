"""`train`: fit a candidate, examine it, publish it, and promote it if it passed."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from sqlalchemy.orm import Session

from recsys.commands.recommending import live_model
from recsys.commands.terminal import DONE, REFUSED, Bar, Commands, say
from recsys.config import RecsysConfig
from recsys.database import connect, writing
from recsys.errors import CorruptArtifact
from recsys.learning import runs
from recsys.learning.bundle import ModelBundle
from recsys.serving import registry

_LEASE_SECONDS = 600.0


def add_to(commands: Commands) -> None:
    train = commands.add_parser("train", help="fit a model; promote it if it passes the gate")
    train.add_argument("--quiet", action="store_true", help="no progress bar")
    train.set_defaults(command=_train)


def _train(options: argparse.Namespace, config: RecsysConfig) -> int:
    from recsys.learning import materials  # noqa: PLC0415 heavy
    from recsys.learning.retraining import train_candidate  # noqa: PLC0415 heavy

    engine = connect(config.database_url, busy_seconds=config.database_busy_seconds)
    with writing(engine) as session:  # one transaction: no worker may see it waiting
        run_id = runs.start(session, trigger="cli", now=datetime.now(UTC))
        runs.claim(session, run_id, now=datetime.now(UTC), lease_seconds=_LEASE_SECONDS)
    bar = Bar(quiet=options.quiet)

    def on_progress(stage: str, progress: float, curves: dict[str, list[float]]) -> bool:
        bar.show(stage, progress, curves)
        with writing(engine) as session:
            now = datetime.now(UTC)
            return runs.beat(
                session, run_id, stage=stage, progress=progress, curves=curves, now=now
            )

    try:
        log, plan = materials.gather(engine, config)
        live = _live(config.artifacts_dir)
        outcome = train_candidate(log, live, config, on_progress, plan=plan)
        version = registry.publish(config.artifacts_dir, outcome.bundle)
        if outcome.passed:
            registry.promote(config.artifacts_dir, version)
        registry.prune(config.artifacts_dir, config.keep_versions)
        materials.tidy(config)
    except BaseException as error:
        with writing(engine) as session:
            _finish(session, run_id, "failed", error=f"{type(error).__name__}: {error}")
        raise
    with writing(engine) as session:
        status = "done" if outcome.passed else "refused"
        note = None if outcome.passed else outcome.verdict
        _finish(session, run_id, status, error=note, metrics=outcome.metrics, version=version)
    bar.end()
    print(json.dumps({"version": version, "promoted": outcome.passed, "verdict": outcome.verdict}))
    return DONE if outcome.passed else REFUSED


def _live(root: Path) -> ModelBundle:
    """The model to beat; one that cannot be read, or is of an older format, is beaten already."""
    try:
        return live_model(root)
    except CorruptArtifact as error:
        say(f"the live model cannot be compared with: {error}")
        return ModelBundle.empty()


def _finish(
    session: Session,
    run_id: str,
    status: str,
    *,
    error: str | None,
    metrics: object = None,
    version: str | None = None,
) -> None:
    runs.finish(
        session,
        run_id,
        status=status,
        metrics=cast("dict[str, object]", metrics or {}),
        model_version=version,
        error=error,
        now=datetime.now(UTC),
    )
