"""The ledger of voice runs, and what approved creatives teach [SQL].

As with training runs, rows are the record and the queue only rings the bell: a unique column allows
one run that waits or runs, and every change of state is one conditional UPDATE.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from generative.brief import clean, from_json
from generative.copy.distil import SIZE, Pair
from generative.errors import UnknownVoiceRun, VoiceRunInProgress
from generative.tables import CampaignCreativeRow, CreativeRow, VoiceRunRow
from generative.types import Approval, Brief

WAITING, RUNNING = "waiting", "running"
ENDED = frozenset({"done", "refused", "failed", "cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceRun:
    """One row of the ledger. `report` holds curves while it runs, all that was measured at its end."""

    run_id: str
    status: str
    active: bool | None
    cancel_requested: bool
    trigger: str
    stage: str
    progress: float
    report: Mapping[str, Any]
    voice: str | None
    error: str | None
    created_at: datetime
    heartbeat_at: datetime | None
    finished_at: datetime | None


def start(session: Session, *, trigger: str, now: datetime) -> str:
    """Open a waiting run; commit before ringing for it.

    Raises:
        VoiceRunInProgress: Another run waits or runs.
    """
    run_id = str(uuid4())
    row = VoiceRunRow(
        run_id=run_id, status=WAITING, active=True, trigger=trigger, created_at=now, report={}
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise VoiceRunInProgress(_active(session) or "another") from None
    return run_id


def claim(session: Session, run_id: str, *, now: datetime, lease_seconds: float) -> bool:
    """Take a waiting run, or a running one whose worker has been silent for a lease."""
    silent = now - timedelta(seconds=lease_seconds)
    return _change(
        session,
        run_id,
        or_(
            VoiceRunRow.status == WAITING,
            (VoiceRunRow.status == RUNNING) & (VoiceRunRow.heartbeat_at < silent),
        ),
        status=RUNNING,
        stage="starting",
        progress=0.0,
        report={},
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
        (VoiceRunRow.status == RUNNING) & VoiceRunRow.cancel_requested.is_(False),
        stage=stage,
        progress=progress,
        report={"curves": dict(curves)},
        heartbeat_at=now,
    )


def finish(
    session: Session,
    run_id: str,
    *,
    status: str,
    report: Mapping[str, Any],
    voice: str | None,
    error: str | None,
    now: datetime,
) -> None:
    """End a run as done, refused, failed or cancelled; one that has already ended stays so."""
    if status not in ENDED:
        raise ValueError(f"a run ends as one of {sorted(ENDED)}, not {status!r}")
    measured = {"report": dict(report)} if report else {}
    whole = {"stage": status, "progress": 1.0} if status in {"done", "refused"} else {}
    _change(
        session,
        run_id,
        VoiceRunRow.active.is_(True),
        status=status,
        active=None,
        voice=voice,
        error=error,
        finished_at=now,
        **measured,
        **whole,
    )


def cancel(session: Session, run_id: str, *, now: datetime) -> VoiceRun:
    """End a waiting run at once; ask a running one to stop at its next beat.

    Raises:
        UnknownVoiceRun: The ledger does not hold it.
    """
    ended = _change(
        session,
        run_id,
        VoiceRunRow.status == WAITING,
        status="cancelled",
        active=None,
        cancel_requested=True,
        finished_at=now,
    )
    if not ended:
        _change(session, run_id, VoiceRunRow.status == RUNNING, cancel_requested=True)
    return get(session, run_id)


def get(session: Session, run_id: str) -> VoiceRun:
    """The run.

    Raises:
        UnknownVoiceRun: The ledger does not hold it.
    """
    statement = select(VoiceRunRow).where(VoiceRunRow.run_id == run_id)
    row = None
    if "\0" not in run_id and run_id.isprintable():  # PostgreSQL refuses what no id of ours holds
        row = session.scalar(statement.execution_options(populate_existing=True))
    if row is None:
        raise UnknownVoiceRun(run_id)
    return _run(row)


def recent(session: Session, limit: int) -> list[VoiceRun]:
    """The newest runs first."""
    statement = (
        select(VoiceRunRow)
        .order_by(VoiceRunRow.created_at.desc(), VoiceRunRow.run_id)
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return [_run(row) for row in session.scalars(statement)]


def waiting(session: Session) -> list[str]:
    """Runs that no worker has taken yet: to be rung for again."""
    statement = select(VoiceRunRow.run_id).where(VoiceRunRow.status == WAITING)
    return list(session.scalars(statement))


def expire(session: Session, *, now: datetime, lease_seconds: float) -> list[str]:
    """Fail the running runs whose worker has been silent for a lease, which frees the slot."""
    silent = now - timedelta(seconds=lease_seconds)
    fell = (VoiceRunRow.status == RUNNING) & (VoiceRunRow.heartbeat_at < silent)
    rows = session.execute(select(VoiceRunRow.run_id, VoiceRunRow.cancel_requested).where(fell))
    return [
        run_id
        for run_id, cancelled in rows.all()
        if _change(
            session,
            run_id,
            fell,
            status="cancelled" if cancelled else "failed",
            active=None,
            error=f"its worker has been silent for more than {lease_seconds:g} s",
            finished_at=now,
        )
    ]


def approved(session: Session, limit: int) -> list[Pair]:
    """What shopkeepers have approved, newest first: a headline and a tagline each is worth learning.

    They are not judged here: facts may have changed since, and the checks with them.
    """
    statement = (
        select(CreativeRow.brief, CreativeRow.copy)
        .join(CampaignCreativeRow, CampaignCreativeRow.key == CreativeRow.key)
        .where(CampaignCreativeRow.approval == Approval.APPROVED)
        .order_by(CreativeRow.created_at.desc())
        .limit(limit)
    )
    found: dict[tuple[str, str, str], Pair] = {}
    for brief, copy in session.execute(statement).all():
        item = clean(Brief(item=from_json(brief).item, size=SIZE)).item
        told = (item.item_id, copy["headline"], copy["tagline"])
        found[told] = Pair(
            item=item, headline=copy["headline"], tagline=copy["tagline"], source="approved"
        )
    return list(found.values())


def _change(session: Session, run_id: str, condition: Any, **values: Any) -> bool:
    statement = update(VoiceRunRow).where(VoiceRunRow.run_id == run_id, condition)
    # Rows are read afresh where they are read; nothing in the session needs to be kept in step.
    options = {"synchronize_session": False}
    changed: Any = session.execute(statement.values(**values), execution_options=options)
    return bool(changed.rowcount)


def _active(session: Session) -> str | None:
    return session.scalar(select(VoiceRunRow.run_id).where(VoiceRunRow.active.is_(True)))


def _run(row: VoiceRunRow) -> VoiceRun:
    return VoiceRun(**{field.name: getattr(row, field.name) for field in fields(VoiceRun)})
