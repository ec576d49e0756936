"""Ten promotions under load, a retrain and a campaign beside it: is any answer late, lost or mixed?

Two models over the shop of bench/made_up_shop.py are the same but for the items they know: one
knows those of even numbers, one those of odd ones, so an answer tells by its personal items which
model made it, and must name that one. The server runs at normal priority. On the same two cores a
Celery worker trains, another makes a campaign, and a process promotes, which in the product is the
worker that trained; all three are as nice as the product makes them (`VITRINE_WORKER_NICE`). Load
is at a constant rate, by default half of what a closed loop reached before, so a latency holds what
a stalled server made others wait. Answers carry no creatives: nobody has made them here, and asking
for them would fill the queue.

python bench/swap.py [--seconds 60] [--rate 0] [--state DIR] [--items 20000]
"""

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import made_up_shop, servers  # noqa: E402 the path is set above
from bench.loads import ask  # noqa: E402 as above
from bench.record import write  # noqa: E402 as above
from bench.serving import SEED, make_key, run_module  # noqa: E402 as above
from recsys.serving import registry  # noqa: E402 as above

N_USERS = 2_000
PROMOTIONS = 10
PARITIES = ("even", "odd")
PATTERNS = {"even": r"i\d*[02468]$", "odd": r"i\d*[13579]$"}
PACKAGES = ("granian", "celery", "faiss-cpu", "numpy", "torch")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second; 0: half of all")
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--state", type=Path, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        state = (options.state or Path(made)).resolve() / f"swap-{options.items}"
        state.mkdir(parents=True, exist_ok=True)
        bench(state, options.items, seconds=options.seconds, rate=options.rate)


def bench(state: Path, n_items: int, *, seconds: float, rate: float) -> None:
    redis_port, port = servers.free_port(), servers.free_port()
    env = servers.environment(state, redis_port, VITRINE_TRAIN_EPOCHS="3")
    storefront, admin = fill(state, n_items, env)
    versions = publish(state, n_items)
    file, told = state / "requests.json", state / "versions.json"
    headers = {"X-Api-Key": storefront}
    paths = [
        f"/recommend?user_id={user_id}&k=20&banner=none" for user_id in made_up_shop.users(N_USERS)
    ]
    file.write_text(json.dumps([{"path": path, "headers": headers} for path in paths]))
    # What the retrain promotes knows all items; the next promotion takes its place.
    known = {versions[name]: pattern for name, pattern in PATTERNS.items()} | {"*": "i"}
    told.write_text(json.dumps(known))
    rows: list[dict[str, Any]] = []
    with ExitStack() as stack:
        stack.enter_context(servers.valkey(state, redis_port))
        stack.enter_context(servers.child(servers.granian(port), env, state))
        servers.wait_for(port)
        ask(port, file, seconds=4, connections=2)
        if not rate:
            rate = round(ask(port, file, seconds=5, connections=4)["requests_per_s"] / 2, -1)

        def load() -> dict[str, Any]:
            return ask(port, file, connections=64, rate=rate, seconds=seconds, versions=told)

        rows.append({"beside": "nothing", **load()})
        print(rows[-1], flush=True)
        rows.append(_swapping("promotions", state, versions, load))
        print(rows[-1], flush=True)
        jobs = _with_jobs(stack, state, env, port, admin)
        row = _swapping("promotions, a retrain and a campaign", state, versions, load)
        rows.append(row | {"jobs": _became(port, admin, jobs)})
        print(rows[-1], flush=True)
    quiet, busy = rows[0], rows[-1]
    write(
        "swap",
        figures={
            "errors": sum(row["errors"] + row["not_200"] for row in rows),
            "mixed_versions": sum(row["wrong"] for row in rows),
            "p99_ratio": round(busy["p99_ms"] / quiet["p99_ms"], 3),
            "quiet_p99_ms": quiet["p99_ms"],
            "busy_p99_ms": busy["p99_ms"],
            "swaps_only_p99_ms": rows[1]["p99_ms"],
            "promotions": busy["promotions"],
            "versions_answered": len(busy["versions"]),
            "rate": rate,
        },
        rows=rows,
        packages=PACKAGES,
        seeds=[SEED, made_up_shop.SEED],
    )


def _with_jobs(
    stack: ExitStack, state: Path, env: dict[str, str], port: int, admin: str
) -> dict[str, str]:
    """Start the workers as services of their own, and begin a retrain and a campaign."""
    for queue in ("train", "default"):
        worker = [sys.executable, "-m", "celery", "-A", "workers.app", "worker", "-Q", queue]
        worker += ["--concurrency", "1", "-n", f"{queue}@bench", "--without-gossip"]
        stack.enter_context(servers.child(worker, env, state, session=True))
    time.sleep(6)
    run = _call(port, admin, "POST", "/admin/retrain")
    spec = {
        "name": "bench",
        "sizes": ["rectangle"],
        "audience": {"personas": True},
        "items": {"best": 3},
    }
    campaign = _call(port, admin, "POST", "/campaigns", spec)
    return {
        "retrain": f"/admin/runs/{run.get('run_id')}",
        "campaign": f"/campaigns/{campaign.get('campaign_id')}",
    }


def _became(port: int, admin: str, jobs: dict[str, str]) -> dict[str, Any]:
    found = {name: _call(port, admin, "GET", path) for name, path in jobs.items()}
    return {
        name: {part: one.get(part) for part in ("status", "stage", "progress", "error")}
        for name, one in found.items()
    }


def _swapping(
    name: str, state: Path, versions: dict[str, str], load: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    under_load = threading.Thread(target=lambda: found.update(load()))
    seconds: list[float] = []
    with _promoter(state) as promote:
        under_load.start()
        time.sleep(1.0)
        while under_load.is_alive() and len(seconds) < PROMOTIONS:
            began = time.perf_counter()
            promote(versions[PARITIES[(len(seconds) + 1) % 2]])
            seconds.append(round(time.perf_counter() - began, 2))
            under_load.join(timeout=max(0.5, 4.0 - seconds[-1]))
        under_load.join()
    return {"beside": name, "promotions": len(seconds), "promotion_s": seconds, **found}


@contextmanager
def _promoter(state: Path) -> Iterator[Callable[[str], None]]:
    """A process that promotes as the worker does after a retrain: long started, and as nice."""
    with subprocess.Popen(
        [sys.executable, "-c", _PROMOTES, str(state / "artifacts")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        told, heard = running.stdin, running.stdout
        if told is None or heard is None:
            raise SystemExit("no pipes to the promoter")

        def promote(version: str) -> None:
            print(version, file=told, flush=True)
            if heard.readline().strip() != version:
                raise SystemExit(f"{version} was not promoted")

        print(heard.readline().strip(), flush=True)
        yield promote


_PROMOTES = """
import sys
from pathlib import Path
from recsys.serving import registry
from workers.config import WorkersConfig
from workers.priority import give_way
give_way(WorkersConfig().worker_nice)
print("ready to promote", flush=True)
for line in sys.stdin:
    registry.promote(Path(sys.argv[1]), line.strip())
    print(line.strip(), flush=True)
"""


def fill(state: Path, n_items: int, env: dict[str, str]) -> tuple[str, str]:
    """The storefront's and the admin's key; a kept state is used again."""
    run_module(["flask", "--app", "api", "db", "upgrade"], env)
    kept = state / "keys.json"
    if not kept.exists():
        made_up_shop.fill(env["VITRINE_DATABASE_URL"], n_items, N_USERS)
        kept.write_text(json.dumps([make_key(env, role) for role in ("storefront", "admin")]))
    storefront, admin = json.loads(kept.read_text())
    return storefront, admin


def publish(state: Path, n_items: int) -> dict[str, str]:
    """The versions of the even and of the odd items, by parity; the even one is promoted."""
    found: dict[str, str] = {}
    for parity in (1, 0):
        name = f"{parity:0>8}"
        version = made_up_shop.VERSION.format(name=name)
        found[PARITIES[parity]] = version
        if (state / "artifacts" / version).exists():
            registry.promote(state / "artifacts", version)
            continue
        made_up_shop.publish(
            state / "artifacts",
            n_items // 2,
            name=name,
            state=state / "vectors",
            item_ids=tuple([f"i{2 * row + parity}" for row in range(n_items // 2)]),
        )
    return found


def _call(port: int, key: str, method: str, path: str, body: Any = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"X-Api-Key": key, "Content-Type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


if __name__ == "__main__":
    main()
