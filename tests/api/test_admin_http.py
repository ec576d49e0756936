"""Retraining, models and campaigns over HTTP."""

import io
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest

from api.runtime import Runtime
from api.schemas import CampaignPageOut, ModelsOut, RunOut
from generative.campaigning import campaigns
from generative.types import Banner, Brief, Copy, Creative, ItemFacts, State
from recsys.catalogue import items
from recsys.database import writing
from recsys.learning import runs
from recsys.learning.bundle import save
from recsys.serving import registry
from recsys.types import Item

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SPEC = {
    "name": "Autumn",
    "sizes": ["rectangle"],
    "audience": {"personas": True},
    "items": {"best": 2},
}


def test_a_retrain_is_a_row_before_it_is_rung(client, admin, broker) -> None:
    answer = client.post("/admin/retrain", headers=admin)

    assert answer.status_code == 202
    assert answer.json["degraded"] == []
    run = client.get(f"/admin/runs/{answer.json['run_id']}", headers=admin)
    assert RunOut.model_validate(run.json).status == "waiting"
    assert broker("train") == 1


def test_a_second_retrain_is_a_conflict(client, admin, broker) -> None:
    client.post("/admin/retrain", headers=admin)

    answer = client.post("/admin/retrain", headers=admin)

    assert answer.status_code == 409
    assert broker("train") == 1


@pytest.mark.usefixtures("broker")
def test_a_retrain_without_a_queue_waits_for_the_sweep(client, admin, valkey) -> None:
    valkey.stop()

    answer = client.post("/admin/retrain", headers=admin)

    assert answer.status_code == 202
    assert answer.json["degraded"] == ["queue"]
    listed = client.get("/admin/runs", headers=admin).json["runs"]
    assert [run["status"] for run in listed] == ["waiting"]


def test_progress_and_curves_are_shown_and_a_run_can_be_cancelled(
    client, admin, here: Runtime
) -> None:
    with writing(here.engine) as session:
        run_id = runs.start(session, trigger="admin", now=NOW)
        runs.claim(session, run_id, now=NOW, lease_seconds=60)
        runs.beat(session, run_id, stage="fit", progress=0.4, curves={"loss": [3.0, 2.0]}, now=NOW)

    shown = client.get(f"/admin/runs/{run_id}", headers=admin).json
    cancelled = client.delete(f"/admin/runs/{run_id}", headers=admin)

    assert (shown["stage"], shown["progress"], shown["curves"]) == ("fit", 0.4, {"loss": [3, 2]})
    assert cancelled.status_code == 202
    assert cancelled.json["cancel_requested"] is True


@pytest.mark.parametrize("run_id", ["ghost", "%00", "x" * 500])
def test_an_unknown_run_is_a_4xx(client, admin, run_id: str) -> None:
    assert client.get(f"/admin/runs/{run_id}", headers=admin).status_code in {400, 404}
    assert client.delete(f"/admin/runs/{run_id}", headers=admin).status_code in {400, 404}


def publish_second(here: Runtime, trained) -> str:
    from dataclasses import replace

    newer = replace(trained, version="20261121T120000Z-abcdef")
    registry.publish(here.config.recsys.artifacts_dir, newer)
    return newer.version


def test_models_are_listed_promoted_and_rolled_back(client, admin, here, trained) -> None:
    newer = publish_second(here, trained)

    promoted = client.post(f"/admin/models/{newer}/promote", headers=admin)
    listed = ModelsOut.model_validate(client.get("/admin/models", headers=admin).json)
    back = client.post("/admin/models/rollback", headers=admin)

    assert promoted.json == {"version": newer, "previous": trained.version}
    assert [(one.version, one.live) for one in listed.models] == [
        (newer, True),
        (trained.version, False),
    ]
    assert back.json == {"version": trained.version, "previous": newer}
    assert client.post("/admin/models/rollback", headers=admin).status_code == 409


@pytest.mark.parametrize("version", ["ghost", "..", "20261121T120000Z-ffffff", "x" * 300])
def test_an_unknown_version_is_a_404(client, admin, trained, version: str) -> None:
    assert client.post(f"/admin/models/{version}/promote", headers=admin).status_code in {404, 405}
    assert trained.version in client.get("/admin/models", headers=admin).text


def test_a_corrupt_version_is_not_promoted(client, admin, here: Runtime, trained) -> None:
    newer = publish_second(here, trained)
    (here.config.recsys.artifacts_dir / newer / "manifest.json").write_text("{")

    assert client.post(f"/admin/models/{newer}/promote", headers=admin).status_code == 409


def test_a_corrupt_live_model_keeps_the_old_one_serving(
    client, admin, shop, here: Runtime, trained
) -> None:
    assert here.handle.get().version == trained.version
    broken = here.config.recsys.artifacts_dir / "20261122T120000Z-abcdef"
    save(trained, broken)
    (broken / "items.faiss").write_bytes(b"no index")
    (here.config.recsys.artifacts_dir / "LIVE").write_text("20261122T120000Z-abcdef\n")

    answers = [client.get("/recommend", headers=shop) for _ in range(5)]

    assert {answer.json["model_version"] for answer in answers} == {trained.version}
    wait_for(lambda: here.handle.problem is not None)
    ready = client.get("/health/ready")
    assert ready.status_code == 200
    assert ready.json["dependencies"]["model"]["status"] == "degraded"
    assert client.get("/admin/models", headers=admin).json["problem"]


def wait_for(condition) -> None:
    import time

    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def test_a_campaign_is_a_row_before_it_is_rung(client, admin, broker) -> None:
    answer = client.post("/campaigns", json=SPEC, headers=admin)

    assert answer.status_code == 202
    assert answer.json["status"] == "waiting"
    assert answer.json["degraded"] == []
    assert broker() == 1
    listed = client.get("/campaigns", headers=admin).json["campaigns"]
    assert [one["name"] for one in listed] == ["Autumn"]


@pytest.mark.usefixtures("broker", "stocked")
def test_chosen_items_that_are_not_there_are_named(client, admin) -> None:
    chosen = {**SPEC, "items": {"item_ids": ["i1", "gone", "i2"]}}

    made = client.post("/campaigns", json=chosen, headers=admin)
    read = client.get(f"/campaigns/{made.json['campaign_id']}", headers=admin)

    assert (made.status_code, made.json["missing_ids"]) == (202, ["gone"])
    assert read.json["missing_ids"] == ["gone"]


def test_the_same_idempotency_key_makes_one_campaign(client, admin, broker) -> None:
    headers = admin | {"Idempotency-Key": "autumn-1"}

    first = client.post("/campaigns", json=SPEC, headers=headers)
    second = client.post("/campaigns", json=SPEC, headers=headers)
    other = client.post("/campaigns", json=SPEC, headers=admin | {"Idempotency-Key": "autumn-2"})

    assert (first.status_code, second.status_code, other.status_code) == (202, 200, 202)
    assert first.json["campaign_id"] == second.json["campaign_id"] != other.json["campaign_id"]
    assert broker() == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": 1}, "name"),
        ({"sizes": []}, "sizes"),
        ({"sizes": ["poster"]}, "sizes.0"),
        ({"audience": {}}, "audience"),
        ({"audience": {"personas": True, "user_ids": ["u"]}}, "audience"),
        ({"audience": {"user_ids": [""]}}, "audience.user_ids.0"),
        ({"items": {}}, "items"),
        ({"items": {"best": 101}}, "items.best"),
        ({"items": {"best": 1, "item_ids": ["i"]}}, "items"),
        ({"locale": "english"}, "locale"),
        ({"budget": 1}, "budget"),
    ],
)
def test_a_wrong_campaign_is_refused_by_field(client, admin, changes, field: str) -> None:
    answer = client.post("/campaigns", json=SPEC | changes, headers=admin)

    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json["errors"]]
    assert client.get("/campaigns", headers=admin).json["campaigns"] == []


@pytest.fixture
def made(client, admin, here: Runtime) -> dict[str, Any]:
    """A campaign of two creatives, one made and one still planned."""
    from generative import creatives

    campaign_id = client.post("/campaigns", json=SPEC, headers=admin).json["campaign_id"]
    with writing(here.engine) as session:
        items.put(session, Item(item_id="i1", title="Bread"))
    briefs = {
        "a" * 32: Brief(item=ItemFacts(item_id="i1", title="Bread")),
        "b" * 32: Brief(item=ItemFacts(item_id="i2", title="=cmd()")),
    }
    folder = here.config.generative.banners_dir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.jpg").write_bytes(b"\xff\xd8picture")
    creative = Creative(
        key="a" * 32,
        item_id="i1",
        size="rectangle",
        state=State.READY,
        copy=Copy(headline="Bread", tagline="Baked", action="Shop"),
        banner=Banner(path="a.jpg", sha256="0" * 64, width=300, height=250),
    )
    with writing(here.engine) as session:
        campaigns.plan(session, campaign_id, list(briefs.items()))
        creatives.save(session, creative, briefs["a" * 32])
        campaigns.mark_made(session, campaign_id, "a" * 32)
    return {"id": campaign_id, "keys": list(briefs)}


def test_progress_and_creatives_are_shown(client, admin, made) -> None:
    page = client.get(f"/campaigns/{made['id']}?limit=10", headers=admin)

    shown = CampaignPageOut.model_validate(page.json)
    assert (shown.progress.total, shown.progress.made, shown.progress.planned) == (2, 1, 1)
    assert [one.status for one in shown.creatives] == ["made", "planned"]
    assert shown.creatives[0].creative is not None
    assert shown.creatives[0].creative.headline == "Bread"


def test_creatives_are_approved_and_rejected(client, admin, made) -> None:
    base = f"/campaigns/{made['id']}"
    assert client.post(f"{base}/creatives/{'a' * 32}/approve", headers=admin).status_code == 200
    assert client.post(f"{base}/creatives/{'b' * 32}/reject", headers=admin).status_code == 200

    progress = client.get(base, headers=admin).json["progress"]

    assert (progress["approved"], progress["rejected"]) == (1, 1)
    assert client.post(f"{base}/creatives/ghost/approve", headers=admin).status_code == 404


def test_the_export_is_a_zip_without_what_was_rejected(client, admin, made) -> None:
    answer = client.get(f"/campaigns/{made['id']}/export", headers=admin)

    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        names = archive.namelist()
        table = archive.read("creatives.csv").decode("utf-8-sig")
    assert answer.mimetype == "application/zip"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert sum(name.endswith(".jpg") for name in names) == 1
    assert "Bread" in table

    client.post(f"/campaigns/{made['id']}/creatives/{'a' * 32}/reject", headers=admin)
    again = client.get(f"/campaigns/{made['id']}/export", headers=admin)
    with zipfile.ZipFile(io.BytesIO(again.data)) as archive:
        assert archive.namelist() == ["creatives.csv"]


def test_a_campaign_is_cancelled_once(client, admin, made) -> None:
    cancelled = client.delete(f"/campaigns/{made['id']}", headers=admin)

    assert cancelled.json["status"] == "cancelled"
    assert client.delete(f"/campaigns/{made['id']}", headers=admin).status_code == 409


@pytest.mark.parametrize("path", ["/campaigns/ghost", "/campaigns/ghost/export"])
def test_an_unknown_campaign_is_a_404(client, admin, path: str) -> None:
    assert client.get(path, headers=admin).status_code == 404
    assert client.delete("/campaigns/ghost", headers=admin).status_code == 404


def test_a_forgotten_shopper_leaves_every_audience(client, admin) -> None:
    spec = SPEC | {"audience": {"user_ids": ["u1", "u2"]}}
    campaign_id = client.post("/campaigns", json=spec, headers=admin).json["campaign_id"]

    receipt = client.delete("/users/u1", headers=admin)

    assert receipt.json["campaigns_changed"] == 1
    audience = client.get(f"/campaigns/{campaign_id}", headers=admin).json["audience"]
    assert audience == {"user_ids": ["u2"]}
