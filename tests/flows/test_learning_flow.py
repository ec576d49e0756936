"""What shoppers do reaches what they see: at once through their history, later through a new model."""

import os
import signal
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
Wait = Callable[..., None]


@pytest.fixture(scope="module")
def shop(new_shop: Callable[..., Any]) -> Any:
    shop = new_shop("postgresql")
    shop.start_web()
    shop.start_worker("train")
    shop.start_worker("default")
    return shop


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in answer["items"]]


def buy(shop: Any, user_id: str, *item_ids: str) -> None:
    deeds = [
        {
            "event_id": uuid.uuid4().hex,
            "user_id": user_id,
            "item_id": item_id,
            "kind": "purchase",
            "at": datetime.now(UTC).isoformat(),
        }
        for item_id in item_ids
    ]
    answer = shop.call("POST", "/events", deeds, role="storefront")
    assert (answer.status, answer.body["accepted"]) == (202, len(deeds))


def test_a_new_model_is_served_without_a_restart_and_answers_follow_events(
    shop: Any, wait: Wait
) -> None:
    before = shop.recommend("a newcomer".replace(" ", "-"), k=10)
    assert {item["source"] for item in before["items"]} <= {"newest", "popular"}
    web = shop.processes["web"].pid

    first = shop.wait_for_run(shop.retrain())
    assert first["status"] == "done", first
    wait(
        lambda: shop.recommend("newcomer")["model_version"] == first["model_version"],
        "the web swaps to the first model",
    )
    buy(shop, "newcomer", "garden-0", "garden-1", "garden-2")
    told = shop.recommend("newcomer", k=10)
    assert {item["source"] for item in told["items"]} >= {"personal"}
    assert not {"garden-0", "garden-1", "garden-2"} & set(ids(told))

    buy(shop, "newcomer", *(f"dairy-{number}" for number in range(8)))
    after = shop.recommend("newcomer", k=10)
    assert ids(after) != ids(told)
    assert after["model_version"] == told["model_version"]

    second = shop.wait_for_run(shop.retrain())
    assert second["status"] == "done", second
    assert second["model_version"] != first["model_version"]
    wait(
        lambda: shop.recommend("newcomer")["model_version"] == second["model_version"],
        "the web swaps to the second model",
    )
    assert shop.processes["web"].pid == web
    assert shop.processes["web"].poll() is None


def test_one_retrain_at_a_time_and_a_cancel_stops_it(shop: Any) -> None:
    shop.stop("train")
    run_id = shop.retrain()

    assert shop.call("POST", "/admin/retrain", role="admin").status == 409
    assert shop.call("DELETE", f"/admin/runs/{run_id}", role="admin").status in {200, 202}
    assert shop.run(run_id)["status"] == "cancelled"

    shop.start_worker("train")
    again = shop.wait_for_run(shop.retrain())
    assert again["status"] == "done", again


def test_a_killed_retrain_leaves_no_half_model_and_can_be_started_again(
    shop: Any, wait: Wait
) -> None:
    live = Path(shop.env["VITRINE_ARTIFACTS_DIR"]) / "LIVE"
    served = live.read_text()
    shop.stop("train")
    shop.start_worker("train", VITRINE_TRAIN_EPOCHS="1000000")
    run_id = shop.retrain()
    wait(lambda: shop.run(run_id)["stage"] == "fit", "the fit is under way", 40)

    shop.kill("train")

    assert live.read_text() == served
    assert shop.call("POST", "/admin/retrain", role="admin").status == 409
    time.sleep(float(shop.env["VITRINE_LEASE_SECONDS"]))
    shop.ring("vitrine.sweep")
    wait(lambda: shop.run(run_id)["status"] == "failed", "the sweep gives the run up")
    assert "silent" in shop.run(run_id)["error"]

    shop.start_worker("train")
    again = shop.wait_for_run(shop.retrain())
    assert again["status"] == "done", again
    models = shop.get("/admin/models", role="admin").body["models"]
    assert [model["problem"] for model in models] == [None] * len(models)


def test_a_promotion_and_a_rollback_are_served_at_once(shop: Any, wait: Wait) -> None:
    models = shop.get("/admin/models", role="admin").body["models"]
    other = next(model["version"] for model in models if not model["live"])

    assert shop.call("POST", f"/admin/models/{other}/promote", role="admin").status == 200

    wait(
        lambda: shop.recommend("newcomer")["model_version"] == other, "the web serves the older one"
    )


def test_a_broken_model_is_refused_and_the_old_one_serves_on(shop: Any, wait: Wait) -> None:
    served = shop.recommend("newcomer")["model_version"]
    root = Path(shop.env["VITRINE_ARTIFACTS_DIR"])
    broken = root / "20990101T000000Z-abcdef"
    broken.mkdir()
    (broken / "manifest.json").write_text("{}")
    (root / "LIVE.new").write_text(broken.name + "\n")
    (root / "LIVE.new").replace(root / "LIVE")

    def noticed() -> bool:
        shop.recommend("newcomer")
        found = shop.get("/health/ready").body["dependencies"]["model"]
        return found["status"] == "degraded"

    wait(noticed, "the health page names the broken model")
    assert shop.recommend("newcomer")["model_version"] == served
    (root / "LIVE.new").write_text(served + "\n")
    (root / "LIVE.new").replace(root / "LIVE")


def test_a_frozen_worker_does_not_hold_up_the_shop(shop: Any) -> None:
    worker = shop.processes["default"].pid
    os.kill(worker, signal.SIGSTOP)
    try:
        answer = shop.recommend("newcomer")
    finally:
        os.kill(worker, signal.SIGCONT)

    assert len(answer["items"]) == 20
