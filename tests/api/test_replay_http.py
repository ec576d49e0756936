"""Answers looked up, made again and compared, over HTTP and a shop whose right answer is known."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from api.recommending import comparing
from api.runtime import Runtime
from recsys.answers import entry, ledger, store
from recsys.answers.entry import Answer
from recsys.answers.tables import AnswerRow
from recsys.behaviour import erasure, events
from recsys.catalogue import items
from recsys.database import writing
from recsys.learning import bundle as bundles
from recsys.learning.bundle import ModelBundle
from recsys.serving import registry
from recsys.types import Event, EventKind, Item

Headers = dict[str, str]
OTHER = "20261121T120000Z-bbbbbb"


def bought(here: Runtime, user_id: str, *item_ids: str, **changes: Any) -> None:
    now = datetime.now(UTC)
    with writing(here.engine) as session:
        events.record(
            session,
            [
                Event(
                    event_id=f"{user_id}-{item_id}-{changes}",
                    user_id=user_id,
                    item_id=item_id,
                    kind=EventKind.VIEW,
                    at=now + timedelta(milliseconds=n),
                    **changes,
                )
                for n, item_id in enumerate(item_ids)
            ],
        )


def asked(client: FlaskClient, shop: Headers, **wishes: Any) -> dict[str, Any]:
    answer = client.post("/recommend", json={"banner": "none", **wishes}, headers=shop)
    assert answer.status_code == 200, answer.json
    return answer.json


def replayed(
    client: FlaskClient, admin: Headers, recommendation_id: str, **body: Any
) -> dict[str, Any]:
    answer = client.post(f"/admin/answers/{recommendation_id}/replay", json=body, headers=admin)
    assert answer.status_code == 200, answer.json
    return answer.json


@pytest.fixture
def reversed_model(here: Runtime, trained: ModelBundle) -> str:
    """A second version on disk, which likes what the first does not."""
    fused = replace(trained.fused, vectors=-np.asarray(trained.fused.vectors))
    other = bundles.assemble(
        version=OTHER,
        fused=fused,
        item_ids=trained.item_ids,
        popularity=trained.popularity,
        neighbours=trained.neighbours,
        together=trained.together,
        manifest={"created_at": "2026-11-21T12:00:00+00:00", "metrics": {}},
    )
    registry.publish(here.config.recsys.artifacts_dir, other)
    return OTHER


WISHES = [
    {},
    {"k": 3, "exclude": ["i3"], "hide": "seen"},
    {"session": ["i5", "i6"]},
    {"strategy": "similar", "item_ids": ["i4"], "placement": "product"},
    {"strategy": "popular"},
    {"filter": "price < 9", "dials": {"exploration": 0.6, "diversity": 0.4}},
    {"category": "Grocery/Fruit"},
]


@pytest.mark.parametrize("wishes", WISHES, ids=lambda wishes: "-".join(wishes) or "plain")
def test_an_answer_is_made_again_exactly_whatever_happened_since(
    client: FlaskClient,
    here: Runtime,
    shop: Headers,
    admin: Headers,
    trained: ModelBundle,
    wishes: dict[str, Any],
) -> None:
    bought(here, "u", "i1", "i2")
    given = asked(client, shop, user_id="u", **wishes)
    bought(here, "u", "i7", "i8", "i9")
    with writing(here.engine) as session:
        for one in given["items"]:
            items.patch(session, one["item_id"], {"stock": 0})
        items.put(session, Item(item_id="new", title="New", price=Decimal(1)))

    found = replayed(client, admin, given["recommendation_id"])

    assert (found["exact"], found["differences"]) == (True, [])
    assert found["model_version"] == trained.version
    assert [one["item_id"] for one in found["items"]] == [one["item_id"] for one in given["items"]]
    assert [one["reasons"] for one in found["items"]] == [one["reasons"] for one in given["items"]]


@pytest.mark.usefixtures("trained")
def test_what_was_dismissed_and_bought_long_ago_stays_away_and_is_replayed_so(
    client: FlaskClient, shop: Headers, admin: Headers, here: Runtime
) -> None:
    start = datetime.now(UTC) - timedelta(hours=1)
    deeds = [("i1", EventKind.DISMISS), ("i2", EventKind.PURCHASE)]
    deeds += [(f"i{3 + n % 3}", EventKind.VIEW) for n in range(250)]
    with writing(here.engine) as session:
        events.record(
            session,
            [
                Event(
                    event_id=f"e{n}",
                    user_id="u",
                    item_id=item_id,
                    kind=kind,
                    at=start + timedelta(seconds=n),
                )
                for n, (item_id, kind) in enumerate(deeds)
            ],
        )

    for wishes in ({}, {"session": ["i6"]}):
        given = asked(client, shop, user_id="u", k=20, **wishes)

        shown = [one["item_id"] for one in given["items"]]
        assert shown
        assert not {"i1", "i2"} & set(shown)
        found = replayed(client, admin, given["recommendation_id"])
        assert (found["exact"], found["differences"]) == (True, [])


def test_what_was_answered_and_from_what_is_told(
    client: FlaskClient, here: Runtime, shop: Headers, admin: Headers, trained: ModelBundle
) -> None:
    bought(here, "u", "i1", "i2")
    given = asked(client, shop, user_id="u", k=2, session=["i5"], hide="seen")

    told = client.get(f"/admin/answers/{given['recommendation_id']}", headers=admin).json

    assert (told["user_id"], told["placement"], told["history_n"]) == ("u", "home", 3)
    assert told["model_version"] == trained.version
    assert told["request"]["session"] == ["i5"]
    assert told["request"]["hide"] == "seen"
    assert [one["item_id"] for one in told["items"]] == [one["item_id"] for one in given["items"]]
    assert [one["rank"] for one in told["items"]] == [1, 2]


@pytest.mark.usefixtures("trained")
def test_deeds_that_are_gone_are_told(
    client: FlaskClient, here: Runtime, shop: Headers, admin: Headers
) -> None:
    bought(here, "u", "i1", "i2")
    given = asked(client, shop, user_id="u")
    with writing(here.engine) as session:
        erasure.forget(session, "u", at=datetime(2026, 1, 1, tzinfo=UTC))

    # The row is still there: only the events were taken away, as a restored backup would.
    ledger.drain(here.config.recsys.answers_dir, lambda _: 0)
    record_by_hand(here, given)
    found = replayed(client, admin, given["recommendation_id"])

    assert "history" in {one["what"] for one in found["differences"]}


def record_by_hand(here: Runtime, given: dict[str, Any]) -> None:
    at = datetime.now(UTC)
    kept = Answer(
        recommendation_id=given["recommendation_id"],
        at=at,
        user_id=None,
        placement="home",
        strategy="personal",
        request={"k": 20, "now": at.isoformat()},
        model_version=given["model_version"] or "",
        catalogue_revision=1,
        item_ids=[one["item_id"] for one in given["items"]],
        sources=[one["source"] for one in given["items"]],
        scores=[one["score"] for one in given["items"]],
        history_n=2,
        history_digest="0" * 16,
    )
    assert store.recorder(here.engine)([kept]) == 1


def test_another_model_answers_otherwise_and_says_so(
    client: FlaskClient, here: Runtime, shop: Headers, admin: Headers, reversed_model: str
) -> None:
    bought(here, "u", "i1", "i2")
    given = asked(client, shop, user_id="u", k=4)

    found = replayed(client, admin, given["recommendation_id"], model_version=reversed_model)

    assert found["model_version"] == reversed_model
    assert not found["exact"]
    assert [one["what"] for one in found["differences"]][:1] == ["model"]
    assert {one["item_id"] for one in found["items"]} != {one["item_id"] for one in given["items"]}


def test_a_model_that_was_pruned_is_a_conflict_that_says_so(
    client: FlaskClient,
    here: Runtime,
    shop: Headers,
    admin: Headers,
    trained: ModelBundle,
    reversed_model: str,
) -> None:
    given = asked(client, shop, k=2)
    root = here.config.recsys.artifacts_dir
    registry.promote(root, reversed_model)
    shutil.rmtree(root / trained.version)
    here.handle.get()
    while here.handle.get().version != reversed_model:
        pass
    path = f"/admin/answers/{given['recommendation_id']}/replay"

    gone = client.post(path, json={}, headers=admin)
    unknown = client.post(path, json={"model_version": "x"}, headers=admin)
    named = client.post(path, json={"model_version": reversed_model}, headers=admin)

    assert gone.status_code == 409
    assert trained.version in gone.json["detail"]
    assert unknown.status_code == 404
    assert named.status_code == 200


@pytest.mark.parametrize(
    "recommendation_id",
    ["x", "%F0%9F%9B%92", "0" * 36, entry.new_id()],
    ids=["no id", "emoji", "zeros", "unknown"],
)
def test_an_answer_that_is_not_kept_is_a_404(
    client: FlaskClient, admin: Headers, recommendation_id: str
) -> None:
    found = client.get(f"/admin/answers/{recommendation_id}", headers=admin)
    again = client.post(f"/admin/answers/{recommendation_id}/replay", json={}, headers=admin)

    assert (found.status_code, again.status_code) == (404, 404)


@pytest.mark.usefixtures("trained")
def test_without_consent_nothing_is_kept(
    client: FlaskClient, here: Runtime, shop: Headers, admin: Headers
) -> None:
    given = asked(client, shop, user_id="u", session=["i1"], consent=False)

    found = client.get(f"/admin/answers/{given['recommendation_id']}", headers=admin)

    assert found.status_code == 404
    assert ledger.pending(here.config.recsys.answers_dir) == 0


def test_whoever_only_asks_for_the_head_was_shown_nothing(
    client: FlaskClient, here: Runtime, shop: Headers
) -> None:
    answer = client.head("/recommend?user_id=u&banner=none", headers=shop)

    assert (answer.status_code, answer.data) == (200, b"")
    assert ledger.pending(here.config.recsys.answers_dir) == 0


def test_two_models_are_compared_on_real_requests(
    client: FlaskClient, here: Runtime, shop: Headers, admin: Headers, reversed_model: str
) -> None:
    bought(here, "u", "i1", "i2")
    for n in range(4):
        given = asked(
            client, shop, user_id="u", k=3, strategy="personal", placement=("home", "cart")[n % 2]
        )
    bought(here, "u", given["items"][0]["item_id"], recommendation_id=given["recommendation_id"])
    ledger.drain(here.config.recsys.answers_dir, store.recorder(here.engine))
    live = given["model_version"]

    path = f"/admin/models/{reversed_model}/compare"
    other = client.post(path, json={"n": 50}, headers=admin).json
    same = client.post(path, json={"against": reversed_model}, headers=admin).json

    assert (other["against"], other["left_out"]) == (live, 0)
    assert other["whole"]["requests"] == 4
    assert other["whole"]["changed"] == 4
    assert other["whole"]["clicked_requests"] == 1
    assert other["whole"]["second_hit_rate"] == 1
    assert other["whole"]["first_hit_rate"] == 0
    assert set(other["segments"]["placement"]) == {"cart", "home"}
    assert set(other["coverage"]) == {live, reversed_model}
    assert "live" in other["caution"]
    assert same["whole"]["changed"] == 0
    assert same["whole"]["rank_biased_overlap"] == pytest.approx(1)


@pytest.mark.usefixtures("trained")
def test_a_comparison_stops_when_its_time_is_up(
    client: FlaskClient,
    here: Runtime,
    shop: Headers,
    admin: Headers,
    reversed_model: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked(client, shop, k=3)
    ledger.drain(here.config.recsys.answers_dir, store.recorder(here.engine))
    monkeypatch.setattr(comparing, "BUDGET_SECONDS", -1.0)

    found = client.post(f"/admin/models/{reversed_model}/compare", json={}, headers=admin).json

    assert (found["whole"]["requests"], found["left_out"]) == (0, 1)


def test_models_that_are_not_there_cannot_be_compared(
    client: FlaskClient, admin: Headers, trained: ModelBundle
) -> None:
    path = f"/admin/models/{OTHER}/compare"

    assert client.post(path, json={}, headers=admin).status_code == 404
    assert client.post(path, json={"against": trained.version}, headers=admin).status_code == 404
    assert client.post(path, json={"n": 0}, headers=admin).json["errors"][0]["field"] == "n"


@pytest.mark.usefixtures("stocked")
def test_a_comparison_without_a_live_model_asks_for_the_other(
    client: FlaskClient, admin: Headers
) -> None:
    found = client.post(f"/admin/models/{OTHER}/compare", json={}, headers=admin)

    assert found.status_code == 409
    assert "against" in found.json["detail"]


@pytest.mark.usefixtures("trained")
def test_figures_are_by_the_hour(
    client: FlaskClient, here: Runtime, shop: Headers, admin: Headers
) -> None:
    for _ in range(3):
        given = asked(client, shop)
    waiting = client.get("/admin/answers", headers=admin).json
    ledger.drain(here.config.recsys.answers_dir, store.recorder(here.engine))
    with writing(here.engine) as session:
        session.execute(
            update(AnswerRow)
            .where(AnswerRow.recommendation_id == given["recommendation_id"])
            .values(at=datetime.now(UTC) - timedelta(hours=30))
        )

    day = client.get("/admin/answers", headers=admin).json
    week = client.get("/admin/answers?hours=168", headers=admin).json

    assert waiting["figures"] == []
    assert waiting["pending_bytes"] > 0
    assert sum(one["answers"] for one in day["figures"]) == 2
    assert sum(one["answers"] for one in week["figures"]) == 3
    assert day["pending_bytes"] == 0
