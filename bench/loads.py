"""Load on a server of the serving benches, and what it cost: `bench/load.py` in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench import servers

ROOT = Path(__file__).resolve().parent.parent
HEADLINE = 4  # connections
_UNCHECKED = frozenset({"statuses", "wrong", "wrong_examples"})  # nothing is checked but the status
Row = dict[str, Any]


def ask(port: int, file: Path, **options: Any) -> Row:
    command = [sys.executable, str(ROOT / "bench" / "load.py"), str(port), str(file)]
    command += ["--core", str(servers.LOAD_CORE)]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def measure(
    pid: int, port: int, file: Path, seconds: float, *, quiet: bool = False, **loop: Any
) -> Row:
    before = servers.cpu_seconds(pid)
    row = ask(port, file, seconds=seconds, **loop)
    spent = servers.cpu_seconds(pid) - before
    row["server_cpu_ms_per_request"] = round(1000 * spent / max(row["requests"], 1), 4)
    row["load_average"] = round(os.getloadavg()[0], 2)
    row = {name: value for name, value in row.items() if name not in _UNCHECKED}
    if not quiet:
        print(file.parent.name, file.stem, row, flush=True)
    return row
