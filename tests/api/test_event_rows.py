"""`POST /events`: each row has its own fate, and accepted means durable."""

import io
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from sqlalchemy import Engine, text

from api import create_app, keys
from api.breaker import Breaker
from api.config import ApiConfig
from api.keys import Role
from api.runtime import Runtime
from recsys.behaviour import events, spool
from recsys.database import reading, writing
from recsys.types import EventKind

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def row(number: int = 1, **changes) -> dict[str, object]:
    return {
        "event_id": f"e{number}",
        "user_id": "u1",
        "item_id": "i1",
        "kind": "view",
        "at": "2026-11-20T11:00:00Z",
    } | changes


def stored(here: Runtime, user_id: str = "u1") -> tuple[str, ...]:
    with reading(here.engine) as session:
        return events.history(session, user_id).item_ids


@contextmanager
def locked(config: ApiConfig) -> Iterator[None]:
    """Another connection holds the database exclusively."""
    path = config.recsys.database_url.removeprefix("sqlite:///")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@pytest.mark.parametrize("wrap", [lambda r: r, lambda r: [r], lambda r: {"events": [r]}])
def test_one_event_a_list_or_an_envelope(client, shop, here: Runtime, wrap) -> None:
    answer = client.post("/events", json=wrap(row()), headers=shop)

    assert answer.status_code == 202
    assert answer.json["accepted"] == 1
    assert answer.json["results"][0]["status"] == "accepted"
    assert stored(here) == ("i1",)


def test_a_retry_is_a_duplicate_and_changes_nothing(client, shop, here: Runtime) -> None:
    client.post("/events", json=row(), headers=shop)

    again = client.post("/events", json=[row(), row(2), row(2)], headers=shop)

    fates = [result["status"] for result in again.json["results"]]
    assert fates == ["duplicate", "accepted", "duplicate"]
    assert stored(here) == ("i1", "i1")


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (row(9, kind="admire"), "kind"),
        (row(9, at="2026-11-20T11:00:00"), "at"),
        (row(9, at=(datetime.now(UTC) + timedelta(hours=1)).isoformat()), "at"),
        (row(9, at="yesterday"), "at"),
        (row(9, at=17), "at"),
        (row(9, item_id="x" * 500), "item_id"),
        (row(9, item_id=""), "item_id"),
        (row(9, user_id=None), "user_id"),
        (row(9, event_id="nul\x00"), "event_id"),
        (row(9, quantity=-1), "quantity"),
        (row(9, quantity=float("nan")), "quantity"),
        ({"event": "teleport", "user_id": "u1"}, "event"),
        ("no object", "event"),
        (None, "event"),
        ([], "event"),
    ],
)
def test_one_bad_row_never_loses_a_good_one(client, shop, here: Runtime, bad, field) -> None:
    answer = client.post("/events", json=[row(1), bad, row(2)], headers=shop)

    assert answer.status_code == 202
    fates = [result["status"] for result in answer.json["results"]]
    assert fates == ["accepted", "rejected", "accepted"]
    assert answer.json["results"][1]["field"] == field
    assert answer.json["results"][1]["message"]
    assert stored(here) == ("i1", "i1")


@pytest.mark.usefixtures("stocked")
def test_unknown_items_and_users_are_reported_not_refused(client, shop) -> None:
    first = client.post("/events", json=row(1, item_id="ghost"), headers=shop).json["results"][0]
    second = client.post("/events", json=row(2), headers=shop).json["results"][0]

    assert first["status"] == "accepted"
    assert first["unknown_item"] == ["ghost"]
    assert first["unknown_user"] is True
    assert second["unknown_item"] is None
    assert second["unknown_user"] is None


def test_ga4_and_segment_payloads_are_taken_verbatim(client, shop, here: Runtime) -> None:
    ga4 = {
        "client_id": "u1",
        "events": [
            {
                "name": "purchase",
                "params": {
                    "transaction_id": "t1",
                    "items": [{"item_id": "i1", "quantity": 2}, {"item_id": "i2"}],
                },
            }
        ],
    }
    segment = {
        "type": "track",
        "event": "Product Viewed",
        "messageId": "m1",
        "userId": "u1",
        "timestamp": "2026-11-20T11:00:00Z",
        "properties": {"product_id": "i3"},
    }

    batch = {"batch": [segment | {"messageId": f"m{n}"} for n in range(2, 4)], "sentAt": "now"}

    assert client.post("/events", json=ga4, headers=shop).json["accepted"] == 1
    assert client.post("/events", json=segment, headers=shop).json["accepted"] == 1
    assert client.post("/events", json=batch, headers=shop).json["accepted"] == 2

    with reading(here.engine) as session:
        history = events.history(session, "u1")
    assert history.item_ids == ("i3", "i3", "i3", "i1", "i2")
    assert history.purchased == {"i1", "i2"}


def test_a_known_event_without_an_item_is_ignored(client, shop) -> None:
    payload = {"event": "Cart Viewed", "userId": "u1", "messageId": "m"}

    assert (
        client.post("/events", json=payload, headers=shop).json["results"][0]["status"] == "ignored"
    )


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"{", 400), (b'"text"', 400), (b"[]", 422), (b"17", 400), (b"", 400), (b"[NaN", 400)],
)
def test_bodies_that_hold_no_event(client, shop, data: bytes, status: int) -> None:
    answer = client.post("/events", data=data, headers=shop, content_type="application/json")

    assert answer.status_code == status


def test_a_consent_that_cannot_be_understood_keeps_nothing(client, shop, here: Runtime) -> None:
    told = client.post("/events", json=[row(1, consent=0)], headers=shop)
    envelope = client.post("/events", json={"events": [row(2)], "consent": "no"}, headers=shop)

    assert (told.status_code, told.json["results"][0]["field"]) == (202, "consent")
    assert (envelope.status_code, envelope.json["errors"][0]["field"]) == (422, "consent")
    assert stored(here) == ()


def test_a_thousand_events_are_taken_and_one_more_is_not(client, shop, here: Runtime) -> None:
    many = [row(number, item_id=f"i{number}") for number in range(1001)]

    assert client.post("/events", json=many[:1000], headers=shop).json["accepted"] == 1000

    refused = client.post("/events", json=many, headers=shop)
    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == "events"
    assert len(stored(here)) == 500  # a history reads its newest 500


def test_a_ten_megabyte_body_is_refused(client, shop) -> None:
    answer = client.post(
        "/events", data=b" " * 10_000_000, headers=shop, content_type="application/json"
    )

    assert answer.status_code == 413
    assert answer.mimetype == "application/problem+json"


def test_a_ten_megabyte_body_of_unsaid_length_is_refused_too(client, shop) -> None:
    answer = client.post(
        "/events",
        input_stream=io.BytesIO(b" " * 10_000_000),
        environ_overrides={"wsgi.input_terminated": True},
        headers=shop,
        content_type="application/json",
    )

    assert answer.status_code == 413


def test_another_media_type_is_refused(client, shop) -> None:
    answer = client.post("/events", data="a=b", headers=shop, content_type="text/csv")

    assert answer.status_code == 415


def test_a_locked_database_loses_no_accepted_event(
    client, shop, here: Runtime, api_config: ApiConfig
) -> None:
    with locked(api_config):
        answer = client.post("/events", json=[row(1), row(2)], headers=shop)
        slate = client.get("/recommend", headers=shop)

    assert answer.status_code == 202
    assert answer.json["accepted"] == 2
    assert answer.json["degraded"] == ["database"]
    assert slate.status_code == 200
    assert stored(here) == ()
    assert spool.drain(api_config.recsys.spool_dir, here.engine) == 2
    assert stored(here) == ("i1", "i1")


def test_what_was_spooled_counts_once_even_if_sent_again(
    client, shop, here: Runtime, api_config: ApiConfig
) -> None:
    with locked(api_config):
        client.post("/events", json=row(1), headers=shop)
    here.writes = Breaker()  # the pause after a slow failure is over
    client.post("/events", json=row(1), headers=shop)

    assert spool.drain(api_config.recsys.spool_dir, here.engine) == 0
    assert stored(here) == ("i1",)


def test_neither_database_nor_spool_is_a_503_that_says_retry(
    client, shop, api_config: ApiConfig
) -> None:
    api_config.recsys.spool_dir.parent.mkdir(exist_ok=True)
    api_config.recsys.spool_dir.write_text("a file is in the way")

    with locked(api_config):
        answer = client.post("/events", json=row(1), headers=shop)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"


def test_a_forgotten_shopper_stays_forgotten(
    client, shop, admin, here: Runtime, api_config
) -> None:
    client.post("/events", json=row(1), headers=shop)
    with locked(api_config):
        client.post("/events", json=row(2), headers=shop)

    receipt = client.delete("/users/u1", headers=admin)

    assert receipt.status_code == 200
    assert receipt.json["events_deleted"] == 2
    assert receipt.json["spooled_events_drained"] == 1
    assert spool.pending(api_config.recsys.spool_dir) == 0
    here.writes = Breaker()  # the pause after a slow failure is over
    again = client.post("/events", json=row(1), headers=shop)
    assert again.json["results"][0]["status"] == "erased"
    assert stored(here) == ()


@pytest.mark.parametrize("user_id", ["a/b//🥕", "/a", "a/", "//"])
def test_a_shopper_with_a_slash_can_be_forgotten(
    client, shop, admin, here: Runtime, user_id: str
) -> None:
    client.post("/events", json=row(1, user_id=user_id), headers=shop)

    receipt = client.delete(f"/users/{quote(user_id, safe='')}", headers=admin)

    assert receipt.json["events_deleted"] == 1
    assert stored(here, user_id) == ()


def test_recorded_alike_on_both_databases(engine: Engine, database_url: str, api_config) -> None:
    config = replace(api_config, recsys=replace(api_config.recsys, database_url=database_url))
    app = create_app(config)
    with writing(engine) as session:
        key = keys.create(session, Role.STOREFRONT, label="", now=NOW)

    answer = app.test_client().post(
        "/events",
        json=[row(1, kind="purchase"), row(1), row(2, item_id="🥕/x")],
        headers={"X-Api-Key": key},
    )

    app.extensions["vitrine"].close()
    assert [one["status"] for one in answer.json["results"]] == [
        "accepted",
        "duplicate",
        "accepted",
    ]
    with reading(engine) as session:
        history = events.history(session, "u1")
    assert sorted(history.item_ids) == ["i1", "🥕/x"]
    assert EventKind.PURCHASE in history.kinds


def test_a_lock_loses_no_event_on_either_database(
    engine: Engine, database_url: str, api_config
) -> None:
    config = replace(api_config, recsys=replace(api_config.recsys, database_url=database_url))
    with writing(engine) as session:
        key = {"X-Api-Key": keys.create(session, Role.STOREFRONT, label="", now=NOW)}
    app = create_app(config)
    client = app.test_client()
    sqlite = engine.dialect.name == "sqlite"

    with writing(engine) as holder:  # SQLite: the one writer; PostgreSQL: nobody else at all
        lock = "SELECT 1" if sqlite else "LOCK TABLE event IN ACCESS EXCLUSIVE MODE"
        holder.execute(text(lock))
        accepted = client.post("/events", json=row(1, kind="purchase"), headers=key)
        slate = client.get("/recommend?user_id=u1&k=2", headers=key)

    app.extensions["vitrine"].close()
    assert (accepted.status_code, accepted.json["degraded"]) == (202, ["database"])
    assert slate.status_code == 200
    assert ("history" in slate.json["degraded"]) is not sqlite
    assert spool.drain(config.recsys.spool_dir, engine) == 1
    with reading(engine) as session:
        assert events.history(session, "u1").item_ids == ("i1",)
