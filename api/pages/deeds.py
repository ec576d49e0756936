"""What a shopper does on a page becomes an event before the page is answered."""

import logging
import re
from datetime import UTC, datetime
from uuid import uuid4

from flask import request

from api.errors import Problem
from api.events import record
from api.pages.shopper import Shopper
from api.runtime import Runtime
from recsys.types import EventKind

log = logging.getLogger(__name__)

_EVENT_ID = re.compile(r"web-[0-9a-f]{32}")
_RECOMMENDATION_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


def new_event_id() -> str:
    return f"web-{uuid4().hex}"


def viewed(runtime: Runtime, shopper: Shopper, item_id: str, *, recommendation_id: str) -> None:
    """Note that the page was really opened; a browser that only fetches ahead has seen nothing."""
    purposes = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    if request.method == "GET" and "prefetch" not in purposes:
        try:
            _note(runtime, shopper, item_id, EventKind.VIEW, recommendation_id=recommendation_id)
        except Problem:
            log.warning("a view was not noted; the page is shown all the same")


def done(runtime: Runtime, shopper: Shopper, item_id: str, kind: EventKind) -> None:
    """Note what a form did, once however often it is sent.

    Raises:
        Problem: Neither the database nor the spool takes it, so the shopper must hear of it.
    """
    form = request.form
    _note(
        runtime,
        shopper,
        item_id,
        kind,
        event_id=form.get("event_id", ""),
        recommendation_id=form.get("rid", ""),
    )


def recommendation_id_of(text: str) -> str:
    """The answer a link came from; anything that does not look like one is dropped."""
    return text if _RECOMMENDATION_ID.fullmatch(text) else ""


def _note(
    runtime: Runtime,
    shopper: Shopper,
    item_id: str,
    kind: EventKind,
    *,
    event_id: str = "",
    recommendation_id: str = "",
) -> None:
    if shopper.noted_as is None:
        return
    if not _EVENT_ID.fullmatch(event_id):
        event_id = new_event_id()
    event = {
        "event_id": event_id,
        "user_id": shopper.noted_as,
        "item_id": item_id,
        "kind": kind.value,
        "recommendation_id": recommendation_id_of(recommendation_id) or None,
    }
    if kind is EventKind.PURCHASE:
        event["order_id"] = f"order-{event_id}"
    record(runtime, [event], now=datetime.now(UTC))
