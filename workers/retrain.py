"""One retrain from the ledger's row to the live model. Killed anywhere, it leaves no half model.

A version appears by one rename and goes live by one replace; what was not published yet is only
a folder that loading ignores and pruning removes.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys.database import writing
from recsys.errors import Cancelled, CorruptArtifact, RecsysError, RunInProgress
from recsys.learning import bundle as bundles
from recsys.learning import runs
from recsys.learning.bundle import ModelBundle
from recsys.serving import registry
from workers.heartbeat import Heartbeat
from workers.runtime import Runtime

if TYPE_CHECKING:
    from recsys.learning.plan import Outcome

log = logging.getLogger(__name__)

_TEXT_SECONDS = 5.0  # for items whose words beat's own task has not come to yet
_GRACE_SECONDS = 600.0  # reading, evaluating and writing, beyond the fit's own bound


def start(runtime: Runtime, *, trigger: str) -> str | None:
    """Open a run's row; None while another run is waiting or running."""
    try:
        with writing(runtime.engine) as session:
            return runs.start(session, trigger=trigger, now=_now())
    except RunInProgress as busy:
        log.info("no retrain by %s: %s", trigger, busy)
        return None


def run(runtime: Runtime, run_id: str) -> None:
    """Do the run that the row asks for; a run that is done, or another worker's, is left alone."""
    lease = runtime.config.lease_seconds
    with writing(runtime.engine) as session:
        mine = runs.claim(session, run_id, now=_now(), lease_seconds=lease)
    if not mine:
        log.info("run %s is not waiting; nothing to do", run_id)
        return
    patience = runtime.config.recsys.train_max_seconds + _GRACE_SECONDS
    try:
        with Heartbeat(runtime.engine, run_id, every=lease / 4, patience=patience) as heartbeat:
            outcome = _train(runtime, heartbeat)
            version = _publish(runtime, outcome, heartbeat)
    except Cancelled as cancelled:
        _finish(runtime, run_id, "cancelled", error=str(cancelled))
    except RecsysError as error:
        _finish(runtime, run_id, "failed", error=str(error))
    except Exception as error:
        log.exception("run %s failed", run_id)
        _finish(runtime, run_id, "failed", error=f"{type(error).__name__}: {error}")
        raise
    else:
        status, reason = ("done", None) if outcome.passed else ("refused", outcome.verdict)
        metrics = {**outcome.metrics, "passed": outcome.passed, "verdict": outcome.verdict}
        _finish(runtime, run_id, status, metrics=metrics, version=version, error=reason)


def _train(runtime: Runtime, heartbeat: Heartbeat) -> "Outcome":
    from recsys.learning import materials  # noqa: PLC0415 heavy
    from recsys.learning.retraining import train_candidate  # noqa: PLC0415 heavy

    config = runtime.config.recsys
    behaviour, plan = materials.gather(
        runtime.engine,
        config,
        text_seconds=_TEXT_SECONDS,
        go_on=lambda: heartbeat.report("reading", 0.0, {}),
    )
    live = _live(config.artifacts_dir)
    outcome = train_candidate(behaviour, live, config, heartbeat.report, plan=plan)
    materials.tidy(config)
    return outcome


def _live(root: Path) -> ModelBundle:
    """The model to beat, read now: a handle may still hold the one before it."""
    version = registry.live_version(root)
    if version is None:
        return ModelBundle.empty()
    try:
        return bundles.load(root / version)
    except CorruptArtifact as error:
        log.warning("the live model cannot be compared with: %s", error)
        return ModelBundle.empty()


def _publish(runtime: Runtime, outcome: "Outcome", heartbeat: Heartbeat) -> str:
    """Put the candidate on disk, and live where it passed; asks once more whether it may."""
    if not heartbeat.report("publishing", 1.0, outcome.curves):
        raise Cancelled("cancelled before it was published")
    root = runtime.config.recsys.artifacts_dir
    version = registry.publish(root, outcome.bundle)
    if outcome.passed:
        if not heartbeat.beat():
            raise Cancelled("cancelled before it was promoted")
        registry.promote(root, version)
    registry.prune(root, runtime.config.recsys.keep_versions)
    return version


def _finish(
    runtime: Runtime,
    run_id: str,
    status: str,
    *,
    metrics: Mapping[str, Any] | None = None,
    version: str | None = None,
    error: str | None = None,
) -> None:
    log.info("run %s: %s %s %s", run_id, status, version or "", error or "")
    with writing(runtime.engine) as session:
        runs.finish(
            session,
            run_id,
            status=status,
            metrics=dict(metrics or {}),
            model_version=version,
            error=error,
            now=_now(),
        )


def _now() -> datetime:
    return datetime.now(UTC)
