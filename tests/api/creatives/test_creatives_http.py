"""Creatives attached to slates: a miss answers at once and rings once; Redis may come and go."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from api import create_app
from api.campaigns import decide
from api.config import ApiConfig
from api.runtime import Runtime
from generative import creatives
from generative.brief import key as key_of
from generative.campaigning import campaigns
from generative.style import in_force
from generative.types import Approval, Banner, CampaignSpec, Copy, Creative, State
from recsys.catalogue import items
from recsys.database import writing
from recsys.types import Persona

PIXELS = b"\xff\xd8\xff\xe0 a picture \xff\xd9"


def first(client: FlaskClient, shop, query: str = "k=1") -> dict:
    answer = client.get(f"/recommend?{query}", headers=shop)
    assert answer.status_code == 200
    return answer.json["items"][0]["creative"] | {"degraded": answer.json["degraded"]}


def make(here: Runtime, key: str, item_id: str = "i0", *, banner: bool = True) -> Creative:
    """What a worker would leave: a picture, a row and a cached creative."""
    folder = here.config.generative.banners_dir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{key}.jpg").write_bytes(PIXELS)
    made = Creative(
        key=key,
        item_id=item_id,
        size="rectangle",
        state=State.READY,
        copy=Copy(headline="Fresh", tagline="Every day", action="Shop now"),
        banner=Banner(path=f"{key}.jpg", sha256="ab" * 32, width=300, height=250)
        if banner
        else None,
        provenance={"provider": "extractive"},
    )
    brief = here.briefs.of(items_of(here)[item_id], Persona(), "rectangle").brief
    with writing(here.engine) as session:
        creatives.save(session, made, brief)
    here.cache.put(made)
    return made


def items_of(here: Runtime):
    with writing(here.engine) as session:
        return items.get_many(session, [f"i{number}" for number in range(12)])


def test_a_miss_answers_with_the_floor_and_rings_once(client, shop, broker) -> None:
    one = first(client, shop)
    again = first(client, shop)

    assert one["state"] == again["state"] == "pending"
    assert one["headline"]
    assert one["banner_url"] is None
    assert one["degraded"] == ["model"]
    assert broker() == 1


def test_however_many_ask_at_once_it_is_rung_once(app: APIFlask, shop, broker) -> None:
    def ask(_: int) -> str:
        return first(app.test_client(), shop)["state"]

    with ThreadPoolExecutor(8) as pool:
        states = set(pool.map(ask, range(24)))

    assert states <= {"pending", "fallback"}
    assert broker() == 1


def test_only_the_leading_misses_ring(client, shop, broker) -> None:
    answer = client.get("/recommend?k=12", headers=shop)

    states = [one["creative"]["state"] for one in answer.json["items"]]
    assert states == ["pending"] * 3 + ["fallback"] * 9
    assert broker() == 3


def test_no_banner_asks_for_no_creative(client, shop, broker) -> None:
    answer = client.get("/recommend?banner=none", headers=shop)

    assert {one["creative"] for one in answer.json["items"]} == {None}
    assert broker() == 0


def test_sizes_are_creatives_of_their_own(client, shop) -> None:
    assert first(client, shop)["key"] != first(client, shop, "k=1&banner=hero")["key"]


def test_what_a_worker_made_is_served(client, shop, here: Runtime) -> None:
    key = first(client, shop)["key"]
    make(here, key)

    ready = first(client, shop)

    assert ready["state"] == "ready"
    assert ready["headline"] == "Fresh"
    assert ready["banner_url"] == f"/creatives/{key}/banner"
    assert ready["generated_by"] == "extractive"
    assert client.get(f"/creatives/{key}", headers=shop).json["state"] == "ready"


def test_web_and_worker_agree_on_the_key(client, shop, here: Runtime) -> None:
    from generative.brief import facts_of
    from generative.types import Audience, Brief

    brief = Brief(item=facts_of(items_of(here)["i0"]), audience=Audience(), size="rectangle")

    assert first(client, shop)["key"] == key_of(brief, in_force(here.config.generative).fingerprint)


def test_a_banner_with_a_price_is_asked_for_again_and_known_by_its_hash(client, shop, here) -> None:
    key = first(client, shop)["key"]
    assert client.get(f"/creatives/{key}/banner").headers["Retry-After"]
    make(here, key)

    picture = client.get(f"/creatives/{key}/banner")

    assert picture.status_code == 200
    assert picture.data == PIXELS
    assert picture.mimetype == "image/jpeg"
    assert picture.headers["ETag"] == f'"{"ab" * 32}"'
    assert picture.headers["Cache-Control"] == "public, no-cache"
    assert picture.headers["X-AI-Generated"] == "false"
    same = client.get(
        f"/creatives/{key}/banner", headers={"If-None-Match": picture.headers["ETag"]}
    )
    assert same.status_code == 304
    assert same.data == b""
    picture.close()


def test_any_process_knows_a_pending_creative_and_rings_again_when_its_claim_lapsed(
    client, shop, here: Runtime, cached_config: ApiConfig, broker
) -> None:
    key = first(client, shop)["key"]
    other = create_app(cached_config)

    waiting = other.test_client().get(f"/creatives/{key}", headers=shop)
    rung = broker()
    here.cache._client.delete(f"vitrine:claim:{key}")
    again = other.test_client().get(f"/creatives/{key}", headers=shop)

    other.extensions["vitrine"].close()
    assert (waiting.json["state"], again.json["state"]) == ("pending", "pending")
    assert waiting.json["headline"]
    assert waiting.headers["Retry-After"]
    assert (rung, broker()) == (1, 2)


@pytest.mark.parametrize("key", ["x", "0" * 32, "../../etc/passwd", "A" * 32, "0" * 500])
def test_an_unknown_creative_is_a_404(client, shop, key: str) -> None:
    assert client.get(f"/creatives/{key}", headers=shop).status_code == 404
    assert client.get(f"/creatives/{key}/banner").status_code == 404


def test_a_banner_outside_its_directory_is_never_sent(client, here: Runtime, tmp_path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    made, key = make(here, "1" * 32), "3" * 32
    hostile = replace(made.banner, path="../secret.jpg")
    here.cache.put(replace(made, key=key, banner=hostile))

    assert b"secret" not in client.get(f"/creatives/{key}/banner").data


def test_a_lost_picture_is_a_404_not_a_500(client, here: Runtime) -> None:
    make(here, "2" * 32)
    Path(here.config.generative.banners_dir / f"{'2' * 32}.jpg").unlink()

    assert client.get(f"/creatives/{'2' * 32}/banner").status_code == 404


def test_a_new_price_is_a_new_creative_at_once(client, shop, here: Runtime) -> None:
    key = first(client, shop)["key"]
    make(here, key)
    with writing(here.engine) as session:
        items.patch(session, "i0", {"price": Decimal("9.99")})

    changed = first(client, shop)

    assert changed["key"] != key
    assert changed["state"] == "pending"
    assert changed["banner_url"] is None


def test_a_rejected_creative_leaves_the_shop_at_once(client, shop, here: Runtime) -> None:
    from datetime import UTC, datetime

    key = first(client, shop)["key"]
    make(here, key)
    brief = here.briefs.of(items_of(here)["i0"], Persona(), "rectangle").brief
    with writing(here.engine) as session:
        campaign = campaigns.create(session, CampaignSpec(name="c"), now=datetime.now(UTC))
        campaigns.plan(session, campaign, [(key, brief)])
        campaigns.mark_made(session, campaign, key)

    decide(here, campaign, key, Approval.REJECTED)

    shown = first(client, shop)
    assert shown["state"] == "fallback"
    assert shown["headline"] != "Fresh"
    assert shown["banner_url"] is None
    assert client.get(f"/creatives/{key}/banner").status_code == 404

    decide(here, campaign, key, Approval.APPROVED)

    assert first(client, shop)["state"] == "ready"
    picture = client.get(f"/creatives/{key}/banner")
    assert picture.status_code == 200
    picture.close()


def test_redis_may_stop_and_start_again_while_serving(
    client, shop, here: Runtime, valkey, broker: Callable[[str], int]
) -> None:
    key = first(client, shop)["key"]
    make(here, key)
    valkey.stop()

    away = first(client, shop)
    picture = client.get(f"/creatives/{key}/banner")

    assert away["state"] == "fallback"
    assert away["degraded"] == ["model", "creatives"]
    assert picture.status_code == 200  # the row still knows where it is
    picture.close()

    valkey.start()
    back = first(client, shop)

    assert back["state"] == "pending"
    assert back["degraded"] == ["model"]
    assert broker() == 1


@pytest.mark.usefixtures("no_broker")
def test_a_queue_that_is_away_leaves_the_floor_and_says_so(client, shop, here: Runtime) -> None:
    one = first(client, shop)

    assert one["state"] == "fallback"
    assert one["degraded"] == ["model", "queue"]
    assert here.cache.claimed([one["key"]]) == set()  # the next asker may ring


def test_a_creative_put_while_we_looked_is_neither_rung_for_again_nor_overwritten(
    client, shop, here: Runtime, broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = first(client, shop)["key"]
    make(here, key)
    found, first_looks = here.cache.found, iter([True])

    def before_the_put(keys: Sequence[str], sent: Any) -> list[bytes | None]:
        held = found(keys, sent)
        return [None] * len(keys) if next(first_looks, False) else held

    monkeypatch.setattr(here.cache, "found", before_the_put)

    one = first(client, shop)

    assert one["state"] == "pending"
    assert broker() == 1
    assert first(client, shop)["state"] == "ready"
