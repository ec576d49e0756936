"""Rules, placements and strategies over HTTP: written, refused, undone, and who did it."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from api.runtime import Runtime
from api.steering.bodies import PlacementBody, RuleBody, StrategyBody
from recsys.merchandising.steering import Steering
from recsys.merchandising.types import Placement, Rule, RuleKind, StrategyPreset
from recsys.types import Boost, Dials, Hide

BOOST = {"kind": "boost", "where": "price < 5", "value": 0.5}
PLACES = ("/admin/rules/r1", "/admin/placements/attic", "/admin/strategies/calm")
BODIES: dict[str, dict[str, Any]] = {
    "/admin/rules/r1": BOOST,
    "/admin/placements/attic": {"title": "{category}", "k": 5},
    "/admin/strategies/calm": {"base": "personal"},
}
Headers = dict[str, str]


def key_id(headers: Headers) -> str:
    return headers["Authorization"].split("_")[2]


@pytest.mark.parametrize("place", PLACES)
def test_what_is_put_is_read_back_with_its_version(
    client: FlaskClient, admin: Headers, place: str
) -> None:
    put = client.put(place, json=BODIES[place], headers=admin)
    got = client.get(place, headers=admin)

    assert [put.status_code, got.status_code] == [200, 200]
    assert got.json is not None
    assert got.json.items() >= BODIES[place].items()
    assert got.json["version"] == 1
    assert got.headers["ETag"] == put.headers["ETag"] == '"1"'


@pytest.mark.parametrize("place", PLACES)
def test_an_edit_is_taken_away_undone_and_undone_again(
    client: FlaskClient, admin: Headers, place: str
) -> None:
    client.put(place, json=BODIES[place], headers=admin)

    gone = client.delete(place, headers=admin)
    missing = client.get(place, headers=admin)
    back = client.post("/admin/rules/undo/2", headers=admin)
    there = client.get(place, headers=admin)

    assert [gone.json["after"], missing.status_code] == [None, 404]  # type: ignore[index]
    assert [back.json["version"], back.json["undoes"]] == [3, 2]  # type: ignore[index]
    assert there.json["version"] == 3  # type: ignore[index]


@pytest.mark.parametrize("place", PLACES)
def test_an_editor_who_knew_an_older_version_gets_409(
    client: FlaskClient, admin: Headers, place: str
) -> None:
    for _ in range(2):
        client.put(place, json=BODIES[place], headers=admin)

    stale = {**admin, "If-Match": '"1"'}
    fresh = {**admin, "If-Match": '"2"'}

    assert client.put(place, json=BODIES[place], headers=stale).status_code == 409
    assert client.delete(place, headers=stale).status_code == 409
    assert client.put(place, json=BODIES[place], headers=fresh).status_code == 200


@pytest.mark.parametrize("place", PLACES)
def test_who_means_to_make_it_does_not_write_over_it(
    client: FlaskClient, admin: Headers, place: str
) -> None:
    new = {**admin, "If-None-Match": "*"}

    assert client.put(place, json=BODIES[place], headers=new).status_code == 200
    assert client.put(place, json=BODIES[place], headers=new).status_code == 409


@pytest.mark.parametrize("tag", ["abc", '"-1"', '"1", "2"', '"' + "9" * 30 + '"', "²"])
def test_a_tag_that_is_not_ours_is_refused(client: FlaskClient, admin: Headers, tag: str) -> None:
    headers = {**admin, "If-Match": tag}

    refused = client.put("/admin/rules/r1", json=BOOST, headers=headers)

    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == "If-Match"  # type: ignore[index]


def test_the_history_names_the_key_that_acted(client: FlaskClient, admin: Headers) -> None:
    client.put("/admin/rules/r1", json=BOOST, headers=admin)
    client.put(
        "/admin/placements/attic", json={}, headers={"X-Api-Key": admin["Authorization"][7:]}
    )

    found = client.get("/admin/rules/history", headers=admin).json["changes"]  # type: ignore[index]

    assert [(one["version"], one["subject"], one["name"]) for one in found] == [
        (2, "placement", "attic"),
        (1, "rule", "r1"),
    ]
    assert {one["who"] for one in found} == {key_id(admin)}


def test_the_console_session_is_the_key_it_was_opened_with(
    client: FlaskClient, admin: Headers
) -> None:
    with client.session_transaction() as session:
        session.update(role="admin", key_id=key_id(admin), csrf="token")

    done = client.put("/admin/rules/r1", json=BOOST, headers={"X-CSRF-Token": "token"})
    found = client.get("/admin/rules/history").json["changes"]  # type: ignore[index]

    assert done.status_code == 200
    assert [one["who"] for one in found] == [key_id(admin)]


def test_storefront_keys_and_strangers_steer_nothing(client: FlaskClient, shop: Headers) -> None:
    for place in (*PLACES, "/admin/rules", "/admin/rules/history"):
        assert client.get(place, headers=shop).status_code == 403
        assert client.get(place).status_code == 401
    assert client.put("/admin/rules/r1", json=BOOST, headers=shop).status_code == 403
    assert client.post("/admin/rules/undo/1", headers=shop).status_code == 403


def test_rules_are_listed_by_priority_with_their_state(client: FlaskClient, admin: Headers) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "off": {"enabled": False},
        "waiting": {"starts_at": "2999-01-01T00:00:00Z"},
        "ended": {"ends_at": "2001-01-01T00:00:00+01:00"},
        "in_force": {"priority": 9},
    }
    for name, more in bodies.items():
        client.put(f"/admin/rules/{name}", json=BOOST | more, headers=admin)

    found = client.get("/admin/rules", headers=admin).json

    assert found is not None
    assert found["version"] == 4
    assert [(one["rule_id"], one["state"]) for one in found["rules"]] == [
        (name, name) for name in ("in_force", "ended", "off", "waiting")
    ]


def test_a_moment_is_kept_in_utc(client: FlaskClient, admin: Headers) -> None:
    body = BOOST | {"ends_at": "2026-11-23T10:00:00+01:00"}

    told = client.put("/admin/rules/r1", json=body, headers=admin).json

    assert told is not None
    assert told["ends_at"] == "2026-11-23T09:00:00+00:00"


def test_a_rule_of_an_unknown_placement_is_accepted_and_reported(
    client: FlaskClient, admin: Headers
) -> None:
    told = client.put("/admin/rules/r1", json=BOOST | {"placements": ["attic"]}, headers=admin)

    assert told.status_code == 200
    assert told.json["notices"] == ["no placement is called 'attic'"]  # type: ignore[index]


def test_an_unknown_strategy_is_accepted_and_reported(client: FlaskClient, admin: Headers) -> None:
    told = client.put("/admin/strategies/calm", json={"base": "luck"}, headers=admin)

    assert told.json["notices"] == ["no strategy is called 'luck'"]  # type: ignore[index]


def test_what_came_with_the_program_is_told_and_comes_back(
    client: FlaskClient, admin: Headers
) -> None:
    first = client.get("/admin/placements/home", headers=admin).json
    client.put("/admin/placements/home", json={"k": 3}, headers=admin)
    changed = client.get("/admin/placements/home", headers=admin).json
    client.delete("/admin/placements/home", headers=admin)

    assert first is not None
    assert changed is not None
    assert [first["built_in"], changed["built_in"], changed["k"]] == [True, False, 3]
    assert client.get("/admin/placements/home", headers=admin).json == first


def test_every_built_in_placement_and_preset_is_listed_without_a_notice(
    client: FlaskClient, admin: Headers
) -> None:
    places = client.get("/admin/placements", headers=admin).json
    presets = client.get("/admin/strategies", headers=admin).json

    assert places is not None
    assert presets is not None
    assert {one["name"] for one in places["placements"]} == set(Steering().placements)
    assert {one["name"] for one in presets["strategies"]} == set(Steering().presets)
    assert not any(one["notices"] for one in (*places["placements"], *presets["strategies"]))
    assert "personal" in {one["name"] for one in presets["bases"]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "kind"),
        ({"kind": "hide"}, "kind"),
        (BOOST | {"wher": "x"}, "wher"),
        (BOOST | {"where": "price <"}, "where"),
        (BOOST | {"where": "x" * 10_000}, "where"),
        (BOOST | {"where": 'title == "\x00"'}, "where"),
        (BOOST | {"where": "(" * 1_999}, "where"),
        (BOOST | {"value": 2}, "value"),
        (BOOST | {"value": "much"}, "value"),
        (BOOST | {"name": "\x00"}, "name"),
        (BOOST | {"priority": 10**30}, "priority"),
        (BOOST | {"starts_at": "2026-01-01T00:00:00"}, "starts_at"),
        (BOOST | {"starts_at": "9999-12-31T23:59:59-23:00"}, "starts_at"),
        (BOOST | {"placements": ["a b"]}, "placements"),
        (BOOST | {"audience": ["\x1b"]}, "audience"),
        ({"kind": "pin", "slot": 1, "item_id": "\x00"}, "item_id"),
        ({"kind": "pin", "slot": 1}, "item_id"),
        ({"kind": "cap", "value": 1}, "by"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_by_field(
    client: FlaskClient, admin: Headers, body: dict[str, Any], field: str
) -> None:
    refused = client.put("/admin/rules/r1", json=body, headers=admin)

    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"].split(".")[0] == field  # type: ignore[index]
    assert client.get("/admin/rules", headers=admin).json == {"version": 0, "rules": []}


def test_a_number_that_is_none_is_refused(client: FlaskClient, admin: Headers) -> None:
    body = b'{"kind": "boost", "where": "price < 5", "value": NaN}'

    refused = client.put(
        "/admin/rules/r1", data=body, content_type="application/json", headers=admin
    )

    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == "value"  # type: ignore[index]


def test_a_bad_expression_is_told_with_its_character(client: FlaskClient, admin: Headers) -> None:
    refused = client.put("/admin/rules/r1", json=BOOST | {"where": "price < ]"}, headers=admin)

    assert "at character 9" in refused.json["errors"][0]["message"]  # type: ignore[index]


@pytest.mark.parametrize("name", ["history", "undo", "preview", "a b", "%07", "r" * 65, "ü"])
def test_a_name_that_cannot_be_one_is_refused(
    client: FlaskClient, admin: Headers, name: str
) -> None:
    place = f"/admin/rules/{name}"

    assert client.put(place, json=BOOST, headers=admin).status_code == 422
    assert client.delete(place, headers=admin).status_code in {404, 422}


@pytest.mark.parametrize(
    ("place", "body", "field"),
    [
        ("/admin/placements/attic", {"title": "{shopper}"}, "title"),
        ("/admin/placements/attic", {"k": 0}, "k"),
        ("/admin/placements/attic", {"filter": "price"}, "filter"),
        ("/admin/placements/attic", {"dials": {"diversity": 2}}, "dials.diversity"),
        ("/admin/placements/a%20b", {}, "name"),
        ("/admin/strategies/calm", {}, "base"),
        ("/admin/strategies/calm", {"base": "x", "boosts": [{"expression": "", "weight": 1}]},
         "boosts.0.expression"),
        ("/admin/strategies/calm", {"base": "x", "boosts": [{"expression": "1 +", "weight": 1}]},
         "boosts.0.expression"),
    ],
)  # fmt: skip
def test_a_placement_or_strategy_that_cannot_be_meant_is_refused_by_field(
    client: FlaskClient, admin: Headers, place: str, body: dict[str, Any], field: str
) -> None:
    refused = client.put(place, json=body, headers=admin)

    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == field  # type: ignore[index]


@pytest.mark.parametrize("version", [1, 0, 10**30])
def test_a_change_that_never_was_is_not_undone(
    client: FlaskClient, admin: Headers, version: int
) -> None:
    assert client.post(f"/admin/rules/undo/{version}", headers=admin).status_code == 404


def test_an_undo_of_what_was_changed_again_gets_409(client: FlaskClient, admin: Headers) -> None:
    for value in (0.1, 0.2):
        client.put("/admin/rules/r1", json=BOOST | {"value": value}, headers=admin)

    assert client.post("/admin/rules/undo/1", headers=admin).status_code == 409


def test_a_placement_body_says_the_same_as_a_placement() -> None:
    body = PlacementBody(
        title="t",
        boosts=[{"expression": "discount", "weight": 0.5}],  # type: ignore[list-item]
        dials={"novelty": -1},  # type: ignore[arg-type]
        hide=Hide.SEEN,
    )

    assert body.thing("p") == Placement(
        name="p",
        title="t",
        boosts=(Boost(expression="discount", weight=0.5),),
        dials=Dials(novelty=-1),
        hide=Hide.SEEN,
    )
    assert PlacementBody().thing("p") == Placement(name="p")
    assert StrategyBody(base="b").thing("s") == StrategyPreset(name="s", base="b")
    assert RuleBody(kind=RuleKind.CAP).thing("r") == Rule(rule_id="r", kind=RuleKind.CAP)


@pytest.mark.usefixtures("trained")
def test_an_excluded_item_is_gone_from_the_next_answer_and_back_after_the_undo(
    client: FlaskClient, admin: Headers, shop: Headers, here: Runtime
) -> None:
    def shown() -> set[str]:
        answer = client.get("/recommend?k=12&banner=none", headers=shop).json
        assert answer is not None
        return {one["item_id"] for one in answer["items"]}

    before = shown()
    client.put("/admin/rules/r1", json={"kind": "exclude", "where": "price > 5"}, headers=admin)
    during = shown()
    client.post("/admin/rules/undo/1", headers=admin)

    cheap = {item_id for item_id, item in here.shelf.items.items() if float(item.price or 0) <= 5}
    assert during == cheap
    assert shown() == before > during


def test_the_document_tells_the_body_and_the_headers_of_an_edit(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    assert document is not None
    put = document["paths"]["/admin/rules/{rule_id}"]["put"]

    assert "requestBody" in put
    assert {one["name"] for one in put["parameters"]} == {"rule_id", "If-Match", "If-None-Match"}
    assert "example" in document["components"]["schemas"]["RuleBody"]
