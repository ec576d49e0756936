"""Hundreds of drawn requests of every strategy, under drawn rules: what always holds, holds."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.runtime import Runtime
from recsys.catalogue import items
from recsys.database import writing
from recsys.learning.bundle import ModelBundle
from recsys.merchandising.steering import Steering
from recsys.serving.strategies import STRATEGIES
from recsys.types import EventKind, Item

Headers = dict[str, str]

N = 60  # items, of which the model has met twelve
SHOPPERS = 9
NAMES = sorted({*STRATEGIES, *Steering().presets})
FILTERS = ("price < 20", "price < item.price", 'not tags has "eco"', "in_stock == (price > 9)")
RULES: tuple[dict[str, Any], ...] = (
    {"kind": "pin", "item_id": "i3", "slot": 1},
    {"kind": "pin", "where": 'brand == "Crux"', "slot": 2},
    {"kind": "boost", "where": "price < item.price", "value": 0.5},
    {"kind": "bury", "where": 'brand == "Acme"', "value": 1},
    {"kind": "exclude", "where": "brand == item.brand"},
    {"kind": "include", "where": "price < 40"},
    {"kind": "share", "where": 'tags has "eco"', "value": 0.5},
    {"kind": "cap", "by": "brand", "value": 2},
    {"kind": "cap", "by": "category", "value": 3},
)


@pytest.fixture
def shelf(here: Runtime, trained: ModelBundle) -> dict[str, Item]:  # noqa: ARG001 a model
    found = [_item(number) for number in range(N)]
    with writing(here.engine) as session:
        items.put_many(session, found)
    return {one.item_id: one for one in found}


@pytest.fixture(params=range(2))
def draw(request: pytest.FixtureRequest, client: FlaskClient, shop: Headers) -> random.Random:
    """A seed, and histories of its own."""
    drawn = random.Random(request.param)  # noqa: S311 a seed that is written down
    now = datetime.now(UTC)
    deeds = [
        {
            "event_id": f"e{number}",
            "user_id": f"u{drawn.randrange(SHOPPERS)}",
            "item_id": _any(drawn),
            "kind": drawn.choice(list(EventKind)),
            "at": (now - timedelta(hours=drawn.randint(1, 2_000))).isoformat(),
        }
        for number in range(60)
    ]
    assert client.post("/events", json=deeds, headers=shop).status_code == 202
    return drawn


def _item(number: int) -> Item:
    return Item(
        item_id=f"i{number}",
        title=f"{('Fruit', 'Bread', 'Dairy')[number % 3]} number {number}",
        category=("Grocery", ("Fruit", "Bread", "Dairy")[number % 3]),
        brand=("", "Acme", "Bolt", "Crux")[number % 4],
        price=None if number % 9 == 8 else Decimal(number + 1),
        stock=None if number % 7 == 0 else 5 * (number % 11 != 5),
        hidden=number % 13 == 4,
        attributes={"tags": "eco|new"} if number % 2 else {},
        created_at=datetime(2026, 11, 20, tzinfo=UTC) - timedelta(days=number),
    )


def _any(draw: random.Random) -> str:
    return f"i{draw.randrange(N + 2)}"  # two that nobody knows


def _wish(draw: random.Random) -> dict[str, Any]:
    """What both `/recommend` and `/explain` can be asked."""
    wish: dict[str, Any] = {"k": draw.choice([1, 3, 10, 100])}
    some = {
        "user_id": f"u{draw.randrange(SHOPPERS + 2)}",
        "strategy": draw.choice(NAMES),
        "item_ids": [_any(draw), _any(draw)],
        "session": [_any(draw)],
        "cart": [_any(draw)],
        "exclude": [_any(draw), _any(draw)],
        "filter": draw.choice(FILTERS),
        "category": draw.choice(["Grocery/Fruit", "Grocery", "Nowhere"]),
        "in_stock": False,
        "placement": draw.choice(["product", "cart", "recent", "nobody-wrote-it"]),
    }
    return wish | {name: value for name, value in some.items() if draw.random() < 0.45}


def _more(draw: random.Random) -> dict[str, Any]:
    """What only a body of `/recommend` can ask."""
    some = {
        "seed": draw.randrange(2**62),
        "hide": draw.choice(["none", "until_due", "purchased", "seen"]),
        "text": draw.choice(["fruit", "number 7", "\"' OR 1=1 --", "🍌"]),
        "dials": {
            name: draw.choice([0.3, 1])
            for name in draw.sample(["diversity", "novelty", "price", "margin", "exploration"], 2)
        },
        "boosts": [
            {"expression": draw.choice(["price", "1 / (price - 5)", "margin"]), "weight": -1}
        ],
        "blocked_brands": ["Acme"],
        "liked": [_any(draw)],
        "disliked": [_any(draw)],
    }
    return {name: value for name, value in some.items() if draw.random() < 0.3}


def _rules(client: FlaskClient, admin: Headers, draw: random.Random) -> None:
    for number in range(4):
        client.delete(f"/admin/rules/r{number}", headers=admin)
    for number, body in enumerate(draw.sample(RULES, draw.randint(0, 4))):
        put = client.put(f"/admin/rules/r{number}", json=body, headers=admin)
        assert put.status_code == 200


def _ids(answer: Any) -> list[str]:
    return [one["item_id"] for one in answer["items"]]


def test_an_answer_keeps_what_it_promises_and_can_be_made_again(
    client: FlaskClient, shop: Headers, admin: Headers, shelf: dict[str, Item], draw: random.Random
) -> None:
    for number in range(60):
        if number % 10 == 0:
            _rules(client, admin, draw)
        wish = {"banner": "none"} | _wish(draw) | _more(draw)

        response = client.post("/recommend", json=wish, headers=shop)

        assert response.status_code == 200, wish
        told, found = response.json, [shelf[item_id] for item_id in _ids(response.json)]
        out = {*wish.get("cart", ()), *wish.get("exclude", ())}
        assert len(set(_ids(told))) == len(found) <= wish["k"], wish
        assert not out & set(_ids(told)), wish
        assert not any(one.hidden for one in found), wish
        assert all(one.in_stock for one in found) or not wish.get("in_stock", True), wish
        assert not any(one.brand in wish.get("blocked_brands", ()) for one in found), wish
        assert sum(told["excluded"].values()) + len(found) <= N, wish
        assert all(0 < one["propensity"] <= 1 for one in told["items"]), wish
        address = f"/admin/answers/{told['recommendation_id']}/replay"
        again = client.post(address, json={}, headers=admin).json
        assert (again["exact"], _ids(again)) == (True, _ids(told)), (wish, again["differences"])


def test_an_explanation_is_of_what_is_really_shown(
    client: FlaskClient, shop: Headers, admin: Headers, shelf: dict[str, Item], draw: random.Random
) -> None:
    for number in range(40):
        if number % 8 == 0:
            _rules(client, admin, draw)
        wish = _wish(draw)
        told = client.get("/recommend", query_string=wish, headers=shop).json
        slots = {one["item_id"]: one["rank"] for one in told["items"]}
        for item_id in draw.sample(list(shelf), 5):
            asked = {**wish, "item_id": item_id}

            why = client.get("/explain", query_string=asked, headers=admin).json

            assert (why["verdict"] == "shown") == (item_id in slots), (asked, why)
            assert why["slot"] == slots.get(item_id), (asked, why)
            ours = why["verdict"] in {"shown", "behind", "unproposed"} or why["because"].endswith(
                "displaced it"
            )
            assert ours or why["verdict"] in told["excluded"], (asked, why)
            if why["branches"]:
                assert sum(why["branches"].values()) == pytest.approx(why["score"], abs=1e-4)
                assert why["n_allowed"] == N - sum(told["excluded"].values()), (asked, why)


def test_a_page_and_what_follows_it_show_nothing_twice(
    client: FlaskClient, shop: Headers, admin: Headers, shelf: dict[str, Item], draw: random.Random
) -> None:
    of_page = {"user_id", "session", "cart", "exclude", "in_stock"}
    for _ in range(15):
        _rules(client, admin, draw)
        wishes = [{"placement": "home"} | _wish(draw) for _ in range(draw.randint(2, 6))]
        common = {name: value for name, value in wishes[0].items() if name in of_page}
        rows = [{n: value for n, value in one.items() if n not in of_page} for one in wishes]

        page = client.post("/pages", json={"rows": rows, **common}, headers=shop).json

        shown = [item_id for row in page["rows"] for item_id in _ids(row)]
        assert len(set(shown)) == len(shown), (common, rows)
        assert set(shown) <= shelf.keys() - {*common.get("cart", ()), *common.get("exclude", ())}
