"""Endless scrolling by an answer's id: no repeats, the same question, over any process, nobody else's."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from api import create_app
from api.config import ApiConfig
from api.runtime import Runtime
from recsys.answers import entry, ledger, store
from recsys.catalogue import items
from recsys.database import writing
from recsys.merchandising import store as steering
from recsys.merchandising.types import Placement
from recsys.types import Boost, Item

Headers = dict[str, str]


@pytest.fixture
def cached(cached_config: ApiConfig, trained: Any) -> Iterator[APIFlask]:  # noqa: ARG001 it fills the database
    made = create_app(cached_config)
    yield made
    made.extensions["vitrine"].close()


@pytest.fixture
def web(cached: APIFlask) -> FlaskClient:
    return cached.test_client()


def post(web: FlaskClient, shop: Headers, **wishes: Any) -> Any:
    return web.post("/recommend", json={"banner": "none", **wishes}, headers=shop)


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.json
    return [one["item_id"] for one in answer.json["items"]]


def scrolled(web: FlaskClient, shop: Headers, first: Any, **who: Any) -> list[list[str]]:
    """Every page after the first, to the end."""
    pages, last = [], first
    for _ in range(20):
        last = post(web, shop, **{"continue": last.json["recommendation_id"]}, **who)
        if not ids(last):
            break
        pages.append(ids(last))
    return pages


def test_pages_show_every_item_once_and_in_the_order_of_one_long_answer(
    web: FlaskClient, shop: Headers
) -> None:
    whole = ids(post(web, shop, user_id="u", session=["i1", "i2"], k=12))
    first = post(web, shop, user_id="u", session=["i1", "i2"], k=5)

    pages = [ids(first), *scrolled(web, shop, first, user_id="u")]

    assert [len(page) for page in pages] == [5, 5, 2]
    assert [one for page in pages for one in page] == whole


def test_what_was_shown_is_explained_as_returned(
    web: FlaskClient, shop: Headers, admin: Headers
) -> None:
    first = post(web, shop, user_id="u", k=2)
    asked = {"user_id": "u", "continue": first.json["recommendation_id"], "item_id": ids(first)[0]}

    told = web.post("/explain", json=asked, headers=admin)

    assert told.json["verdict"] == "returned", told.json


def test_an_answer_to_a_group_goes_with_any_of_its_shoppers(
    web: FlaskClient, shop: Headers, admin: Headers
) -> None:
    event = {"event_id": "e", "user_id": "friend", "item_id": "i1", "kind": "view"}
    web.post("/events", json=event, headers=shop)
    group = {"user_id": "u", "users": ["u", "friend"], "k": 2}
    first, second = (post(web, shop, **group) for _ in range(2))
    on = {"user_id": "u", "continue": first.json["recommendation_id"]}
    assert post(web, shop, **on).status_code == 200

    assert web.delete("/users/friend", headers=admin).status_code == 200
    on["continue"] = second.json["recommendation_id"]

    assert post(web, shop, **on).status_code == 410


def test_the_next_page_answers_the_same_question(web: FlaskClient, shop: Headers) -> None:
    first = post(web, shop, k=2, filter="price < 9", exclude=["i0"], placement="cart",
                 strategy="popular")  # fmt: skip
    pages = [ids(first), *scrolled(web, shop, first)]
    second = post(web, shop, **{"continue": first.json["recommendation_id"]})

    assert sorted(one for page in pages for one in page) == [f"i{n}" for n in range(1, 8)]
    assert second.json["placement"] == "cart"
    assert second.json["strategy"] == "popular"


def test_what_a_placement_adds_is_added_once_to_every_page(
    web: FlaskClient, here: Runtime, shop: Headers
) -> None:
    boosted = Placement(
        name="boosted",
        strategy="popular",
        boosts=(Boost(expression='category == "Grocery/Bread"', weight=0.3),),
        strict=True,
    )
    with writing(here.engine) as session:
        steering.put(session, boosted, who="test", now=datetime.now(UTC))
    first = post(web, shop, placement="boosted", k=3)

    second = post(web, shop, **{"continue": first.json["recommendation_id"]}, k=9)

    asked_anew = post(web, shop, placement="boosted", k=9, exclude=ids(first))
    assert ids(second) == ids(asked_anew)


def test_another_process_goes_on_at_once(
    web: FlaskClient, cached_config: ApiConfig, shop: Headers
) -> None:
    first = post(web, shop, k=4)
    other = create_app(cached_config)

    second = post(other.test_client(), shop, k=4, **{"continue": first.json["recommendation_id"]})
    other.extensions["vitrine"].close()

    assert set(ids(first)).isdisjoint(ids(second))
    assert len(ids(second)) == 4


def test_an_item_that_came_between_two_pages_repeats_nothing(
    web: FlaskClient, here: Runtime, shop: Headers
) -> None:
    first = post(web, shop, k=4, strategy="newest")
    with writing(here.engine) as session:
        items.put(session, Item(item_id="new", title="New", created_at=datetime.now(UTC)))
        items.patch(session, ids(first)[0], {"stock": 0})

    pages = scrolled(web, shop, first)

    shown = [*ids(first), *(one for page in pages for one in page)]
    assert len(shown) == len(set(shown)) == 13


def test_the_ledger_goes_on_where_redis_has_forgotten_or_is_away(
    web: FlaskClient, here: Runtime, shop: Headers, valkey: Any
) -> None:
    first = post(web, shop, user_id="u", k=4)
    more = {"continue": first.json["recommendation_id"], "user_id": "u"}
    valkey.stop()
    not_yet = post(web, shop, **more)
    ledger.drain(here.config.recsys.answers_dir, store.recorder(here.engine))
    away = post(web, shop, **more)
    valkey.start()
    forgotten = post(web, shop, **more)

    assert not_yet.status_code == 503
    assert "Retry-After" in not_yet.headers
    assert ids(away) == ids(forgotten)
    assert set(ids(away)).isdisjoint(ids(first))


def test_nobody_goes_on_with_another_shoppers_answer(web: FlaskClient, shop: Headers) -> None:
    first = post(web, shop, user_id="u", k=2)
    more = {"continue": first.json["recommendation_id"]}

    assert post(web, shop, **more, user_id="v").status_code == 404
    assert post(web, shop, **more).status_code == 404
    assert post(web, shop, **more, user_id="u", consent=False).status_code == 404
    assert post(web, shop, **more, user_id="u").status_code == 200


@pytest.mark.parametrize(
    "recommendation_id",
    ["x", "0" * 36, entry.new_id(), entry.new_id(datetime.now(UTC) - timedelta(hours=1))],
    ids=["no id", "zeros", "unknown", "old"],
)
def test_an_answer_that_is_unknown_or_too_old_is_gone(
    web: FlaskClient, shop: Headers, recommendation_id: str
) -> None:
    assert post(web, shop, **{"continue": recommendation_id}).status_code == 410


def test_nothing_that_a_forgotten_shopper_was_answered_is_gone_on_with(
    web: FlaskClient, shop: Headers, admin: Headers
) -> None:
    mine = post(web, shop, user_id="u", k=2).json["recommendation_id"]
    others = post(web, shop, user_id="v", k=2).json["recommendation_id"]

    assert web.delete("/users/u", headers=admin).status_code == 200

    assert post(web, shop, user_id="u", **{"continue": mine}).status_code == 410
    assert len(ids(post(web, shop, user_id="v", k=2, **{"continue": others}))) == 2
    anew = post(web, shop, user_id="u", k=2)
    assert ids(post(web, shop, user_id="u", **{"continue": anew.json["recommendation_id"]}))


def test_an_answer_without_consent_leaves_nothing_to_go_on_with(
    web: FlaskClient, here: Runtime, shop: Headers, cached: APIFlask
) -> None:
    first = post(web, shop, user_id="u", session=["i1"], k=2, consent=False)

    kept = cached.extensions["vitrine"].client.keys("*")
    assert post(web, shop, **{"continue": first.json["recommendation_id"]}).status_code == 410
    assert not [key for key in kept if b"slate" in key or b"shown" in key]
    assert ledger.pending(here.config.recsys.answers_dir) == 0


def test_the_next_page_has_the_banners_of_the_first_unless_it_asks_for_others(
    web: FlaskClient, shop: Headers, admin: Headers
) -> None:
    def creatives(**asked: Any) -> set[str]:
        found = web.post("/recommend", json={"k": 2} | asked, headers=shop).json
        told.append(found["recommendation_id"])
        return {one["creative"] and one["creative"]["size"] for one in found["items"]}

    told: list[str] = []
    creatives(banner="none")
    page = {"continue": told[0]}

    assert creatives(**page) == {None}
    assert creatives(**page, banner="hero") == {"hero"}
    assert web.get(f"/admin/answers/{told[0]}", headers=admin).status_code == 200  # written by now
    web.application.extensions["vitrine"].client.flushdb()
    assert creatives(**page) == {None}
