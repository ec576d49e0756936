"""Experiments over HTTP: written, started, drawn from, stopped, reported."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.runtime import Runtime
from api.steering.experiments import reported
from recsys.answers import ledger, store
from recsys.answers.entry import Answer
from recsys.behaviour import events
from recsys.database import looking, writing
from recsys.database import reading as reading_of
from recsys.learning.bundle import ModelBundle
from recsys.outcomes import experiments, reading
from recsys.outcomes.assignment import HELD_OUT, HOLDOUT, PERSONALISED, Experiments
from recsys.types import Event, EventKind, Item

BODY = {
    "name": "Trending at home",
    "variants": [
        {"name": "as_is"},
        {
            "name": "trending",
            "weight": 2,
            "placements": {"home": {"strategy": "trending", "dials": {"novelty": 0.2}}},
        },
    ],
}
HOLDOUT_BODY = {
    "variants": [
        {"name": HELD_OUT, "weight": 5, "placements": {"*": {"strategy": "popular"}}},
        {"name": PERSONALISED, "weight": 95},
    ]
}
Keys = dict[str, str]


def put(client: FlaskClient, admin: Keys, name: str = "one", **changes: Any) -> Any:
    return client.put(f"/admin/experiments/{name}", json=BODY | changes, headers=admin)


def post(client: FlaskClient, admin: Keys, verb: str, name: str = "one") -> Any:
    return client.post(f"/admin/experiments/{name}/{verb}", headers=admin)


def get(client: FlaskClient, admin: Keys, address: str) -> Any:
    return client.get(f"/admin/{address}", headers=admin)


def test_an_experiment_is_a_draft_until_it_is_started(client: FlaskClient, admin: Keys) -> None:
    written = put(client, admin)

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
    assert get(client, admin, "experiments/one").json == written.json
    assert get(client, admin, "experiments").json == {"experiments": [written.json]}


def test_a_start_reaches_whoever_draws_and_a_stop_too(
    client: FlaskClient, here: Runtime, admin: Keys
) -> None:
    put(client, admin)

    assert post(client, admin, "start").json["status"] == "running"
    with looking(here.engine) as reader:
        running = experiments.refresh(reader, Experiments())
    assert running.assign("u", "home").keys() == {"one"}

    stopped = post(client, admin, "stop").json
    assert stopped["status"] == "stopped"
    assert stopped["stopped_at"] >= stopped["started_at"]
    with looking(here.engine) as reader:
        assert experiments.refresh(reader, running).assign("u", "home") == {}


def test_what_runs_cannot_be_written_over(client: FlaskClient, admin: Keys) -> None:
    put(client, admin)
    post(client, admin, "start")

    refused = put(client, admin, name="one")

    assert refused.status_code == 409
    assert "running" in refused.json["detail"]
    assert post(client, admin, "start").status_code == 200
    assert post(client, admin, "stop").status_code == 200
    assert post(client, admin, "stop").status_code == 409


def test_two_of_one_layer_need_slices_beside_each_other(client: FlaskClient, admin: Keys) -> None:
    put(client, admin, "one", layer="ranking", slice_to=60)
    put(client, admin, "two", layer="ranking", slice_from=50)
    post(client, admin, "start", "one")

    assert post(client, admin, "start", "two").status_code == 409


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
    client: FlaskClient, admin: Keys, changes: dict[str, Any], field: str
) -> None:
    refused = put(client, admin, **changes)

    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == field


def test_an_id_is_a_plain_word(client: FlaskClient, admin: Keys) -> None:
    assert put(client, admin, "a%20b").status_code == 422
    assert put(client, admin, "x" * 65).status_code == 422


@pytest.mark.parametrize("verb", ["start", "stop"])
def test_what_nobody_has_written_is_not_found(client: FlaskClient, admin: Keys, verb: str) -> None:
    assert post(client, admin, verb).status_code == 404
    assert get(client, admin, "experiments/one").status_code == 404
    assert get(client, admin, "experiments/one/report").status_code == 404


def test_only_an_admin_may(client: FlaskClient, shop: Keys) -> None:
    assert put(client, shop).status_code == 403
    assert post(client, shop, "start").status_code == 403
    assert get(client, shop, "outcomes").status_code == 403
    assert client.get("/admin/experiments").status_code == 401


def test_a_draft_has_no_report_yet(client: FlaskClient, admin: Keys) -> None:
    put(client, admin)

    assert get(client, admin, "experiments/one/report").status_code == 409


def answered(here: Runtime, user: str, at: datetime, drawn: dict[str, str]) -> str:
    name = f"answer-of-{user}"
    answer = Answer(
        recommendation_id=name,
        at=at,
        user_id=user,
        placement="home",
        strategy="personal",
        request={},
        model_version="m",
        catalogue_revision=1,
        item_ids=["i0", "i1"],
        sources=["personal"] * 2,
        scores=[1.0, 0.5],
        experiments=drawn,
    )
    deed = Event(
        event_id=f"view-of-{user}",
        user_id=user,
        item_id="i0",
        kind=EventKind.VIEW,
        at=at + timedelta(minutes=1),
        recommendation_id=name,
    )
    bought = Event(
        event_id=f"purchase-of-{user}",
        user_id=user,
        item_id="i0",
        kind=EventKind.PURCHASE,
        at=at + timedelta(minutes=2),
    )
    with writing(here.engine) as session:
        store.record(session, [answer])
        events.record(session, [deed, bought])
    return name


@pytest.fixture
def visited(client: FlaskClient, here: Runtime, admin: Keys, stocked: list[Item]) -> None:
    """An experiment and a hold-out that began a month ago, and two visits ten days ago."""
    assert stocked
    put(client, admin)
    client.put(f"/admin/experiments/{HOLDOUT}", json=HOLDOUT_BODY, headers=admin)
    now = datetime.now(UTC)
    with writing(here.engine) as session:
        for name in ("one", HOLDOUT):
            experiments.start(session, name, now=now - timedelta(days=30))
    for user, variant in (("anna", "as_is"), ("ben", "trending")):
        drawn = {"one": variant, HOLDOUT: PERSONALISED}
        answered(here, user, now - timedelta(days=10), drawn)


@pytest.mark.usefixtures("visited")
def test_a_report_tells_touched_and_caused_side_by_side(client: FlaskClient, admin: Keys) -> None:
    found = get(client, admin, "experiments/one/report?window_days=1")

    assert found.status_code == 200
    base, new = found.json["variants"]
    assert (base["is_base"], new["is_base"]) == (True, False)
    assert (base["users"], base["impressions"], base["clicks"]) == (1, 2, 1)
    assert (new["revenue"], new["touched"], new["caused"]) == (1.0, 1.0, None)
    assert new["placements"][0]["placement"] == "home"
    assert found.json["users_waiting"] == 0
    waits = get(client, admin, "experiments/one/report?window_days=20").json
    assert waits["users_waiting"] == 2
    assert waits["warnings"] == ["nobody_watched_long_enough"]


@pytest.mark.usefixtures("visited")
def test_outcomes_tell_of_every_placement_and_of_the_holdout(
    client: FlaskClient, admin: Keys
) -> None:
    found = get(client, admin, "outcomes?days=20").json

    assert [(row["placement"], row["answers"], row["clicks"]) for row in found["rows"]] == [
        ("home", 2, 2)
    ]
    assert (found["revenue"], found["touched"]) == (2.0, 2.0)
    assert [cell["name"] for cell in found["positions"]] == ["1", "2"]
    assert [one["name"] for one in found["holdout"]["variants"]] == [HELD_OUT, PERSONALISED]
    assert found["holdout"]["variants"][1]["users"] == 2
    assert get(client, admin, "outcomes?days=5").json["rows"] == []


def test_an_empty_shop_has_outcomes_too(client: FlaskClient, admin: Keys) -> None:
    found = get(client, admin, "outcomes")

    assert found.status_code == 200
    assert (found.json["rows"], found.json["holdout"], found.json["answers"]) == ([], None, 0)


@pytest.mark.usefixtures("visited")
def test_more_answers_than_a_report_holds_are_refused(
    client: FlaskClient, admin: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_ANSWERS", 1)

    for address in ("outcomes?days=20", "experiments/one/report"):
        refused = get(client, admin, address)
        assert refused.status_code == 422
        assert refused.json["errors"][0]["field"] == "days"


@pytest.mark.parametrize("days", ["0", "-1", "nan", "1e9", "soon", ""])
def test_days_are_a_number_that_can_be(client: FlaskClient, admin: Keys, days: str) -> None:
    assert get(client, admin, f"outcomes?days={days}").status_code == 422


def explored(here: Runtime, user: str, item_ids: list[str], *, clicks: list[str]) -> None:
    """An answer drawn by a coin: that slate or another, as likely."""
    at = datetime.now(UTC) - timedelta(hours=1)
    answer = Answer(
        recommendation_id=f"drawn-for-{user}",
        at=at,
        user_id=user,
        placement="home",
        strategy="popular",
        request={"strategy": "popular", "k": 2, "dials": {"exploration": 0.3}},
        model_version="m",
        catalogue_revision=1,
        item_ids=item_ids,
        sources=["popular"] * 2,
        scores=[1.0, 0.5],
        propensities=[0.5, 1.0],
    )
    clicked = [
        Event(
            event_id=f"click-{user}-{item_id}",
            user_id=user,
            item_id=item_id,
            kind=EventKind.VIEW,
            at=at + timedelta(minutes=1),
            recommendation_id=answer.recommendation_id,
        )
        for item_id in clicks
    ]
    with writing(here.engine) as session:
        store.record(session, [answer])
        events.record(session, clicked)


def test_a_model_is_valued_by_what_chance_has_shown(
    client: FlaskClient, here: Runtime, admin: Keys, trained: ModelBundle
) -> None:
    best = ["i0", "i1"]  # the trained model's popular ones
    for number in range(40):
        is_best = number % 2 == 0
        shown = best if is_best else ["i5", "i6"]
        explored(here, f"u{number}", shown, clicks=["i0"] if is_best and number % 4 else [])

    found = client.post(
        f"/admin/models/{trained.version}/estimate", json={"placement": "home"}, headers=admin
    )

    assert found.status_code == 200
    values = {one["estimator"]: one for one in found.json["values"]}
    assert found.json["answers"] == 40
    assert found.json["shown"] == pytest.approx(10 / 40)
    assert values["ips"]["value"] == pytest.approx(0.5)  # half of those who saw the best ones
    assert values["snips"]["value"] == pytest.approx(0.5)
    assert values["dr"]["low"] < 0.5 < values["dr"]["high"]
    assert "few_effective" in values["ips"]["diagnostics"]["warnings"]
    assert values["ips"]["diagnostics"]["effective"] == pytest.approx(20)


def test_without_chance_there_is_nothing_to_estimate_from(
    client: FlaskClient, here: Runtime, admin: Keys, trained: ModelBundle
) -> None:
    answered(here, "anna", datetime.now(UTC) - timedelta(hours=1), {})
    address = f"/admin/models/{trained.version}/estimate"

    assert client.post(address, json={}, headers=admin).status_code == 409
    assert client.post(address, json={"n": 0}, headers=admin).status_code == 422
    missing = client.post("/admin/models/nothing/estimate", json={}, headers=admin)
    assert missing.status_code == 404


@pytest.mark.usefixtures("trained")
def test_the_shop_answers_as_the_variant_says_and_the_report_counts_it(
    client: FlaskClient, here: Runtime, admin: Keys, shop: Keys
) -> None:
    variants = [
        {"name": "as_is", "weight": 0},
        {"name": "new", "placements": {"home": {"strategy": "newest"}}},
    ]
    put(client, admin, variants=variants)
    post(client, admin, "start")

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
    with reading_of(here.engine) as session:
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
def test_who_is_held_out_sees_what_is_popular(client: FlaskClient, admin: Keys, shop: Keys) -> None:
    body = {"variants": [HOLDOUT_BODY["variants"][0], {"name": PERSONALISED, "weight": 0}]}
    client.put(f"/admin/experiments/{HOLDOUT}", json=body, headers=admin)
    post(client, admin, "start", HOLDOUT)
    put(client, admin)
    post(client, admin, "start")

    told = client.get("/recommend?user_id=anna&k=3&banner=none", headers=shop).json

    assert told["experiments"] == {HOLDOUT: HELD_OUT}
    assert told["strategy"] == "popular"
    assert {item["source"] for item in told["items"]} == {"popular"}


@pytest.mark.usefixtures("trained")
def test_two_rankers_share_one_slate_and_the_ledger_knows_who_brought_what(
    client: FlaskClient, here: Runtime, admin: Keys, shop: Keys
) -> None:
    variants = [
        {"name": "sells", "placements": {"home": {"strategy": "popular"}}},
        {"name": "new", "placements": {"home": {"strategy": "newest"}}},
    ]
    put(client, admin, kind="interleaved", variants=variants)
    post(client, admin, "start")

    told = client.get("/recommend?user_id=anna&k=4&banner=none", headers=shop).json
    ledger.drain(here.config.recsys.answers_dir, store.recorder(here.engine))
    with looking(here.engine) as reader:
        kept = store.get(reader, told["recommendation_id"])

    assert told["experiments"] == {"one": "interleaved"}
    assert kept is not None
    assert sorted(kept.teams) == ["new", "new", "sells", "sells"]
