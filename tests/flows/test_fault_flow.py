"""Redis goes and comes back, the worker goes, the database is locked: the shop goes on and says so."""

import sqlite3
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

pytestmark = pytest.mark.slow
Wait = Callable[..., None]


@pytest.fixture(scope="module")
def shop(new_shop: Callable[..., Any]) -> Any:
    shop = new_shop("sqlite", VITRINE_DATABASE_BUSY_SECONDS="0.3")
    shop.start_web()
    shop.start_worker("default")
    return shop


def view(shop: Any, user_id: str, item_id: str) -> Any:
    deed = {
        "event_id": uuid.uuid4().hex,
        "user_id": user_id,
        "item_id": item_id,
        "kind": "view",
        "at": datetime.now(UTC).isoformat(),
    }
    return shop.call("POST", "/events", deed, role="storefront")


def history(shop: Any, user_id: str) -> tuple[str, ...]:
    from recsys.behaviour import events
    from recsys.database import reading

    with reading(shop.engine) as session:
        return events.history(session, user_id).item_ids


def test_redis_stopped_and_started_again_while_serving(shop: Any, wait: Wait) -> None:
    whole = shop.recommend("user-1", k=5)
    assert "creatives" not in whole["degraded"]

    shop.kill("valkey")
    for _ in range(3):
        without = shop.recommend("user-1", k=5)
        assert "creatives" in without["degraded"]
        assert {item["creative"]["state"] for item in without["items"]} == {"fallback"}
        assert [i["item_id"] for i in without["items"]] == [i["item_id"] for i in whole["items"]]
    assert view(shop, "faithful", "fruit-3").status == 202
    asked = shop.call("POST", "/admin/retrain", role="admin")
    assert asked.status == 202
    assert asked.body["degraded"] == ["queue"]

    shop.start_valkey()
    wait(
        lambda: "creatives" not in shop.recommend("user-1", k=5)["degraded"],
        "the web finds Redis again",
    )
    wait(
        lambda: "ready" in [i["creative"]["state"] for i in shop.recommend("user-1", k=5)["items"]],
        "the worker finds Redis again and makes what is asked for",
        60,
    )
    assert history(shop, "faithful") == ("fruit-3",)
    shop.ring("vitrine.sweep")
    wait(lambda: "vitrine.sweep" in shop.log("default"), "the worker sweeps")
    shop.start_worker("train")
    done = shop.wait_for_run(asked.body["run_id"])
    assert done["status"] == "done", done


def test_with_the_worker_gone_the_floor_is_served_and_health_says_so(shop: Any, wait: Wait) -> None:
    for name in ("default", "train"):
        if name in shop.processes:
            shop.kill(name)

    answer = shop.recommend("user-2", k=5, category="Grocery/Dairy")
    assert len(answer["items"]) == 5
    assert all(item["creative"]["headline"] for item in answer["items"])

    def away() -> bool:
        found = shop.get("/health/ready")
        return found.status == 200 and found.body["dependencies"]["workers"]["status"] == "away"

    wait(away, "health notices the missing worker")


def test_events_accepted_while_the_database_is_locked_are_all_stored_later(
    shop: Any, wait: Wait
) -> None:
    path = shop.env["VITRINE_DATABASE_URL"].removeprefix("sqlite:///")
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    try:
        taken = [view(shop, "patient", f"dairy-{number}") for number in range(5)]
        slate = shop.recommend("patient", k=5)
    finally:
        lock.execute("ROLLBACK")
        lock.close()

    assert [answer.status for answer in taken] == [202] * 5
    assert all(answer.body["degraded"] == ["database"] for answer in taken)
    assert len(slate["items"]) == 5
    assert history(shop, "patient") == ()
    if "default" not in shop.processes:
        shop.start_worker("default")
    shop.ring("vitrine.sweep")
    wait(lambda: len(history(shop, "patient")) == 5, "the sweep stores what was spooled")


def test_the_web_killed_and_started_again_has_lost_nothing(shop: Any, wait: Wait) -> None:
    assert view(shop, "faithful", "garden-1").status == 202

    shop.kill("web")
    shop.start_web()

    shop.ring("vitrine.sweep")  # it may have gone to the spool: the database was just locked
    wait(lambda: history(shop, "faithful")[-1:] == ("garden-1",), "the event is stored")
    assert len(shop.recommend("faithful", k=5)["items"]) == 5
