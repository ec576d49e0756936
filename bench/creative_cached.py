"""How long a ready creative takes to be served: GET /creatives/{key} on a real server, one core each.

A boutique is imported, its hero creatives are made as a worker makes them, and then asked for by key at
a fixed rate, so that a latency counts from when the request was due.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import servers  # noqa: E402 the path is set above
from bench.serving import make_key, run_module  # noqa: E402 as above

MADE = 40
RATE = 100  # requests a second: far below what the server can do, so that nobody waits in a line
SECONDS = 12


def cached(made: int = MADE, rate: int = RATE, seconds: float = SECONDS) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        redis_port, port = servers.free_port(), servers.free_port()
        env = servers.environment(state, redis_port)
        run_module(["flask", "--app", "api", "db", "upgrade"], env)
        run_module(["recsys", "import", "items", str(ROOT / "demo/boutique/items.jsonl")], env)
        key = make_key(env, "storefront")
        with servers.valkey(state, redis_port):
            keys = _made(env, made)
            asked = [{"path": f"/creatives/{one}", "headers": {"X-Api-Key": key}} for one in keys]
            file = state / "asked.json"
            file.write_text(json.dumps(asked))
            command = servers.granian(port)
            with servers.child(command, env, state, core=servers.SERVER_CORE) as server:
                servers.wait_for(port)
                _load(port, file, rate, 3.0)  # the process's first requests load what they need
                before = servers.cpu_seconds(server.pid)
                found = _load(port, file, rate, seconds)
                spent = servers.cpu_seconds(server.pid) - before
                found["server_cpu_ms"] = round(1000 * spent / max(found["requests"], 1), 3)
                return found


def _made(env: dict[str, str], count: int) -> list[str]:
    script = (
        "import os, sys\n"
        "from generative.brief import facts_of\n"
        "from generative.types import Brief\n"
        "from recsys.catalogue import items\n"
        "from recsys.database import reading\n"
        "from workers.config import WorkersConfig\n"
        "from workers.creative import creative_for\n"
        "from workers.runtime import Runtime\n"
        "runtime = Runtime(WorkersConfig.from_env(os.environ))\n"
        f"for number in range(1, {count + 1}):\n"
        "    with reading(runtime.engine) as session:\n"
        "        item = items.get(session, f'boutique-{number}')\n"
        "    if item is not None:\n"
        "        made = creative_for(runtime, Brief(item=facts_of(item), size='hero'))\n"
        "        print(made.state.value, made.key)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    told = [line.split() for line in done.stdout.splitlines()]
    return [key for state, key in told if state == "ready"]


def _load(port: int, file: Path, rate: int, seconds: float) -> dict[str, Any]:
    command = [sys.executable, "bench/load.py", str(port), str(file), "--seconds", str(seconds)]
    command += ["--rate", str(rate), "--connections", "2", "--core", str(servers.LOAD_CORE)]
    done = subprocess.run(
        command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    print(json.dumps(cached(), indent=1))
