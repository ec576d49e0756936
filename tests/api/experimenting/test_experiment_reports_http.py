"""Reports over HTTP: of an experiment, of all that was shown, of a model never shown."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.runtime import Runtime
from recsys.answers import store
from recsys.answers.entry import Answer
from recsys.behaviour import events
from recsys.database import writing
from recsys.learning.bundle import ModelBundle
from recsys.outcomes import experiments, reading
from recsys.outcomes.assignment import HELD_OUT, HOLDOUT, PERSONALISED
from recsys.types import Event, EventKind, Item

HOLDOUT_VARIANTS = [
    {"name": HELD_OUT, "weight": 5, "placements": {"*": {"strategy": "popular"}}},
    {"name": PERSONALISED, "weight": 95},
]
Keys = dict[str, str]
Answered = Callable[[str, datetime, dict[str, str]], None]


def test_a_draft_has_no_report_yet(desk: Any) -> None:
    desk.put()

    assert desk.get("experiments/one/report").status_code == 409


@pytest.fixture
def visited(desk: Any, here: Runtime, answered: Answered, stocked: list[Item]) -> None:
    """An experiment and a hold-out that began a month ago, and two visits ten days ago."""
    assert stocked
    desk.put()
    desk.put(HOLDOUT, variants=HOLDOUT_VARIANTS)
    now = datetime.now(UTC)
    with writing(here.engine) as session:
        for name in ("one", HOLDOUT):
            experiments.start(session, name, now=now - timedelta(days=30))
    for user, variant in (("anna", "as_is"), ("ben", "trending")):
        drawn = {"one": variant, HOLDOUT: PERSONALISED}
        answered(user, now - timedelta(days=10), drawn)


@pytest.mark.usefixtures("visited")
def test_a_report_tells_touched_and_caused_side_by_side(desk: Any) -> None:
    found = desk.get("experiments/one/report?window_days=1")

    assert found.status_code == 200
    base, new = found.json["variants"]
    assert (base["is_base"], new["is_base"]) == (True, False)
    assert (base["users"], base["impressions"], base["clicks"]) == (1, 2, 1)
    assert (new["revenue"], new["touched"], new["caused"]) == (1.0, 1.0, None)
    assert new["placements"][0]["placement"] == "home"
    assert found.json["users_waiting"] == 0
    waits = desk.get("experiments/one/report?window_days=20").json
    assert waits["users_waiting"] == 2
    assert waits["warnings"] == ["nobody_watched_long_enough"]


def test_what_an_old_experiment_does_is_not_taken_for_the_past(
    desk: Any, here: Runtime, stocked: list[Item]
) -> None:
    desk.put()
    now, taste = datetime.now(UTC), [1 + number // 2 % 5 for number in range(240)]
    began = now - timedelta(days=60)
    drawn = [("as_is", "trending")[number % 2] for number in range(240)]
    answers = [
        shown_to(f"u{n}", now - timedelta(days=9), {"one": of}) for n, of in enumerate(drawn)
    ]
    # Pairs bought alike before; since the start, whoever sees what is new buys twice as much.
    factors = {
        began - timedelta(days=5): {"as_is": 1, "trending": 1},
        now - timedelta(days=20): {"as_is": 1, "trending": 2},
        now - timedelta(days=8): {"as_is": 1, "trending": 2},
    }
    bought = [
        Event(
            event_id=f"e{n}-{at:%j}",
            user_id=f"u{n}",
            item_id=stocked[0].item_id,
            kind=EventKind.PURCHASE,
            at=at,
            quantity=taste[n] * factor[of],
        )
        for at, factor in factors.items()
        for n, of in enumerate(drawn)
    ]
    with writing(here.engine) as session:
        experiments.start(session, "one", now=began)
        store.record(session, answers)
        events.record(session, bought)

    new = desk.get("experiments/one/report?days=10&window_days=2").json["variants"][1]

    spent = next(one for one in new["metrics"] if one["name"] == "revenue_per_user")
    assert spent["difference"]["value"] == pytest.approx(3 * float(stocked[0].price or 0))


@pytest.mark.usefixtures("visited")
def test_outcomes_tell_of_every_placement_and_of_the_holdout(desk: Any) -> None:
    found = desk.get("outcomes?days=20").json

    assert [(row["placement"], row["answers"], row["clicks"]) for row in found["rows"]] == [
        ("home", 2, 2)
    ]
    assert (found["revenue"], found["touched"]) == (2.0, 2.0)
    assert [cell["name"] for cell in found["positions"]] == ["1", "2"]
    assert [one["name"] for one in found["holdout"]["variants"]] == [HELD_OUT, PERSONALISED]
    assert found["holdout"]["variants"][1]["users"] == 2
    assert desk.get("outcomes?days=5").json["rows"] == []


def test_an_empty_shop_has_outcomes_too(desk: Any) -> None:
    found = desk.get("outcomes")

    assert found.status_code == 200
    assert (found.json["rows"], found.json["holdout"], found.json["answers"]) == ([], None, 0)


@pytest.mark.usefixtures("visited")
def test_more_answers_than_a_report_holds_are_refused(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_ANSWERS", 1)

    for address in ("outcomes?days=20", "experiments/one/report"):
        refused = desk.get(address)
        assert refused.status_code == 422
        assert refused.json["errors"][0]["field"] == "days"


@pytest.mark.parametrize("days", ["0", "-1", "nan", "1e9", "soon", ""])
def test_days_are_a_number_that_can_be(desk: Any, days: str) -> None:
    assert desk.get(f"outcomes?days={days}").status_code == 422


def shown_to(user: str, at: datetime, drawn: dict[str, str]) -> Answer:
    return Answer(
        recommendation_id=f"shown-to-{user}",
        at=at,
        user_id=user,
        placement="home",
        strategy="popular",
        request={},
        model_version="m",
        catalogue_revision=1,
        item_ids=["i0", "i1"],
        sources=["popular"] * 2,
        scores=[1.0, 0.5],
        experiments=drawn,
    )


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


def test_a_rare_placement_is_estimated_from_all_of_its_answers(
    client: FlaskClient, here: Runtime, admin: Keys, trained: ModelBundle
) -> None:
    for number in range(4):  # last in the order that samples are taken in
        explored(here, f"{'z' * 20}{number}", ["i0", "i1"], clicks=[])
    others = [shown_to(f"v{n}", datetime.now(UTC) - timedelta(hours=1), {}) for n in range(40)]
    elsewhere = [replace(one, placement="cart") for one in others[:20]]
    without_chance = others[20:]
    with writing(here.engine) as session:
        store.record(session, elsewhere + without_chance)

    found = client.post(
        f"/admin/models/{trained.version}/estimate",
        json={"placement": "home", "n": 4},
        headers=admin,
    )

    assert found.status_code == 200
    assert found.json["answers"] == 4


def test_of_one_shopper_nothing_is_estimated_and_it_says_why(
    client: FlaskClient, here: Runtime, admin: Keys, trained: ModelBundle
) -> None:
    explored(here, "anna", ["i0", "i1"], clicks=[])

    found = client.post(f"/admin/models/{trained.version}/estimate", json={}, headers=admin)

    assert found.status_code == 409
    assert "one shopper's" in found.json["detail"]


def test_without_chance_there_is_nothing_to_estimate_from(
    client: FlaskClient, admin: Keys, answered: Answered, trained: ModelBundle
) -> None:
    answered("anna", datetime.now(UTC) - timedelta(hours=1), {})
    address = f"/admin/models/{trained.version}/estimate"

    assert client.post(address, json={}, headers=admin).status_code == 409
    assert client.post(address, json={"n": 0}, headers=admin).status_code == 422
    missing = client.post("/admin/models/nothing/estimate", json={}, headers=admin)
    assert missing.status_code == 404
