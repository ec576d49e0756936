"""Experiments over HTTP: written, started, drawn from, stopped."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.runtime import Runtime
from api.steering.experiments import reported
from recsys.answers import ledger, store
from recsys.database import looking, reading
from recsys.outcomes import experiments
from recsys.outcomes.assignment import HELD_OUT, HOLDOUT, PERSONALISED, Experiments

Keys = dict[str, str]


def test_an_experiment_is_a_draft_until_it_is_started(desk: Any) -> None:
    written = desk.put()

    assert written.status_code == 200
    assert written.json["status"] == "draft"
    assert written.json["variants"][1] == {
        "name": "trending",
        "weight": 2.0,
        "placements": {
            "home": {
                "strategy": "trending",
                "dials": {
                    "diversity": 0,
                    "novelty": 0.2,
                    "price": 0,
                    "margin": 0,
                    "exploration": 0,
                },
            }
        },
    }
    assert desk.get("experiments/one").json == written.json
    assert desk.get("experiments").json == {"experiments": [written.json]}


def test_a_start_reaches_whoever_draws_and_a_stop_too(desk: Any, here: Runtime) -> None:
    desk.put()

    assert desk.post("start").json["status"] == "running"
    with looking(here.engine) as reader:
        running = experiments.refresh(reader, Experiments())
    assert running.assign("u", "home").keys() == {"one"}

    stopped = desk.post("stop").json
    assert stopped["status"] == "stopped"
    assert stopped["stopped_at"] >= stopped["started_at"]
    with looking(here.engine) as reader:
        assert experiments.refresh(reader, running).assign("u", "home") == {}


def test_what_runs_cannot_be_written_over(desk: Any) -> None:
    desk.put()
    desk.post("start")

    refused = desk.put(name="one")

    assert refused.status_code == 409
    assert "running" in refused.json["detail"]
    assert desk.post("start").status_code == 200
    assert desk.post("stop").status_code == 200
    assert desk.post("stop").status_code == 409


def test_two_of_one_layer_need_slices_beside_each_other(desk: Any) -> None:
    desk.put("one", layer="ranking", slice_to=60)
    desk.put("two", layer="ranking", slice_from=50)
    desk.post("start", "one")

    assert desk.post("start", "two").status_code == 409


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"variants": []}, "variants"),
        ({"variants": [{"name": "a"}, {"name": "a"}]}, "variants"),
        ({"variants": [{"name": "a", "weight": -1}]}, "variants.0.weight"),
        ({"variants": [{"name": "a", "weight": 0}]}, "variants"),
        ({"variants": [{"name": "a", "colour": "red"}]}, "variants.0.colour"),
        (
            {"variants": [{"name": "a", "placements": {"home": {"filter": "price <"}}}]},
            "variants.0.placements.home.filter",
        ),
        (
            {"variants": [{"name": "a", "placements": {"home": {"strategy": ""}}}]},
            "variants.0.placements.home.strategy",
        ),
        ({"kind": "interleaved", "variants": [{"name": "a"}]}, "variants"),
        ({"slice_to": 101}, "slice_to"),
        ({"slice_from": 30, "slice_to": 20}, "slice_to"),
        ({"planned_users": 0}, "planned_users"),
        ({"salt": "a b"}, "salt"),
    ],
)
def test_what_could_not_run_is_refused_by_its_field(
    desk: Any, changes: dict[str, Any], field: str
) -> None:
    refused = desk.put(**changes)

    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == field


def test_an_id_is_a_plain_word(desk: Any) -> None:
    assert desk.put("a%20b").status_code == 422
    assert desk.put("x" * 65).status_code == 422


def test_a_draft_is_taken_away_and_what_was_started_is_not(desk: Any) -> None:
    desk.put()
    assert desk.delete().status_code == 204
    assert desk.get("experiments/one").status_code == 404
    assert desk.delete().status_code == 404

    desk.put()
    desk.post("start")
    running = desk.delete()
    desk.post("stop")
    stopped = desk.delete()

    assert (running.status_code, stopped.status_code) == (409, 409)
    assert desk.get("experiments/one/report").status_code == 200


@pytest.mark.parametrize(
    ("variants", "said"),
    [
        ([{"name": "a"}], "everybody is in 'a'"),
        ([{"name": "a"}, {"name": "b", "weight": 0}], "everybody is in 'a'"),
        ([{"name": "a"}, {"name": "b"}], "no variant changes anything"),
        (
            [{"name": "a"}, {"name": "b", "placements": {"hoem": {"strategy": "trending"}}}],
            "no placement 'hoem'",
        ),
    ],
)
def test_what_may_be_a_slip_is_told_and_kept(desk: Any, variants: object, said: str) -> None:
    kept = desk.put(variants=variants)

    assert kept.status_code == 200
    (notice,) = kept.json["notices"]
    assert said in notice
    assert desk.get("experiments/one").json["notices"] == [notice]


def test_an_experiment_as_meant_gives_no_notice(desk: Any) -> None:
    assert desk.put().json["notices"] == []


@pytest.mark.parametrize("verb", ["start", "stop"])
def test_what_nobody_has_written_is_not_found(desk: Any, verb: str) -> None:
    assert desk.post(verb).status_code == 404
    assert desk.get("experiments/one").status_code == 404
    assert desk.get("experiments/one/report").status_code == 404


def test_only_an_admin_may(desk: Any, shop: Keys) -> None:
    shops = replace(desk, key=shop)

    assert shops.put().status_code == 403
    assert shops.post("start").status_code == 403
    assert shops.get("outcomes").status_code == 403
    assert desk.client.get("/admin/experiments").status_code == 401


@pytest.mark.usefixtures("trained")
def test_the_shop_answers_as_the_variant_says_and_the_report_counts_it(
    desk: Any, client: FlaskClient, here: Runtime, shop: Keys
) -> None:
    variants = [
        {"name": "as_is", "weight": 0},
        {"name": "new", "placements": {"home": {"strategy": "newest"}}},
    ]
    desk.put(variants=variants)
    desk.post("start")

    told = client.get("/recommend?user_id=anna&k=3&banner=none", headers=shop).json
    elsewhere = client.get("/recommend?user_id=anna&placement=cart&banner=none", headers=shop).json
    nobody = client.get("/recommend?k=3&banner=none", headers=shop).json
    click = {
        "event_id": "click",
        "user_id": "anna",
        "item_id": told["items"][0]["item_id"],
        "kind": "view",
        "recommendation_id": told["recommendation_id"],
    }
    client.post("/events", json=click, headers=shop)
    ledger.drain(here.config.recsys.answers_dir, store.recorder(here.engine))
    with reading(here.engine) as session:
        found = experiments.get(session, "one")
        began, later = found.started_at, datetime.now(UTC) + timedelta(days=8)
        report = reported(session, found, began, later, window_days=7)

    assert told["experiments"] == {"one": "new"}
    assert told["strategy"] == "newest"
    assert [item["source"] for item in told["items"]] == ["newest"] * 3
    assert elsewhere["experiments"] == {}
    assert nobody["experiments"] == {}
    new = report.variants[1]
    assert (new.users, new.impressions, new.clicks) == (1, 3, 1)


@pytest.mark.usefixtures("trained")
def test_explain_tells_of_a_visit_what_its_variant_shows(
    desk: Any, client: FlaskClient, shop: Keys
) -> None:
    cheap = {"placements": {"home": {"filter": "price < 6"}}}
    desk.put(variants=[{"name": "as_is", "weight": 0}, {"name": "cheap"} | cheap])
    desk.post("start")

    told = client.get("/recommend?session_id=v1&session=i5&k=9&banner=none", headers=shop).json
    visit = desk.client.get("/explain?item_id=i9&session_id=v1&session=i5", headers=desk.key).json
    nobody = desk.client.get("/explain?item_id=i9&session=i5", headers=desk.key).json

    assert told["experiments"] == visit["experiments"] == {"one": "cheap"}
    assert "i9" not in [one["item_id"] for one in told["items"]]
    assert visit["verdict"] == "filter"
    assert (nobody["experiments"], nobody["verdict"]) == ({}, "shown")


@pytest.mark.usefixtures("trained")
def test_who_is_held_out_sees_what_is_popular(desk: Any, client: FlaskClient, shop: Keys) -> None:
    variants = [
        {"name": HELD_OUT, "weight": 5, "placements": {"*": {"strategy": "popular"}}},
        {"name": PERSONALISED, "weight": 0},
    ]
    desk.put(HOLDOUT, variants=variants)
    desk.post("start", HOLDOUT)
    desk.put()
    desk.post("start")

    told = client.get("/recommend?user_id=anna&k=3&banner=none", headers=shop).json

    assert told["experiments"] == {HOLDOUT: HELD_OUT}
    assert told["strategy"] == "popular"
    assert {item["source"] for item in told["items"]} == {"popular"}


def test_a_strategy_that_nobody_knows_is_refused_before_anybody_is_drawn(desk: Any) -> None:
    there = {"placements": {"home": {"strategy": "persnal"}}}
    assert desk.put(variants=[{"name": "a"}, {"name": "b"} | there]).status_code == 200

    answer = desk.post("start")

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "variants.1.placements.home.strategy"


PAGE = {
    "personal": "popular",
    "session": "popular",
    "taste": "popular",
    "similar": "similar",
    "complements": "complements",
    "search": "search",
    "newest": "newest",
}


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(("asked", "shown"), PAGE.items())
def test_a_hold_out_takes_away_what_is_personal_and_nothing_else(
    desk: Any, client: FlaskClient, shop: Keys, asked: str, shown: str
) -> None:
    variants = [
        {"name": HELD_OUT, "weight": 5, "placements": {"*": {"strategy": "popular"}}},
        {"name": PERSONALISED, "weight": 0},
    ]
    desk.put(HOLDOUT, variants=variants)
    desk.post("start", HOLDOUT)
    asks = {"user_id": "anna", "item_ids": ["i1"], "text": "item", "banner": "none"}

    told = client.post("/recommend", json=asks | {"strategy": asked}, headers=shop).json
    liked = client.post("/recommend", json={"user_id": "anna", "liked": ["i1"]}, headers=shop).json
    query = f"item_id=i2&user_id=anna&strategy={asked}&item_ids=i1"
    why = desk.client.get(f"/explain?{query}", headers=desk.key).json

    assert told["strategy"] == shown
    assert liked["strategy"] == "popular"
    assert why["experiments"] == {HOLDOUT: HELD_OUT}


@pytest.mark.usefixtures("trained")
def test_who_is_held_out_finds_and_is_shown_what_a_stranger_does(
    desk: Any, client: FlaskClient, shop: Keys
) -> None:
    event = {"user_id": "anna", "item_id": "i7", "kind": "purchase"}
    rows = [event | {"event_id": f"e{n}", "item_id": f"i{n}"} for n in (7, 10)]
    client.post("/events", json=rows, headers=shop)
    listed = ["i4", "i1", "i5"]
    asks = [
        {"strategy": "search", "text": "number", "k": 9, "hide": "none"},
        {"strategy": "rerank", "item_ids": listed},
    ]

    def shown(**who: str) -> list[list[str]]:
        answers = [client.post("/recommend", json=ask | who, headers=shop).json for ask in asks]
        return [[one["item_id"] for one in answer["items"]] for answer in answers]

    mine, strangers = shown(user_id="anna"), shown()
    variants = [
        {"name": HELD_OUT, "weight": 5, "placements": {"*": {"strategy": "popular"}}},
        {"name": PERSONALISED, "weight": 0},
    ]
    desk.put(HOLDOUT, variants=variants)
    desk.post("start", HOLDOUT)

    assert mine != strangers
    assert shown(user_id="anna") == strangers
    assert strangers[1] == listed


@pytest.mark.usefixtures("trained")
def test_a_hold_out_that_names_a_placement_is_shown_there(
    desk: Any, client: FlaskClient, shop: Keys
) -> None:
    places = {"*": {"strategy": "popular"}, "product": {"strategy": "newest"}}
    variants = [
        {"name": HELD_OUT, "weight": 5, "placements": places},
        {"name": PERSONALISED, "weight": 0},
    ]
    desk.put(HOLDOUT, variants=variants)
    desk.post("start", HOLDOUT)

    url = "/recommend?user_id=anna&banner=none&item_ids=i1&placement="
    found = [client.get(url + name, headers=shop).json["strategy"] for name in ("product", "home")]

    assert found == ["newest", "popular"]


@pytest.mark.usefixtures("trained")
def test_a_preview_shows_a_shopper_their_own_variant(desk: Any) -> None:
    cheap = {"placements": {"home": {"filter": "price < 6"}}}
    desk.put(variants=[{"name": "as_is", "weight": 0}, {"name": "cheap"} | cheap])
    desk.post("start")
    rule = {"kind": "pin", "item_id": "i2", "slot": 1, "audience": ["one:cheap"]}

    def preview(**who: str) -> Any:
        body = {"placement": "home", "name": "draft", "rule": rule, **who}
        return desk.client.post("/admin/rules/preview", json=body, headers=desk.key).json

    told, nobody = preview(user_id="anna"), preview()

    assert told["experiments"] == {"one": "cheap"}
    assert told["in_force"] == ["draft"]
    assert "i9" not in [one["item_id"] for one in told["before"]]
    assert (nobody["experiments"], nobody["in_force"]) == ({}, [])


@pytest.mark.usefixtures("trained")
def test_two_rankers_share_one_slate_and_the_ledger_knows_who_brought_what(
    desk: Any, client: FlaskClient, here: Runtime, shop: Keys
) -> None:
    variants = [
        {"name": "sells", "placements": {"home": {"strategy": "popular"}}},
        {"name": "new", "placements": {"home": {"strategy": "newest"}}},
    ]
    desk.put(kind="interleaved", variants=variants)
    desk.post("start")

    told = client.get("/recommend?user_id=anna&k=4&banner=none", headers=shop).json
    ledger.drain(here.config.recsys.answers_dir, store.recorder(here.engine))
    with looking(here.engine) as reader:
        kept = store.get(reader, told["recommendation_id"])

    assert told["experiments"] == {"one": "interleaved"}
    assert kept is not None
    assert sorted(kept.teams) == ["new", "new", "sells", "sells"]
