"""Experiments over HTTP, and what came of them and of all answers."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from api import auth, parsing
from api.errors import invalid
from api.keys import Role
from api.runtime import runtime
from api.steering import editing
from api.steering.experiment_bodies import (
    ExperimentBody,
    ExperimentOut,
    ExperimentsOut,
    OutcomesOut,
    OutcomesQuery,
    ReportOut,
    ReportQuery,
)
from recsys.database import reading, writing
from recsys.errors import ExperimentConflict, TooManyAnswers
from recsys.merchandising import checking
from recsys.outcomes import experiments, judging, overview, report
from recsys.outcomes import reading as outcomes
from recsys.outcomes.assignment import HOLDOUT
from recsys.outcomes.experiments import Definition
from recsys.outcomes.report import Report

blueprint = APIBlueprint("experiments", __name__, tag="Admin", url_prefix="/admin")
blueprint.before_request(auth.need(Role.ADMIN))


@blueprint.get("/experiments")
@blueprint.output(ExperimentsOut)
def every() -> Response:
    """Every experiment, the newest first."""
    places = editing.read(runtime()).placements
    with reading(runtime().engine) as session:
        found = [experiment_json(one, places) for one in experiments.every(session)]
    return parsing.answer({"experiments": found})


@blueprint.get("/experiments/<experiment_id>")
@blueprint.output(ExperimentOut)
def one(experiment_id: str) -> Response:
    """One experiment."""
    places = editing.read(runtime()).placements
    with reading(runtime().engine) as session:
        return parsing.answer(experiment_json(experiments.get(session, experiment_id), places))


@blueprint.put("/experiments/<experiment_id>")
@blueprint.output(ExperimentOut)
@parsing.takes(blueprint, ExperimentBody, "body")
def put(experiment_id: str, body: ExperimentBody) -> Response:
    """Write a draft whole; 409 while it is running. What was stopped is a draft again."""
    checking.check_name("experiment_id", experiment_id)
    with writing(runtime().engine) as session:
        found, _ = experiments.put(
            session,
            body.thing(experiment_id),
            name=body.name,
            now=datetime.now(UTC),
            planned_users=body.planned_users,
        )
    return parsing.answer(experiment_json(found, editing.read(runtime()).placements))


@blueprint.delete("/experiments/<experiment_id>")
@blueprint.output({}, status_code=204)
def remove(experiment_id: str) -> Response:
    """Take a draft away; 409 once it was started, for its report could not be read any more."""
    with writing(runtime().engine) as session:
        experiments.remove(session, experiment_id)
    return Response(status=204)


@blueprint.post("/experiments/<experiment_id>/start")
@blueprint.output(ExperimentOut)
def start(experiment_id: str) -> Response:
    """Draw users from now on, in every process; 409 where another has its slice of a layer."""
    here = runtime()
    with writing(here.engine) as session:
        found = experiments.start(session, experiment_id, now=datetime.now(UTC))
    missing = here.pulse.steering_changed()
    return parsing.answer(experiment_json(found, editing.read(here).placements, degraded=missing))


@blueprint.post("/experiments/<experiment_id>/stop")
@blueprint.output(ExperimentOut)
def stop(experiment_id: str) -> Response:
    """Draw nobody any more; 409 where it does not run. Its report stays."""
    here = runtime()
    with writing(here.engine) as session:
        found = experiments.stop(session, experiment_id, now=datetime.now(UTC))
    missing = here.pulse.steering_changed()
    return parsing.answer(experiment_json(found, editing.read(here).placements, degraded=missing))


@blueprint.get("/experiments/<experiment_id>/report")
@blueprint.output(ReportOut)
@parsing.takes(blueprint, ReportQuery, "query")
def report_of(experiment_id: str, query: ReportQuery) -> Response:
    """Each variant beside the base, with intervals that hold at every look; 409 before the start."""
    now = datetime.now(UTC)
    with reading(runtime().engine) as session:
        definition = experiments.get(session, experiment_id)
        if definition.started_at is None:
            raise ExperimentConflict(f"experiment {experiment_id!r} has not been started")
        since = max(now - timedelta(days=query.days), definition.started_at)
        found = reported(session, definition, since, now, window_days=query.window_days)
    return parsing.answer(found.as_dict())


@blueprint.get("/outcomes")
@blueprint.output(OutcomesOut)
@parsing.takes(blueprint, OutcomesQuery, "query")
def every_outcome(query: OutcomesQuery) -> Response:
    """What all answers came to, by placement and strategy; and what the hold-out says of it."""
    now = datetime.now(UTC)
    with reading(runtime().engine) as session:
        return parsing.answer(outcomes_of(session, days=query.days, now=now))


def outcomes_of(session: Session, *, days: float, now: datetime) -> dict[str, Any]:
    """The overview of these days; what a shopper does within a day of an answer counts with it.

    Raises:
        Problem: 422, there are too many answers to hold.
    """
    since = now - timedelta(days=days)
    try:
        log = outcomes.read(session, since=since, until=now)
    except TooManyAnswers as error:
        raise invalid("days", str(error)) from None
    kept = experiments.find(session, HOLDOUT)
    held = None
    if kept is not None and kept.started_at is not None:
        begun = max(since, kept.started_at)
        held = reported(session, kept, begun, now, window_days=min(days / 2, 7.0)).as_dict()
    return overview.overview(log).as_dict() | {
        "since": since.isoformat(),
        "until": now.isoformat(),
        "holdout": held,
    }


def reported(
    session: Session,
    definition: Definition,
    since: datetime,
    until: datetime,
    *,
    window_days: float,
) -> Report:
    """One experiment's report over a span.

    Raises:
        Problem: 422, there are too many answers to hold.
    """
    try:
        log = outcomes.read(
            session,
            since=since,
            until=until,
            experiment=definition.experiment,
            past=report.past(definition),
        )
    except TooManyAnswers as error:
        raise invalid("days", str(error)) from None
    return report.report(log, definition, since=since, until=until, window_days=window_days)


def experiment_json(
    found: Definition, places: Collection[str], *, degraded: list[str] | None = None
) -> dict[str, Any]:
    """As it is told; `places` are the placements that the shop has."""
    one = found.experiment
    return {
        "experiment_id": one.experiment_id,
        "name": found.name,
        "status": found.status.value,
        "kind": one.kind.value,
        "variants": experiments.variants_json(one.variants),
        "salt": one.salt,
        "layer": one.layer,
        "slice_from": one.slice_from,
        "slice_to": one.slice_to,
        "planned_users": found.planned_users,
        "created_at": found.created_at.isoformat(),
        "started_at": None if found.started_at is None else found.started_at.isoformat(),
        "stopped_at": None if found.stopped_at is None else found.stopped_at.isoformat(),
        "notices": judging.notices(one, places),
        "degraded": degraded or [],
    }
