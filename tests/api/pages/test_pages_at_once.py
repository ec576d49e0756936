"""What is done in the console counts at once in every process, as if the API had been asked."""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api import create_app
from api.config import ApiConfig
from api.runtime import Runtime
from generative import creatives
from generative.campaigning import campaigns
from generative.types import Copy, Creative, State
from recsys.database import writing

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LONG = 600.0  # seconds that a process trusts what it read, unless it is told
Headers = dict[str, str]
Send = Callable[..., TestResponse]


@pytest.fixture
def config(cached_config: ApiConfig) -> ApiConfig:
    return replace(cached_config, pulse_seconds=LONG)


@pytest.fixture
def app(config: ApiConfig) -> Iterator[APIFlask]:
    made = create_app(config)
    yield made
    made.extensions["vitrine"].close()


@pytest.fixture
def other(config: ApiConfig, console: FlaskClient, trained: object) -> Iterator[FlaskClient]:  # noqa: ARG001 after both
    """Another process of the same shop."""
    made = create_app(config)
    made.extensions["vitrine"].keyring.refresh()
    yield made.test_client()
    made.extensions["vitrine"].close()


def shown(client: FlaskClient, shop: Headers, k: int = 12) -> list[str]:
    asked = {"k": k, "banner": "none", "hide": "none", "in_stock": False}
    answer = client.post("/recommend", json=asked, headers=shop)
    assert answer.status_code == 200, answer.json
    return [one["item_id"] for one in answer.json["items"]]


def test_a_hidden_item_is_gone_everywhere(
    console: FlaskClient, other: FlaskClient, shop: Headers, send: Send
) -> None:
    first = shown(other, shop)

    send(console, "/console/catalogue/hide", item_id=first[0], hidden="1")

    assert shown(other, shop) == first[1:]


def test_an_uploaded_feed_is_sold_everywhere(
    console: FlaskClient, other: FlaskClient, shop: Headers, send: Send
) -> None:
    before = shown(other, shop, k=20)
    feed = b"item_id,title,price\nbrand-new,A new thing,3.50\n"

    send(console, "/console/catalogue/upload", feed=(io.BytesIO(feed), "feed.csv"))

    assert set(shown(other, shop, k=20)) - set(before) == {"brand-new"}


def test_an_uploaded_feed_is_read_by_a_worker(
    console: FlaskClient, config: ApiConfig, here: Runtime, send: Send, monkeypatch
) -> None:
    rung: list[object] = []
    monkeypatch.setattr(here.bell, "items", rung.append)
    here.config = replace(config, recsys=replace(config.recsys, text_encoder="hashed"))

    send(console, "/console/catalogue/upload", feed=(io.BytesIO(b"item_id,title\na,A\n"), "f.csv"))

    assert rung == [None]


@pytest.mark.usefixtures("broker")
def test_a_rejected_creative_leaves_the_shop(
    console: FlaskClient, other: FlaskClient, here: Runtime, shop: Headers, send: Send
) -> None:
    def words() -> str:
        answer = other.get("/recommend?k=1", headers=shop).json
        return str(answer["items"][0]["creative"]["headline"])

    campaign_id, key = made_for_the_first(other, here, shop)
    assert words() == "What nobody wants"

    send(console, f"/console/campaigns/{campaign_id}/creatives/{key}", approval="rejected")
    assert words() != "What nobody wants"

    send(console, f"/console/campaigns/{campaign_id}/creatives/{key}", approval="approved")
    assert words() == "What nobody wants"


def made_for_the_first(other: FlaskClient, here: Runtime, shop: Headers) -> tuple[str, str]:
    """A campaign's creative under the key that the first item of a stranger's slate asks for."""
    told = other.get("/recommend?k=1", headers=shop).json["items"][0]
    key = told["creative"]["key"]
    asked = other.application.extensions["vitrine"].briefs.by_key(key)
    made = Creative(
        key=key,
        item_id=told["item_id"],
        size="rectangle",
        state=State.READY,
        copy=Copy(headline="What nobody wants", tagline="", action="Shop now"),
    )
    with writing(here.engine) as session:
        spec = campaigns.CampaignSpec(name="Autumn", sizes=("rectangle",))
        campaign_id = campaigns.create(session, spec, now=NOW)
        campaigns.claim(session, campaign_id, now=NOW, lease_seconds=60)
        campaigns.plan(session, campaign_id, [(key, asked.brief)])
        creatives.save(session, made, asked.brief, now=NOW)
        campaigns.mark_made(session, campaign_id, key)
        campaigns.finish_if_done(session, campaign_id, now=NOW)
    here.cache.put(made)
    return campaign_id, key


def test_an_experiment_that_cannot_run_says_why(
    console: FlaskClient, client: FlaskClient, admin: Headers, send: Send
) -> None:
    variants = [{"name": "a"}, {"name": "b", "placements": {"home": {"strategy": "no-such"}}}]
    put = client.put("/admin/experiments/e", json={"variants": variants}, headers=admin)
    assert put.status_code == 200

    page = send(console, "/console/experiments/of/e/start")

    assert page.status_code == 200
    assert "no-such" in page.text
    assert "It runs" not in page.text


def test_a_draft_experiment_is_taken_away_in_the_console(
    console: FlaskClient, client: FlaskClient, admin: Headers, send: Send
) -> None:
    body = {"variants": [{"name": "a"}]}
    client.put("/admin/experiments/e", json=body, headers=admin)
    assert "everybody is in" in console.get("/console/experiments/of/e").text

    gone = send(console, "/console/experiments/of/e/remove")
    client.put("/admin/experiments/e", json=body, headers=admin)
    client.post("/admin/experiments/e/start", headers=admin)
    kept = send(console, "/console/experiments/of/e/remove")

    assert "The draft e is taken away" in gone.text
    assert "only a draft is taken away" in kept.text
