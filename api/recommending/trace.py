"""How an answer came about, stage by stage: how long each took, and how many were left after it."""

import time
from typing import Any


class Trace:
    """A clock reading a stage is next to nothing, so it always runs; only an admin is shown it.

    Wall time alone: asking for a thread's CPU time is a system call, ten times as dear.
    """

    def __init__(self) -> None:
        self._stages: list[tuple[str, float, int]] = []
        self._at = time.perf_counter()

    def mark(self, stage: str, left: int) -> None:
        """A stage has ended, and `left` of its things remain."""
        now = time.perf_counter()
        self._stages.append((stage, now - self._at, left))
        self._at = now

    def as_json(self) -> dict[str, Any]:
        return {
            "stages": [
                {"stage": stage, "wall_ms": round(1000 * wall, 3), "left": left}
                for stage, wall, left in self._stages
            ]
        }
