"""Retraining and model versions. A run is a committed row before any worker is rung for it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy import Engine

from api import auth, parsing
from api.errors import Problem
from api.keys import Role
from api.present import run_json
from api.runtime import Runtime, runtime
from api.schemas import (
    ChecksOut,
    ModelsOut,
    PageQuery,
    PromotedOut,
    RunOut,
    RunsOut,
    StartedOut,
)
from recsys.behaviour import doctor
from recsys.database import looking, reading, writing
from recsys.learning import runs
from recsys.learning.runs import Kind
from recsys.serving import registry

blueprint = APIBlueprint("admin", __name__, tag="Admin", url_prefix="/admin")
blueprint.before_request(auth.need(Role.ADMIN))


@blueprint.post("/retrain")
@blueprint.output(StartedOut, status_code=202)
def retrain() -> Response:
    """Start a training run; 409 while another waits or runs."""
    here = runtime()
    return parsing.answer(start_run(here.engine, "model", ring=here.bell.retrain), 202)


def start_run(engine: Engine, kind: Kind, *, ring: Callable[[str], bool]) -> dict[str, Any]:
    """Commit a waiting run, then ring.

    Raises:
        RunInProgress: Another run of this kind waits or runs.
    """
    with writing(engine) as session:
        run_id = runs.start(session, kind=kind, trigger="admin", now=datetime.now(UTC))
    degraded = [] if ring(run_id) else ["queue"]
    return {"run_id": run_id, "status": "waiting", "degraded": degraded}


@blueprint.get("/checks")
@blueprint.output(ChecksOut)
def checks() -> Response:
    """What is wrong with the newest events and the catalogue; remembered for five minutes."""
    here = runtime()
    with looking(here.engine) as reader:
        shelf = here.fresh_shelf(reader)
    report = here.checkup.look(here.engine, shelf)
    return parsing.answer(
        {
            "worst": report.worst,
            "checked_at": report.checked_at.isoformat(),
            "events": report.events,
            "findings": [doctor.plain(one) for one in report.findings],
        }
    )


@blueprint.get("/runs")
@blueprint.output(RunsOut)
@parsing.takes(blueprint, PageQuery, "query")
def every_run(query: PageQuery) -> Response:
    """The newest runs first."""
    with reading(runtime().engine) as session:
        found = runs.recent(session, query.limit)
    return parsing.answer({"runs": [run_json(run) for run in found]})


@blueprint.get("/runs/<run_id>")
@blueprint.output(RunOut)
def one_run(run_id: str) -> Response:
    """How far a run is, with its curves."""
    with reading(runtime().engine) as session:
        return parsing.answer(run_json(runs.get(session, run_id)))


@blueprint.delete("/runs/<run_id>")
@blueprint.output(RunOut, status_code=202)
def cancel_run(run_id: str) -> Response:
    """End a waiting run, or ask a running one to stop at its next beat."""
    with writing(runtime().engine) as session:
        run = runs.cancel(session, run_id, now=datetime.now(UTC))
    return parsing.answer(run_json(run), 202)


@blueprint.get("/models")
@blueprint.output(ModelsOut)
def models() -> Response:
    """The versions on disk, newest first, and the one that this process serves."""
    here = runtime()
    return parsing.answer(
        {
            "models": [
                {
                    "version": found.version,
                    "created_at": found.created_at,
                    "live": found.live,
                    "metrics": dict(found.metrics),
                    "problem": found.problem,
                }
                for found in registry.versions(here.config.recsys.artifacts_dir)
            ],
            "serving": here.handle.get().version or None,
            "problem": here.handle.problem,
        }
    )


@blueprint.post("/models/<version>/promote")
@blueprint.output(PromotedOut)
def promote(version: str) -> Response:
    """Serve this version; every process swaps by itself."""
    return parsing.answer(promote_version(runtime(), version))


@blueprint.post("/models/rollback")
@blueprint.output(PromotedOut)
def rollback() -> Response:
    """Serve the sound version before the live one; 409 where there is none."""
    return parsing.answer(promote_version(runtime(), previous_version(runtime())))


def promote_version(here: Runtime, version: str) -> dict[str, str | None]:
    """Point LIVE at a version.

    Raises:
        UnknownVersion: It is not on disk.
        CorruptArtifact: It is, but cannot be trusted.
    """
    root = here.config.recsys.artifacts_dir
    before = registry.live_version(root)
    registry.promote(root, version)
    return {"version": version, "previous": before}


def previous_version(here: Runtime) -> str:
    """The newest sound version that is older than the live one.

    Raises:
        Problem: 409, there is none.
    """
    root = here.config.recsys.artifacts_dir
    live = registry.live_version(root)
    older = [
        found.version
        for found in registry.versions(root)
        if live is not None and found.version < live and found.problem is None
    ]
    if not older:
        raise Problem(409, "there is no earlier model version to go back to")
    return older[0]
