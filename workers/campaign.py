"""One chunk of a campaign: planned if it must be, made, marked; then the bell is rung for the next.

Short tasks let a slate's creatives in between. The lease that a chunk ends with is handed to the
next ring as proof that it goes on; any other ring finds the lease held and leaves. A worker that
is killed stops renewing, and the sweep rings for the rest.
"""

import logging
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from generative import brief as briefs
from generative import campaigns
from generative.errors import UnknownCampaign
from generative.types import Planned
from recsys.catalogue import items
from recsys.database import reading, writing
from workers import creative, planning
from workers.runtime import Runtime

log = logging.getLogger(__name__)


def run(runtime: Runtime, campaign_id: str, lease: str | None = None) -> str | None:
    """Work on a campaign for one chunk; the lease to go on with, or None when there is no more to do."""
    if not _take(runtime, campaign_id, lease):
        log.info("campaign %s is closed or in other hands", campaign_id)
        return None
    with reading(runtime.engine) as session:
        status = campaigns.get(session, campaign_id).status
    if status == "planning" and not _plan(runtime, campaign_id):
        return None
    with reading(runtime.engine) as session:
        chunk = campaigns.next_chunk(session, campaign_id, runtime.config.campaign_chunk)
    for planned in chunk:
        if not _renew(runtime, campaign_id):
            log.info("campaign %s was cancelled or handed on", campaign_id)
            return None
        _make(runtime, campaign_id, planned)
    with writing(runtime.engine) as session:
        if campaigns.finish_if_done(session, campaign_id, now=_now()):
            return None
    return _lease(runtime, campaign_id) if _renew(runtime, campaign_id) else None


def _take(runtime: Runtime, campaign_id: str, lease: str | None) -> bool:
    """Claim a free campaign, or go on with one whose lease is the one we ended with."""
    if lease is not None and _lease(runtime, campaign_id) == lease and _renew(runtime, campaign_id):
        return True
    with writing(runtime.engine) as session:
        return campaigns.claim(
            session, campaign_id, now=_now(), lease_seconds=runtime.config.lease_seconds
        )


def _plan(runtime: Runtime, campaign_id: str) -> bool:
    with reading(runtime.engine) as session:
        spec = campaigns.get(session, campaign_id).spec
    try:
        planned = planning.plan(runtime, spec, lambda: _renew(runtime, campaign_id))
    except planning.EmptyPlan as error:
        with writing(runtime.engine) as session:
            campaigns.fail(session, campaign_id, str(error), now=_now())
        return False
    if not _renew(runtime, campaign_id):
        return False
    with writing(runtime.engine) as session:
        campaigns.plan(session, campaign_id, planned)
    return True


def _make(runtime: Runtime, campaign_id: str, planned: Planned) -> None:
    """Make one creative, or say why not; only a database that is away ends the chunk."""
    try:
        error = _changed(runtime, planned)
        if error is None and creative.creative_for(runtime, planned.brief).banner is None:
            error = "it has no banner: none could be drawn, or a marketer turned this creative down"
    except SQLAlchemyError:
        raise
    except Exception as failure:  # one creative that cannot be made must not stop the others
        log.warning("campaign %s: %s failed", campaign_id, planned.key, exc_info=True)
        error = f"{type(failure).__name__}: {failure}"
    with writing(runtime.engine) as session:
        if error is None:
            campaigns.mark_made(session, campaign_id, planned.key)
        else:
            campaigns.mark_failed(session, campaign_id, planned.key, error)


def _changed(runtime: Runtime, planned: Planned) -> str | None:
    """Why a planned creative must not be made any more: it would show what is not so."""
    facts = planned.brief.item
    with reading(runtime.engine) as session:
        item = items.get(session, facts.item_id)
    if item is None or item.hidden:
        return "the item is gone or hidden since the campaign was planned"
    if briefs.facts_of(item) != facts:
        return "the item changed since the campaign was planned"
    return None


def _renew(runtime: Runtime, campaign_id: str) -> bool:
    with writing(runtime.engine) as session:
        return campaigns.renew(
            session, campaign_id, now=_now(), lease_seconds=runtime.config.lease_seconds
        )


def _lease(runtime: Runtime, campaign_id: str) -> str | None:
    try:
        with reading(runtime.engine) as session:
            until = campaigns.get(session, campaign_id).lease_until
    except UnknownCampaign:
        return None
    return None if until is None else until.isoformat()


def _now() -> datetime:
    return datetime.now(UTC)
