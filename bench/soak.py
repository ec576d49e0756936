"""Half an hour of everything at once: does the server's memory grow?

One granian process over a made-up shop, at a constant rate: slates with hundreds of different
filters and exclusions, whole pages, bodies with dials and boosts, rows of similar items, events of
new and old shoppers, prices that change. Before that the same mix runs as fast as it is answered,
with a creative beside every slate, so that what the process remembers fills up to its bounds. Then
the worker's resident memory is read every few seconds. The slope is fitted to the means of ten
blocks of the whole time; its interval is Student's at 95 %.

python bench/soak.py [--minutes 30] [--warm-minutes 5] [--rate 50] [--items 20000] [--state DIR]
"""

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from scipy import stats

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import made_up_shop, servers  # noqa: E402 the path is set above
from bench.loads import ask  # noqa: E402 as above
from bench.record import write  # noqa: E402 as above
from bench.serving import SEED, make_key, run_module  # noqa: E402 as above

N_USERS = 5_000
N_REQUESTS = 50_000
BLOCKS = 10
SAMPLE_SECONDS = 5.0
SHOWN = 60  # of the samples, in the result
PACKAGES = ("granian", "flask", "faiss-cpu", "numpy", "sqlalchemy", "redis")
# What a hundred requests are.
MIX = {"slate": 55, "wish": 10, "page": 8, "similar": 5, "event": 17, "price": 5}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--warm-minutes", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second")
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--state", type=Path, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        state = (options.state or Path(made)).resolve() / f"soak-{options.items}"
        state.mkdir(parents=True, exist_ok=True)
        bench(
            state,
            options.items,
            minutes=options.minutes,
            rate=options.rate,
            warm_minutes=options.warm_minutes,
        )


def bench(state: Path, n_items: int, *, minutes: float, rate: float, warm_minutes: float) -> None:
    redis_port, port = servers.free_port(), servers.free_port()
    env = servers.environment(state, redis_port)
    storefront, admin = fill(state, n_items, env)
    files = {"requests": 0.1, "warming": 1.0}
    for name, banners in files.items():
        asked = mixed(n_items, storefront, admin, banners=banners)
        (state / f"{name}.json").write_text(json.dumps(asked))
    samples: list[dict[str, float]] = []
    with servers.valkey(state, redis_port) as store:
        child = servers.child(servers.granian(port), env, state, core=servers.SERVER_CORE)
        with child as running:
            servers.wait_for(port)
            worker = servers.workers_of(running.pid)[0]
            over = threading.Event()

            def sample() -> dict[str, float]:
                held = float(store.info("memory")["used_memory"]) / 2**20
                return {"rss_mb": servers.memory_mb(worker)["rss"], "store_mb": round(held, 2)}

            warming = ask(port, state / "warming.json", connections=4, seconds=warm_minutes * 60)
            watcher = threading.Thread(target=_watch, args=(sample, samples, over))
            watcher.start()
            file = state / "requests.json"
            found = ask(port, file, connections=32, rate=rate, seconds=minutes * 60)
            over.set()
            watcher.join()
    statuses = {int(status): count for status, count in found["statuses"].items()}
    refused = sum(count for status, count in statuses.items() if not 200 <= status < 300)
    slope, low, high = growth(samples)
    write(
        "soak",
        figures={
            "minutes": minutes,
            "requests": found["requests"],
            "warming_requests": warming["requests"],
            "errors": found["errors"],
            "not_2xx": refused,
            "p99_ms": found["p99_ms"],
            "rss_first_mb": samples[0]["rss_mb"],
            "rss_last_mb": samples[-1]["rss_mb"],
            "rss_slope_mb_per_hour": slope,
            "rss_slope_low_mb_per_hour": low,
            "rss_slope_high_mb_per_hour": high,
        },
        rows=[found | {"mix_percent": MIX}, *samples[:: max(1, len(samples) // SHOWN)]],
        packages=PACKAGES,
        seeds=[SEED, made_up_shop.SEED],
    )


def _watch(
    sample: Callable[[], dict[str, float]],
    samples: list[dict[str, float]],
    over: threading.Event,
) -> None:
    began = time.monotonic()
    while not over.wait(0 if not samples else SAMPLE_SECONDS):
        samples.append({"seconds": round(time.monotonic() - began, 1), **sample()})


def growth(samples: list[dict[str, float]]) -> tuple[float | None, float | None, float | None]:
    """MB an hour and the interval that holds it; None of too few samples."""
    if len(samples) < 2 * BLOCKS:
        return None, None, None
    blocks = np.array_split(np.array([[one["seconds"], one["rss_mb"]] for one in samples]), BLOCKS)
    hours, sizes = np.array([block.mean(axis=0) for block in blocks]).T / np.array(
        [[3600.0], [1.0]]
    )
    fitted = stats.linregress(hours, sizes)
    reach = float(stats.t.ppf(0.975, BLOCKS - 2)) * float(fitted.stderr)
    slope = float(fitted.slope)
    return round(slope, 3), round(slope - reach, 3), round(slope + reach, 3)


def fill(state: Path, n_items: int, env: dict[str, str]) -> tuple[str, str]:
    run_module(["flask", "--app", "api", "db", "upgrade"], env)
    kept = state / "keys.json"
    if not kept.exists():
        made_up_shop.fill(env["VITRINE_DATABASE_URL"], n_items, N_USERS)
        name = format(n_items, "x")
        artifacts = state / "artifacts"
        made_up_shop.publish(artifacts, n_items, name=name, state=state / "vectors")
        kept.write_text(json.dumps([make_key(env, role) for role in ("storefront", "admin")]))
    storefront, admin = json.loads(kept.read_text())
    return storefront, admin


def mixed(n_items: int, storefront: str, admin: str, *, banners: float) -> list[dict[str, Any]]:
    """Requests of all kinds, in an order drawn once; a share of the slates wants creatives."""
    drawn = random.Random(SEED)  # noqa: S311 a sample
    kinds = drawn.choices(list(MIX), weights=list(MIX.values()), k=N_REQUESTS)
    keys = {True: {"X-Api-Key": admin}, False: {"X-Api-Key": storefront}}

    def item() -> str:
        return f"i{drawn.randrange(n_items)}"

    def user() -> str:
        return f"u{drawn.randrange(N_USERS)}"

    def one(kind: str, number: int) -> dict[str, Any]:
        match kind:
            case "slate":
                wished = quote(f"price < {drawn.randrange(20, 320)}")
                # Nobody makes creatives here: a shop whose workers are away, for a share.
                banner = "rectangle" if drawn.random() < banners else "none"
                path = f"/recommend?user_id={user()}&k=20&filter={wished}&exclude={item()},{item()}"
                path += f"&banner={banner}"
                return {"path": path, "headers": keys[False]}
            case "wish":
                body = {
                    "user_id": user(),
                    "dials": {"diversity": drawn.random(), "novelty": drawn.random()},
                    "boosts": [
                        {"expression": f'brand == "Brand {drawn.randrange(300)}"', "weight": 0.3}
                    ],
                    "liked": [item()],
                    "banner": "none",
                }
                return _post("/recommend", body, keys[False])
            case "page":
                rows = [
                    {"placement": "home", "k": 12},
                    {"placement": "home", "strategy": "popular"},
                ]
                return _post("/pages", {"user_id": user(), "rows": rows}, keys[False])
            case "similar":
                return {"path": f"/items/{item()}/similar?k=12", "headers": keys[False]}
            case "event":
                who = user() if number % 2 else f"new-{number}"
                event = {"user_id": who, "item_id": item(), "kind": "view"}
                return _post("/events", event, keys[False])
            case _:
                price = f"{drawn.randrange(1, 200)}.49"
                return _post(f"/items/{item()}", {"price": price}, keys[True]) | {"method": "PATCH"}

    return [one(kind, number) for number, kind in enumerate(kinds)]


def _post(path: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
    return {"method": "POST", "path": path, "headers": headers, "body": body}


if __name__ == "__main__":
    main()
