"""What `/recommend` may be wished: filters, boosts, dials, lists, groups, continuation, trace."""

import pytest
from flask.testing import FlaskClient

from api.recommending.wishes import SlateOut

Headers = dict[str, str]


@pytest.fixture(autouse=True)
def _shop(trained):
    """Every test here has a stocked shop of twelve items with a model: i0 costs 1, i11 costs 12."""


def ids(answer) -> list[str]:
    assert answer.status_code == 200, answer.json
    return [one["item_id"] for one in answer.json["items"]]


def ask(client: FlaskClient, headers: Headers, **wish: object):
    return client.post("/recommend", json={"banner": "none", "k": 100, **wish}, headers=headers)


def test_a_filter_keeps_what_it_holds_for(client, shop) -> None:
    answer = ask(client, shop, filter='price < 5 and category under "Grocery/Fruit"')

    assert sorted(ids(answer)) == ["i0", "i3"]
    assert answer.json["excluded"] == {"filter": 10}


def test_a_filter_works_in_a_query_string_too(client, shop) -> None:
    answer = client.get("/recommend", query_string={"filter": "price >= 11"}, headers=shop)

    assert sorted(ids(answer)) == ["i10", "i11"]


def test_a_filter_may_speak_of_the_pages_item(client, shop) -> None:
    answer = ask(client, shop, strategy="similar", item_ids=["i8"], filter="price > item.price")

    assert set(ids(answer)) <= {"i9", "i10", "i11"}


@pytest.mark.parametrize(
    ("field", "wish"),
    [
        ("filter", {"filter": "price <"}),
        ("filter", {"filter": "price + 1"}),
        ("filter", {"filter": "prcie < 3"}),
        ("boosts.1.expression", {"boosts": [{"expression": "price", "weight": 1}] * 1 + [{"expression": "((", "weight": 1}]}),
        ("strategy", {"strategy": "no-such"}),
        ("dials.novelty", {"dials": {"novelty": 3}}),
        ("dials.diversity", {"dials": {"diversity": -0.1}}),
        ("boosts.0.weight", {"boosts": [{"expression": "price", "weight": 2}]}),
        ("k", {"k": 0}),
        ("profile", {"profile": "made-up"}),
    ],
)  # fmt: skip
def test_a_wish_that_cannot_be_is_a_422_that_names_it(client, shop, field, wish) -> None:
    answer = ask(client, shop, **wish)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == field


def test_blocked_brands_and_the_cart_stay_out(client, shop) -> None:
    answer = ask(client, shop, cart=["i1", "ghost"], returned=["i2"], exclude=["i3"])

    assert not {"i1", "i2", "i3"} & set(ids(answer))
    assert answer.json["excluded"] == {"exclude": 1, "in_cart": 1, "returned": 1}


def test_a_boost_lifts_what_it_is_worth(client, shop) -> None:
    plain = ids(ask(client, shop, session=["i5"]))
    last = plain[-1]

    lifted = ask(
        client,
        shop,
        session=["i5"],
        boosts=[{"expression": f'item_id == "{last}"', "weight": 1.0}],
    )

    assert ids(lifted)[0] in {last, plain[0]}
    assert ids(lifted).index(last) < 2
    assert sorted(ids(lifted)) == sorted(plain)


def test_the_price_dial_moves_the_slate_up_or_down(client, shop) -> None:
    def mean_price(turn: float) -> float:
        answer = ask(client, shop, session=["i5"], k=4, dials={"price": turn})
        return sum(float(one["product"]["price"]) for one in answer.json["items"]) / 4

    prices = [mean_price(turn) for turn in (-1, -0.5, 0, 0.5, 1)]

    assert prices == sorted(prices)
    assert prices[0] < prices[-1]


def test_exploration_is_drawn_by_its_seed_and_tells_how_likely_each_item_was(client, shop) -> None:
    def draw(seed: int):
        return ask(client, shop, session=["i5"], k=6, dials={"exploration": 1}, seed=seed)

    first, again, other = draw(1), draw(1), draw(2)

    assert ids(first) == ids(again)
    assert ids(first) != ids(other)
    assert all(0 < one["propensity"] < 1 for one in first.json["items"][:5])


def test_rerank_gives_back_the_list_and_no_more(client, shop) -> None:
    answer = ask(client, shop, strategy="rerank", item_ids=["i9", "i2", "ghost"], session=["i1"])

    assert sorted(ids(answer)) == ["i2", "i9"]
    assert answer.json["missing_ids"] == ["ghost"]
    assert answer.json["strategy"] == "rerank"


def test_search_finds_the_words_and_rather_nothing_than_others(client, shop) -> None:
    assert sorted(ids(ask(client, shop, strategy="search", text="bread"))) == [
        "i1", "i10", "i4", "i7",
    ]  # fmt: skip
    assert ids(ask(client, shop, strategy="search", text="zebra")) == []


def test_a_group_of_users_is_served_as_one(client, shop) -> None:
    for user, item_id in (("a", "i1"), ("b", "i8")):
        event = {"event_id": user, "user_id": user, "item_id": item_id, "kind": "view"}
        client.post("/events", json=event, headers=shop)

    answer = ask(client, shop, users=["a", "b"], k=4)

    assert answer.json["strategy"] == "group"
    assert {one["source"] for one in answer.json["items"]} == {"group"}


def test_strict_gives_fewer_where_filling_would_give_more(client, shop) -> None:
    wish = {"strategy": "bought_together", "item_ids": ["i4"]}

    assert sorted(ids(ask(client, shop, **wish))) == ["i3", "i5"]
    filled = ask(client, shop, **wish, strict=False)
    assert len(ids(filled)) > 2
    assert ids(filled)[:2] == ids(ask(client, shop, **wish))


def test_without_reasons_the_items_are_the_same(client, shop) -> None:
    told = ask(client, shop, session=["i5"])
    silent = ask(client, shop, session=["i5"], reasons=False)

    assert ids(told) == ids(silent)
    assert {len(one["reasons"]) for one in told.json["items"]} == {1}
    assert {len(one["reasons"]) for one in silent.json["items"]} == {0}


def test_a_placement_nobody_set_up_is_a_plain_one(client, shop) -> None:
    answer = client.post("/recommend", json={"placement": "footer"}, headers=shop)

    assert answer.json["placement"] == "footer"
    assert answer.json["strategy"] == "personal"


def test_what_a_placement_decides_the_request_may_overrule(client, shop, admin) -> None:
    body = {"strategy": "newest", "k": 3, "filter": "price > 2", "title": "Fresh", "banner": "none"}
    assert client.put("/admin/placements/footer", json=body, headers=admin).status_code < 300

    answer = client.post("/recommend", json={"placement": "footer"}, headers=shop)
    overruled = client.post(
        "/recommend", json={"placement": "footer", "k": 5, "strategy": "popular"}, headers=shop
    )

    assert ids(answer) == ["i2", "i3", "i4"]
    assert (answer.json["title"], answer.json["strategy"]) == ("Fresh", "newest")
    assert answer.json["rules_version"] == 1
    assert len(ids(overruled)) == 5
    assert overruled.json["strategy"] == "popular"
    assert not {"i0", "i1"} & set(ids(overruled))


def test_a_rule_pins_boosts_and_excludes_at_once(client, shop, admin) -> None:
    rules = {
        "pin": {"kind": "pin", "item_id": "i11", "slot": 2},
        "out": {"kind": "exclude", "where": "price == 1"},
    }
    for name, body in rules.items():
        put = client.put(f"/admin/rules/{name}", json=body, headers=admin)
        assert put.status_code < 300, put.json

    answer = ask(client, shop, session=["i5"], k=5)

    assert ids(answer)[1] == "i11"
    assert answer.json["items"][1]["placed_by"] == "pin"
    assert "i0" not in ids(answer)
    assert answer.json["excluded"]["rule:out"] == 1


def test_a_rule_is_previewed_before_it_is_kept(client, shop, admin) -> None:
    draft = {"kind": "pin", "item_id": "i11", "slot": 1}

    answer = client.post(
        "/admin/rules/preview", json={"session": ["i5"], "rule": draft}, headers=admin
    )

    assert answer.status_code == 200, answer.json
    assert answer.json["after"][0]["item_id"] == "i11"
    assert answer.json["after"][0]["was"] != 1
    assert answer.json["costs"]["draft"] >= 0
    assert ids(ask(client, shop, session=["i5"]))[0] != "i11"


def test_trace_counts_what_the_model_has_not_met_too(client, admin) -> None:
    client.put("/items/new", json={"title": "New"}, headers=admin)

    answer = client.post("/recommend?trace=true", json={"exclude": ["i1"]}, headers=admin)

    told = {one["stage"]: one["left"] for one in answer.json["trace"]["stages"]}
    assert told["eligibility"] == 12  # of twelve and one, without the one


def test_trace_shows_the_stages_to_admins_alone(client, shop, admin) -> None:
    refused = client.post("/recommend?trace=true", json={}, headers=shop)
    answer = client.post("/recommend?trace=true", json={}, headers=admin)

    assert refused.status_code == 403
    told = {one["stage"]: one["left"] for one in answer.json["trace"]["stages"]}
    stages = list(told)
    assert stages == [
        "look", "settle", "eligibility", "candidates", "order", "reasons", "dress", "creatives",
    ]  # fmt: skip
    assert told["eligibility"] == 12
    SlateOut.model_validate(answer.json)


def test_a_page_never_shows_a_product_twice(client, shop) -> None:
    body = {
        "session": ["i5"],
        "rows": [
            {"placement": "home", "k": 4},
            {"placement": "trending", "k": 4},
            {"placement": "new", "k": 4},
        ],
    }

    answer = client.post("/pages", json=body, headers=shop)

    assert answer.status_code == 200, answer.json
    shown = [one["item_id"] for row in answer.json["rows"] for one in row["items"]]
    assert len(shown) == len(set(shown)) == 12 - len({"i5"} & {"none"})
    assert [row["placement"] for row in answer.json["rows"]] == ["home", "trending", "new"]
    assert all(row["title"] for row in answer.json["rows"])
    assert len({row["model_version"] for row in answer.json["rows"]}) == 1


def test_a_page_without_rows_or_with_a_misspelt_one_is_refused(client, shop) -> None:
    assert client.post("/pages", json={"rows": []}, headers=shop).status_code == 422
    misspelt = client.post("/pages", json={"rows": [{"placment": "home"}]}, headers=shop)
    assert misspelt.json["errors"][0]["field"].startswith("rows.0")


@pytest.mark.parametrize(
    ("wish", "verdict"),
    [
        ({}, "shown"),
        ({"exclude": "i3"}, "exclude"),
        ({"cart": "i3"}, "in_cart"),
        ({"filter": "price > 10"}, "filter"),
        ({"category": "Grocery/Bread"}, "filter"),
        ({"k": "1"}, "behind"),
        ({"strategy": "rerank", "item_ids": "i1,i2"}, "unproposed"),
        ({"strategy": "rerank", "item_ids": "i1,i2", "k": "2"}, "behind"),
    ],
)
def test_explain_names_what_became_of_an_item(client, admin, wish, verdict) -> None:
    query = {"item_id": "i3", "session": "i9", "k": "100", **wish}

    answer = client.get("/explain", query_string=query, headers=admin)

    assert answer.status_code == 200, answer.json
    assert answer.json["verdict"] == verdict
    if verdict == "shown":
        assert sum(answer.json["branches"].values()) == pytest.approx(
            answer.json["score"], abs=1e-4
        )
        assert answer.json["slot"] == answer.json["rank"]


@pytest.mark.parametrize(
    ("wish", "verdict"),
    [
        ({}, "shown"),
        ({"returned": ["i3"]}, "returned"),
        ({"blocked_brands": ["Brand"]}, "blocked_brand"),
        ({"dials": {"price": -1.0}, "boosts": [{"expression": "price", "weight": 1}]}, "shown"),
        ({"strategy": "search", "text": "nothing like it"}, "unproposed"),
        ({"users": ["u1", "u2"]}, "seen"),
    ],
)
def test_explain_takes_all_that_a_request_says(client, shop, admin, wish, verdict) -> None:
    client.patch("/items/i3", json={"stock": 5}, headers=admin)
    item = client.get("/items/i3", headers=admin).json
    kept = {name: item[name] for name in ("title", "price", "category")}
    client.put("/items/i3", json=kept | {"brand": "Brand"}, headers=admin)
    event = {"event_id": "e", "user_id": "u2", "item_id": "i3", "kind": "dismiss"}
    client.post("/events", json=event, headers=shop)

    body = {"item_id": "i3", "session": ["i9"], "k": 100, **wish}
    answer = client.post("/explain", json=body, headers=admin)

    assert answer.status_code == 200, answer.json
    assert answer.json["verdict"] == verdict


def test_explain_tells_hidden_sold_out_and_ruled_out(client, admin) -> None:
    client.patch("/items/i1", json={"hidden": True}, headers=admin)
    client.patch("/items/i2", json={"stock": 0}, headers=admin)
    rule = {"kind": "exclude", "where": 'item_id == "i3"', "name": "No i3"}
    client.put("/admin/rules/no-i3", json=rule, headers=admin)

    def verdict(item_id: str) -> str:
        answer = client.get(f"/explain?item_id={item_id}", headers=admin)
        return answer.json["verdict"]

    assert [verdict(one) for one in ("i1", "i2", "i3", "ghost")] == [
        "hidden", "out_of_stock", "rule:no-i3", "unknown",
    ]  # fmt: skip


def test_explain_is_not_for_the_public_key(client, shop) -> None:
    assert client.get("/explain?item_id=i1", headers=shop).status_code == 403


def test_an_items_audience_is_who_likes_its_neighbours(client, shop, admin) -> None:
    for user, item_id in (("near", "i3"), ("far", "i9")):
        event = {"event_id": user, "user_id": user, "item_id": item_id, "kind": "view"}
        client.post("/events", json=event, headers=shop)

    answer = client.get("/admin/items/i3/audience", headers=admin)

    assert [one["user_id"] for one in answer.json["users"]] == ["near", "far"]
    assert client.get("/admin/items/ghost/audience", headers=admin).status_code == 404
