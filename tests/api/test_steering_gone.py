"""Strategies that somebody took away, or misspelt where no shopper can mend it: answers go on."""

import pytest
from flask.testing import FlaskClient

Headers = dict[str, str]

pytestmark = pytest.mark.usefixtures("trained")


def ask(client: FlaskClient, shop: Headers, **wish: object):
    wish = {"banner": "none", "k": 3, "session": ["i5"]} | wish
    return client.post("/recommend", json=wish, headers=shop)


def ids(answer) -> list[str]:
    assert answer.status_code == 200, answer.json
    return [one["item_id"] for one in answer.json["items"]]


def test_a_placement_whose_strategy_nobody_knows_is_personal(client, shop, admin) -> None:
    plain = ids(ask(client, shop))
    client.put("/admin/placements/home", json={"strategy": "misspelt"}, headers=admin)

    answer = ask(client, shop)

    assert ids(answer) == plain
    assert answer.json["strategy"] == "personal"


def test_a_preset_may_be_deleted_under_its_placement(client, shop, admin) -> None:
    client.put("/admin/strategies/mine", json={"base": "newest"}, headers=admin)
    client.put("/admin/placements/home", json={"strategy": "mine"}, headers=admin)
    before = ask(client, shop)
    client.delete("/admin/strategies/mine", headers=admin)

    assert before.json["strategy"] == "mine"
    assert ask(client, shop).json["strategy"] == "personal"


def test_a_preset_may_be_deleted_under_its_experiment(client, shop, admin) -> None:
    client.put("/admin/strategies/mine", json={"base": "newest"}, headers=admin)
    variants = [{"name": "as_is"}, {"name": "b", "placements": {"*": {"strategy": "mine"}}}]
    client.put("/admin/experiments/e", json={"variants": variants}, headers=admin)
    assert client.post("/admin/experiments/e/start", headers=admin).status_code == 200
    client.delete("/admin/strategies/mine", headers=admin)

    found = [ask(client, shop, user_id=f"u{n}") for n in range(8)]

    assert {answer.json["experiments"]["e"] for answer in found} == {"as_is", "b"}
    assert [len(ids(answer)) for answer in found] == [3] * 8


def test_what_a_request_names_itself_is_still_refused(client, shop) -> None:
    assert ask(client, shop, strategy="misspelt").status_code == 422


def test_a_question_goes_on_though_its_preset_is_deleted(client, shop, admin) -> None:
    preset = {"base": "newest", "filter": 'category under "Grocery/Fruit"'}
    client.put("/admin/strategies/mine", json=preset, headers=admin)
    first = ask(client, shop, strategy="mine", k=2)
    client.delete("/admin/strategies/mine", headers=admin)
    id_ = first.json["recommendation_id"]
    assert client.get(f"/admin/answers/{id_}", headers=admin).status_code == 200  # written by now

    second = ask(client, shop, **{"continue": id_})

    assert ids(first) == ["i0", "i3"]
    assert ids(second) == ["i6", "i9"]
    assert second.json["strategy"] == "mine"
