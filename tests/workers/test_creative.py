"""A ring for a creative: answered once, kept as a row, put where the web looks."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import redis
from sqlalchemy import func, select

from generative import brief as briefs
from generative import creatives
from generative.tables import CreativeRow
from generative.types import Audience, Brief, Creative, State
from recsys.catalogue import items
from recsys.database import reading, writing
from workers import creative
from workers.runtime import Runtime

Fill = Callable[..., None]


def key_of(runtime: Runtime, item_id: str) -> str:
    with reading(runtime.engine) as session:
        item = items.get(session, item_id)
    assert item is not None
    brief = Brief(
        item=briefs.facts_of(item), audience=Audience(categories=("Aisle 0",), price_band="mid")
    )
    return briefs.key(brief, runtime.studio.fingerprint)


def make(runtime: Runtime, item_id: str = "a0-1") -> None:
    creative.make(runtime, item_id, ["Aisle 0"], "mid", "rectangle", "en")


def rows(runtime: Runtime) -> int:
    with reading(runtime.engine) as session:
        return session.scalar(select(func.count()).select_from(CreativeRow)) or 0


def test_a_ring_ends_in_the_cache_and_in_a_row_with_a_banner(both: Runtime, fill: Fill) -> None:
    fill(both)
    key = key_of(both, "a0-1")

    make(both)

    cached = both.cache.get_many([key])[key]
    with reading(both.engine) as session:
        kept = creatives.get(session, key)
    assert kept is not None
    assert (
        replace(kept, proofs=(), audit={}) == cached
    )  # proofs are for the console, not for the cache
    assert {proof["field"] for proof in kept.proofs} == {"title"}
    assert cached.state is State.READY
    assert cached.banner is not None
    path = Path(both.config.generative.banners_dir) / cached.banner.path
    assert path.read_bytes()[:3] == b"\xff\xd8\xff"
    assert path.stat().st_size > 1000


def test_a_second_ring_makes_nothing_new_and_fills_an_emptied_cache(
    runtime: Runtime, fill: Fill
) -> None:
    fill(runtime)
    key = key_of(runtime, "a0-1")
    make(runtime)
    made = list(Path(runtime.config.generative.banners_dir).rglob("*.jpg"))
    stamps = [path.stat().st_mtime_ns for path in made]
    redis.Redis.from_url(runtime.config.generative.cache_url).flushdb()

    make(runtime)

    assert rows(runtime) == 1
    assert [path.stat().st_mtime_ns for path in made] == stamps
    assert key in runtime.cache.get_many([key])


def test_an_item_that_is_gone_or_hidden_gets_no_creative(runtime: Runtime, fill: Fill) -> None:
    fill(runtime)
    with writing(runtime.engine) as session:
        items.patch(session, "a0-2", {"hidden": True})

    make(runtime, "a0-2")
    make(runtime, "no-such-item")

    assert rows(runtime) == 0


def test_a_cache_that_is_away_loses_nothing(
    new_runtime: Callable[..., Runtime], sqlite_url: str, fill: Fill
) -> None:
    runtime = new_runtime(sqlite_url)
    fill(runtime)
    client = redis.Redis(port=1, socket_connect_timeout=0.2)
    from generative.cache import RedisCache

    runtime.__dict__["cache"] = RedisCache(client, ttl_seconds=5, claim_seconds=5)

    make(runtime)

    assert rows(runtime) == 1


def test_two_workers_with_one_key_show_what_the_first_has_kept(
    runtime: Runtime, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(runtime)
    key = key_of(runtime, "a0-1")
    studio = type(runtime.studio)
    make_it = studio.make

    def make_after_another(self: object, brief: Brief) -> Creative:
        monkeypatch.setattr(studio, "make", lambda self, brief: make_it(self, brief, seed=1))
        make(runtime)
        return make_it(self, brief)

    monkeypatch.setattr(studio, "make", make_after_another)
    make(runtime)

    with reading(runtime.engine) as session:
        kept = creatives.get(session, key)
    assert kept is not None
    assert kept.provenance["seed"] == 1
    assert runtime.cache.get_many([key])[key] == replace(kept, proofs=(), audit={})
    assert kept.banner is not None
    picture = (runtime.config.generative.banners_dir / kept.banner.path).read_bytes()
    assert sha256(picture).hexdigest() == kept.banner.sha256


def test_a_worker_that_makes_another_key_than_the_web_looks_for_says_so(
    runtime: Runtime, fill: Fill, caplog: pytest.LogCaptureFixture
) -> None:
    fill(runtime)
    rung = ("a0-1", ["Aisle 0"], "mid", "rectangle", "en")

    creative.make(runtime, *rung, key=key_of(runtime, "a0-1"))
    quiet = "web and worker differ" not in caplog.text
    creative.make(runtime, *rung, key="0" * 32)

    assert quiet
    assert "web and worker differ" in caplog.text
