"""What a benchmark leaves behind: bench/results/<script>.json, in the one form that the docs read."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
_GIB = 2**30


def write(
    script: str,
    *,
    figures: Mapping[str, float | None],
    rows: Sequence[Mapping[str, Any]],
    packages: Sequence[str] = (),
    seeds: Sequence[int] = (),
    command: str | None = None,
) -> Path:
    """Write a result and print its figures; what was not run is None, never a guess."""
    result = {
        "command": command or " ".join(["python", f"bench/{script}.py", *_told(sys.argv[1:])]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in packages},
        "seeds": list(seeds),
        "figures": dict(figures),
        "rows": [dict(row) for row in rows],
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{script}.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for name, value in figures.items():
        print(f"{name:45} {value}")
    return path


def machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory, 1),
        "gpu": _gpu(),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if "model name" in line), "")


def _gpu() -> str | None:
    try:
        command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _told(arguments: Sequence[str]) -> list[str]:
    """Without where this machine keeps what was filled before: it changes no figure."""
    kept = list(arguments)
    if "--state" in kept:
        del kept[kept.index("--state") : kept.index("--state") + 2]
    return kept
