"""The console without a browser: its door, its tabs, its forms."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from api import create_app, keys
from api.config import ApiConfig
from api.keys import Role
from api.pages.attempts import FREE_TRIES, LONGEST_SECONDS, Attempts
from api.pages.catalogue import detect
from api.runtime import Runtime
from recsys.behaviour import events
from recsys.catalogue import items
from recsys.catalogue.feeds import FeedFormat
from recsys.database import reading, writing
from recsys.types import Event, EventKind

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TABS = ("", "catalogue", "models", "campaigns", "privacy")


@pytest.mark.parametrize("tab", TABS)
def test_a_stranger_is_sent_to_the_door(client: FlaskClient, tab: str) -> None:
    answer = client.get(f"/console/{tab}")

    assert answer.status_code == 303
    assert answer.location == "/console/login"


@pytest.mark.parametrize("tab", TABS)
def test_an_empty_shop_has_every_tab(console: FlaskClient, tab: str) -> None:
    answer = console.get(f"/console/{tab}")

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert 'aria-current="page"' in answer.text
    assert " style=" not in answer.text
    assert "<script>" not in answer.text


def test_the_cookie_is_strict_and_out_of_reach_of_scripts(client: FlaskClient) -> None:
    cookie = client.get("/console/login").headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


def test_a_storefront_key_opens_nothing(client: FlaskClient, here: Runtime, log_in, key_of) -> None:
    answer = log_in(client, key_of(here, Role.STOREFRONT))

    assert answer.status_code == 403
    assert client.get("/console/").status_code == 303


def test_a_revoked_key_is_out_at_once(client: FlaskClient, here: Runtime, log_in, key_of) -> None:
    key = key_of(here, Role.ADMIN)
    log_in(client, key)
    with writing(here.engine) as session:
        keys.revoke(session, keys.read(key).key_id, now=NOW)
    here.keyring.refresh()

    assert client.get("/console/").status_code == 303


def test_who_fails_too_often_has_to_wait(
    client: FlaskClient, here: Runtime, log_in, key_of
) -> None:
    for _ in range(FREE_TRIES):
        assert log_in(client, "vk_adm_wrong").status_code == 403

    answer = log_in(client, key_of(here, Role.ADMIN))

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1


def test_the_wait_doubles_up_to_a_bound_and_ends() -> None:
    now = [0.0]
    attempts = Attempts(clock=lambda: now[0])
    waits = []
    for _ in range(FREE_TRIES + 20):
        attempts.failed("there")
        waits.append(attempts.wait_seconds("there"))

    now[0] = LONGEST_SECONDS

    assert waits[FREE_TRIES - 1 : FREE_TRIES + 2] == [1, 2, 4]
    assert waits[-1] == LONGEST_SECONDS
    assert attempts.wait_seconds("there") == attempts.wait_seconds("elsewhere") == 0


def test_a_login_without_our_form_is_refused(client: FlaskClient, here: Runtime, key_of) -> None:
    answer = client.post("/console/login", data={"key": key_of(here, Role.ADMIN)})

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "address",
    [
        "logout",
        "catalogue/upload",
        "models/retrain",
        "models/promote",
        "campaigns",
        "privacy/forget",
    ],
)
def test_a_form_without_its_token_changes_nothing(console: FlaskClient, address: str) -> None:
    answer = console.post(f"/console/{address}", data={"csrf_token": "guess"})

    assert answer.status_code == 403
    assert console.get("/console/").status_code == 200


def test_logging_out_closes_the_door(console: FlaskClient, send) -> None:
    send(console, "/console/logout")

    assert console.get("/console/").status_code == 303


def test_without_a_secret_the_console_stays_shut(api_config: ApiConfig) -> None:
    app = create_app(replace(api_config, secret_key=""))

    answer = app.test_client().get("/console/")
    app.extensions["vitrine"].close()

    assert answer.status_code == 503


def test_the_overview_counts_and_says_in_words_what_is_wrong(
    console: FlaskClient, stocked, here: Runtime, text
) -> None:
    with writing(here.engine) as session:
        items.patch(session, "i1", {"hidden": True})

    shown = text(console.get("/console/").text)

    assert f"Items {len(stocked)} 1 hidden, 0 sold out" in shown
    assert "Database works" in shown
    assert "Redis needs attention" in shown
    assert "no model yet" in shown


def test_the_overview_of_an_empty_shop_says_what_to_do_first(console: FlaskClient, text) -> None:
    shown = text(console.get("/console/").text)

    assert "The catalogue is empty. Upload a catalogue" in shown
    assert "No model is live: the shop shows what is newest to everyone. Train a model" in shown
    assert "Needs attention: redis" in shown


@pytest.mark.usefixtures("trained")
def test_the_overview_names_the_live_model(console: FlaskClient, text) -> None:
    shown = text(console.get("/console/").text)

    assert "Version 20261120T120000Z-abcdef Trained 20 November 2026, 12:00 UTC" in shown
    assert "Nothing waits for you." in shown


def test_a_feed_keeps_good_lines_and_names_bad_ones(
    console: FlaskClient, here: Runtime, send, text
) -> None:
    feed = b"item_id,title,price\nf1,Pears,2.50\nf2,Plums,NaN\nf3,Figs,4.00\nf4,<b>Bad</b>,-1\n"

    answer = send(console, "/console/catalogue/upload", feed=(io.BytesIO(feed), "fruit.csv"))

    shown = text(answer.text)
    assert "2 kept, 2 refused" in shown
    assert re.findall(r"<td>(\d+)</td><td>(\w+)</td>", answer.text) == [
        ("3", "price"),
        ("5", "price"),
    ]
    with reading(here.engine) as session:
        assert sorted(items.get_many(session, ["f1", "f2", "f3", "f4"])) == ["f1", "f3"]


def test_a_feed_that_is_too_large_is_refused(api_config: ApiConfig, send, log_in, key_of) -> None:
    app = create_app(replace(api_config, max_upload_bytes=2_000))
    here: Runtime = app.extensions["vitrine"]
    console = app.test_client()
    log_in(console, key_of(here, Role.ADMIN))

    feed = (io.BytesIO(b"x" * 3_000), "f.csv")
    answer = send(console, "/console/catalogue/upload", feed=feed)
    here.close()

    assert answer.status_code == 413


def test_a_missing_file_is_asked_for(console: FlaskClient, send) -> None:
    assert send(console, "/console/catalogue/upload").status_code == 422


@pytest.mark.parametrize(
    ("name", "start", "expected"),
    [
        ("a.txt", b'\xef\xbb\xbf<?xml version="1.0"?>', FeedFormat.GOOGLE_XML),
        ("a.csv", b'{"id": "1"}\n', FeedFormat.JSONL),
        ("a.txt", b"id\ttitle\tprice\n1\ta, b\t2\n", FeedFormat.GOOGLE_TSV),
        ("a.tsv", b"", FeedFormat.GOOGLE_TSV),
        ("a", b"id;title\n", FeedFormat.CSV),
    ],
)
def test_a_feed_is_known_by_its_first_bytes(name: str, start: bytes, expected: FeedFormat) -> None:
    assert detect(name, io.BytesIO(start)) is expected


def test_an_item_is_found_hidden_and_shown_again(
    console: FlaskClient, here: Runtime, stocked, send
) -> None:
    found = console.get("/console/catalogue?q=fruit").text

    answer = send(console, "/console/catalogue/hide", item_id="i3", hidden="1", q="fruit")

    assert found.count("<code") == len(stocked) / 3
    assert "is hidden" in answer.text
    assert "i3" in console.get("/console/catalogue?q=i3").text
    with reading(here.engine) as session:
        assert items.get(session, "i3").hidden


def test_hiding_an_unknown_item_is_not_found(console: FlaskClient, send) -> None:
    assert send(console, "/console/catalogue/hide", item_id="x").status_code == 404


def test_a_shopper_is_forgotten_with_a_receipt(console: FlaskClient, here: Runtime, send) -> None:
    with writing(here.engine) as session:
        event = Event(event_id="e", user_id="u/1 🍋", item_id="i1", kind=EventKind.VIEW, at=NOW)
        events.record(session, [event])

    answer = send(console, "/console/privacy/forget", user_id="u/1 🍋", sure="yes")

    assert "<dt>Events deleted</dt><dd>1</dd>" in answer.text
    with reading(here.engine) as session:
        assert events.count(session).total == 0


@pytest.mark.parametrize("form", [{"user_id": "", "sure": "yes"}, {"user_id": "u1"}])
def test_nobody_is_forgotten_by_mistake(console: FlaskClient, form: dict[str, str], send) -> None:
    assert send(console, "/console/privacy/forget", **form).status_code == 422


@pytest.mark.parametrize(
    ("address", "back"), [("/console/nonsense/1", "console"), ("/shop/nonsense", "shop")]
)
def test_an_address_that_is_none_is_a_page_with_a_way_back(
    console: FlaskClient, address: str, back: str
) -> None:
    answer = console.get(address)

    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
    assert f"Back to the {back}" in answer.text


def test_an_address_that_is_none_tells_a_stranger_nothing(client: FlaskClient) -> None:
    assert client.get("/console/nonsense").headers["Location"].endswith("/console/login")
