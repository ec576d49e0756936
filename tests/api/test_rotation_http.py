"""What is shown again and again without a click sinks, comes back, and is forgotten with its shopper."""

from collections.abc import Iterator

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from api import create_app
from api.config import ApiConfig
from api.recommending import rotating
from api.recommending.slates import Served
from api.runtime import Runtime

Headers = dict[str, str]
WISH = {"user_id": "u", "k": 3, "rotation": 0.6, "banner": "none"}


@pytest.fixture
def app(cached_config: ApiConfig) -> Iterator[APIFlask]:
    made = create_app(cached_config)
    yield made
    made.extensions["vitrine"].close()


@pytest.fixture(autouse=True)
def _shopper(client: FlaskClient, shop: Headers, trained: object) -> None:  # noqa: ARG001 a model
    event = {"event_id": "first", "user_id": "u", "item_id": "i5", "kind": "purchase"}
    assert client.post("/events", json=event, headers=shop).status_code == 202


def shown(client: FlaskClient, shop: Headers, **wish: object) -> list[str]:
    answer = client.post("/recommend", json={**WISH, **wish}, headers=shop)
    assert answer.status_code == 200, answer.json
    return [one["item_id"] for one in answer.json["items"]]


def test_what_is_shown_without_a_click_makes_room(client, shop) -> None:
    slates = [shown(client, shop) for _ in range(5)]

    assert set(slates[0]) != set(slates[1])
    assert len({item_id for slate in slates for item_id in slate}) > 5


def test_without_rotation_the_slate_stays(client, shop) -> None:
    slates = [shown(client, shop, rotation=0) for _ in range(3)]

    assert slates[0] == slates[1] == slates[2]


def test_a_clicked_item_stays_up_while_the_others_sink(client, shop) -> None:
    first = shown(client, shop)
    event = {"event_id": "click", "user_id": "u", "item_id": first[1], "kind": "view"}
    client.post("/events", json=event, headers=shop)

    second = shown(client, shop)

    assert first[1] in second
    assert first[0] not in second


def test_showings_are_forgotten_with_the_shopper(client, here, shop, admin) -> None:
    shown(client, shop)
    assert here.client.exists("vitrine:shown:u")

    receipt = client.delete("/users/u", headers=admin)

    assert receipt.status_code == 200
    assert receipt.json["answers_deleted"] == 1
    assert not here.client.exists("vitrine:shown:u")


def test_an_answer_that_an_erasure_overtook_leaves_no_showings(
    client, here, shop, admin, monkeypatch
) -> None:
    keep = rotating.keep

    def overtaken(runtime: Runtime, served: Served) -> None:
        assert client.application.test_client().delete("/users/u", headers=admin).status_code == 200
        keep(runtime, served)

    monkeypatch.setattr(rotating, "keep", overtaken)
    shown(client, shop)

    assert not here.client.exists("vitrine:shown:u")


def test_without_redis_nothing_sinks_and_nothing_breaks(client, valkey, shop) -> None:
    valkey.stop()

    assert shown(client, shop) == shown(client, shop)


def test_where_showings_cannot_be_looked_up_the_answer_says_so(client, shop, valkey) -> None:
    shown(client, shop)
    valkey.stop()

    answer = client.post("/recommend", json=WISH, headers=shop)
    still = client.post("/recommend", json={**WISH, "rotation": 0}, headers=shop)

    assert (answer.status_code, answer.json["degraded"]) == (200, ["rotation"])
    assert still.json["degraded"] == []


def test_explain_says_that_an_item_was_shown_too_often(client, shop, admin) -> None:
    first = shown(client, shop)

    def verdict(item_id: str, **wish: object) -> str:
        query = {"user_id": "u", "item_id": item_id, "k": 3, **wish}
        return client.get("/explain", query_string=query, headers=admin).json["verdict"]

    now = {item_id: verdict(item_id, rotation=0.6) for item_id in first}
    without = {verdict(item_id) for item_id in first}
    second = shown(client, shop)

    assert {one for one in first if now[one] == "rotation"} == set(first) - set(second) != set()
    assert without == {"shown"}


def test_a_placement_rotates_for_whoever_does_not_ask(client, shop, admin) -> None:
    place = {"strategy": "personal", "k": 3, "banner": "none", "rotation": 0.6}
    assert client.put("/admin/placements/turning", json=place, headers=admin).status_code == 200
    wish = {"user_id": "u", "placement": "turning"}

    def slate(**more: object) -> list[str]:
        answer = client.post("/recommend", json={**wish, **more}, headers=shop)
        return [one["item_id"] for one in answer.json["items"]]

    def verdict(item_id: str) -> str:
        asked = {**wish, "item_id": item_id}
        return client.get("/explain", query_string=asked, headers=admin).json["verdict"]

    first = slate()
    sunk = {item_id for item_id in first if verdict(item_id) == "rotation"}
    second = slate()

    assert sunk == set(first) - set(second) != set()
    assert slate(rotation=0) == first  # the request's own word goes first


def test_a_variant_rotates_where_the_others_do_not(client, shop, admin) -> None:
    variants = [{"name": "turns", "placements": {"home": {"rotation": 0.6}}}]
    put = client.put("/admin/experiments/e", json={"variants": variants}, headers=admin)
    assert put.status_code == 200, put.json
    assert client.post("/admin/experiments/e/start", headers=admin).status_code == 200
    wish = {"user_id": "u", "k": 3, "banner": "none"}

    slates = [client.post("/recommend", json=wish, headers=shop).json["items"] for _ in range(2)]
    still = client.post("/recommend", json={**wish, "placement": "email"}, headers=shop).json

    first, second = ({one["item_id"] for one in slate} for slate in slates)
    assert first != second
    assert {one["item_id"] for one in still["items"]} == first


@pytest.mark.parametrize(
    ("said", "field"),
    [({"rotation": 1.5}, "rotation"), ({"rotation_seconds": 1}, "rotation_seconds")],
)
def test_a_rotation_that_cannot_be_is_refused(client, admin, said, field) -> None:
    answer = client.put("/admin/placements/turning", json=said, headers=admin)

    assert answer.status_code == 422
    assert [one["field"] for one in answer.json["errors"]] == [field]
