"""Bare Flask on the same server and core: the floor of what any answer costs."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import servers
from bench.loads import HEADLINE, ROOT, Row, ask, measure


def bare_flask(state: Path, seconds: float, rows: list[Row]) -> dict[str, Any]:
    rows[:] = [row for row in rows if row["shop"] != "bare"]
    with bare(state) as (pid, port, file):
        ask(port, file, seconds=2, connections=2)
        row = measure(pid, port, file, seconds, connections=HEADLINE)
    rows.append({"shop": "bare", "variant": "flask", **row})
    return {
        "bare_flask_cpu_ms_per_request": row["server_cpu_ms_per_request"],
        "bare_flask_requests_per_s": row["requests_per_s"],
    }


@contextmanager
def bare(state: Path) -> Iterator[tuple[int, int, Path]]:
    """Bare Flask on the server's core: its process, its port, what is asked."""
    port, file = servers.free_port(), state / "requests-bare.json"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    file.write_text(json.dumps([{"path": "/recommend?user_id=u1&k=20"}]))
    command = servers.granian(port, "bench.bare:create_app")
    with servers.child(command, env, state, core=servers.SERVER_CORE) as running:
        servers.wait_for(port)
        yield running.pid, port, file
