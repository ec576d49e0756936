"""`POST /events`: one or many, each with its own fate; accepted means durable."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy import select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from api import auth, parsing
from api.errors import RETRY_SECONDS, Problem, invalid
from api.keys import Role
from api.runtime import DATABASE_ERRORS, Runtime, runtime
from api.schemas import EventsOut
from recsys.behaviour import events as store
from recsys.behaviour import spool
from recsys.behaviour.vocabulary import parse_event
from recsys.database import writing
from recsys.errors import InvalidEvent
from recsys.tables import EventRow, ItemRow
from recsys.types import Event

log = logging.getLogger(__name__)

MAX_EVENTS = 1_000
_SENDER = frozenset({"client_id", "user_id", "app_instance_id", "kind", "event"})

_CHUNK = 500

blueprint = APIBlueprint("events", __name__, tag="Storefront")
blueprint.before_request(auth.need(Role.STOREFRONT))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    statuses: list[str] = field(default_factory=list)
    unknown_items: set[str] = field(default_factory=set)
    unknown_users: set[str] = field(default_factory=set)
    degraded: list[str] = field(default_factory=list)


@blueprint.post("/events")
@blueprint.output(EventsOut, status_code=202)
@blueprint.doc(
    description="Ours, GA4's or Segment's events: one object, a list, or `{\"events\": [...]}`, "
    f"at most {MAX_EVENTS}. Each row has its own result; retries with the same id are harmless."
)
def receive() -> Response:
    """Record what shoppers did."""
    rows = _rows(parsing.json_body())
    return parsing.answer(record(runtime(), rows, now=datetime.now(UTC)), 202)


def record(runtime: Runtime, rows: Sequence[Any], *, now: datetime) -> dict[str, Any]:
    """Parse each row, keep every good one durably, and say of each what became of it."""
    results, parsed = [], []
    for index, row in enumerate(rows):
        result, found = _parse(index, row, now)
        results.append(result)
        parsed.append(found)
    kept = _keep(runtime, [event for found in parsed for event in found])
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
    if (
        isinstance(body, dict)
        and isinstance(body.get("events"), list)
        and not _SENDER & body.keys()
    ):
        body = body["events"]
    rows = body if isinstance(body, list) else [body]
    if len(rows) > MAX_EVENTS:
        raise invalid("events", f"at most {MAX_EVENTS:,} in one request, not {len(rows):,}")
    if not rows:
        raise invalid("events", "the list is empty")
    if not isinstance(body, list | dict):
        raise Problem(400, 'send an event object, a list of them, or {"events": [...]}')
    return rows


def _parse(index: int, row: Any, now: datetime) -> tuple[dict[str, Any], list[Event]]:
    result: dict[str, Any] = {"index": index, "status": "ignored", "event_ids": []}
    try:
        return result, parse_event(row, received_at=now)
    except InvalidEvent as error:
        refused = {"status": "rejected", "field": error.field, "message": error.message}
        return result | refused, []


def _keep(runtime: Runtime, events: Sequence[Event]) -> _Kept:
    """Rows where the database answers, else the fsynced spool: either way they are durable."""
    if not events:
        return _Kept()
    try:
        with runtime.writes.asking(), writing(runtime.engine) as session:
            items_, users = _unknown(session, events)
            statuses = store.record(session, events)
        return _Kept(statuses=statuses, unknown_items=items_, unknown_users=users)
    except (DataError, IntegrityError):
        raise  # the parser let something through that no database takes: the spool could not help
    except DATABASE_ERRORS as error:
        log.warning("events go to the spool: %s", type(error).__name__)
    try:
        spool.append(runtime.config.recsys.spool_dir, events)
    except OSError:
        log.exception("neither the database nor the spool takes events")
        detail = "neither the database nor the spool takes events now; send them again"
        raise Problem(503, detail, headers={"Retry-After": RETRY_SECONDS}) from None
    runtime.metrics.degraded("database")
    return _Kept(statuses=[store.ACCEPTED] * len(events), degraded=["database"])


def _unknown(session: Session, events: Sequence[Event]) -> tuple[set[str], set[str]]:
    """Ids met for the first time: no error, but a shop that misspells its ids wants to hear so."""
    item_ids = list({event.item_id for event in events})
    user_ids = list({event.user_id for event in events})
    known_items: set[str] = set()
    known_users: set[str] = set()
    for start in range(0, len(item_ids), _CHUNK):
        part = item_ids[start : start + _CHUNK]
        found = select(ItemRow.item_id).where(ItemRow.item_id.in_(part))
        known_items.update(session.scalars(found))
    for start in range(0, len(user_ids), _CHUNK):
        part = user_ids[start : start + _CHUNK]
        found = select(EventRow.user_id).where(EventRow.user_id.in_(part)).distinct()
        known_users.update(session.scalars(found))
    return set(item_ids) - known_items, set(user_ids) - known_users


def _fate(statuses: Sequence[str]) -> str:
    """One word for an event that named several items: accepted if any of them was new."""
    for status in (store.ACCEPTED, store.ERASED):
        if status in statuses:
            return status
    return store.DUPLICATE
