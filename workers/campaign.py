"""One chunk of a campaign: planned if it must be, made, marked; then the bell is rung for the next.

Short tasks let a slate's creatives in between. The lease that a chunk ends with is handed to the
next ring as proof that it goes on; any other ring finds the lease held and leaves. A worker that
is killed stops renewing, and the sweep rings for the rest.
"""

import logging
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from generative import brief as briefs
from generative.campaigning import campaigns, diversity
from generative.campaigning.diversity import Said
from generative.types import Planned
from recsys.catalogue import items
from recsys.database import reading, writing
from workers import creative, planning
from workers.runtime import Runtime

log = logging.getLogger(__name__)


class _Lease:
    """The right to work on one campaign, lost for good once it was not renewed in time."""

    def __init__(self, runtime: Runtime, campaign_id: str, until: datetime) -> None:
        self.campaign_id = campaign_id
        self.until = until
        self._runtime = runtime

    def renew(self, session: Session) -> bool:
        until = campaigns.renew(
            session,
            self.campaign_id,
            held=self.until,
            now=_now(),
            lease_seconds=self._runtime.config.lease_seconds,
        )
        self.until = until or self.until
        return until is not None

    def holds(self) -> bool:
        """Renew it in a transaction of its own."""
        with writing(self._runtime.engine) as session:
            return self.renew(session)


def run(runtime: Runtime, campaign_id: str, lease: str | None = None) -> str | None:
    """Work on a campaign for one chunk; the lease to go on with, or None when there is no more to do."""
    held = _take(runtime, campaign_id, lease)
    if held is None:
        log.info("campaign %s is closed or in other hands", campaign_id)
        return None
    with reading(runtime.engine) as session:
        status = campaigns.get(session, campaign_id).status
    if status == "planning" and not _plan(runtime, held):
        return None
    with reading(runtime.engine) as session:
        chunk = campaigns.next_chunk(session, campaign_id, runtime.config.campaign_chunk)
        said = diversity.said(
            campaigns.lines(session, campaign_id), items=campaigns.n_items(session, campaign_id)
        )
    for planned in chunk:
        if not held.holds():
            log.info("campaign %s was cancelled or handed on", campaign_id)
            return None
        _make(runtime, campaign_id, planned, said)
    with writing(runtime.engine) as session:
        if campaigns.finish_if_done(session, campaign_id, now=_now()):
            return None
    return held.until.isoformat() if held.holds() else None


def _take(runtime: Runtime, campaign_id: str, lease: str | None) -> _Lease | None:
    """Go on with the lease that the last chunk ended with, or claim a free campaign."""
    if lease is not None:
        held = _Lease(runtime, campaign_id, datetime.fromisoformat(lease))
        if held.holds():
            return held
    with writing(runtime.engine) as session:
        until = campaigns.claim(
            session, campaign_id, now=_now(), lease_seconds=runtime.config.lease_seconds
        )
    return None if until is None else _Lease(runtime, campaign_id, until)


def _plan(runtime: Runtime, held: _Lease) -> bool:
    campaign_id = held.campaign_id
    with reading(runtime.engine) as session:
        spec = campaigns.get(session, campaign_id).spec
    try:
        planned = planning.plan(runtime, spec, held.holds)
    except planning.EmptyPlan as error:
        with writing(runtime.engine) as session:
            if held.renew(session):
                campaigns.fail(session, campaign_id, str(error), now=_now())
        return False
    with writing(runtime.engine) as session:  # one transaction: no other can plan in between
        if not held.renew(session):
            return False
        campaigns.plan(session, campaign_id, planned)
    return True


def _make(runtime: Runtime, campaign_id: str, planned: Planned, said: Said) -> None:
    """Make one creative, or say why not; only a database that is away ends the chunk."""
    try:
        error = _changed(runtime, planned)
        if error is None and creative.creative_for(runtime, planned.brief, said).banner is None:
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


def _now() -> datetime:
    return datetime.now(UTC)
