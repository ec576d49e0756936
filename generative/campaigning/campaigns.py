"""Campaigns: what was asked, what was planned, what is made [SQL].

A campaign is worked on by whoever holds its lease; every change is one conditional UPDATE, so a
second worker or a killed one can neither make a creative twice nor lose one. Progress is counted
from rows, never kept beside them.
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from generative.brief import from_json, to_json
from generative.creatives import creative_of, insert_new
from generative.errors import CampaignClosed, UnknownCampaign, UnknownCreative
from generative.floor import floor
from generative.tables import CampaignCreativeRow, CampaignRow, CreativeRow
from generative.types import (
    SIZES,
    Approval,
    Brief,
    Campaign,
    CampaignSpec,
    Creative,
    Planned,
    Progress,
)

OPEN = ("waiting", "planning", "running")


def create(
    session: Session, spec: CampaignSpec, *, now: datetime, campaign_id: str | None = None
) -> str:
    """Write a waiting campaign and return its id; commit before ringing a worker.

    Raises:
        ValueError: A size that does not exist, or no size at all.
    """
    unknown = [size for size in spec.sizes if size not in SIZES]
    if unknown or not spec.sizes:
        raise ValueError(f"sizes: {unknown} are none of {sorted(SIZES)}")
    campaign_id = campaign_id or str(uuid.uuid4())
    session.add(
        CampaignRow(
            campaign_id=campaign_id,
            name=spec.name,
            status="waiting",
            sizes=list(spec.sizes),
            audience=dict(spec.audience),
            items=dict(spec.items),
            locale=spec.locale,
            created_at=now,
        )
    )
    session.flush()
    return campaign_id


def exists(session: Session, campaign_id: str) -> bool:
    return session.get(CampaignRow, campaign_id) is not None


def get(session: Session, campaign_id: str) -> Campaign:
    row = session.get(CampaignRow, campaign_id)
    if row is None:
        raise UnknownCampaign(campaign_id)
    return _campaign(row)


def recent(session: Session, *, limit: int = 50) -> list[Campaign]:
    """The newest campaigns first."""
    order = (CampaignRow.created_at.desc(), CampaignRow.campaign_id)
    return [
        _campaign(row) for row in session.scalars(select(CampaignRow).order_by(*order).limit(limit))
    ]


def claim(
    session: Session, campaign_id: str, *, now: datetime, lease_seconds: float
) -> datetime | None:
    """Take an open campaign whose lease is free or lapsed; a waiting one turns to planning.

    Returns:
        The lease, which `renew` wants to see; None where another holds the campaign.
    """
    free = or_(CampaignRow.lease_until.is_(None), CampaignRow.lease_until < now)
    mine = CampaignRow.campaign_id == campaign_id
    until = now + timedelta(seconds=lease_seconds)
    taken = update(CampaignRow).where(mine, CampaignRow.status.in_(OPEN), free)
    if not _changed(session, taken.values(lease_until=until)):
        return None
    waiting = CampaignRow.status == "waiting"
    session.execute(update(CampaignRow).where(mine, waiting).values(status="planning"))
    return until


def renew(
    session: Session, campaign_id: str, *, held: datetime, now: datetime, lease_seconds: float
) -> datetime | None:
    """Exchange the lease that one holds for a fresh one.

    Returns:
        The new lease; None where the held one lapsed, is another worker's by now, or the campaign
        was cancelled or is gone: stop then.
    """
    until = now + timedelta(seconds=lease_seconds)
    kept = update(CampaignRow).where(
        CampaignRow.campaign_id == campaign_id,
        CampaignRow.status.in_(OPEN),
        # A worker that slept through its lease must not go on beside the one that took over.
        CampaignRow.lease_until == held,
        CampaignRow.lease_until >= now,
    )
    return until if _changed(session, kept.values(lease_until=until)) else None


def plan(session: Session, campaign_id: str, planned: Sequence[tuple[str, Brief]]) -> int:
    """Write the plan, each key once, and set the campaign running; planning again adds only what is new."""
    unique = dict(reversed(planned))  # the first brief of a key wins
    start = _count(session, campaign_id)
    rows = [
        {
            "campaign_id": campaign_id,
            "key": key,
            "position": start + position,
            "item_id": unique[key].item.item_id,
            "brief": to_json(unique[key]),
            "status": "planned",
            "approval": Approval.NONE.value,
        }
        for position, key in enumerate(dict.fromkeys(key for key, _ in planned))
    ]
    added = insert_new(session, CampaignCreativeRow, rows)
    session.execute(
        update(CampaignRow)
        .where(CampaignRow.campaign_id == campaign_id, CampaignRow.status.in_(OPEN))
        .values(total=_count(session, campaign_id), status="running")
    )
    return added


def next_chunk(session: Session, campaign_id: str, n: int) -> list[Planned]:
    """The next `n` creatives still to make; none where the campaign is closed."""
    rows = session.scalars(
        select(CampaignCreativeRow)
        .join(CampaignRow, CampaignRow.campaign_id == CampaignCreativeRow.campaign_id)
        .where(
            CampaignCreativeRow.campaign_id == campaign_id,
            CampaignCreativeRow.status == "planned",
            CampaignRow.status == "running",
        )
        .order_by(CampaignCreativeRow.position)
        .limit(n)
    )
    return [Planned(key=row.key, position=row.position, brief=from_json(row.brief)) for row in rows]


def lines(session: Session, campaign_id: str) -> list[tuple[str, str]]:
    """What the campaign says so far: item id and tagline, in the order of its plan."""
    planned = CampaignCreativeRow
    rows = session.execute(
        select(planned.item_id, CreativeRow.copy)
        .join(CreativeRow, CreativeRow.key == planned.key)
        .where(planned.campaign_id == campaign_id, planned.status == "made")
        .order_by(planned.position)
    )
    return [(item_id, copy["tagline"]) for item_id, copy in rows]


def n_items(session: Session, campaign_id: str) -> int:
    """How many items it plans creatives of."""
    planned = CampaignCreativeRow
    counted = select(func.count(planned.item_id.distinct()))
    return session.scalar(counted.where(planned.campaign_id == campaign_id)) or 0


def mark_made(session: Session, campaign_id: str, key: str) -> bool:
    return _mark(session, campaign_id, key, status="made", error=None)


def mark_failed(session: Session, campaign_id: str, key: str, error: str) -> bool:
    return _mark(session, campaign_id, key, status="failed", error=error[:1000])


def finish_if_done(session: Session, campaign_id: str, *, now: datetime) -> bool:
    """Close a running campaign that has nothing left to make."""
    left = (
        select(CampaignCreativeRow.key)
        .where(
            CampaignCreativeRow.campaign_id == campaign_id,
            CampaignCreativeRow.status == "planned",
        )
        .exists()
    )
    return _changed(
        session,
        update(CampaignRow)
        .where(CampaignRow.campaign_id == campaign_id, CampaignRow.status == "running", ~left)
        .values(status="done", finished_at=now, lease_until=None),
    )


def fail(session: Session, campaign_id: str, error: str, *, now: datetime) -> bool:
    """Close an open campaign that cannot go on; the error is for the shopkeeper."""
    return _close(session, campaign_id, status="failed", error=error[:1000], now=now)


def cancel(session: Session, campaign_id: str, *, now: datetime) -> None:
    """Stop an open campaign; what is made stays.

    Raises:
        UnknownCampaign: No such campaign.
        CampaignClosed: It is finished or cancelled already.
    """
    if not _close(session, campaign_id, status="cancelled", error=None, now=now):
        status = get(session, campaign_id).status
        raise CampaignClosed(f"campaign {campaign_id} is {status} and cannot be cancelled")


def decide(session: Session, campaign_id: str, key: str, approval: Approval) -> None:
    """Approve or reject one creative, at any time; a rejected one is left out of exports.

    Raises:
        UnknownCreative: The campaign planned no such creative.
    """
    decided = _changed(
        session,
        update(CampaignCreativeRow)
        .where(CampaignCreativeRow.campaign_id == campaign_id, CampaignCreativeRow.key == key)
        .values(approval=approval.value),
    )
    if not decided:
        raise UnknownCreative(key)


def for_shop(session: Session, key: str, *, avoid: tuple[str, ...] = ()) -> Creative | None:
    """The kept creative as the shop may show it: the floor where any campaign turned it down.

    `avoid` are the words that the brand kit forbids; the floor does without them.
    """
    row = session.get(CreativeRow, key)
    if row is None:
        return None
    planned = CampaignCreativeRow
    turned_down = (planned.key == key) & (planned.approval == Approval.REJECTED)
    if session.scalar(select(planned.key).where(turned_down).limit(1)) is None:
        return creative_of(row)
    return replace(floor(from_json(row.brief), avoid=avoid), key=key)


def progress(session: Session, campaign_id: str) -> Progress:
    row = CampaignCreativeRow
    counted = session.execute(
        select(row.status, row.approval, func.count())
        .where(row.campaign_id == campaign_id)
        .group_by(row.status, row.approval)
    ).all()

    def those(value: str) -> int:
        return sum(count for status, approval, count in counted if value in {status, approval})

    return Progress(
        total=sum(count for _, _, count in counted),
        planned=those("planned"),
        made=those("made"),
        failed=those("failed"),
        approved=those("approved"),
        rejected=those("rejected"),
    )


def waiting_or_silent(session: Session, *, now: datetime) -> list[str]:
    """Open campaigns that nobody holds: the sweep rings for them again."""
    free = or_(CampaignRow.lease_until.is_(None), CampaignRow.lease_until < now)
    return list(
        session.scalars(
            select(CampaignRow.campaign_id)
            .where(CampaignRow.status.in_(OPEN), free)
            .order_by(CampaignRow.created_at)
        )
    )


def scrub_user(session: Session, user_id: str) -> int:
    """Take a forgotten shopper out of every stored audience; the number of campaigns changed."""
    changed = 0
    for row in session.scalars(select(CampaignRow).with_for_update()):
        user_ids = row.audience.get("user_ids", [])
        if user_id in user_ids:
            kept = [other for other in user_ids if other != user_id]
            row.audience = {**row.audience, "user_ids": kept}
            changed += 1
    session.flush()
    return changed


def _campaign(row: CampaignRow) -> Campaign:
    return Campaign(
        campaign_id=row.campaign_id,
        spec=CampaignSpec(
            name=row.name,
            sizes=tuple(row.sizes),
            audience=row.audience,
            items=row.items,
            locale=row.locale,
        ),
        status=row.status,
        total=row.total,
        error=row.error,
        created_at=row.created_at,
        lease_until=row.lease_until,
        finished_at=row.finished_at,
    )


def _mark(session: Session, campaign_id: str, key: str, *, status: str, error: str | None) -> bool:
    return _changed(
        session,
        update(CampaignCreativeRow)
        .where(
            CampaignCreativeRow.campaign_id == campaign_id,
            CampaignCreativeRow.key == key,
            CampaignCreativeRow.status == "planned",
        )
        .values(status=status, error=error),
    )


def _close(
    session: Session, campaign_id: str, *, status: str, error: str | None, now: datetime
) -> bool:
    return _changed(
        session,
        update(CampaignRow)
        .where(CampaignRow.campaign_id == campaign_id, CampaignRow.status.in_(OPEN))
        .values(status=status, error=error, finished_at=now, lease_until=None),
    )


def _count(session: Session, campaign_id: str) -> int:
    count = select(func.count()).where(CampaignCreativeRow.campaign_id == campaign_id)
    return session.scalar(count) or 0


def _changed(session: Session, statement: Any) -> bool:
    result: Any = session.execute(statement.execution_options(synchronize_session="fetch"))
    return bool(result.rowcount)
