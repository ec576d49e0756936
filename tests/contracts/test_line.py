"""A thread's own connection says what a client's would, and never one question's answer to another."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from generative.line import Line


@pytest.fixture
def client(redis_url: str) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(redis_url) as opened:
        opened.flushdb()
        opened.set("a", "1")
        yield opened


def test_one_question_gets_its_answer(client: "redis.Redis") -> None:
    assert Line(client).answer("MGET", "a", "b") == [b"1", None]


def test_a_refusal_is_raised(client: "redis.Redis") -> None:
    line = Line(client)

    with pytest.raises(redis.ResponseError):
        line.answer("INCRBY", "a", "one")

    assert line.answer("GET", "a") == b"1"


def test_a_connection_that_the_server_closed_meanwhile_is_opened_again(
    client: "redis.Redis",
) -> None:
    line = Line(client)
    line.answer("GET", "a")

    client.client_kill_filter(_type="normal", skipme=True)

    assert line.answer("GET", "a") == b"1"


def test_a_server_that_takes_too_long_is_away_and_not_asked_twice(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url, socket_timeout=0.1) as hasty:
        line = Line(hasty)
        line.answer("SET", "n", "0")
        hasty.client_pause(400)

        began = time.monotonic()
        with pytest.raises(redis.TimeoutError):
            line.answer("INCR", "n")

        assert time.monotonic() - began < 0.35
        with redis.Redis.from_url(redis_url) as patient:
            assert patient.get("n") != b"2"  # a client that has left may not be heard at all


def test_a_server_that_is_not_there_is_away() -> None:
    with pytest.raises(redis.ConnectionError):
        Line(redis.Redis.from_url("redis://127.0.0.1:1/0")).answer("GET", "a")


def test_an_answer_that_nobody_read_is_not_the_next_ones(client: "redis.Redis") -> None:
    line = Line(client)
    line.ask(("GET", "a"))  # whoever asked went away

    assert line.answer("GET", "b") is None


def test_threads_do_not_hear_each_other(client: "redis.Redis") -> None:
    line = Line(client)
    client.mset({f"n{n}": n for n in range(8)})

    def ask(n: int) -> set[bytes]:
        return {line.answer("GET", f"n{n}") for _ in range(50)}

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(8))) == [{str(n).encode()} for n in range(8)]
