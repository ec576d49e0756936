"""What a campaign's creatives came to: a small shop whose every click and purchase is known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from api.runtime import Runtime
from generative import creatives
from generative.campaigning import campaigns
from generative.types import Audience, Brief, Copy, Creative, ItemFacts, State
from recsys.answers import store
from recsys.answers.entry import Answer
from recsys.behaviour import events
from recsys.catalogue import items
from recsys.database import writing
from recsys.types import Event, EventKind, Item

Headers = dict[str, str]
MADE = datetime.now(UTC).replace(microsecond=700_000) - timedelta(days=2)
HOUR = timedelta(hours=1)
BUY, VIEW, CART = EventKind.PURCHASE, EventKind.VIEW, EventKind.CART
KEYS = {name: name * 32 for name in "abc"}  # a and b of the campaign, c of another


@pytest.fixture
def autumn(here: Runtime) -> str:
    """Two creatives of one campaign and one of another, all made at the same moment."""
    with writing(here.engine) as session:
        items.put_many(
            session, [Item(item_id=f"i-{name}", title=name, price=Decimal(3)) for name in KEYS]
        )
        one = _campaign(session, "ab")
        _campaign(session, "c")
    return one


def _campaign(session, names: str) -> str:
    campaign_id = campaigns.create(
        session, campaigns.CampaignSpec(name=names, sizes=("hero",)), now=MADE
    )
    campaigns.claim(session, campaign_id, now=MADE, lease_seconds=60)
    briefs = {
        name: Brief(
            item=ItemFacts(item_id=f"i-{name}", title=name),
            audience=Audience(categories=("Fruit",), price_band="low"),
            size="hero",
        )
        for name in names
    }
    campaigns.plan(session, campaign_id, [(KEYS[name], briefs[name]) for name in names])
    for name in names:
        made = Creative(
            key=KEYS[name],
            item_id=f"i-{name}",
            size="hero",
            state=State.READY,
            copy=Copy(headline=f"<b>{name}", tagline="", action="Go"),
        )
        creatives.save(session, made, briefs[name], now=MADE)
        campaigns.mark_made(session, campaign_id, KEYS[name])
    return campaign_id


def shown(here: Runtime, user: str, names: str, at: datetime) -> str:
    """A slate of these creatives, best first."""
    answer = Answer(
        recommendation_id=f"answer-{user}-{at:%d%H%M}",
        at=at.replace(microsecond=0),
        user_id=user,
        placement="home",
        strategy="personal",
        request={},
        model_version="m",
        catalogue_revision=1,
        item_ids=[f"i-{name}" for name in names],
        sources=["personal"] * len(names),
        scores=[1.0] * len(names),
        creative_keys=[KEYS[name] for name in names],
    )
    with writing(here.engine) as session:
        store.record(session, [answer])
    return answer.recommendation_id


def did(here: Runtime, user: str, kind: EventKind, name: str, at: datetime, **more: object) -> None:
    event = Event(
        event_id=f"{user}-{kind}-{name}-{at:%d%H%M}",
        user_id=user,
        item_id=f"i-{name}",
        kind=kind,
        at=at,
    )
    with writing(here.engine) as session:
        events.record(session, [replace(event, **more)])  # type: ignore[arg-type]


@pytest.fixture
def history(here: Runtime, autumn: str) -> None:  # noqa: ARG001 its rows
    shown(here, "anna", "abc", MADE + HOUR)
    did(here, "anna", VIEW, "a", MADE + HOUR * 1.1)
    did(here, "anna", CART, "a", MADE + HOUR * 1.2)
    did(here, "anna", BUY, "a", MADE + HOUR * 1.3, quantity=2)
    did(here, "anna", BUY, "c", MADE + HOUR * 1.4)
    shown(here, "ben", "ba", MADE + HOUR * 2)
    did(here, "ben", BUY, "b", MADE + HOUR * 2.1, price=Decimal("9.50"))
    shown(here, "cleo", "a", MADE - HOUR)  # plain words, under the same key
    did(here, "cleo", VIEW, "a", MADE - HOUR * 0.9)
    shown(here, "dora", "a", MADE)  # the second in which it was made


def told(client: FlaskClient, admin: Headers, campaign_id: str, **query: object) -> dict:
    answer = client.get(f"/campaigns/{campaign_id}/outcomes", query_string=query, headers=admin)
    assert answer.status_code == 200, answer.json
    return answer.json


@pytest.mark.usefixtures("history")
def test_a_campaign_is_owed_what_came_through_its_creatives(client, admin, autumn) -> None:
    found = told(client, admin, autumn)

    sums = ("made", "shown", "impressions", "clicks", "carts", "purchases", "touched", "currency")
    assert [found[name] for name in sums] == [2, 2, 5, 1, 1, 2, 15.5, "EUR"]
    assert found["ctr"] == pytest.approx(1 / 5)
    first, second = found["creatives"]
    assert (first["key"], first["touched"], first["impressions"]) == (KEYS["b"], 9.5, 2)
    assert (second["key"], second["touched"], second["impressions"]) == (KEYS["a"], 6.0, 3)
    assert (second["clicks"], second["carts"], second["purchases"]) == (1, 1, 1)
    assert (first["item_id"], first["size"], first["audience"]) == ("i-b", "hero", "Fruit, low")


@pytest.mark.usefixtures("history")
def test_a_list_may_be_short_and_its_sums_are_whole(client, admin, autumn) -> None:
    found = told(client, admin, autumn, limit=1)

    assert len(found["creatives"]) == 1
    assert (found["shown"], found["impressions"]) == (2, 5)


@pytest.mark.usefixtures("history")
def test_days_end_where_they_were_asked_to(client, admin, autumn) -> None:
    found = told(client, admin, autumn, days=0.1)

    assert (found["made"], found["shown"], found["impressions"], found["ctr"]) == (2, 0, 0, 0.0)


def test_nobody_has_seen_it_yet(client, admin, autumn) -> None:
    found = told(client, admin, autumn)

    assert (found["made"], found["shown"], found["touched"], found["creatives"]) == (2, 0, 0.0, [])


@pytest.mark.usefixtures("history")
def test_all_outcomes_tell_what_was_bought_through_a_creative(client, admin) -> None:
    cells = client.get("/admin/outcomes", headers=admin).json["creatives"]

    of = {cell["name"]: cell for cell in cells}
    assert (of[KEYS["b"]]["touched"], of[KEYS["c"]]["purchases"]) == (9.5, 1)
    assert of[KEYS["a"]]["impressions"] == 4  # whatever stood there


def test_an_unknown_campaign_has_no_outcomes(client, admin) -> None:
    assert client.get("/campaigns/none/outcomes", headers=admin).status_code == 404


@pytest.mark.usefixtures("history")
def test_more_answers_than_can_be_held_are_refused(client, admin, autumn, monkeypatch) -> None:
    monkeypatch.setattr("recsys.outcomes.reading.MOST_ANSWERS", 3)

    answer = client.get(f"/campaigns/{autumn}/outcomes", headers=admin)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "days"


def test_only_an_admin_may(client, shop, autumn) -> None:
    assert client.get(f"/campaigns/{autumn}/outcomes", headers=shop).status_code == 403
