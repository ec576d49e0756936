"""Two real web servers, one Redis, one database: what one of them accepts, the other shows at once."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from demo.supervisor import free_port
from recsys.behaviour import events
from recsys.database import reading

pytestmark = pytest.mark.slow


class Pair:
    """The shop, asked through either of its two servers."""

    def __init__(self, shop: Any) -> None:
        self.shop = shop
        self.ports = (shop.web_port, free_port())
        self.start(0)
        self.start(1)

    def start(self, number: int) -> None:
        self.shop.web_port = self.ports[number]
        self.shop.start_web()
        self.shop.processes[f"web-{number}"] = self.shop.processes.pop("web")

    def call(self, number: int, *args: Any, **kwargs: Any) -> Any:
        self.shop.web_port = self.ports[number]
        return self.shop.call(*args, **kwargs)

    def view(self, number: int, user_id: str, item_id: str) -> Any:
        deed = {
            "event_id": uuid.uuid4().hex,
            "user_id": user_id,
            "item_id": item_id,
            "kind": "view",
            "at": datetime.now(UTC).isoformat(),
        }
        return self.call(number, "POST", "/events", deed, role="storefront")

    def seen(self, number: int, user_id: str) -> int:
        """How many items are kept out because this shopper has seen them."""
        path = f"/recommend?user_id={user_id}&hide=seen&k=5&banner=none"
        answer = self.call(number, "GET", path, role="storefront")
        assert answer.status == 200, answer
        found: int = answer.body["excluded"].get("seen", 0)
        return found

    def fruit(self, number: int) -> set[str]:
        path = "/recommend?category=Grocery/Fruit&k=100&banner=none"
        answer = self.call(number, "GET", path, role="storefront")
        assert answer.status == 200, answer
        return {one["item_id"] for one in answer.body["items"]}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def pair(request: pytest.FixtureRequest, new_shop: Callable[..., Any]) -> Pair:
    return Pair(new_shop(request.param))


def test_each_deed_counts_in_the_next_answer_of_the_other_server(pair: Pair) -> None:
    for step in range(1, 11):
        assert pair.view(step % 2, "anna", f"fruit-{step}").body["accepted"] == 1

        assert pair.seen((step + 1) % 2, "anna") == step


def test_a_withdrawn_item_is_gone_from_the_other_server_at_once(pair: Pair) -> None:
    for step in range(5):
        item_id = f"fruit-{step}"
        assert item_id in pair.fruit(0)

        answer = pair.call(1, "PATCH", f"/items/{item_id}", {"hidden": True}, role="admin")

        assert answer.body["degraded"] == []
        assert item_id not in pair.fruit(0)
        pair.call(0, "PATCH", f"/items/{item_id}", {"hidden": False}, role="admin")
        assert item_id in pair.fruit(1)


def test_redis_killed_and_started_again_empty_between_a_deed_and_its_answer(pair: Pair) -> None:
    assert pair.view(0, "bert", "fruit-1").status == 202
    assert pair.seen(1, "bert") == 1

    pair.shop.kill("valkey")
    assert pair.view(0, "bert", "fruit-2").body["degraded"] == []
    assert pair.seen(1, "bert") == 2
    answer = pair.call(0, "PATCH", "/items/fruit-9", {"hidden": True}, role="admin")
    assert answer.body["degraded"] == ["pulse"]
    assert "fruit-9" not in pair.fruit(1)
    pair.shop.start_valkey()

    assert pair.view(1, "bert", "fruit-3").status == 202
    assert pair.seen(0, "bert") == 3
    assert "fruit-9" not in pair.fruit(0)


def test_a_server_killed_again_and_again_loses_nothing_it_acknowledged(pair: Pair) -> None:
    """The other server goes on, and shows each acknowledged deed in its next answer."""
    told: list[str] = []
    stop = threading.Event()
    wrong: list[object] = []

    def shop(name: str) -> None:
        mine = 0
        while not stop.is_set():
            item_id = f"dairy-{mine % 50}"
            answer = pair.view(0, name, item_id)
            if answer.status != 202:
                stop.wait(0.05)
                continue
            told.append(name)
            mine += 1

    # One thread: the pair's port is its state; the other server is asked after each life.
    for life in range(3):
        stop.clear()
        name = f"carla-{life}"
        thread = threading.Thread(target=shop, args=(name,))
        thread.start()
        while told.count(name) < 20:
            stop.wait(0.01)
        pair.shop.kill("web-0")
        stop.set()
        thread.join()
        with reading(pair.shop.engine) as session:
            stored = len(events.history(session, name).item_ids)
        if stored < told.count(name) or pair.seen(1, name) < min(told.count(name), 50):
            wrong.append((stored, told.count(name)))
        pair.start(0)

    assert wrong == []
