"""Two rankers on one slate, and everything else that holds there: rules, and other experiments."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from api.runtime import Runtime
from recsys.answers import ledger, store

Keys = dict[str, str]

pytestmark = pytest.mark.usefixtures("trained")

DUEL = [
    {"name": "sells", "placements": {"home": {"strategy": "popular"}}},
    {"name": "new", "placements": {"home": {"strategy": "personal"}}},
]
SHOPPERS = [f"u{n}" for n in range(12)]


@pytest.fixture
def slate(desk: Any, client: FlaskClient, shop: Keys) -> Any:
    desk.put(kind="interleaved", variants=DUEL)
    assert desk.post("start").status_code == 200

    def ask(user_id: str, k: int = 6) -> list[str]:
        wish = {"user_id": user_id, "session": ["i5"], "k": k, "banner": "none"}
        answer = client.post("/recommend", json=wish, headers=shop).json
        assert answer["experiments"]["one"] == "interleaved"
        assert [one["rank"] for one in answer["items"]] == list(range(1, len(answer["items"]) + 1))
        return [one["item_id"] for one in answer["items"]]

    return ask


def test_an_item_is_explained_by_the_ranker_that_puts_it_highest(
    client: FlaskClient, admin: Keys, slate: Any
) -> None:
    shown = slate("u1", k=12)
    told = [
        client.post(
            "/explain",
            json={"item_id": item_id, "user_id": "u1", "session": ["i5"], "k": 12},
            headers=admin,
        ).json
        for item_id in shown
    ]

    assert {one["verdict"] for one in told} == {"shown"}
    assert {one["team"] for one in told} == {"sells", "new"}
    assert {one["slot"] for one in told if one["team"] == "sells"} >= {1}


def test_a_pin_stands_in_its_slot(client: FlaskClient, admin: Keys, slate: Any) -> None:
    body = {"kind": "pin", "item_id": "i11", "slot": 4}
    client.put("/admin/rules/p", json=body, headers=admin)

    assert {slate(user_id)[3] for user_id in SHOPPERS} == {"i11"}


def test_a_cap_holds_over_both(client: FlaskClient, admin: Keys, slate: Any) -> None:
    body = {"kind": "cap", "by": "category", "value": 1}
    client.put("/admin/rules/c", json=body, headers=admin)

    for user_id in SHOPPERS:
        assert sorted(int(one[1:]) % 3 for one in slate(user_id)) == [0, 1, 2]


def test_two_interleave_at_one_placement_only_in_slices_of_a_layer(desk: Any) -> None:
    def start(name: str, **more: Any) -> int:
        desk.put(name, kind="interleaved", variants=DUEL, **more)
        return int(desk.post("start", name).status_code)

    elsewhere = [
        one | {"placements": {"cart": change}}
        for one in DUEL
        for change in one["placements"].values()  # type: ignore[attr-defined]
    ]

    assert start("one", layer="duels", slice_to=50) == 200
    assert start("two") == 409
    assert start("three", layer="duels", slice_from=50) == 200
    desk.put("four", kind="interleaved", variants=elsewhere)
    assert desk.post("start", "four").status_code == 200


@pytest.mark.usefixtures("slate")
def test_where_both_rankers_are_asked_the_same_there_is_no_duel(
    client: FlaskClient, shop: Keys, admin: Keys
) -> None:
    wish = {"user_id": "u1", "session": ["i5"], "k": 4, "banner": "none"}

    def teams(**more: str) -> tuple[str, list[str | None]]:
        told = client.post("/recommend", json=wish | more, headers=shop).json
        kept = client.get(f"/admin/answers/{told['recommendation_id']}", headers=admin).json
        return told["recommendation_id"], [one["team"] for one in kept["items"]]

    first, captains = teams()

    assert sorted(captains) == ["new", "new", "sells", "sells"]
    assert teams(**{"continue": first})[1] == [None] * 4
    assert teams(strategy="newest")[1] == [None] * 4


@pytest.mark.usefixtures("slate")
def test_neither_ranker_speaks_for_the_slate_and_what_comes_next_is_no_duel(
    client: FlaskClient, here: Runtime, shop: Keys, admin: Keys
) -> None:
    wish = {"user_id": "u1", "session": ["i5"], "k": 4, "banner": "none"}

    def keep() -> None:
        ledger.drain(here.config.recsys.answers_dir, store.recorder(here.engine))

    first = client.post("/recommend", json=wish, headers=shop).json
    keep()
    more = {"continue": first["recommendation_id"], "user_id": "u1"}
    second = client.post("/recommend", json=more, headers=shop).json
    keep()
    rows = client.get("/admin/outcomes", headers=admin).json["rows"]

    assert (first["strategy"], second["strategy"]) == ("interleaved", "personal")
    assert {row["strategy"]: row["answers"] for row in rows} == {"interleaved": 1, "personal": 1}


def test_another_experiment_of_the_same_shopper_counts_too(
    desk: Any, client: FlaskClient, admin: Keys, slate: Any
) -> None:
    cheap = {"placements": {"home": {"filter": "price < 7"}}}
    desk.put("two", variants=[{"name": "a"} | cheap, {"name": "b"} | cheap])
    assert desk.post("start", "two").status_code == 200
    rule = {"kind": "exclude", "where": 'item_id == "i0"', "audience": ["two:a", "two:b"]}
    client.put("/admin/rules/x", json=rule, headers=admin)

    for user_id in SHOPPERS:
        assert set(slate(user_id)) <= {f"i{n}" for n in range(1, 6)}
