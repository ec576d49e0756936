"""Experiments as rows: written down, started, stopped; and the snapshot that requests draw from [SQL].

A running experiment is not changed, or its figures would mix two experiments. Stop it, change it,
start it again: the salt stays, so users keep their variants as far as the weights let them, and
the report counts from the new start.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from recsys.database import Reader
from recsys.errors import (
    ExperimentConflict,
    InvalidExperiment,
    UnknownExperiment,
)
from recsys.merchandising import store
from recsys.merchandising.plain import from_plain, to_plain
from recsys.merchandising.steering import Steering
from recsys.merchandising.types import Placement, Subject
from recsys.outcomes import judging
from recsys.outcomes.assignment import (
    EVERYWHERE,
    Experiment,
    Experiments,
    Kind,
    Status,
    Variant,
)
from recsys.outcomes.sequential import PLANNED_USERS
from recsys.outcomes.tables import ExperimentRevisionRow, ExperimentRow
from recsys.serving.strategies import STRATEGIES
from recsys.tables import has_control, is_storable

_TABLE: Any = ExperimentRow.__table__
_REVISION: Any = ExperimentRevisionRow.__table__
_ASK_REVISION = select(_REVISION.c.value)  # asked at every request: built once


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """An experiment and what is known of it; `planned_users` is where its intervals are narrowest."""

    experiment: Experiment
    name: str
    status: Status
    created_at: datetime
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    planned_users: int = PLANNED_USERS


def put(
    session: Session,
    experiment: Experiment,
    *,
    name: str,
    now: datetime,
    planned_users: int = PLANNED_USERS,
) -> tuple[Definition, bool]:
    """Write a draft, whole; an empty salt keeps the one there is, or draws one.

    Returns:
        The definition, and whether it is new.

    Raises:
        InvalidExperiment: It could not be run; `field` names what to mend.
        ExperimentConflict: It is running.
    """
    judging.check(experiment)
    if has_control(name):
        raise InvalidExperiment("name", "must not contain control characters")
    row = session.get(ExperimentRow, experiment.experiment_id)
    is_new = row is None
    if row is None:
        row = ExperimentRow(experiment_id=experiment.experiment_id, created_at=now, salt="")
        session.add(row)
    elif row.status == Status.RUNNING:
        raise ExperimentConflict(
            f"experiment {experiment.experiment_id!r} is running; stop it before it is changed"
        )
    row.name, row.status, row.kind = name, Status.DRAFT, experiment.kind
    row.variants = variants_json(experiment.variants)
    row.salt = experiment.salt or row.salt or secrets.token_hex(16)
    row.layer, row.planned_users = experiment.layer, planned_users
    row.slice_from, row.slice_to = experiment.slice_from, experiment.slice_to
    row.started_at = row.stopped_at = None
    session.flush()
    return _definition(row), is_new


def start(session: Session, experiment_id: str, *, now: datetime) -> Definition:
    """Let every process draw from it; starting what runs changes nothing.

    Raises:
        UnknownExperiment: There is none of that id.
        InvalidExperiment: It asks for a strategy that is neither ours nor a preset.
        ExperimentConflict: Its slice of a layer is taken by another that runs, or its slates are.
    """
    _move(session)  # first, so that two starts wait for each other
    row = _row(session, experiment_id)
    if row.status == Status.RUNNING:
        return _definition(row)
    mine = _experiment(row)
    _check_strategies(session, mine)
    for other in _running(session):
        if _overlap(mine, other):
            raise ExperimentConflict(
                f"{other.experiment_id!r} runs on {other.slice_from:g} to {other.slice_to:g} % of "
                f"layer {mine.layer!r}; choose a slice beside it, or stop it"
            )
        if _rival(mine, other):
            raise ExperimentConflict(
                f"{other.experiment_id!r} interleaves there already, and two rankers share a slate "
                "at most; give both a slice of one layer, or stop it"
            )
    # Answers are of a whole second: the first of them is of this one.
    row.status, row.started_at, row.stopped_at = Status.RUNNING, now.replace(microsecond=0), None
    session.flush()
    return _definition(row)


def _check_strategies(session: Session, mine: Experiment) -> None:
    """A name that nobody knows would be ranked as `personal`, and measured as what it is not."""
    steering = store.refresh(session, Steering())
    for row, variant in enumerate(mine.variants):
        for place, changes in variant.placements.items():
            name = changes.get("strategy")
            if name and steering.preset(name).base not in STRATEGIES:
                raise InvalidExperiment(
                    f"variants.{row}.placements.{place}.strategy",
                    f"{name!r} is neither a strategy nor a preset",
                )


def stop(session: Session, experiment_id: str, *, now: datetime) -> Definition:
    """Draw from it no more; what it has measured stays.

    Raises:
        UnknownExperiment: There is none of that id.
        ExperimentConflict: It does not run.
    """
    _move(session)
    row = _row(session, experiment_id)
    if row.status != Status.RUNNING:
        raise ExperimentConflict(f"experiment {experiment_id!r} does not run")
    row.status, row.stopped_at = Status.STOPPED, now
    session.flush()
    return _definition(row)


def remove(session: Session, experiment_id: str) -> None:
    """Take a draft away.

    Raises:
        UnknownExperiment: There is none of that id.
        ExperimentConflict: It runs or ran: what it measured could not be read any more.
    """
    row = _row(session, experiment_id)
    if row.status != Status.DRAFT:
        raise ExperimentConflict(
            f"experiment {experiment_id!r} was started: only a draft is taken away"
        )
    session.delete(row)
    session.flush()


def get(session: Session, experiment_id: str) -> Definition:
    """One of them.

    Raises:
        UnknownExperiment: There is none of that id.
    """
    return _definition(_row(session, experiment_id))


def find(session: Session, experiment_id: str) -> Definition | None:
    row = session.get(ExperimentRow, experiment_id)
    return None if row is None else _definition(row)


def every(session: Session) -> list[Definition]:
    """All of them, the newest first."""
    order = (ExperimentRow.created_at.desc(), ExperimentRow.experiment_id)
    return [_definition(row) for row in session.scalars(select(ExperimentRow).order_by(*order))]


def refresh(reader: Reader, snapshot: Experiments) -> Experiments:
    """The running experiments as the database has them now; the same object when none changed."""
    revision = reader.execute(_ASK_REVISION).scalar() or 0
    if revision == snapshot.revision:
        return snapshot
    rows = reader.execute(select(*_TABLE.columns).where(_TABLE.c.status == Status.RUNNING))
    return Experiments.of(map(_experiment, rows), revision=revision)


def variants_json(variants: Iterable[Variant]) -> list[dict[str, Any]]:
    """As plain JSON values."""
    return [
        {
            "name": one.name,
            "weight": one.weight,
            "placements": {name: _plain(changes) for name, changes in one.placements.items()},
        }
        for one in variants
    ]


def variants_of(told: Iterable[Mapping[str, Any]]) -> tuple[Variant, ...]:
    """What `variants_json` told."""
    return tuple(
        Variant(
            name=one["name"],
            weight=one["weight"],
            placements={name: _typed(changes) for name, changes in one["placements"].items()},
        )
        for one in told
    )


def _plain(changes: Mapping[str, Any]) -> dict[str, Any]:
    told = to_plain(Placement(name="x", **changes))
    return {name: told[name] for name in changes}


def _typed(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Each value as a placement holds it; what this release does not know is left out."""
    read = from_plain(Subject.PLACEMENT, {**changes, "name": "x"})
    return {name: getattr(read, name) for name in changes if name in judging.CHANGEABLE}


def _overlap(one: Experiment, other: Experiment) -> bool:
    same = bool(one.layer) and one.layer == other.layer
    return same and one.slice_from < other.slice_to and other.slice_from < one.slice_to


def _rival(one: Experiment, other: Experiment) -> bool:
    """Whether both would have the same slates for themselves: of two only the first gets them."""
    if not one.kind == other.kind == Kind.INTERLEAVED or (one.layer and one.layer == other.layer):
        return False
    here, there = one.placements, other.placements
    return EVERYWHERE in here | there or not here.isdisjoint(there)


def _running(session: Session) -> list[Experiment]:
    statement = select(ExperimentRow).where(ExperimentRow.status == Status.RUNNING)
    return [_experiment(row) for row in session.scalars(statement)]


def _row(session: Session, experiment_id: str) -> ExperimentRow:
    row = session.get(ExperimentRow, experiment_id) if is_storable(experiment_id) else None
    if row is None:
        raise UnknownExperiment(experiment_id)
    return row


def _move(session: Session) -> None:
    """One revision on; the row's lock orders those who start and stop."""
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(_REVISION).values(id=1, value=1)
    moved = statement.on_conflict_do_update(
        index_elements=["id"], set_={"value": _REVISION.c.value + 1}
    )
    session.execute(moved)


def _experiment(row: Any) -> Experiment:
    return Experiment(
        experiment_id=row.experiment_id,
        variants=variants_of(row.variants),
        salt=row.salt,
        kind=Kind(row.kind),
        layer=row.layer,
        slice_from=row.slice_from,
        slice_to=row.slice_to,
    )


def _definition(row: ExperimentRow) -> Definition:
    return Definition(
        experiment=_experiment(row),
        name=row.name,
        status=Status(row.status),
        created_at=row.created_at,
        started_at=row.started_at,
        stopped_at=row.stopped_at,
        planned_users=row.planned_users,
    )
