"""Rules hold for shoppers of whom nothing is known, and over what fills a slate up."""

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.runtime import Runtime
from recsys.catalogue import items
from recsys.database import writing
from recsys.types import Item

Headers = dict[str, str]

pytestmark = pytest.mark.usefixtures("trained")
VISITS = pytest.mark.parametrize("session", [[], ["i0"]], ids=["stranger", "visitor"])


def slate(client: FlaskClient, shop: Headers, **asked: Any) -> list[str]:
    asked = {"banner": "none", "hide": "none"} | asked
    answer = client.post("/recommend", json=asked, headers=shop)
    assert answer.json is not None
    return [one["item_id"] for one in answer.json["items"]]


def rule(client: FlaskClient, admin: Headers, **body: Any) -> None:
    assert client.put("/admin/rules/r", json=body, headers=admin).status_code == 200


@VISITS
def test_a_pin_stands_in_its_slot(
    client: FlaskClient, admin: Headers, shop: Headers, session: list[str]
) -> None:
    before = slate(client, shop, session=session, k=5)
    last = slate(client, shop, session=session, k=12)[-1]

    rule(client, admin, kind="pin", item_id=last, slot=2)

    assert slate(client, shop, session=session, k=5) == [before[0], last, *before[1:4]]


@VISITS
def test_a_share_is_met(
    client: FlaskClient, admin: Headers, shop: Headers, session: list[str]
) -> None:
    rule(client, admin, kind="share", where='category under "Grocery/Dairy"', value=0.75)

    found = slate(client, shop, session=session, k=4)

    assert sum(int(one[1:]) % 3 == 2 for one in found) == 3


@VISITS
def test_a_boost_turns_the_order(
    client: FlaskClient, admin: Headers, shop: Headers, session: list[str]
) -> None:
    last = slate(client, shop, session=session, k=12)[-1]

    rule(client, admin, kind="boost", where=f'item_id == "{last}"', value=1)

    assert slate(client, shop, session=session, k=12).index(last) < 11


@VISITS
def test_a_brand_cap_leaves_items_without_a_brand_alone(
    client: FlaskClient,
    admin: Headers,
    shop: Headers,
    here: Runtime,
    stocked: list[Item],
    session: list[str],
) -> None:
    with writing(here.engine) as opened:
        items.put_many(opened, [replace(one, brand="Sol") for one in stocked[:6]])
    here.pulse.catalogue_changed()

    rule(client, admin, kind="cap", by="brand", value=1)

    found = slate(client, shop, session=session, k=7)
    assert sum(int(one[1:]) < 6 for one in found) == 1
    assert len(found) == 7
