"""A thread's own connection says what a client's would, and never one question's answer to another."""

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
