"""The console's models: retrain and watch, compare on the same hold-out, promote and roll back."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Response, make_response, render_template, request

from api.errors import Problem
from api.pages.answers import see_other, tell
from api.pages.comparison import comparison, in_pairs
from api.pages.frame import page
from api.runtime import runtime
from recsys.database import reading, writing
from recsys.errors import RunInProgress
from recsys.learning import bundle as bundles
from recsys.learning import runs
from recsys.learning.examining import report
from recsys.learning.examining.comparison import TOLERANCE
from recsys.learning.runs import Run
from recsys.serving import registry

RUNS_SHOWN = 10
_TELLING = 0.1  # of a run: before that the time it has left is a guess
_STAGES = {
    "waiting": "Waiting for a worker",
    "starting": "A worker has taken it",
    "reading": "Reading what shoppers did",
    "split": "Splitting the log by time",
    "fit": "Training",
    "branches": "Fitting and weighing the other branches",
    "text": "Placing new products by their words",
    "evaluate": "Testing on later purchases",
    "publishing": "Publishing",
}
_ENDS = {
    "done": "Finished: the candidate is live",
    "refused": "Finished: the candidate was not good enough and stays aside",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
_TITLES = {"loss": "Loss", "ndcg": "NDCG@100, validation half"}


def show() -> Response:
    with reading(runtime().engine) as session:
        found = runs.recent(session, RUNS_SHOWN)
    versions = registry.versions(runtime().config.recsys.artifacts_dir)
    live = next((at for at, one in enumerate(versions) if one.live), None)
    older = [] if live is None else [one for one in versions[live + 1 :] if not one.problem]
    return page(
        "console/models.html",
        heading="Models",
        tab="models",
        run=_run(found[0]) if found else None,
        runs=[_earlier(run) for run in found[1:]],
        gate=f"{100 * runtime().config.recsys.gate_ratio:g}",
        tolerance=f"{100 * TOLERANCE:g}",
        versions=[_version(one) for one in versions],
        previous=older[0].version if older else None,
    )


def retrain() -> Response:
    try:
        with writing(runtime().engine) as session:
            run_id = runs.start(session, trigger="console", now=datetime.now(UTC))
    except RunInProgress:
        tell("A training already waits or runs; there is one at a time.", "warn")
        return see_other("console.models")
    if not runtime().bell.retrain(run_id):
        tell("The run is kept. The queue is away; it starts when the queue is back.", "warn")
    return see_other("console.models")


def watch(run_id: str) -> Response:
    """One run alone, for the page that shows it to fetch again."""
    with reading(runtime().engine) as session:
        run = runs.get(session, run_id)
    answer = make_response(render_template("console/_run_fragment.html", run=_run(run)))
    if not run.active:
        answer.headers["HX-Refresh"] = "true"  # versions and earlier runs have changed with it
    return answer


def cancel(run_id: str) -> Response:
    with writing(runtime().engine) as session:
        run = runs.cancel(session, run_id, now=datetime.now(UTC))
    tell("The run stops at its next step." if run.active else "The run is cancelled.")
    return see_other("console.models")


def show_report(version: str) -> Response:
    """The examination of a version as one page, made from its manifest."""
    versions = registry.versions(runtime().config.recsys.artifacts_dir)
    if version not in {one.version for one in versions if not one.problem}:
        raise Problem(404, "no version of this name can be read")
    manifest = bundles.read_manifest(runtime().config.recsys.artifacts_dir / version)
    answer = Response(report.render(version, manifest), mimetype="text/html")
    answer.headers["Content-Security-Policy"] = report.POLICY
    return answer


def promote() -> Response:
    version = request.form.get("version", "")
    if not version:
        raise Problem(422, "name the version to promote")
    registry.promote(runtime().config.recsys.artifacts_dir, version)
    tell(f"{version} is live: each process serves it from its next request on.")
    return see_other("console.models")


def _run(run: Run) -> dict[str, Any]:
    words = _ENDS.get(run.status) or _STAGES.get(run.stage, run.stage.capitalize())
    if run.active and run.cancel_requested:
        words = "Stopping"
    percent = round(100 * min(max(run.progress, 0.0), 1.0))
    return {
        "run_id": run.run_id,
        "status": run.status,
        "active": run.active,
        "percent": percent,
        "words": f"{words}: {run.error}" if run.error else words,
        "say": words,
        "left": _left(run),
        "plots": _plots(run.curves),
        **comparison(run.metrics),
        **in_pairs(run.metrics),
        "version": run.model_version,
    }


def _left(run: Run) -> str:
    """How long it may still take, once there is something to judge by."""
    if not run.active or run.heartbeat_at is None or run.progress < _TELLING:
        return ""
    spent = (run.heartbeat_at - run.created_at).total_seconds()
    left = spent * (1 - run.progress) / run.progress
    return f"about {left:.0f} s left" if left < 100 else f"about {left / 60:.0f} min left"  # noqa: PLR2004 seconds, then minutes


def _plots(curves: Mapping[str, list[float]]) -> list[dict[str, str]]:
    return [
        {
            "title": _TITLES.get(name, name.replace("_", " ").capitalize()),
            "data": json.dumps([round(value, 6) for value in values]),
            "last": f"{values[-1]:.4f} after {len(values)} epochs",
        }
        for name, values in curves.items()
        if values
    ]


def _earlier(run: Run) -> dict[str, str]:
    words = run.error or run.model_version or _STAGES.get(run.stage, run.stage)
    return {
        "started": f"{run.created_at:%Y-%m-%d %H:%M} UTC",
        "trigger": run.trigger,
        "status": run.status,
        "words": words,
    }


def _version(info: registry.VersionInfo) -> dict[str, Any]:
    figures = comparison(info.metrics)["rows"]
    return {
        "version": info.version,
        "made": info.created_at[:16].replace("T", " "),
        "live": info.live,
        "problem": info.problem,
        "ndcg": figures[0]["cells"][0] if figures else "-",
    }
