"""The cache of creatives keeps, forgets and grants claims."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import redis

from generative.cache import Note, RedisCache, from_json, to_json
from generative.types import Banner, Copy, Creative, State

CREATIVE = Creative(
    key="k1",
    item_id="grocery-ä/🍞",
    size="hero",
    state=State.READY,
    copy=Copy(headline="H", tagline="T", action="A"),
    banner=Banner(path="k1/k1.jpg", sha256="0" * 64, width=1200, height=628),
    provenance={"seed": 1},
    checks={"support": 1.0},
)


@pytest.fixture
def cache(redis_url: str) -> Iterator[RedisCache]:
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        yield RedisCache(client, ttl_seconds=60, claim_seconds=60)


def stored(cache: RedisCache, keys: list[str], note: Note | None = None) -> list[bytes | None]:
    return cache.found(keys, cache.ask(keys, note))


def test_what_is_put_is_found(cache: RedisCache) -> None:
    cache.put(CREATIVE)

    assert cache.get_many(["k0", "k1"]) == {"k1": CREATIVE}


def test_what_is_put_again_is_found_as_it_is_now(cache: RedisCache) -> None:
    pending = replace(CREATIVE, state=State.PENDING, banner=None)
    for put in (pending, CREATIVE, pending):
        cache.put(put)

        assert cache.get_many(["k1"]) == {"k1": put}


def test_nothing_asked_is_nothing_found(cache: RedisCache) -> None:
    assert cache.get_many([]) == {}
    assert cache.claimed([]) == set()


def test_what_is_stored_comes_in_the_order_of_the_keys(cache: RedisCache) -> None:
    cache.put(CREATIVE)

    assert stored(cache, ["k0", "k1", "k1"]) == [None, to_json(CREATIVE), to_json(CREATIVE)]
    assert stored(cache, []) == []


def test_one_asker_wins_a_claim(cache: RedisCache) -> None:
    assert [cache.claim("k1"), cache.claim("k1"), cache.claim("k2")] == [True, False, True]
    assert cache.claimed(["k1", "k2", "k3"]) == {"k1", "k2"}


def test_a_put_ends_the_claim(cache: RedisCache) -> None:
    cache.claim("k1")

    cache.put(CREATIVE)

    assert cache.claimed(["k1"]) == set()


def test_a_released_claim_can_be_won_again(cache: RedisCache) -> None:
    cache.claim("k1")

    cache.release("k1")

    assert cache.claimed(["k1"]) == set()
    assert cache.claim("k1")


def test_a_cache_that_is_away_says_so_to_a_ping(cache: RedisCache) -> None:
    cache.ping()  # the fixtures are there: no error
    with redis.Redis(port=1, socket_connect_timeout=1) as nowhere:
        away = RedisCache(nowhere, ttl_seconds=60, claim_seconds=60)

        with pytest.raises(redis.RedisError):
            away.ping()


def test_redis_forgets_after_its_time(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        cache = RedisCache(client, ttl_seconds=60, claim_seconds=30)
        cache.put(CREATIVE)
        cache.claim("k2")

        lives = sorted(client.ttl(key) for key in client.keys("vitrine:*"))

    assert lives[0] <= 30 < lives[1] <= 60


def test_bytes_of_another_release_are_a_miss(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        for key, value in (("a", b"{}"), ("b", b"no json"), ("c", b"[1]")):
            client.set(f"vitrine:creative:{key}", value)
        cache = RedisCache(client, ttl_seconds=60, claim_seconds=30)

        assert cache.get_many(["a", "b", "c"]) == {}


def test_a_note_is_left_on_the_way(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        cache = RedisCache(client, ttl_seconds=60, claim_seconds=30)
        cache.put(CREATIVE)

        found = stored(cache, ["k1"], Note("vitrine:note:1", b"said", 50))
        alone = stored(cache, [], Note("vitrine:note:2", b"too", 50))

        assert (found, alone) == ([to_json(CREATIVE)], [])
        assert client.mget(["vitrine:note:1", "vitrine:note:2"]) == [b"said", b"too"]
        assert 0 < client.ttl("vitrine:note:1") <= 50


def test_a_store_that_takes_no_note_still_tells_what_it_holds(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        cache = RedisCache(client, ttl_seconds=60, claim_seconds=30)
        cache.put(CREATIVE)

        found = stored(cache, ["k1"], Note("vitrine:note:1", b"said", -1))  # no such time to live

        assert found == [to_json(CREATIVE)]
        assert stored(cache, ["k1"]) == [to_json(CREATIVE)]  # and no answer is left over


def test_a_connection_that_the_server_closed_is_opened_again(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        cache = RedisCache(client, ttl_seconds=60, claim_seconds=30)
        cache.put(CREATIVE)
        stored(cache, ["k1"])

        client.client_kill_filter(_type="normal", skipme=True)

        assert stored(cache, ["k1"]) == [to_json(CREATIVE)]


def test_threads_do_not_read_each_others_answers(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        cache = RedisCache(client, ttl_seconds=60, claim_seconds=30)
        made = [replace(CREATIVE, key=f"k{n}", item_id=f"i{n}") for n in range(8)]
        for one in made:
            cache.put(one)

        def look(one: Creative) -> bool:
            return all(stored(cache, [one.key]) == [to_json(one)] for _ in range(50))

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(look, made))


def test_redis_away_is_an_error_for_the_caller() -> None:
    client = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    cache = RedisCache(client, ttl_seconds=60, claim_seconds=30)

    with pytest.raises(redis.RedisError):
        cache.get_many(["k1"])


def test_a_creative_survives_the_journey() -> None:
    assert from_json(to_json(CREATIVE)) == CREATIVE


def test_what_nobody_read_is_not_taken_for_another_answer(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        cache = RedisCache(client, ttl_seconds=60, claim_seconds=30)
        cache.put(CREATIVE)
        cache.ask(["k0", "k0"])  # whoever asked has failed before the answer came

        assert stored(cache, ["k1"]) == [to_json(CREATIVE)]
