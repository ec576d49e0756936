"""The console's experiments: defined, started, stopped, and what may be concluded of them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, request

from api import parsing
from api.errors import Problem
from api.pages import experiment_forms, findings, steering
from api.pages.answers import see_other, tell
from api.pages.frame import page
from api.pages.rule_forms import Wrong
from api.runtime import runtime
from api.steering import editing
from api.steering.experiment_bodies import ExperimentBody, ReportQuery
from api.steering.experiments import reported
from recsys.database import reading, writing
from recsys.errors import ExperimentConflict, InvalidExperiment
from recsys.outcomes import experiments, judging
from recsys.outcomes.assignment import EVERYWHERE, HELD_OUT, HOLDOUT, Experiment
from recsys.outcomes.experiments import Definition
from recsys.serving.strategies import DESCRIPTIONS

_SPANS = (7, 28, 90, 366)
_WINDOWS = (1, 7, 14, 28)


def index() -> Response:
    return _index()


def form() -> Response:
    """A new experiment's form, or that of one that does not run."""
    experiment_id = request.args.get("experiment_id", "")
    if not experiment_id:
        return _form(experiment_forms.blank())
    with reading(runtime().engine) as session:
        found = experiments.get(session, experiment_id)
    return _form(experiment_forms.of_definition(found), fixed=True)


def save() -> Response:
    typed = experiment_forms.read(request.form)
    try:
        meant = experiment_forms.body(typed)
        _put(typed["experiment_id"], meant)
    except Wrong as wrong:
        return _form(typed, errors=wrong.errors)
    except ExperimentConflict as error:
        return _form(typed, errors={"experiment_id": str(error)})
    tell("The experiment is kept as a draft: nobody is drawn before it is started.")
    return see_other("console.experiment", experiment_id=typed["experiment_id"])


def save_holdout() -> Response:
    try:
        _put(HOLDOUT, experiment_forms.holdout(request.form))
    except Wrong as wrong:
        tell(f"Not kept: {wrong}", "bad")
        return see_other("console.experiments")
    except ExperimentConflict as error:
        tell(str(error), "bad")
        return see_other("console.experiments")
    tell("The hold-out is kept as a draft: start it, and leave it running.")
    return see_other("console.experiment", experiment_id=HOLDOUT)


def show(experiment_id: str) -> Response:
    """What it is, and once it was started its report."""
    query = parsing.query(ReportQuery)
    now = datetime.now(UTC)
    problem, report = "", None
    with reading(runtime().engine) as session:
        found = experiments.get(session, experiment_id)
        if found.started_at is not None:
            since = max(now - timedelta(days=query.days), found.started_at)
            try:
                report = reported(session, found, since, now, window_days=query.window_days)
            except Problem as error:
                problem = error.detail
    return page(
        "console/experiment.html",
        heading=found.name or experiment_id,
        tab="experiments",
        one=_row(found),
        variants=_variants(found.experiment),
        notices=judging.notices(found.experiment, editing.read(runtime()).placements),
        report=None if report is None else findings.told(report),
        problem=problem,
        days=f"{query.days:g}",
        window=f"{query.window_days:g}",
        spans=_SPANS,
        windows=_WINDOWS,
    )


def start(experiment_id: str) -> Response:
    return _moved(experiment_id, experiments.start, "It runs: users are drawn from now on.")


def remove(experiment_id: str) -> Response:
    try:
        with writing(runtime().engine) as session:
            experiments.remove(session, experiment_id)
    except ExperimentConflict as error:
        tell(str(error), "bad")
        return see_other("console.experiment", experiment_id=experiment_id)
    tell(f"The draft {experiment_id} is taken away.")
    return see_other("console.experiments")


def stop(experiment_id: str) -> Response:
    return _moved(experiment_id, experiments.stop, "It is stopped: nobody is drawn any more.")


def _moved(experiment_id: str, move: Callable[..., Definition], words: str) -> Response:
    here = runtime()
    try:
        with writing(here.engine) as session:
            move(session, experiment_id, now=datetime.now(UTC))
        here.pulse.steering_changed()
    except (ExperimentConflict, InvalidExperiment) as error:
        tell(str(error), "bad")
    else:
        tell(words)
    return see_other("console.experiment", experiment_id=experiment_id)


def _put(experiment_id: str, meant: ExperimentBody) -> None:
    """Keep a draft.

    Raises:
        Wrong: It cannot be meant like this.
        ExperimentConflict: It runs.
    """
    try:
        with writing(runtime().engine) as session:
            experiments.put(
                session,
                meant.thing(experiment_id),
                name=meant.name,
                now=datetime.now(UTC),
                planned_users=meant.planned_users,
            )
    except InvalidExperiment as error:
        raise Wrong({error.field: error.message}) from None


def _index() -> Response:
    with reading(runtime().engine) as session:
        found = experiments.every(session)
    held = next((one for one in found if one.experiment.experiment_id == HOLDOUT), None)
    return page(
        "console/experiments.html",
        heading="Experiments",
        tab="experiments",
        rows=[_row(one) for one in found if one is not held],
        holdout=None if held is None else _row(held) | {"share": _share(held.experiment)},
        strategies=list(DESCRIPTIONS),
    )


def _form(
    typed: Mapping[str, Any], *, errors: Mapping[str, str] | None = None, fixed: bool = False
) -> Response:
    state = editing.read(runtime())
    wrong = dict(errors or {})
    answer = page(
        "console/experiment_form.html",
        heading=f"Experiment {typed['experiment_id']}" if fixed else "New experiment",
        tab="experiments",
        form=typed,
        errors=wrong,
        fixed=fixed,
        places=[EVERYWHERE, *state.placements],
        strategies=["", *state.presets, *DESCRIPTIONS],
    )
    if wrong:
        answer.status_code = 422
    return answer


def _row(found: Definition) -> dict[str, Any]:
    one = found.experiment
    return {
        "experiment_id": one.experiment_id,
        "name": found.name or one.experiment_id,
        "kind": one.kind.value,
        "status": found.status.value,
        "n_variants": len(one.variants),
        "places": steering.joined(
            ["everywhere" if name == EVERYWHERE else name for name in sorted(one.placements)],
            "everywhere",
        ),
        "users": "everyone"
        if (one.slice_from, one.slice_to) == (0, 100)
        else f"{one.slice_from:g} to {one.slice_to:g} %"
        + (f" of {one.layer}" if one.layer else ""),
        "planned": f"{found.planned_users:,}",
        "started": _when(found.started_at),
        "stopped": _when(found.stopped_at),
    }


def _variants(one: Experiment) -> list[dict[str, Any]]:
    whole = sum(variant.weight for variant in one.variants)
    return [
        {
            "name": variant["name"],
            "is_base": number == 0,
            "share": f"{100 * variant['weight'] / whole:.3g} %",
            "changes": _changes(variant),
        }
        for number, variant in enumerate(experiments.variants_json(one.variants))
    ]


def _changes(variant: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (
            "everywhere" if place == EVERYWHERE else place,
            "; ".join(f"{name}: {steering.in_words(value)}" for name, value in changes.items()),
        )
        for place, changes in variant["placements"].items()
    ]


def _share(one: Experiment) -> str:
    whole = sum(variant.weight for variant in one.variants)
    held = sum(variant.weight for variant in one.variants if variant.name == HELD_OUT)
    return f"{100 * held / whole:.3g} %"


def _when(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
