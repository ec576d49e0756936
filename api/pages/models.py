"""The console's models: retrain and watch, compare on the same hold-out, promote and roll back."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Response, request

from api.errors import Problem
from api.pages import training
from api.pages.answers import see_other, tell
from api.pages.comparison import comparison, in_pairs
from api.pages.frame import page
from api.runtime import runtime
from recsys.database import reading
from recsys.learning import bundle as bundles
from recsys.learning import runs
from recsys.learning.examining import report
from recsys.learning.examining.comparison import TOLERANCE
from recsys.learning.runs import Run
from recsys.serving import registry

RUNS_SHOWN = 10
_TELLING = 0.1  # of a run: before that the time it has left is a guess
_SAID = training.SAID | {
    "reading": "Reading what shoppers did",
    "split": "Splitting the log by time",
    "fit": "Training",
    "branches": "Fitting and weighing the other branches",
    "text": "Placing new products by their words",
    "evaluate": "Testing on later purchases",
    "publishing": "Publishing",
    "done": "Finished: the candidate is live",
    "refused": "Finished: the candidate was not good enough and stays aside",
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
        runs=[
            training.earlier(run, run.error or run.model_version or _SAID.get(run.stage, run.stage))
            for run in found[1:]
        ],
        gate=f"{100 * runtime().config.recsys.gate_ratio:g}",
        tolerance=f"{100 * TOLERANCE:g}",
        versions=[_version(one) for one in versions],
        previous=older[0].version if older else None,
    )


def retrain() -> Response:
    busy = "A training already waits or runs; there is one at a time."
    return training.start("model", ring=runtime().bell.retrain, busy=busy, page="console.models")


def watch(run_id: str) -> Response:
    return training.watch("model", run_id, template="console/_run_fragment.html", told=_run)


def cancel(run_id: str) -> Response:
    return training.cancel("model", run_id, page="console.models")


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
    return {
        **training.standing(run, _SAID, run.error),
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


def _version(info: registry.VersionInfo) -> dict[str, Any]:
    figures = comparison(info.metrics)["rows"]
    return {
        "version": info.version,
        "made": info.created_at[:16].replace("T", " "),
        "live": info.live,
        "problem": info.problem,
        "ndcg": figures[0]["cells"][0] if figures else "-",
    }
