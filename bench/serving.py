"""`/recommend` at three sizes: what a request costs, how quickly it is answered, and beside whom.

For each size a shop is filled once (`--state` keeps it): `grocery` is the demo's data with a model
trained as the product trains; 10k, 100k and 1m are made up (`bench/made_up_shop.py`), with all three
branches and 5,000 shoppers of 50 deeds each, more than what any memory of this process would
flatter. Every request asks for 20 with products and creatives from a warm Valkey; `page` with one
filter, five exclusions and a dial that puts 200 candidates in order again, `reasons` for reasons too,
`plain` for none of that. One server process is pinned to core 0 and the load to core 1: closed with c
connections, and open at constant rates, where a latency counts from when a request was due. The
server's CPU is read from /proc. Beside it: the same request taken apart in process, a bare Flask
answer on the same server, FAISS alone, the same commands to Valkey alone, and a peer: `implicit`
behind FastAPI, its own way. How many bare answers a request costs is told by `bench/over_bare.py`.

python bench/serving.py [--sizes grocery,10k,100k,1m] [--seconds 10] [--state DIR]
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import servers  # noqa: E402 the path is set above
from bench.beside_bare import bare_flask  # noqa: E402 as above
from bench.loads import HEADLINE, Row, ask, measure  # noqa: E402 as above
from bench.record import RESULTS, write  # noqa: E402 as above

SEED = 98765
SIZES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000}
N_USERS = 5_000
SHARES = (0.5, 0.7, 0.85)  # of the closed loop's best, as constant rates
CONNECTIONS = (1, 2, 4, 8)
FILTER = 'price < 60 and brand != "Brand 7"'
PACKAGES = ("flask", "apiflask", "granian", "faiss-cpu", "numpy", "sqlalchemy", "redis", "orjson")
TURNED = "turned"  # a placement
VARIANTS = ("page", "reasons", "plain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A filled state folder: who may be asked for, with which key."""

    name: str
    state: Path
    key: str
    users: list[str]
    item_ids: list[str]
    by_length: dict[int, list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="grocery,10k,100k,1m")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--state", type=Path, default=None)
    parser.add_argument("--turns", type=int, default=3_000, help="in-process requests a variant")
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        state = (options.state or Path(made)).resolve()
        state.mkdir(parents=True, exist_ok=True)
        figures, rows = earlier()
        figures |= bare_flask(state, options.seconds, rows)
        for name in options.sizes.split(","):
            shop = fill(state, name, epochs=options.epochs)
            figures |= bench(shop, seconds=options.seconds, turns=options.turns, rows=rows)
            keep(figures, rows)
        if not options.no_peer:
            from bench import peer  # noqa: PLC0415 it makes an environment of its own

            figures |= peer.bench(state, options.sizes.split(","), options.seconds, rows)
        figures |= growth(figures)
        keep(figures, rows)


def earlier() -> tuple[dict[str, Any], list[Row]]:
    """What an earlier run left: one size can be run again without the others."""
    path = RESULTS / "serving.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    rows = [row for row in found.get("rows", []) if "shop" in row]
    return (found["figures"], rows) if rows else ({}, [])


def keep(figures: dict[str, Any], rows: list[Row]) -> None:
    write("serving", figures=figures, rows=rows, packages=PACKAGES, seeds=[SEED])


def growth(figures: dict[str, Any]) -> dict[str, Any]:
    """What a hundred times the items cost, and what an item takes in memory."""
    small, large = (figures.get(f"{name}_server_rss_mb") for name in ("10k", "1m"))
    found: dict[str, Any] = {}
    if small and large:
        found["memory_bytes_per_item"] = round((large - small) * 2**20 / 990_000)
    costs = [figures.get(f"{name}_server_cpu_ms_per_request") for name in ("10k", "1m")]
    if all(costs):
        found["cpu_1m_over_10k"] = round(costs[1] / costs[0], 3)
    return found


# --- the shops


def fill(root: Path, name: str, *, epochs: int) -> Shop:
    """Migrate, fill, train and make a key; a kept state is used again."""
    state = root / name
    state.mkdir(parents=True, exist_ok=True)
    env = servers.environment(state, 1, VITRINE_TRAIN_EPOCHS=str(epochs))
    run_module(["flask", "--app", "api", "db", "upgrade"], env)
    kept = state / "storefront.key"
    if not kept.exists():
        if name == "grocery":
            _fill_grocery(env)
        else:
            _fill_made_up(env, state, name, root)
        kept.write_text(make_key(env, "storefront"))
    from bench import made_up_shop  # noqa: PLC0415 heavy

    made_up_shop.turn(env["VITRINE_DATABASE_URL"], TURNED)
    users, item_ids = _known(env["VITRINE_DATABASE_URL"])
    made_up = name != "grocery"
    lengths = made_up_shop.LENGTHS if made_up else ()
    return Shop(
        name=name,
        state=state,
        key=kept.read_text(),
        users=made_up_shop.users(N_USERS) if made_up else users,
        item_ids=item_ids,
        by_length={length: made_up_shop.users_of_length(length) for length in lengths},
    )


def _fill_grocery(env: dict[str, str]) -> None:
    for kind in ("items", "events"):
        for file in sorted((ROOT / "demo").glob(f"*/{kind}.*")):
            run_module(["recsys", "import", kind, str(file)], env)
    run_module(["recsys", "train"], env | {"OMP_NUM_THREADS": str(os.cpu_count())})


def _fill_made_up(env: dict[str, str], state: Path, name: str, root: Path) -> None:
    from bench import made_up_shop  # noqa: PLC0415 heavy

    n_items = SIZES[name]
    print(f"{name}: filling the database", flush=True)
    made_up_shop.fill(env["VITRINE_DATABASE_URL"], n_items, N_USERS)
    if not (state / "artifacts" / "LIVE").exists():
        print(f"{name}: training", flush=True)
        label = format(n_items, "x")
        made_up_shop.publish(state / "artifacts", n_items, name=label, state=root / "vectors")


def _known(url: str) -> tuple[list[str], list[str]]:
    """Some shoppers, and some items, of a shop."""
    from sqlalchemy import text  # noqa: PLC0415 heavy

    from recsys.database import connect  # noqa: PLC0415 heavy

    engine = connect(url)
    with engine.connect() as connection:
        busy = "SELECT user_id FROM event GROUP BY user_id HAVING count(*) >= 5 ORDER BY user_id"
        users = [row[0] for row in connection.execute(text(f"{busy} LIMIT 20000"))]
        item_ids = [
            row[0] for row in connection.execute(text("SELECT item_id FROM item LIMIT 2000"))
        ]
    engine.dispose()
    drawn = random.Random(SEED)  # noqa: S311 a sample
    return drawn.sample(users, min(N_USERS, len(users))), drawn.sample(item_ids, 500)


def make_key(env: dict[str, str], role: str) -> str:
    printed = run_module(["flask", "--app", "api", "keys", "create", "--role", role], env)
    found = re.search(r"vk_\w+", printed)
    if found is None:
        raise SystemExit(f"no key was made: {printed}")
    return found.group()


def run_module(command: Sequence[str], env: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


# --- what is asked


def variants(shop: Shop) -> dict[str, list[str]]:
    """The same shoppers, asked for in three ways."""
    drawn = random.Random(SEED + 1)  # noqa: S311 a sample
    found: dict[str, list[str]] = {"page": [], "reasons": [], "plain": []}
    for user_id in shop.users:
        left_out = ",".join(drawn.sample(shop.item_ids, 5))
        wished = f"&filter={quote(FILTER)}&exclude={quote(left_out)}"
        asked = f"/recommend?user_id={quote(user_id)}&k=20"
        wished += f"&placement={TURNED}"
        found["page"].append(f"{asked}{wished}&reasons=false")
        found["reasons"].append(f"{asked}{wished}&reasons=true")
        found["plain"].append(f"{asked}&reasons=false")
    for length, users in shop.by_length.items():
        found[f"history_{length}"] = [
            f"/recommend?user_id={user_id}&k=20&reasons=false&banner=none" for user_id in users
        ]
    return found


def requests_file(shop: Shop, name: str, paths: Sequence[str]) -> Path:
    file = shop.state / f"requests-{name}.json"
    file.write_text(
        json.dumps([{"path": path, "headers": {"X-Api-Key": shop.key}} for path in paths])
    )
    return file


# --- one size


def bench(shop: Shop, *, seconds: float, turns: int, rows: list[Row]) -> dict[str, Any]:
    rows[:] = [row for row in rows if row["shop"] != shop.name]
    redis_port, port = servers.free_port(), servers.free_port()
    env = servers.environment(shop.state, redis_port)
    asked = variants(shop)
    with servers.valkey(shop.state, redis_port) as store:
        parts = take_apart(shop, env, asked, turns)
        store.save()
        figures = _stage_figures(shop.name, parts)
        rows += [
            {"shop": shop.name, "in_process_cpu_ms_of": name, **taken}
            for name, taken in parts["stages"].items()
        ]
        with servers.child(servers.granian(port), env, shop.state, core=servers.SERVER_CORE) as one:
            servers.wait_for(port)
            for name in VARIANTS:
                file = requests_file(shop, name, asked[name])
                ask(port, file, seconds=max(2.0, seconds / 2), connections=2)  # into every memory
                loops = [{"connections": c} for c in CONNECTIONS if name == "page" or c in {1, 4}]
                measured = [measure(one.pid, port, file, seconds, **loop) for loop in loops]
                best = max(row["requests_per_s"] for row in measured)
                if name != "plain":
                    measured += [
                        measure(one.pid, port, file, seconds, connections=64, rate=rate)
                        for rate in sorted({round(best * share, -1) for share in SHARES})
                    ]
                rows += [{"shop": shop.name, "variant": name, **row} for row in measured]
                figures |= _load_figures(shop.name, name, measured)
            worker = servers.workers_of(one.pid)[0]
            figures[f"{shop.name}_server_rss_mb"] = servers.memory_mb(worker)["rss"]
        figures |= _per_user(store, shop)
        processes, found = two_processes(shop, env, port)
        rows += [
            {"shop": shop.name, "of_two_processes": n, **one} for n, one in enumerate(processes)
        ]
        figures |= found
    return figures


def take_apart(
    shop: Shop, env: dict[str, str], asked: dict[str, list[str]], turns: int
) -> dict[str, Any]:
    """In a process of its own, so that its memory is given back before the server is measured."""
    file = shop.state / "requests-in-process.json"
    file.write_text(json.dumps(asked))
    command = [sys.executable, str(ROOT / "bench" / "stages.py"), str(file), shop.key]
    command += ["--turns", str(turns), "--warm", "page", "plain", "--stages", "page", "reasons"]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"stages failed:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    print(shop.name, json.dumps(found), flush=True)
    return found


def two_processes(shop: Shop, env: dict[str, str], port: int) -> tuple[list[Row], dict[str, Any]]:
    """What each of two server processes takes, with what they share divided between them."""
    with servers.child(servers.granian(port, workers=2), env, shop.state) as running:
        paths = variants(shop)["page"]
        file = requests_file(shop, "page", paths)
        servers.wait_for_each(running, port, 2, paths[0], shop.key)
        # connections fall to one process or the other by chance: of 32 both have some
        ask(port, file, seconds=10, connections=32)
        found = ask(port, file, seconds=4, connections=32)
        pairs = [servers.memory_mb(pid) for pid in servers.workers_of(running.pid)[:2]]
    print(shop.name, "two processes", pairs, flush=True)
    return list(pairs), {
        f"{shop.name}_two_processes_requests_per_s": found["requests_per_s"],
        f"{shop.name}_two_processes_rss_mb": max(one["rss"] for one in pairs),
        f"{shop.name}_two_processes_pss_mb": max(one["pss"] for one in pairs),
    }


def _load_figures(shop: str, variant: str, rows: list[Row]) -> dict[str, Any]:
    """At `HEADLINE` connections: the page's under the shop's name, the others' under their own too."""
    row = next(row for row in rows if row["connections"] == HEADLINE and row["loop"] == "closed")
    stem = shop if variant == "page" else f"{shop}_{variant}"
    found = {
        f"{stem}_{name}": row[name]
        for name in ("requests_per_s", "p50_ms", "p90_ms", "p99_ms", "p999_ms")
    }
    found[f"{stem}_server_cpu_ms_per_request"] = row["server_cpu_ms_per_request"]
    found[f"{stem}_errors"] = sum(each["errors"] + each["not_200"] for each in rows)
    opened = [each for each in rows if each["loop"] == "open"]
    for share, each in zip(SHARES, opened, strict=False):
        percent = round(100 * share)
        found[f"{stem}_open_{percent}_rate"] = each["rate"]
        found |= {f"{stem}_open_{percent}_{name}": each[name] for name in ("p90_ms", "p99_ms")}
    return found


def _stage_figures(shop: str, parts: dict[str, Any]) -> dict[str, Any]:
    stages = parts["stages"]["reasons"]
    found = {f"{shop}_stage_{name}_cpu_ms": value for name, value in stages.items()}
    found[f"{shop}_faiss_alone_cpu_ms"] = parts["search_alone_cpu_ms"]
    found[f"{shop}_store_alone_cpu_ms"] = parts["store_alone_cpu_ms"]
    for name, value in parts["whole"].items():
        found[f"{shop}_in_process_{name}_cpu_ms"] = value
    return found


def _per_user(store: Any, shop: Shop) -> dict[str, Any]:
    """Bytes that the store keeps of a shopper: all keys that name one, by their measured size."""
    sizes: defaultdict[str, int] = defaultdict(int)
    for user_id in shop.users[:50]:
        for key in store.scan_iter(match=f"*{user_id}", count=100_000):
            if key.decode(errors="replace").endswith((f":{user_id}", f"}}{user_id}")):
                sizes[user_id] += int(store.memory_usage(key) or 0)
        if len(sizes) >= 5:
            break
    found = sum(sizes.values()) / max(len(sizes), 1)
    return {f"{shop.name}_store_bytes_per_user": round(found) or None}


if __name__ == "__main__":
    main()
