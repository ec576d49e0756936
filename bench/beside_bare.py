"""Bare Flask on the same server and core: the floor, and a ruler for a machine whose speed drifts."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from bench import servers
from bench.loads import HEADLINE, ROOT, Row, ask, measure

TURNS = 9  # a second each, of bare Flask and of every variant


def bare_flask(state: Path, seconds: float, rows: list[Row]) -> dict[str, Any]:
    rows[:] = [row for row in rows if row["shop"] != "bare"]
    with _bare(state) as (pid, port, file):
        ask(port, file, seconds=2, connections=2)
        row = measure(pid, port, file, seconds, connections=HEADLINE)
    rows.append({"shop": "bare", "variant": "flask", **row})
    return {
        "bare_flask_cpu_ms_per_request": row["server_cpu_ms_per_request"],
        "bare_flask_requests_per_s": row["requests_per_s"],
    }


def over_bare(
    shop: str, state: Path, pid: int, port: int, files: dict[str, Path]
) -> dict[str, Any]:
    """How many bare Flask answers each variant costs: the median of turns of a second each.

    A shared machine's speed may halve within a minute; what was measured a second apart has met the
    same machine.
    """
    turns: list[dict[str, float]] = []
    with _bare(state) as (bare_pid, bare_port, bare_file):
        for _ in range(TURNS):
            asked = {"bare": (bare_pid, bare_port, bare_file)}
            asked |= {name: (pid, port, file) for name, file in files.items()}
            rows = {
                name: measure(*one, 1.0, connections=HEADLINE, quiet=True)
                for name, one in asked.items()
            }
            turns.append({name: row["server_cpu_ms_per_request"] for name, row in rows.items()})
    found = {f"{shop}_beside_bare_flask_cpu_ms": median(one["bare"] for one in turns)}
    for name in files:
        stem = shop if name == "page" else f"{shop}_{name}"
        ratio = median(one[name] / one["bare"] for one in turns)
        found |= {
            f"{stem}_beside_cpu_ms_per_request": median(one[name] for one in turns),
            f"{stem}_over_bare_flask": round(ratio, 2),
        }
    print(shop, "over bare Flask", found, flush=True)
    return found


@contextmanager
def _bare(state: Path) -> Iterator[tuple[int, int, Path]]:
    """Bare Flask on the server's core: its process, its port, what is asked."""
    port, file = servers.free_port(), state / "requests-bare.json"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    file.write_text(json.dumps([{"path": "/recommend?user_id=u1&k=20"}]))
    command = servers.granian(port, "bench.bare:create_app")
    with servers.child(command, env, state, core=servers.SERVER_CORE) as running:
        servers.wait_for(port)
        yield running.pid, port, file
