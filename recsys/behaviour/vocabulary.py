"""What other systems call an event, and what it is to us.

Three dialects are understood verbatim, so that no shop has to be instrumented again: ours, GA4
(the event object, the data layer's, the export's and the Measurement Protocol's) and Segment v2.
`NAMES` is the one table. An event that is known but is no deed with an item gives no events; an
unknown name is an error, for it is more likely a slip than a wish.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import cast

from recsys.behaviour import consent
from recsys.behaviour.amounts import NOT_SAID, paid, paid_abroad
from recsys.errors import InvalidEvent
from recsys.tables import id_problem
from recsys.types import Event, EventKind

MAX_ITEMS = 200  # items in one event: GA4's own limit
MAX_EVENTS = 25  # events in one Measurement Protocol body: GA4's own limit
_CLOCK_SKEW = timedelta(minutes=5)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_QUANTITY = 1_000_000
_MAX_RECOMMENDATION_ID = 64

_OURS = {kind.value: kind for kind in EventKind}
_VIEW, _CART, _PURCHASE = EventKind.VIEW, EventKind.CART, EventKind.PURCHASE
# Lower case, spaces as underscores: "Product Viewed" is product_viewed. None: known, but no deed.
NAMES: Mapping[str, EventKind | None] = {
    # ours
    **{kind.value: kind for kind in EventKind},
    # GA4
    "view_item": _VIEW,
    "select_item": _VIEW,
    "select_promotion": _VIEW,
    "add_to_cart": _CART,
    "add_to_wishlist": EventKind.LIKE,
    "purchase": _PURCHASE,
    **dict.fromkeys(
        [
            "view_item_list",
            "view_promotion",
            "view_cart",
            "remove_from_cart",
            "begin_checkout",
            "refund",
            "add_payment_info",
            "add_shipping_info",
            "view_search_results",
            "search",
            "page_view",
            "session_start",
            "first_visit",
            "user_engagement",
            "scroll",
            "click",
            "login",
            "sign_up",
            "share",
        ]
    ),
    # Segment v2
    "product_viewed": _VIEW,
    "product_clicked": _VIEW,
    "product_added": _CART,
    "wishlist_product_added_to_cart": _CART,
    "product_added_to_wishlist": EventKind.LIKE,
    "order_completed": _PURCHASE,
    **dict.fromkeys(
        [
            "products_searched",
            "product_list_viewed",
            "product_list_filtered",
            "promotion_viewed",
            "promotion_clicked",
            "product_removed",
            "product_removed_from_wishlist",
            "cart_viewed",
            "cart_shared",
            "product_shared",
            "product_reviewed",
            "checkout_started",
            "checkout_step_viewed",
            "checkout_step_completed",
            "payment_info_entered",
            "order_updated",
            "order_refunded",
            "order_cancelled",
            "coupon_entered",
            "coupon_applied",
            "coupon_denied",
            "coupon_removed",
        ]
    ),
}

_Payload = Mapping[str, object]


def parse_event(payload: _Payload, *, received_at: datetime) -> list[Event]:
    """Read one event of any dialect; several items give several events, no item gives none.

    Without consent there is none either, once it has been checked like any other.

    Raises:
        InvalidEvent: It cannot be read; `field` names what to mend.
    """
    if not isinstance(payload, Mapping):
        raise InvalidEvent("event", "must be an object")
    if "kind" in payload:
        ours = _ours(payload, received_at)
        return [ours] if consent.is_given(payload) else []
    if "events" in payload:
        return _measurement_protocol(payload, received_at)
    return _foreign(payload, {}, received_at, suffix="")


def _ours(payload: _Payload, received_at: datetime) -> Event:
    kind = payload["kind"]
    if not isinstance(kind, str) or kind not in _OURS:
        raise InvalidEvent("kind", f"must be one of {', '.join(EventKind)}")
    recommendation_id = payload.get("recommendation_id")
    if recommendation_id is not None:
        recommendation_id = _id(recommendation_id, "recommendation_id")
        if len(recommendation_id) > _MAX_RECOMMENDATION_ID:
            message = f"must have at most {_MAX_RECOMMENDATION_ID} characters"
            raise InvalidEvent("recommendation_id", message)
    said = paid(payload.get("price"), payload.get("currency"))
    cost = said if _OURS[kind] is _PURCHASE else NOT_SAID
    return Event(
        event_id=_required_id(payload, "event_id"),
        user_id=_required_id(payload, "user_id"),
        item_id=_required_id(payload, "item_id"),
        kind=_OURS[kind],
        at=_time(payload.get("at"), "at", received_at),
        quantity=_quantity(payload.get("quantity")),
        order_id=_optional_id(payload.get("order_id"), "order_id"),
        recommendation_id=recommendation_id,
        price=cost.price,
        currency=cost.currency,
    )


def _measurement_protocol(payload: _Payload, received_at: datetime) -> list[Event]:
    bodies = payload["events"]
    if not isinstance(bodies, list) or not 1 <= len(bodies) <= MAX_EVENTS:
        raise InvalidEvent("events", f"must be a list of 1 to {MAX_EVENTS} events")
    shared = {key: value for key, value in payload.items() if key != "events"}
    found: list[Event] = []
    for number, body in enumerate(bodies):
        if not isinstance(body, Mapping):
            raise InvalidEvent(f"events[{number}]", "must be an object")
        suffix = f":{number}" if len(bodies) > 1 else ""
        found += _foreign(body, shared, received_at, suffix=suffix)
    return found


def _foreign(
    payload: _Payload, shared: _Payload, received_at: datetime, *, suffix: str
) -> list[Event]:
    """GA4 or Segment: the same fields under different names, looked up from the inside out."""
    kind = _kind(payload)
    inner = _inner(payload)
    layers = (inner, payload, shared)
    products = _products(inner, payload)
    if kind is None or not products:
        return []
    user_id = _first(layers, "user_id", "userId", "client_id", "user_pseudo_id", "anonymousId")
    if user_id is None:
        raise InvalidEvent("user_id", "is missing (or client_id, userId, anonymousId)")
    order_id = _optional_id(_first(layers, "order_id", "transaction_id"), "order_id")
    at, timed = _foreign_time(layers, received_at)
    base = _event_id(layers, payload, kind, order_id, at=at, timed=timed) + suffix
    lists = ("recommendation_id", "item_list_id", "list_id", "promotion_id")
    costs = [
        paid_abroad((product, *layers)) if kind is _PURCHASE else NOT_SAID for product in products
    ]
    found = [
        Event(
            event_id=_id(base if len(products) == 1 else f"{base}:{number}", "event_id"),
            user_id=_id(user_id, "user_id"),
            item_id=_item_id(product, number),
            kind=kind,
            at=at,
            quantity=_quantity(product.get("quantity")),
            order_id=order_id,
            recommendation_id=_list_id(_first((product, *layers), *lists)),
            price=cost.price,
            currency=cost.currency,
        )
        for number, (product, cost) in enumerate(zip(products, costs, strict=True))
    ]
    return found if consent.is_given(*layers) else []


def _kind(payload: _Payload) -> EventKind | None:
    name = _first((payload,), "event", "name", "event_name")
    if name is None:
        raise InvalidEvent("kind", "is missing (or event, name)")
    known = name.strip().lower().replace(" ", "_") if isinstance(name, str) else ""
    if known not in NAMES:
        raise InvalidEvent("event", f"unknown event name {str(name)[:80]!r}")
    return NAMES[known]


def _inner(payload: _Payload) -> _Payload:
    for name in ("params", "properties", "ecommerce"):
        inner = payload.get(name)
        if inner is None:
            continue
        if not isinstance(inner, Mapping):
            raise InvalidEvent(name, "must be an object")
        return cast("_Payload", inner)
    return {}


def _products(inner: _Payload, payload: _Payload) -> Sequence[_Payload]:
    """The event's list of items, or the event itself where it names a single one."""
    for name in ("items", "products"):
        products = _first((inner, payload), name)
        if products is None:
            continue
        if not isinstance(products, list) or not all(isinstance(row, Mapping) for row in products):
            raise InvalidEvent(name, "must be a list of objects")
        if len(products) > MAX_ITEMS:
            raise InvalidEvent(name, f"must hold at most {MAX_ITEMS}")
        return products
    return [layer for layer in (inner, payload) if _first((layer,), *_ITEM_NAMES) is not None][:1]


_ITEM_NAMES = ("item_id", "product_id", "productId")


def _item_id(product: _Payload, number: int) -> str:
    value = _first((product,), *_ITEM_NAMES, "id")
    if value is None:
        raise InvalidEvent(f"items[{number}].item_id", "is missing")
    return _id(value, f"items[{number}].item_id")


def _event_id(
    layers: Sequence[_Payload],
    payload: _Payload,
    kind: EventKind,
    order_id: str | None,
    *,
    at: datetime,
    timed: bool,
) -> str:
    """The sender's id; else the order's, which GA4 also counts once; else the content's own."""
    given = _first(layers, "event_id", "messageId", "message_id")
    if given is not None:
        return _id(given, "event_id")
    if kind is EventKind.PURCHASE and order_id is not None:
        return f"purchase-{order_id}"
    # Without a time of its own, the same content twice may be two deeds: ours tells them apart.
    content = [payload, *layers, None if timed else at.isoformat()]
    try:
        text = json.dumps(content, sort_keys=True, default=str)
    except (TypeError, ValueError, RecursionError):
        raise InvalidEvent("event", "cannot be read") from None
    return f"auto-{sha256(text.encode()).hexdigest()[:32]}"


def _foreign_time(layers: Sequence[_Payload], received_at: datetime) -> tuple[datetime, bool]:
    """The moment it happened, and whether the sender said so."""
    for name in ("timestamp_micros", "event_timestamp"):
        micros = _first(layers, name)
        if micros is not None:
            return _from_micros(micros, name, received_at), True
    for name in ("at", "timestamp", "originalTimestamp"):
        value = _first(layers, name)
        if value is not None:
            return _time(value, name, received_at), True
    return received_at, False


def _from_micros(value: object, field: str, received_at: datetime) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise InvalidEvent(field, "must be whole microseconds since 1970")
    try:
        at = _EARLIEST + timedelta(microseconds=int(value))
    except (ValueError, OverflowError):
        raise InvalidEvent(field, "must be whole microseconds since 1970") from None
    return _plausible(at, field, received_at)


def _time(value: object, field: str, received_at: datetime) -> datetime:
    if value is None:
        return received_at
    if not isinstance(value, str):
        raise InvalidEvent(field, "must be an ISO 8601 time with a zone, as a string")
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise InvalidEvent(field, "must name its zone, such as Z or +01:00")
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        message = "must be an ISO 8601 time with a zone, such as 2026-11-22T15:02:00Z"
        raise InvalidEvent(field, message) from None
    return _plausible(at, field, received_at)


def _plausible(at: datetime, field: str, received_at: datetime) -> datetime:
    if at > received_at + _CLOCK_SKEW:
        raise InvalidEvent(field, "lies in the future")
    if at < _EARLIEST:
        raise InvalidEvent(field, "lies before 1970")
    return at


def _quantity(value: object) -> int:
    if value is None:
        return 1
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:8])
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MAX_QUANTITY:
        raise InvalidEvent("quantity", f"must be a whole number from 1 to {_MAX_QUANTITY}")
    return value


def _required_id(payload: _Payload, field: str) -> str:
    if payload.get(field) is None:
        raise InvalidEvent(field, "is missing")
    return _id(payload[field], field)


def _optional_id(value: object, field: str) -> str | None:
    return None if value is None or value == "" else _id(value, field)


def _id(value: object, field: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63:
        value = str(value)  # many shops count their items and users
    problem = id_problem(value)
    if problem:
        raise InvalidEvent(field, problem)
    return str(value)


def _list_id(value: object) -> str | None:
    """A list or promotion id is ours where it could be; the shop's own long ones are let go."""
    if isinstance(value, str) and len(value) <= _MAX_RECOMMENDATION_ID and not id_problem(value):
        return value
    return None


def _first(layers: Sequence[_Payload], *names: str) -> object:
    for name in names:
        for layer in layers:
            if layer.get(name) is not None:
                return layer[name]
    return None
