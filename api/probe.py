"""A question whose answer may take long, asked so that nobody waits for it long."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

WAIT_SECONDS = 0.9
REMEMBER_SECONDS = 5.0

Found = dict[str, str]


def finding(status: str, detail: str) -> Found:
    """One dependency's state: ok, degraded (works, but look) or away."""
    return {"status": status, "detail": detail}


@dataclass(eq=False)
class Probe:
    """A slow question asked by a thread of its own: a caller waits a moment, then takes the last answer."""

    _answer: Found = field(default_factory=lambda: finding("away", "not asked yet"))
    _at: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, ask: Callable[[], Found]) -> Found:
        if time.monotonic() - self._at < REMEMBER_SECONDS:
            return self._answer
        thread = threading.Thread(target=self._ask, args=(ask,), daemon=True)
        thread.start()
        thread.join(WAIT_SECONDS)
        return self._answer

    def _ask(self, ask: Callable[[], Found]) -> None:
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._answer, self._at = ask(), time.monotonic()
        finally:
            self._lock.release()
