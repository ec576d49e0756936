"""`train`: fit a candidate, examine it, publish it, and promote it if it passed."""

import argparse
import json
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from recsys.commands.recommending import live_model
from recsys.commands.terminal import DONE, REFUSED, Bar, Commands, at_least_one, say
from recsys.config import RecsysConfig
from recsys.database import connect, writing
from recsys.errors import Cancelled, CorruptArtifact
from recsys.learning import runs
from recsys.learning.bundle import ModelBundle
from recsys.serving import registry

if TYPE_CHECKING:
    from recsys.learning.plan import Outcome

_LEASE_SECONDS = 600.0

OnProgress = Callable[[str, float, dict[str, list[float]]], bool]


def add_to(commands: Commands) -> None:
    train = commands.add_parser(
        "train",
        help="fit a model; promote it if it passes the gate",
        description="What is left out is as in VITRINE_TRAIN_*. Several processes of one machine "
        "or more fit one model under `torchrun --nproc-per-node N -m recsys train`.",
    )
    train.add_argument("--epochs", type=at_least_one, metavar="N", help="at most so many passes")
    train.add_argument(
        "--max-seconds", type=_seconds, metavar="S", help="the fit ends here, with its best epoch"
    )
    train.add_argument("--seed", type=int, metavar="N", help="of the split, weights and batches")
    train.add_argument("--device", choices=("auto", "cpu", "cuda"), help="where to fit")
    train.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="go on from where a killed or stopped training of the same data was (the default)",
    )
    train.add_argument("--log-dir", type=Path, metavar="DIR", help="TensorBoard's event files")
    train.add_argument("--quiet", action="store_true", help="no progress bar")
    train.set_defaults(command=_train)


def _train(options: argparse.Namespace, config: RecsysConfig) -> int:
    from recsys.learning import materials  # noqa: PLC0415 heavy
    from recsys.learning.fitting import distributed  # noqa: PLC0415 heavy

    asked = {
        "train_epochs": options.epochs,
        "train_max_seconds": options.max_seconds,
        "train_seed": options.seed,
        "train_device": options.device,
    }
    told: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    config = replace(config, **told)
    with distributed.joined(options.environment) as team:
        if not team.leads:
            return _help_fit(config)
        if not options.resume:
            materials.tidy(config)
        return _lead(options, config)


def _lead(options: argparse.Namespace, config: RecsysConfig) -> int:
    """The whole run, in the ledger's eyes; the one process, or the first of a team."""
    from recsys.learning import materials  # noqa: PLC0415 heavy

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
        outcome, version = _made(engine, config, on_progress, log_dir=options.log_dir)
    except BaseException as error:
        bar.end()
        stopped = isinstance(error, KeyboardInterrupt | Cancelled)
        with writing(engine) as session:
            status = "cancelled" if stopped else "failed"
            _finish(session, run_id, status, error=f"{type(error).__name__}: {error}")
        if stopped and materials.checkpoint_of(config).exists():
            say("the fit is kept: the same command goes on after its last whole epoch")
        raise
    with writing(engine) as session:
        status = "done" if outcome.passed else "refused"
        note = None if outcome.passed else outcome.verdict
        _finish(session, run_id, status, error=note, metrics=outcome.metrics, version=version)
    bar.end()
    print(json.dumps({"version": version, "promoted": outcome.passed, "verdict": outcome.verdict}))
    return DONE if outcome.passed else REFUSED


def _made(
    engine: Engine, config: RecsysConfig, on_progress: OnProgress, *, log_dir: Path | None
) -> "tuple[Outcome, str]":
    """A candidate trained, published, and promoted if it passed."""
    from recsys.learning import materials  # noqa: PLC0415 heavy
    from recsys.learning.fitting import distributed  # noqa: PLC0415 heavy
    from recsys.learning.retraining import train_candidate  # noqa: PLC0415 heavy

    # All of a team fit what the first has read: the shop goes on, and a second reading is longer.
    log, plan = distributed.team().hear(materials.gather(engine, config))
    plan = replace(plan, log_dir=log_dir)
    live = _live(config.artifacts_dir)
    outcome = train_candidate(log, live, config, on_progress, plan=plan)
    version = registry.publish(config.artifacts_dir, outcome.bundle)
    if outcome.passed:
        registry.promote(config.artifacts_dir, version)
    registry.prune(config.artifacts_dir, config.keep_versions)
    materials.tidy(config)
    return outcome, version


def _help_fit(config: RecsysConfig) -> int:
    """Take a share of every batch of the fit, and leave all else to the process that leads."""
    from recsys.learning.fitting import distributed  # noqa: PLC0415 heavy
    from recsys.learning.retraining import train_candidate  # noqa: PLC0415 heavy

    heard: Any = distributed.team().hear(None)
    log, plan = heard
    with suppress(Cancelled):
        train_candidate(
            log,
            ModelBundle.empty(),
            config,
            lambda stage, _progress, _curves: stage in {"split", "fit"},
            plan=plan,
        )
    return DONE


def _live(root: Path) -> ModelBundle:
    """The model to beat; one that cannot be read, or is of an older format, is beaten already."""
    try:
        return live_model(root)
    except CorruptArtifact as error:
        say(f"the live model cannot be compared with: {error}")
        return ModelBundle.empty()


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of seconds above 0")
    return seconds


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
