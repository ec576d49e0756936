"""Wishes as somebody would write them who means harm, or has not read the manual: a 422, never a 500."""

import pytest
from flask.testing import FlaskClient

Headers = dict[str, str]

pytestmark = pytest.mark.usefixtures("trained")


def fields(answer) -> list[str]:
    assert answer.status_code == 422, answer.json
    return [one["field"] for one in answer.json["errors"]]


@pytest.mark.parametrize("expression", ["", "  ", "\n"])
def test_a_boost_of_nothing_is_named(client: FlaskClient, shop: Headers, expression) -> None:
    wish = {"boosts": [{"expression": expression, "weight": 1}]}

    assert fields(client.post("/recommend", json=wish, headers=shop)) == ["boosts.0.expression"]


@pytest.mark.parametrize(
    ("field", "row"),
    [
        ("strategy", {"strategy": "not a name"}),
        ("strategy", {"strategy": "no-such"}),
        ("filter", {"filter": "prise < 3"}),
        ("boosts.0.expression", {"boosts": [{"expression": "", "weight": 1}]}),
        ("placement", {"placement": "a\x00b"}),
    ],
)
def test_what_is_wrong_with_a_row_of_a_page_names_the_row(client, shop, field, row) -> None:
    rows = [{"placement": "home"}, {"placement": "home"} | row]

    answer = client.post("/pages", json={"rows": rows}, headers=shop)

    assert fields(answer) == [f"rows.1.{field}"]


def test_a_page_takes_no_longer_profile_than_recommend(client, shop) -> None:
    page = {"profile": "x" * 8_001, "rows": [{"placement": "home"}]}

    assert fields(client.post("/pages", json=page, headers=shop)) == ["profile"]


@pytest.mark.parametrize("placement", ["a\x00b", "a\nb", "\x7f"])
def test_a_placement_is_a_word_that_every_database_can_hold(client, shop, admin, placement) -> None:
    named = {"placement": placement}

    assert fields(client.post("/recommend", json=named, headers=shop)) == ["placement"]
    assert fields(client.get("/recommend", query_string=named, headers=shop)) == ["placement"]
    asked = named | {"item_id": "i1"}
    assert fields(client.get("/explain", query_string=asked, headers=admin)) == ["placement"]


def test_an_unknown_id_is_told_once(client, shop) -> None:
    wish = {"session": ["no", "no"], "item_ids": ["no", "i1"], "banner": "none"}

    assert client.post("/recommend", json=wish, headers=shop).json["missing_ids"] == ["no"]
