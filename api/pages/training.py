"""What the pages of models and of voices share: a run begun, watched, cancelled, told of."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Response, make_response, render_template

from api.pages.answers import see_other, tell
from api.runtime import runtime
from recsys.database import reading, writing
from recsys.errors import RunInProgress
from recsys.learning import runs
from recsys.learning.runs import Kind, Run

SAID = {
    "waiting": "Waiting for a worker",
    "starting": "A worker has taken it",
    "failed": "Failed",
    "cancelled": "Cancelled",
}


def start(kind: Kind, *, ring: Callable[[str], bool], busy: str, page: str) -> Response:
    """Commit a waiting run, then ring; `busy` is said where another waits or runs."""
    try:
        with writing(runtime().engine) as session:
            run_id = runs.start(session, kind=kind, trigger="console", now=datetime.now(UTC))
    except RunInProgress:
        tell(busy, "warn")
        return see_other(page)
    if not ring(run_id):
        tell("The run is kept. The queue is away; it starts when the queue is back.", "warn")
    return see_other(page)


def watch(
    kind: Kind, run_id: str, *, template: str, told: Callable[[Run], dict[str, Any]]
) -> Response:
    """One run alone, for the page that shows it to fetch again."""
    with reading(runtime().engine) as session:
        run = runs.get(session, run_id, kind=kind)
    answer = make_response(render_template(template, run=told(run)))
    if not run.active:
        answer.headers["HX-Refresh"] = "true"  # what it made and earlier runs have changed with it
    return answer


def cancel(kind: Kind, run_id: str, *, page: str) -> Response:
    with writing(runtime().engine) as session:
        run = runs.cancel(session, run_id, now=datetime.now(UTC), kind=kind)
    tell("The run stops at its next step." if run.active else "The run is cancelled.")
    return see_other(page)


def standing(run: Run, said: Mapping[str, str], why: str | None) -> dict[str, Any]:
    """How far it is; `said` has words for its kind's stages and ends, `why` is the verdict."""
    at = run.stage if run.active else run.status
    stops = run.active and run.cancel_requested
    say = "Stopping" if stops else said.get(at, at.capitalize())
    return {
        "run_id": run.run_id,
        "status": run.status,
        "active": run.active,
        "percent": round(100 * min(max(run.progress, 0.0), 1.0)),
        "words": f"{say}: {why}" if why else say,
        "say": say,
    }


def earlier(run: Run, words: str) -> dict[str, str]:
    return {
        "started": f"{run.created_at:%Y-%m-%d %H:%M} UTC",
        "trigger": run.trigger,
        "status": run.status,
        "words": words,
    }
