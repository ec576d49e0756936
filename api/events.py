"""`POST /events`: one or many, each with its own fate; accepted means durable."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.exc import DataError, IntegrityError

from api import auth, parsing
from api.errors import RETRY_SECONDS, Problem, invalid
from api.keys import Role
from api.runtime import DATABASE_ERRORS, Runtime, runtime
from api.schemas import EventsOut
from recsys.behaviour import consent, spool
from recsys.behaviour import events as store
from recsys.behaviour.recent import NOBODY_KNOWS, Landing, Landings, landings
from recsys.behaviour.vocabulary import parse_event
from recsys.database import committing
from recsys.errors import InvalidEvent
from recsys.types import Event

log = logging.getLogger(__name__)

MAX_EVENTS = 1_000
_LISTS = ("events", "batch")  # ours and Google's, Segment's
_SENDER = frozenset({"client_id", "user_id", "app_instance_id", "kind", "event"})

blueprint = APIBlueprint("events", __name__, tag="Storefront")
blueprint.before_request(auth.need(Role.STOREFRONT))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What became of one request's events."""

    statuses: list[str] = field(default_factory=list)
    unknown_items: frozenset[str] = frozenset()
    unknown_users: frozenset[str] = frozenset()
    degraded: list[str] = field(default_factory=list)


@blueprint.post("/events")
@blueprint.output(EventsOut, status_code=202)
@blueprint.doc(
    description="Ours, GA4's or Segment's events: one object, a list, or `{\"events\": [...]}`, "
    f"at most {MAX_EVENTS}. Each row has its own result; retries with the same id are harmless. "
    'A row, or the envelope, with `"consent": false` is checked and not kept: `ignored`.'
)
def receive() -> Response:
    """Record what shoppers did."""
    body = parsing.json_body()
    rows = _rows(body)
    now = datetime.now(UTC)
    return parsing.answer(record(runtime(), rows, now=now, consents=_consents(body, rows)), 202)


def record(
    runtime: Runtime, rows: Sequence[Any], *, now: datetime, consents: bool = True
) -> dict[str, Any]:
    """Parse each row, keep every good one durably, and say of each what became of it."""
    results, parsed = [], []
    for index, row in enumerate(rows):
        result, found = _parse(index, row, now)
        results.append(result)
        parsed.append(found if consents else [])
    events = [event for found in parsed for event in found]
    kept = runtime.gathering.keep(events, partial(_keep_all, runtime)) if events else Kept()
    statuses = iter(kept.statuses)
    for result, found in zip(results, parsed, strict=True):
        if found:
            result["status"] = _fate([next(statuses) for _ in found])
            result["event_ids"] = [event.event_id for event in found]
            unknown = [event.item_id for event in found if event.item_id in kept.unknown_items]
            result["unknown_item"] = unknown or None
            result["unknown_user"] = found[0].user_id in kept.unknown_users or None
        runtime.metrics.event(result["status"])
    return {
        "results": results,
        "accepted": sum(result["status"] == store.ACCEPTED for result in results),
        "rejected": sum(result["status"] == "rejected" for result in results),
        "degraded": kept.degraded,
    }


def _rows(body: Any) -> list[Any]:
    if isinstance(body, dict) and not _SENDER & body.keys():
        body = next((body[name] for name in _LISTS if isinstance(body.get(name), list)), body)
    rows = body if isinstance(body, list) else [body]
    if len(rows) > MAX_EVENTS:
        raise invalid("events", f"at most {MAX_EVENTS:,} in one request, not {len(rows):,}")
    if not rows:
        raise invalid("events", "the list is empty")
    if not isinstance(body, list | dict):
        raise Problem(400, 'send an event object, a list of them, or {"events": [...]}')
    return rows


def _consents(body: Any, rows: Sequence[Any]) -> bool:
    """Whether an envelope lets its rows be kept; an event that comes alone speaks for itself."""
    if not isinstance(body, dict) or rows[0] is body:
        return True
    try:
        return consent.is_given(body)
    except InvalidEvent as error:
        raise invalid(error.field, error.message) from None


def _parse(index: int, row: Any, now: datetime) -> tuple[dict[str, Any], list[Event]]:
    result: dict[str, Any] = {"index": index, "status": "ignored", "event_ids": []}
    try:
        found = parse_event(row, received_at=now)
    except InvalidEvent as error:
        refused = {"status": "rejected", "field": error.field, "message": error.message}
        return result | refused, []
    return result, found


def _keep_all(runtime: Runtime, requests: list[Sequence[Event]]) -> list[Kept]:
    """Several requests under one commit; each hears of its own events."""
    if len(requests) == 1:
        return [_keep(runtime, requests[0])]
    kept = _keep(runtime, [event for events in requests for event in events])
    statuses = iter(kept.statuses)
    return [
        replace(kept, statuses=list(islice(statuses, len(events))), degraded=list(kept.degraded))
        for events in requests
    ]


def _keep(runtime: Runtime, events: Sequence[Event]) -> Kept:
    """Mark the shoppers, make their deeds durable, and show them to every process: in this order."""
    pulse = runtime.pulse
    marked = pulse.begin({event.user_id for event in events})
    landed: Landings = {event.user_id: NOBODY_KNOWS for event in events}
    try:
        kept, landed = _make_durable(runtime, events)
    finally:
        told = pulse.land(landed, marked=marked)
    return kept if told else replace(kept, degraded=[*kept.degraded, "pulse"])


def _make_durable(runtime: Runtime, events: Sequence[Event]) -> tuple[Kept, Landings]:
    """Rows where the database answers, else the fsynced spool."""
    try:
        with runtime.writes.asking(), committing(runtime.engine) as connection:
            found = store.record_in(connection, events, report=True)
    except (DataError, IntegrityError):
        raise  # the parser let something through that no database takes: the spool could not help
    except DATABASE_ERRORS as error:
        log.warning("events go to the spool: %s", type(error).__name__)
        return _spool(runtime, events)
    kept = Kept(
        statuses=found.statuses,
        unknown_items=found.unknown_items,
        unknown_users=found.unknown_users,
    )
    return kept, landings(events, [status == store.ACCEPTED for status in found.statuses])


def _spool(runtime: Runtime, events: Sequence[Event]) -> tuple[Kept, Landings]:
    try:
        spool.append(runtime.config.recsys.spool_dir, events)
    except OSError:
        log.exception("neither the database nor the spool takes events")
        detail = "neither the database nor the spool takes events now; send them again"
        raise Problem(503, detail, headers={"Retry-After": RETRY_SECONDS}) from None
    runtime.metrics.degraded("database")
    kept = Kept(statuses=[store.ACCEPTED] * len(events), degraded=["database"])
    deeds: dict[str, list[Event]] = {}
    for event in events:
        deeds.setdefault(event.user_id, []).append(event)
    return kept, {user_id: (Landing.SPOOL, mine) for user_id, mine in deeds.items()}


def _fate(statuses: Sequence[str]) -> str:
    """One word for an event that named several items: accepted if any of them was new."""
    for status in (store.ACCEPTED, store.ERASED):
        if status in statuses:
            return status
    return store.DUPLICATE
