"""Rules in the answers of a running shop: the very next one, of every process."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from api import create_app
from api.config import ApiConfig
from api.runtime import Runtime
from recsys.catalogue import items
from recsys.database import writing
from recsys.types import Item

Headers = dict[str, str]
NOW = datetime.now(UTC)

pytestmark = pytest.mark.usefixtures("trained")


def slate(client: FlaskClient, shop: Headers, **asked: Any) -> list[str]:
    asked = {"banner": "none", "session": ["i0"], "hide": "none"} | asked
    answer = client.post("/recommend", json=asked, headers=shop)
    assert answer.json is not None
    return [one["item_id"] for one in answer.json["items"]]


def rule(client: FlaskClient, admin: Headers, name: str = "r", **body: Any) -> None:
    assert client.put(f"/admin/rules/{name}", json=body, headers=admin).status_code == 200


def test_a_pin_stands_in_its_slot(client: FlaskClient, admin: Headers, shop: Headers) -> None:
    before = slate(client, shop, k=5)
    last = slate(client, shop, k=12)[-1]

    rule(client, admin, kind="pin", item_id=last, slot=2)

    assert slate(client, shop, k=5) == [before[0], last, *before[1:4]]


def test_a_pin_of_a_hidden_item_shows_nothing_of_it(
    client: FlaskClient, admin: Headers, shop: Headers, here: Runtime
) -> None:
    with writing(here.engine) as session:
        items.patch(session, "i3", {"hidden": True})

    rule(client, admin, kind="pin", item_id="i3", slot=1)

    assert "i3" not in slate(client, shop, k=12)


def test_a_share_is_met_and_no_more_than_needed(
    client: FlaskClient, admin: Headers, shop: Headers
) -> None:
    rule(client, admin, kind="share", where='category under "Grocery/Dairy"', value=0.75)

    found = slate(client, shop, k=4)

    assert sum(int(one[1:]) % 3 == 2 for one in found) == 3


def test_a_cap_holds_over_the_whole_slate(
    client: FlaskClient, admin: Headers, shop: Headers
) -> None:
    rule(client, admin, kind="cap", by="category", value=2)

    found = slate(client, shop, k=6)

    aisles = [int(one[1:]) % 3 for one in found]
    assert max(aisles.count(aisle) for aisle in range(3)) == 2


def test_an_exclude_lets_items_pass_of_which_nothing_is_known(
    client: FlaskClient, admin: Headers, shop: Headers, here: Runtime, stocked: list[Item]
) -> None:
    used = {"i3": "true", "i4": "false"}
    with writing(here.engine) as session:
        told = [replace(stocked[n], attributes={"used": used[f"i{n}"]}) for n in (3, 4)]
        items.put_many(session, told)
    before = set(slate(client, shop, k=12))

    rule(client, admin, kind="exclude", where="used")

    assert set(slate(client, shop, k=12)) == before - {"i3"}


def test_a_boost_and_a_bury_turn_the_order(
    client: FlaskClient, admin: Headers, shop: Headers
) -> None:
    before = slate(client, shop, k=12)

    rule(client, admin, "up", kind="boost", where=f'item_id == "{before[-1]}"', value=1)
    rule(client, admin, "down", kind="bury", where=f'item_id == "{before[0]}"', value=1)

    after = slate(client, shop, k=12)
    assert after.index(before[-1]) < 11
    assert after.index(before[0]) > 0


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({"placements": ["home"]}, True),
        ({"placements": ["cart"]}, False),
        ({"audience": ["new"]}, True),
        ({"audience": ["returning"]}, False),
        ({"enabled": False}, False),
        ({"starts_at": (NOW + timedelta(days=1)).isoformat()}, False),
        ({"ends_at": NOW.isoformat()}, False),
        ({"starts_at": NOW.isoformat(), "ends_at": (NOW + timedelta(days=1)).isoformat()}, True),
    ],
)
def test_a_rule_counts_where_when_and_for_whom_it_says(
    client: FlaskClient, admin: Headers, shop: Headers, changes: dict[str, Any], *, counts: bool
) -> None:
    rule(client, admin, kind="exclude", where="price > 5", **changes)

    assert (len(slate(client, shop, k=12, session=[])) < 12) is counts


def test_who_comes_back_has_a_past_from_before_this_visit(
    client: FlaskClient, admin: Headers, shop: Headers
) -> None:
    rule(client, admin, kind="exclude", where="price > 5", audience=["new"])
    assert len(slate(client, shop, user_id="u", k=12, session=["i1"])) < 12

    event = {"event_id": "e", "user_id": "u", "item_id": "i1", "kind": "view"}
    client.post("/events", json=event, headers=shop)

    assert len(slate(client, shop, user_id="u", k=12, session=["i1"], hide="none")) == 12


def test_a_placement_decides_what_the_request_leaves_open(
    client: FlaskClient, admin: Headers, shop: Headers
) -> None:
    body = {"k": 3, "strategy": "newest", "filter": "price > 2", "strict": True}
    client.put("/admin/placements/attic", json=body, headers=admin)

    assert slate(client, shop, placement="attic") == ["i2", "i3", "i4"]
    assert len(slate(client, shop, placement="attic", k=5)) == 5


def test_a_cart_that_is_not_hidden_is_still_what_a_strategy_starts_from(
    client: FlaskClient, admin: Headers, shop: Headers
) -> None:
    body = {"strategy": "complements", "hide_in_cart": False, "strict": True}
    client.put("/admin/placements/till", json=body, headers=admin)

    assert sorted(slate(client, shop, placement="till", session=[], cart=["i5"])) == ["i4", "i6"]


def test_a_cart_is_shown_where_its_placement_says_so(
    client: FlaskClient, admin: Headers, shop: Headers
) -> None:
    client.put("/admin/placements/till", json={"hide_in_cart": False}, headers=admin)

    assert "i5" in slate(client, shop, placement="till", k=12, cart=["i5"])
    assert "i5" not in slate(client, shop, placement="home", k=12, cart=["i5"])


@pytest.mark.parametrize("path", ["/recommend", "/pages"])
def test_a_hide_of_null_is_the_placements(
    client: FlaskClient, admin: Headers, shop: Headers, path: str
) -> None:
    client.put("/admin/placements/again", json={"hide": "seen"}, headers=admin)
    asked = {"placement": "again", "hide": None, "k": 12, "banner": "none"}
    body: dict[str, Any] = {"rows": [asked]} if path == "/pages" else asked

    answer = client.post(path, json={"session": ["i5"]} | body, headers=shop)

    assert answer.json is not None
    row = answer.json["rows"][0] if path == "/pages" else answer.json
    assert "i5" not in [one["item_id"] for one in row["items"]]


def test_a_preset_narrows_its_strategy(client: FlaskClient, admin: Headers, shop: Headers) -> None:
    body = {"base": "newest", "filter": "price < item.price"}
    client.put("/admin/strategies/below", json=body, headers=admin)

    assert slate(client, shop, strategy="below", item_ids=["i3"], strict=True) == ["i0", "i1", "i2"]


def test_another_process_follows_with_its_next_answer(
    client: FlaskClient, admin: Headers, shop: Headers, api_config: ApiConfig
) -> None:
    other = create_app(api_config)
    there = other.test_client()
    before = slate(there, shop, k=12)

    rule(client, admin, kind="exclude", where="price > 5")
    during = slate(there, shop, k=12)
    client.post("/admin/rules/undo/1", headers=admin)
    after = slate(there, shop, k=12)
    other.extensions["vitrine"].close()

    assert [len(before), len(during)] == [12, 5]
    assert after == before
