"""An empty server and what is kept of shoppers on it."""

from collections.abc import Iterator

import pytest
import redis

from recsys.behaviour.recent import Recent, open_client


@pytest.fixture
def client(redis_url: str) -> Iterator["redis.Redis"]:
    url = redis_url.removesuffix("/0") + "/7"
    with redis.Redis.from_url(url) as plain:
        plain.flushdb()
    with open_client(url, timeout_seconds=5) as opened:
        yield opened


@pytest.fixture
def kept(client: "redis.Redis") -> Recent:
    found = Recent(client)
    found.look(None)  # an empty server gets its first tokens
    return found
