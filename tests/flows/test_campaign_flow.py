"""A campaign outlives its worker: killed in the middle, it ends with every creative exactly once."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from generative.tables import CampaignCreativeRow, CreativeRow
from recsys.database import reading

pytestmark = pytest.mark.slow
Wait = Callable[..., None]


@pytest.fixture(scope="module")
def shop(new_shop: Callable[..., Any]) -> Any:
    shop = new_shop("postgresql", VITRINE_CAMPAIGN_CHUNK="4")
    shop.start_web()
    return shop


def ask(shop: Any, **wanted: Any) -> str:
    body = {
        "name": "spring",
        "sizes": ["rectangle"],
        "audience": {"personas": True},
        "items": {"best": 6},
    }
    answer = shop.call("POST", "/campaigns", body | wanted, role="admin")
    assert answer.status == 202, answer
    return answer.body["campaign_id"]


def look(shop: Any, campaign_id: str) -> dict[str, Any]:
    return shop.get(f"/campaigns/{campaign_id}?limit=100", role="admin").body


def wait_for_end(shop: Any, wait: Wait, campaign_id: str) -> dict[str, Any]:
    wait(lambda: look(shop, campaign_id)["status"] in {"done", "failed"}, "the campaign ends", 60)
    return look(shop, campaign_id)


def test_a_killed_campaign_is_finished_by_another_worker(shop: Any, wait: Wait) -> None:
    shop.start_worker("default")
    campaign_id = ask(shop, sizes=["rectangle", "hero"])
    wait(lambda: look(shop, campaign_id)["progress"]["made"] >= 3, "it is under way", 60)

    shop.kill("default")

    halted = look(shop, campaign_id)["progress"]
    assert 0 < halted["made"] < halted["total"], "killed too early or too late to mean anything"
    time.sleep(float(shop.env["VITRINE_LEASE_SECONDS"]))
    shop.start_worker("default")
    shop.ring("vitrine.sweep")
    ended = wait_for_end(shop, wait, campaign_id)

    assert ended["status"] == "done", ended
    assert ended["progress"]["made"] == ended["progress"]["total"] == halted["total"]
    assert ended["progress"]["failed"] == 0
    with reading(shop.engine) as session:
        planned = set(session.scalars(select(CampaignCreativeRow.key)))
        made = list(session.scalars(select(CreativeRow.key)))
    assert len(made) == len(set(made))
    assert planned == set(made)
    banners = [path.stat().st_size for path in Path(shop.env["VITRINE_BANNERS_DIR"]).rglob("*.jpg")]
    assert len(banners) == len(planned)
    assert min(banners) > 1000


def test_what_is_made_is_judged_and_exported(shop: Any) -> None:
    campaign_id = shop.get("/campaigns", role="admin").body["campaigns"][0]["campaign_id"]
    shown = look(shop, campaign_id)["creatives"]
    rejected = shown[0]["key"]
    path = f"/campaigns/{campaign_id}/creatives/{rejected}"

    assert shop.call("POST", f"{path}/reject", role="admin").status == 200
    export = shop.get(f"/campaigns/{campaign_id}/export", role="admin")

    import io
    import zipfile

    archive = zipfile.ZipFile(io.BytesIO(export.body))
    pictures = [name for name in archive.namelist() if name.endswith(".jpg")]
    assert len(pictures) == len(shown) - 1
    assert "creatives.csv" in archive.namelist()
    assert rejected not in archive.read("creatives.csv").decode()


def test_a_shopper_deleted_while_a_campaign_runs_is_in_none_of_it(shop: Any, wait: Wait) -> None:
    shoppers = [f"user-{number}" for number in range(12)]
    campaign_id = ask(
        shop, audience={"user_ids": shoppers}, items={"best": 5}, locale="de", sizes=["hero"]
    )
    wait(lambda: look(shop, campaign_id)["progress"]["total"] > 0, "it is planned", 40)

    receipt = shop.call("DELETE", "/users/user-3", role="admin")

    assert receipt.status == 200
    ended = wait_for_end(shop, wait, campaign_id)
    assert ended["status"] == "done", ended
    assert ended["progress"]["planned"] == 0
    assert "user-3" not in ended["audience"]["user_ids"]
    assert "user-3" not in str(ended["creatives"])
    assert shop.recommend("user-3", k=5)["items"]


def test_a_campaign_of_deleted_shoppers_says_that_there_is_nobody(shop: Any, wait: Wait) -> None:
    assert shop.call("DELETE", "/users/user-5", role="admin").status == 200

    ended = wait_for_end(shop, wait, ask(shop, audience={"user_ids": ["user-5"]}))

    assert ended["status"] == "failed"
    assert "deleted" in ended["error"]


def test_a_cancelled_campaign_stops_and_keeps_what_it_made(shop: Any, wait: Wait) -> None:
    campaign_id = ask(shop, locale="fr", items={"best": 20})
    wait(lambda: look(shop, campaign_id)["progress"]["made"] > 0, "it is under way", 60)

    cancelled = shop.call("DELETE", f"/campaigns/{campaign_id}", role="admin")

    assert cancelled.status == 200
    stopped = look(shop, campaign_id)
    assert stopped["status"] == "cancelled"
    assert stopped["progress"]["made"] < stopped["progress"]["total"]
    with reading(shop.engine) as session:
        before = session.scalar(select(func.count()).select_from(CreativeRow))
    other = wait_for_end(shop, wait, ask(shop, items={"item_ids": ["fruit-1"]}))
    with reading(shop.engine) as session:
        after = session.scalar(select(func.count()).select_from(CreativeRow))
    in_the_making = 1
    assert (after or 0) - (before or 0) <= other["progress"]["total"] + in_the_making
