"""Events in three dialects, verbatim as the other systems send them."""

from datetime import UTC, datetime, timedelta

import pytest

from recsys.behaviour.vocabulary import NAMES, parse_event
from recsys.errors import InvalidEvent
from recsys.types import Event, EventKind

NOW = datetime(2026, 11, 22, 15, 2, tzinfo=UTC)
OURS = {
    "event_id": "e-1",
    "user_id": "u-1",
    "item_id": "i-1",
    "kind": "view",
    "at": "2026-11-22T15:00:00Z",
}


def parse(payload: object) -> list[Event]:
    return parse_event(payload, received_at=NOW)  # type: ignore[arg-type]


def test_our_own_event_is_read_field_by_field() -> None:
    payload = OURS | {
        "kind": "purchase",
        "quantity": 2,
        "order_id": "o-1",
        "recommendation_id": "r-1",
        "at": "2026-11-22T16:00:00+01:00",
    }

    assert parse(payload) == [
        Event(
            event_id="e-1",
            user_id="u-1",
            item_id="i-1",
            kind=EventKind.PURCHASE,
            at=datetime(2026, 11, 22, 15, tzinfo=UTC),
            quantity=2,
            order_id="o-1",
            recommendation_id="r-1",
        )
    ]


def test_an_event_without_a_time_happened_when_it_came() -> None:
    (event,) = parse({name: value for name, value in OURS.items() if name != "at"})

    assert event.at == NOW


def test_numbers_are_taken_as_ids() -> None:
    (event,) = parse(OURS | {"user_id": 7, "item_id": 42})

    assert (event.user_id, event.item_id) == ("7", "42")


@pytest.mark.parametrize("item_id", ["a/b", "🍌", "x" * 200, "with space"])
def test_ids_may_look_like_anything(item_id: str) -> None:
    assert parse(OURS | {"item_id": item_id})[0].item_id == item_id


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_id", None),
        ("event_id", ""),
        ("user_id", "   "),
        ("user_id", ["u"]),
        ("user_id", True),
        ("item_id", "x" * 201),
        ("item_id", "x" * 500),
        ("item_id", "nul\x00"),
        ("item_id", "line\nbreak"),
        ("item_id", "\ud800"),
        ("item_id", 10**40),
        ("kind", "stare"),
        ("kind", None),
        ("kind", {"a": 1}),
        ("quantity", 0),
        ("quantity", -1),
        ("quantity", 1.5),
        ("quantity", True),
        ("quantity", float("nan")),
        ("quantity", 10**9),
        ("quantity", "many"),
        ("order_id", "x" * 201),
        ("recommendation_id", "x" * 65),
        ("at", "2026-11-22T15:00:00"),
        ("at", "2026-11-22"),
        ("at", "yesterday"),
        ("at", 1_795_000_000),
        ("at", "2026-11-22T15:08:00Z"),
        ("at", "1969-12-31T23:59:59Z"),
        ("at", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_what_cannot_be_read_names_its_field(field: str, value: object) -> None:
    with pytest.raises(InvalidEvent) as caught:
        parse(OURS | {field: value})

    assert caught.value.field == field


@pytest.mark.parametrize("payload", [None, [], "view", 3])
def test_what_is_no_object_is_no_event(payload: object) -> None:
    with pytest.raises(InvalidEvent):
        parse(payload)


def test_a_clock_a_little_ahead_is_forgiven() -> None:
    ahead = (NOW + timedelta(minutes=4)).isoformat()

    assert parse(OURS | {"at": ahead})[0].at == NOW + timedelta(minutes=4)


GA4_EVENT = {
    "name": "add_to_cart",
    "params": {
        "currency": "USD",
        "value": 7.77,
        "item_list_id": "rec-123",
        "items": [{"item_id": "SKU_12345", "item_name": "Tee", "price": 3.3, "quantity": 3}],
    },
    "event_id": "ga-1",
    "user_id": "u-1",
}


def test_a_ga4_event_object() -> None:
    assert parse(GA4_EVENT) == [
        Event(
            event_id="ga-1",
            user_id="u-1",
            item_id="SKU_12345",
            kind=EventKind.CART,
            at=NOW,
            quantity=3,
            recommendation_id="rec-123",
        )
    ]


def test_a_ga4_measurement_protocol_body() -> None:
    body = {
        "client_id": "c.1",
        "timestamp_micros": "1795359600000000",
        "events": [
            {"name": "page_view", "params": {}},
            {
                "name": "purchase",
                "params": {
                    "transaction_id": "T_1",
                    "items": [
                        {"item_id": "a", "item_list_id": "r-1"},
                        {"item_id": "b", "quantity": 2},
                    ],
                },
            },
        ],
    }

    found = parse(body)

    assert [event.event_id for event in found] == ["purchase-T_1:1:0", "purchase-T_1:1:1"]
    assert [event.item_id for event in found] == ["a", "b"]
    assert {event.order_id for event in found} == {"T_1"}
    assert {event.user_id for event in found} == {"c.1"}
    assert found[0].at == datetime(2026, 11, 22, 15, tzinfo=UTC)
    assert [event.recommendation_id for event in found] == ["r-1", None]


def test_a_ga4_data_layer_push() -> None:
    push = {"event": "view_item", "ecommerce": {"items": [{"item_id": "a"}]}, "user_id": "u"}

    (event,) = parse(push)

    assert (event.kind, event.item_id) == (EventKind.VIEW, "a")


SEGMENT_ORDER = {
    "type": "track",
    "messageId": "m-1",
    "anonymousId": "anon-1",
    "event": "Order Completed",
    "timestamp": "2026-11-22T15:00:00.123Z",
    "properties": {
        "order_id": "50314b8e",
        "products": [
            {"product_id": "a", "sku": "s", "quantity": 1},
            {"product_id": "b", "quantity": 2},
        ],
    },
}


def test_a_segment_order() -> None:
    found = parse(SEGMENT_ORDER)

    assert [(e.event_id, e.item_id, e.quantity) for e in found] == [
        ("m-1:0", "a", 1),
        ("m-1:1", "b", 2),
    ]
    assert {(e.user_id, e.kind, e.order_id) for e in found} == {
        ("anon-1", EventKind.PURCHASE, "50314b8e")
    }


def test_a_segment_view_of_one_product() -> None:
    payload = {
        "messageId": "m-2",
        "userId": "u-1",
        "event": "Product Viewed",
        "properties": {"product_id": "507f1f77", "list_id": "rec-9"},
    }

    assert parse(payload) == [
        Event(
            event_id="m-2",
            user_id="u-1",
            item_id="507f1f77",
            kind=EventKind.VIEW,
            at=NOW,
            recommendation_id="rec-9",
        )
    ]


@pytest.mark.parametrize(
    "name", ["refund", "remove_from_cart", "Product Removed", "Order Refunded", "view_cart"]
)
def test_what_is_known_but_no_deed_gives_nothing(name: str) -> None:
    assert parse({"event": name, "items": [{"item_id": "a"}], "user_id": "u"}) == []


def test_an_event_without_an_item_gives_nothing() -> None:
    assert parse({"name": "select_promotion", "params": {"promotion_id": "p"}}) == []


@pytest.mark.parametrize("name", ["viewed_thing", "", 7, ["view"], "DROP TABLE event"])
def test_an_unknown_name_is_an_error(name: object) -> None:
    with pytest.raises(InvalidEvent) as caught:
        parse({"event": name, "user_id": "u", "item_id": "i"})

    assert caught.value.field == "event"


def test_an_event_that_says_nothing_of_its_kind_is_told_so() -> None:
    with pytest.raises(InvalidEvent) as caught:
        parse({"user_id": "u", "item_id": "i"})

    assert caught.value.field == "kind"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"user_id": None}, "user_id"),
        ({"params": "items"}, "params"),
        ({"params": {"items": {"item_id": "a"}}}, "items"),
        ({"params": {"items": [1]}}, "items"),
        ({"params": {"items": [{"item_name": "no id"}]}}, "items[0].item_id"),
        ({"params": {"items": [{"item_id": "x" * 500}]}}, "items[0].item_id"),
        ({"params": {"items": [{"item_id": str(n)} for n in range(201)]}}, "items"),
        ({"params": {"items": [{"item_id": "a", "quantity": -1}]}}, "quantity"),
        ({"timestamp_micros": "soon"}, "timestamp_micros"),
        ({"timestamp_micros": 10**30}, "timestamp_micros"),
        ({"timestamp_micros": 4_000_000_000_000_000}, "timestamp_micros"),
        ({"timestamp": "2026-11-22T15:00:00"}, "timestamp"),
        ({"event_id": "x" * 300}, "event_id"),
    ],
)
def test_a_foreign_event_that_cannot_be_read_names_its_field(
    change: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidEvent) as caught:
        parse(GA4_EVENT | change)

    assert caught.value.field == field


@pytest.mark.parametrize("events", [[], {}, [3], [{"name": "view_item"}] * 26])
def test_a_measurement_protocol_body_is_bounded(events: object) -> None:
    with pytest.raises(InvalidEvent):
        parse({"client_id": "c", "events": events})


@pytest.mark.parametrize("refusal", [False, "false", "False"])
@pytest.mark.parametrize("layer", ["event", "properties"])
def test_an_event_without_consent_gives_nothing(layer: str, refusal: object) -> None:
    properties = {"product_id": "a"}
    event = {"type": "track", "event": "Product Viewed", "userId": "u", "properties": properties}

    (properties if layer == "properties" else event)["consent"] = refusal

    assert parse(event) == []


def test_each_event_of_a_measurement_protocol_body_consents_for_itself() -> None:
    def view(item_id: str, **more: object) -> dict[str, object]:
        return {"name": "view_item", "params": {"items": [{"item_id": item_id}]}} | more

    events = [view("a", consent=False), view("b", consent=True), view("c")]
    body = {"client_id": "c1", "events": events}

    assert [one.item_id for one in parse(body)] == ["b", "c"]
    assert parse(body | {"consent": False}) == []


def test_what_ga4_calls_consent_is_about_advertising() -> None:
    settings = {"ad_user_data": "DENIED", "ad_personalization": "DENIED"}

    assert parse(OURS | {"consent": settings})


@pytest.mark.parametrize("value", [0, 1, "no", "", []])
def test_a_consent_that_cannot_be_understood_is_not_taken_for_a_yes(value: object) -> None:
    with pytest.raises(InvalidEvent) as caught:
        parse(OURS | {"consent": value})

    assert caught.value.field == "consent"


def test_a_retry_without_an_id_keeps_the_id_made_for_it() -> None:
    payload = {name: value for name, value in SEGMENT_ORDER.items() if name != "messageId"}
    payload |= {"event": "Product Added", "properties": {"product_id": "a"}}

    first = parse(payload)
    again = parse_event(payload, received_at=NOW + timedelta(minutes=1))

    assert first == again


def test_two_like_views_without_id_or_time_are_two_deeds() -> None:
    payload = {"event": "view_item", "user_id": "u", "items": [{"item_id": "a"}]}

    first = parse(payload)
    later = parse_event(payload, received_at=NOW + timedelta(seconds=1))

    assert first[0].event_id != later[0].event_id


def test_a_list_id_of_the_shops_own_is_let_go() -> None:
    params = GA4_EVENT["params"] | {"item_list_id": "x" * 100}  # type: ignore[operator]

    assert parse(GA4_EVENT | {"params": params})[0].recommendation_id is None


def test_every_name_is_in_the_one_spelling_that_is_looked_up() -> None:
    assert all(name == name.strip().lower().replace(" ", "_") for name in NAMES)
