"""How an answer came about, stage by stage: CPU and wall time, and how many were left after each."""

import time
from typing import Any


class Trace:
    """Costs two clock readings a stage, so it always runs; only an admin is shown it."""

    def __init__(self) -> None:
        self._stages: list[tuple[str, float, float, int]] = []
        self._wall, self._cpu = time.perf_counter(), time.thread_time()

    def mark(self, stage: str, left: int) -> None:
        """A stage has ended, and `left` of its things remain."""
        wall, cpu = time.perf_counter(), time.thread_time()
        self._stages.append((stage, wall - self._wall, cpu - self._cpu, left))
        self._wall, self._cpu = wall, cpu

    def as_json(self) -> dict[str, Any]:
        return {
            "stages": [
                {
                    "stage": stage,
                    "wall_ms": round(1000 * wall, 3),
                    "cpu_ms": round(1000 * cpu, 3),
                    "left": left,
                }
                for stage, wall, cpu, left in self._stages
            ]
        }
