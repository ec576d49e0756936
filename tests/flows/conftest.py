"""A whole shop of real processes: Valkey, Celery workers and the web server, each startable and killable."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from api import keys
from api.keys import Role
from demo.supervisor import die_with_parent, free_port
from recsys.behaviour import events
from recsys.catalogue import items
from recsys.database import connect, reading, writing
from recsys.types import Event, EventKind, Item
from workers.app import celery_app
from workers.config import WorkersConfig

ROOT = Path(__file__).resolve().parents[2]
AISLES = ("Fruit", "Bakery", "Dairy", "Garden")
ITEMS_AN_AISLE = 50
SHOPPERS = 200


@dataclass(slots=True)
class Answer:
    status: int
    body: Any


@dataclass
class Shop:
    """What a test holds in its hands. Every process is ours: started here, signalled by its id."""

    folder: Path
    env: dict[str, str]
    valkey_binary: str
    redis_port: int
    web_port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    key: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> WorkersConfig:
        return WorkersConfig.from_env(self.env)

    @cached_property
    def engine(self) -> Engine:
        return connect(self.env["VITRINE_DATABASE_URL"], busy_seconds=10)

    # --- processes

    def start_valkey(self) -> None:
        command = [self.valkey_binary, "--port", str(self.redis_port), "--bind", "127.0.0.1"]
        self._spawn("valkey", [*command, "--save", "", "--dir", str(self.folder)], {})
        wait_until(self._valkey_answers, "Valkey answers", seconds=10)

    def start_worker(self, queue: str = "default", **env: str) -> None:
        command = [sys.executable, "-m", "celery", "-A", "workers.app", "worker", "-P", "solo"]
        options = ["-Q", queue, "-n", f"{queue}@{self.web_port}", "--loglevel=INFO"]
        self._spawn(queue, [*command, *options, "--without-gossip", "--without-mingle"], env)

    def start_web(self, **env: str) -> None:
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--no-ws"]
        listen = ["--host", "127.0.0.1", "--port", str(self.web_port), "--workers", "1"]
        self._spawn("web", [*command, *listen, "--blocking-threads", "4", "api:serve"], env)
        wait_until(self._web_answers, "the web answers", seconds=40)

    def kill(self, name: str) -> None:
        """As an out-of-memory killer would: at once, with all it started."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self, name: str) -> None:
        process = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def stop_all(self) -> None:
        for name in list(self.processes):
            self.kill(name)
        self.engine.dispose()

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def ring(self, task: str, *args: object) -> None:
        """Ring as beat or the web would."""
        app = celery_app(self.config)
        app.send_task(task, args=args, queue="train" if task == "vitrine.retrain" else "default")
        app.close()

    # --- as a client

    def get(self, path: str, *, role: str | None = None) -> Answer:
        return self.call("GET", path, role=role)

    def call(
        self, method: str, path: str, body: object = None, *, role: str | None = None
    ) -> Answer:
        headers = {"Content-Type": "application/json"}
        if role is not None:
            headers["X-Api-Key"] = self.key[role]
        data = None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.web_port}{path}"
        request = urllib.request.Request(url, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=15) as response:
                return Answer(response.status, _read(response))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _read(error))
        except OSError:
            return Answer(0, None)

    def recommend(self, user_id: str, **query: object) -> dict[str, Any]:
        rest = "".join(f"&{name}={value}" for name, value in query.items())
        answer = self.get(f"/recommend?user_id={user_id}{rest}", role="storefront")
        assert answer.status == 200, answer
        return answer.body

    def retrain(self) -> str:
        answer = self.call("POST", "/admin/retrain", role="admin")
        assert answer.status == 202, answer
        return answer.body["run_id"]

    def run(self, run_id: str) -> dict[str, Any]:
        return self.get(f"/admin/runs/{run_id}", role="admin").body

    def wait_for_run(self, run_id: str, *, seconds: float = 60) -> dict[str, Any]:
        wait_until(
            lambda: self.run(run_id)["status"] not in {"waiting", "running"},
            "the run ends",
            seconds,
        )
        return self.run(run_id)

    def _web_answers(self) -> bool:
        if self.processes["web"].poll() is not None:
            pytest.fail(f"the web ended:\n{self.log('web')[-3000:]}")
        return self.get("/health/live").status == 200

    def _valkey_answers(self) -> bool:
        import redis

        with redis.Redis(port=self.redis_port, socket_timeout=1) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def _spawn(self, name: str, command: list[str], env: dict[str, str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**self.env, **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 pytest starts it from its one thread
            )


@pytest.fixture(scope="module")
def new_shop(
    tmp_path_factory: pytest.TempPathFactory,
    valkey_binary: str,
    new_database: Callable[[str], str],
) -> Iterator[Callable[..., Shop]]:
    """Makes shops with data, keys and a Valkey; whatever they started is gone afterwards."""
    shops: list[Shop] = []

    def make(kind: str, **env: str) -> Shop:
        folder = tmp_path_factory.mktemp("shop")
        port = free_port()
        shop = Shop(
            folder=folder,
            env=_environment(folder, new_database(kind), port) | env,
            valkey_binary=valkey_binary,
            redis_port=port,
            web_port=free_port(),
        )
        shops.append(shop)
        fill(shop.engine)
        with writing(shop.engine) as session:
            for role in (Role.ADMIN, Role.STOREFRONT):
                shop.key[role.value] = keys.create(
                    session, role, label="tests", now=datetime.now(UTC)
                )
        shop.start_valkey()
        return shop

    yield make
    for shop in shops:
        shop.stop_all()


@pytest.fixture(scope="module")
def wait() -> Callable[..., None]:
    return wait_until


def wait_until(so: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not so():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what}")
        time.sleep(0.1)


def fill(engine: Engine) -> None:
    """Shoppers who mostly keep to one aisle: little to learn, so little time to learn it."""
    rng = np.random.default_rng(98765)
    now = datetime.now(UTC) - timedelta(days=1)
    catalogue = [
        Item(
            item_id=f"{aisle.lower()}-{number}",
            title=f"{aisle} thing {number}",
            description=f"A {aisle.lower()} thing with a mild taste. Good for breakfast, soups and baking.",
            category=("Grocery", aisle),
            price=Decimal(number + 1) / 4,
            stock=10,
            created_at=now - timedelta(days=number),
        )
        for aisle in AISLES
        for number in range(ITEMS_AN_AISLE)
    ]
    deeds = []
    for shopper in range(SHOPPERS):
        home = shopper % len(AISLES)
        for step in range(20):
            aisle = home if rng.random() < 0.85 else int(rng.integers(len(AISLES)))
            item = catalogue[aisle * ITEMS_AN_AISLE + int(ITEMS_AN_AISLE * rng.random() ** 2)]
            deeds.append(
                Event(
                    event_id=f"e-{shopper}-{step}",
                    user_id=f"user-{shopper}",
                    item_id=item.item_id,
                    kind=EventKind.PURCHASE if step % 3 else EventKind.VIEW,
                    at=now - timedelta(minutes=int(rng.integers(60 * 24 * 60))),
                )
            )
    with writing(engine) as session:
        items.put_many(session, catalogue)
        events.record(session, deeds)
    with reading(engine) as session:
        assert items.count(session).total == len(catalogue)


def _environment(folder: Path, database: str, redis_port: int) -> dict[str, str]:
    redis = f"redis://127.0.0.1:{redis_port}"
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")},
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "VITRINE_DATABASE_URL": database,
        "VITRINE_BROKER_URL": f"{redis}/0",
        "VITRINE_CACHE_URL": f"{redis}/1",
        "VITRINE_ARTIFACTS_DIR": str(folder / "artifacts"),
        "VITRINE_SPOOL_DIR": str(folder / "spool"),
        "VITRINE_ANSWERS_DIR": str(folder / "answers"),
        "VITRINE_BANNERS_DIR": str(folder / "banners"),
        "VITRINE_MEDIA_DIRS": str(folder / "media"),
        "VITRINE_SECRET_KEY": "a key for tests alone",
        "VITRINE_COOKIE_SECURE": "0",
        "VITRINE_COPY_PROVIDERS": "extractive,template",
        "VITRINE_TRAIN_EPOCHS": "3",
        "VITRINE_TRAIN_THREADS": "1",
        "VITRINE_GATE_RATIO": "0.5",  # on so little data a retrain may well be a little worse
        "VITRINE_LEASE_SECONDS": "3",
        # As nice as it is by default, a worker would stand still while other tests keep the cores.
        "VITRINE_WORKER_NICE": "0",
    }


def _read(response: Any) -> Any:
    data = response.read()
    kind = response.headers.get("Content-Type", "")
    return json.loads(data) if "json" in kind else data
