"""A web application over a small shop, called without a server."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from api import create_app, keys
from api.config import ApiConfig
from api.keys import Role
from api.runtime import Runtime
from generative.config import GenerativeConfig
from recsys.catalogue import items
from recsys.config import RecsysConfig
from recsys.database import writing
from recsys.learning.bundle import ModelBundle, assemble
from recsys.models import encoder as encoders
from recsys.models.fusion import Fused
from recsys.models.neighbours import ItemLists
from recsys.serving import registry
from recsys.types import Item

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOWHERE = "redis://127.0.0.1:1/1"  # nothing listens on port 1


@pytest.fixture
def api_config(sqlite_url: str, tmp_path: Path) -> ApiConfig:
    return config_for(sqlite_url, tmp_path)


def config_for(url: str, folder: Path) -> ApiConfig:
    return ApiConfig(
        recsys=RecsysConfig(
            database_url=url,
            database_busy_seconds=0.2,
            artifacts_dir=folder / "artifacts",
            spool_dir=folder / "spool",
            answers_dir=folder / "answers",
        ),
        generative=GenerativeConfig(
            cache_url=NOWHERE,
            banners_dir=folder / "banners",
            media_dirs=(folder / "media",),
            copy_providers=("extractive", "template"),
        ),
        secret_key="a secret that only the tests know",
        cookie_secure=False,
        pulse_seconds=0.0,  # tests write into the database behind the back of the app
    )


@pytest.fixture
def app(api_config: ApiConfig) -> Iterator[APIFlask]:
    yield from serve(api_config)


def serve(config: ApiConfig) -> Iterator[APIFlask]:
    made = create_app(config)
    yield made
    held(made).close()


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def here(app: APIFlask) -> Runtime:
    return held(app)


def held(app: APIFlask) -> Runtime:
    return app.extensions["vitrine"]


@pytest.fixture
def admin(here: Runtime) -> dict[str, str]:
    return key_for(here, Role.ADMIN)


@pytest.fixture
def shop(here: Runtime) -> dict[str, str]:
    return key_for(here, Role.STOREFRONT)


def key_for(here: Runtime, role: Role) -> dict[str, str]:
    with writing(here.engine) as session:
        key = keys.create(session, role, label="test", now=NOW)
    here.keyring.refresh()
    return {"Authorization": f"Bearer {key}"}


def item(number: int, **changes: Any) -> Item:
    aisle = ("Fruit", "Bread", "Dairy")[number % 3]
    made = Item(
        item_id=f"i{number}",
        title=f"{aisle} number {number}",
        description=f"A plain {aisle.lower()} product.",
        category=("Grocery", aisle),
        price=Decimal(number + 1),
        image_url=f"/media/grocery/{number}.jpg",
        stock=5,
        created_at=NOW - timedelta(days=number),
    )
    return replace(made, **changes)


@pytest.fixture
def stocked(here: Runtime) -> list[Item]:
    """Twelve items on the shelf."""
    found = [item(number) for number in range(12)]
    with writing(here.engine) as session:
        items.put_many(session, found)
    return found


@pytest.fixture
def trained(here: Runtime, stocked: list[Item]) -> ModelBundle:
    """A published model over the stocked items: item n's shoppers like n + 1 and n - 1."""
    made = bundle(tuple(one.item_id for one in stocked))
    root = here.config.recsys.artifacts_dir
    registry.publish(root, made)
    registry.promote(root, made.version)
    return made


def bundle(item_ids: tuple[str, ...], version: str = "20261120T120000Z-abcdef") -> ModelBundle:
    n = len(item_ids)
    random = np.random.default_rng(7)
    width = 8
    embedding = random.normal(size=(n, width)).astype(np.float32)
    one, nought = np.ones(width, np.float32), np.zeros(width, np.float32)
    encoder = encoders.Encoder(
        embedding=embedding,
        input_bias=nought,
        blocks=(),
        norms=((one, nought),),
        mean_weight=np.eye(width, dtype=np.float32),
        mean_bias=nought,
    )
    near = [[(row + 1) % n, (row - 1) % n] for row in range(n)]
    lists = ItemLists(
        indptr=np.arange(0, 2 * n + 1, 2, dtype=np.int64),
        indices=np.asarray(near, np.int32).reshape(-1),
        scores=np.tile(np.asarray([0.9, 0.8], np.float32), n),
    )
    return assemble(
        version=version,
        fused=Fused(
            bias=np.zeros(n, np.float32),
            encoder=encoder,
            vectors=encoders.item_vectors(embedding, np.zeros(n, np.float32)),
        ),
        item_ids=item_ids,
        popularity=np.arange(n, 0, -1).astype(np.float32),
        neighbours=lists,
        together=lists,
        manifest={"created_at": "2026-11-20T12:00:00+00:00", "metrics": {"ndcg20": 0.2}},
    )


class Valkey:
    """A real server that a test may stop and start again; it forgets everything when it stops."""

    def __init__(self, binary: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._command = [
            binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)
        ]  # fmt: skip
        self._child: subprocess.Popen[bytes] | None = None

    def url(self, database: int) -> str:
        return f"redis://127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        self._child = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        pytest.fail("valkey does not listen")

    def stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait(timeout=10)
            self._child = None


@pytest.fixture
def valkey(valkey_binary: str, tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(valkey_binary, tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def broker(valkey: Valkey) -> Iterator[Callable[[str], int]]:
    """Celery's messages go to the test's own server; the fixture counts those of a queue."""
    import redis

    from workers.tasks import sweep

    before = sweep.app.conf.broker_url
    point_queue_at(valkey.url(0))
    client = redis.Redis.from_url(valkey.url(0))

    def length(name: str = "default") -> int:
        # Kombu keeps a list for each priority.
        return sum(int(client.llen(key)) for key in (name, *client.keys(f"{name}\x06\x16*")))

    yield length
    client.close()
    point_queue_at(before)


def point_queue_at(url: str) -> None:
    """Another broker for this process's Celery app, with no connection to the last one left."""
    from workers.tasks import sweep

    sweep.app.close()
    sweep.app.amqp._producer_pool = None
    sweep.app.conf.broker_url = url


@pytest.fixture
def no_broker(broker: Callable[[str], int]) -> None:  # noqa: ARG001 it points the queue back
    point_queue_at("redis://127.0.0.1:1/0")


@pytest.fixture
def cached_config(api_config: ApiConfig, valkey: Valkey) -> ApiConfig:
    generative = replace(api_config.generative, cache_url=valkey.url(1))
    return replace(api_config, generative=generative)


def empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
