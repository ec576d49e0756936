"""The ledger of training runs, a model's or a voice's: rows are the record, the queue only rings [SQL].

A partial unique index allows one run of a kind that waits or runs, so two administrators who press the
button at once get one run and one refusal. Every change of state is one conditional UPDATE.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from recsys.errors import RunInProgress, UnknownRun
from recsys.tables import TrainingRunRow, is_storable

Kind = Literal["model", "voice"]
WAITING, RUNNING = "waiting", "running"
ENDED = frozenset({"done", "refused", "failed", "cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One row of the ledger. `status`: waiting, running, done, refused, failed or cancelled.

    `model_version` names what was made: a model, or a voice.
    """

    run_id: str
    status: str
    active: bool
    cancel_requested: bool
    trigger: str
    stage: str
    progress: float
    curves: Mapping[str, list[float]]
    metrics: Mapping[str, Any]
    model_version: str | None
    error: str | None
    created_at: datetime
    heartbeat_at: datetime | None
    finished_at: datetime | None


def start(session: Session, *, trigger: str, now: datetime, kind: Kind = "model") -> str:
    """Open a waiting run; commit before ringing for it.

    Raises:
        RunInProgress: Another run of its kind waits or runs.
    """
    run_id = str(uuid4())
    row = TrainingRunRow(run_id=run_id, kind=kind, status=WAITING, trigger=trigger, created_at=now)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise RunInProgress(_active(session, kind) or "another") from None
    return run_id


def claim(
    session: Session, run_id: str, *, now: datetime, lease_seconds: float, kind: Kind = "model"
) -> bool:
    """Take a waiting run, or a running one whose worker has been silent for a lease."""
    silent = now - timedelta(seconds=lease_seconds)
    return _change(
        session,
        run_id,
        TrainingRunRow.kind == kind,
        or_(
            TrainingRunRow.status == WAITING,
            (TrainingRunRow.status == RUNNING) & (TrainingRunRow.heartbeat_at < silent),
        ),
        status=RUNNING,
        stage="starting",
        progress=0.0,
        curves={},
        heartbeat_at=now,
    )


def beat(
    session: Session,
    run_id: str,
    *,
    stage: str,
    progress: float,
    curves: Mapping[str, list[float]],
    now: datetime,
) -> bool:
    """Say that the run lives and how far it is; False if it must stop."""
    return _change(
        session,
        run_id,
        (TrainingRunRow.status == RUNNING) & TrainingRunRow.cancel_requested.is_(False),
        stage=stage,
        progress=progress,
        curves=dict(curves),
        heartbeat_at=now,
    )


def finish(
    session: Session,
    run_id: str,
    *,
    status: str,
    metrics: Mapping[str, Any],
    model_version: str | None,
    error: str | None,
    now: datetime,
) -> None:
    """End a run as done, refused, failed or cancelled; one that has already ended stays so."""
    if status not in ENDED:
        raise ValueError(f"a run ends as one of {sorted(ENDED)}, not {status!r}")
    _change(
        session,
        run_id,
        TrainingRunRow.active.is_(True),
        status=status,
        active=False,
        metrics=dict(metrics),
        model_version=model_version,
        error=error,
        finished_at=now,
        **({"stage": status, "progress": 1.0} if status in {"done", "refused"} else {}),
    )


def cancel(session: Session, run_id: str, *, now: datetime, kind: Kind = "model") -> Run:
    """End a waiting run at once; ask a running one to stop at its next beat.

    Raises:
        UnknownRun: The ledger holds no such run of this kind.
    """
    mine = TrainingRunRow.kind == kind
    ended = _change(
        session,
        run_id,
        mine,
        TrainingRunRow.status == WAITING,
        status="cancelled",
        active=False,
        cancel_requested=True,
        finished_at=now,
    )
    if not ended:
        _change(session, run_id, mine, TrainingRunRow.status == RUNNING, cancel_requested=True)
    return get(session, run_id, kind=kind)


def get(session: Session, run_id: str, *, kind: Kind = "model") -> Run:
    """The run.

    Raises:
        UnknownRun: The ledger holds no such run of this kind.
    """
    row = None
    if is_storable(run_id):
        statement = select(TrainingRunRow).where(
            TrainingRunRow.run_id == run_id, TrainingRunRow.kind == kind
        )
        row = session.scalar(statement.execution_options(populate_existing=True))
    if row is None:
        raise UnknownRun(run_id)
    return _run(row)


def recent(session: Session, limit: int, *, kind: Kind = "model") -> list[Run]:
    """The newest runs of a kind first."""
    statement = (
        select(TrainingRunRow)
        .where(TrainingRunRow.kind == kind)
        .order_by(TrainingRunRow.created_at.desc(), TrainingRunRow.run_id)
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return [_run(row) for row in session.scalars(statement)]


def waiting(session: Session, *, kind: Kind = "model") -> list[str]:
    """Runs of a kind that no worker has taken yet: to be rung for again."""
    statement = select(TrainingRunRow.run_id).where(
        TrainingRunRow.kind == kind, TrainingRunRow.status == WAITING
    )
    return list(session.scalars(statement))


def expire(session: Session, *, now: datetime, lease_seconds: float) -> list[str]:
    """Fail the running runs of every kind whose worker has been silent for a lease, which frees the slot."""
    silent = now - timedelta(seconds=lease_seconds)
    statement = select(TrainingRunRow.run_id, TrainingRunRow.cancel_requested).where(
        TrainingRunRow.status == RUNNING, TrainingRunRow.heartbeat_at < silent
    )
    expired = []
    for run_id, cancelled in session.execute(statement).all():
        ended = _change(
            session,
            run_id,
            (TrainingRunRow.status == RUNNING) & (TrainingRunRow.heartbeat_at < silent),
            status="cancelled" if cancelled else "failed",
            active=False,
            error=f"its worker has been silent for more than {lease_seconds:g} s",
            finished_at=now,
        )
        expired += [run_id] if ended else []
    return expired


def _change(session: Session, run_id: str, *conditions: Any, **values: Any) -> bool:
    if not is_storable(run_id):
        return False
    statement = update(TrainingRunRow).where(TrainingRunRow.run_id == run_id, *conditions)
    # Rows are read afresh where they are read; nothing in the session needs to be kept in step.
    options = {"synchronize_session": False}
    changed: Any = session.execute(statement.values(**values), execution_options=options)
    return bool(changed.rowcount)


def _active(session: Session, kind: Kind) -> str | None:
    statement = select(TrainingRunRow.run_id).where(
        TrainingRunRow.kind == kind, TrainingRunRow.active.is_(True)
    )
    return session.scalar(statement)


def _run(row: TrainingRunRow) -> Run:
    return Run(**{field.name: getattr(row, field.name) for field in fields(Run)})
