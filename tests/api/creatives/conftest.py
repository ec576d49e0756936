"""A stocked shop whose web process has a cache and a queue."""

from collections.abc import Iterator

import pytest
from apiflask import APIFlask

from api import create_app
from api.config import ApiConfig


@pytest.fixture
def app(cached_config: ApiConfig) -> Iterator[APIFlask]:
    made = create_app(cached_config)
    yield made
    made.extensions["vitrine"].close()


@pytest.fixture(autouse=True)
def _shop(stocked, broker):
    """Items on the shelf, and the queue."""
