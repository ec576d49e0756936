"""Failed logins slow the next ones down. An admin key cannot be guessed anyway; a log can be filled."""

import threading
import time
from collections.abc import Callable

FREE_TRIES = 5
LONGEST_SECONDS = 300.0
_ADDRESSES_KEPT = 10_000


class Attempts:
    """Counts the failures of each address in this process; every one past the free tries doubles the wait."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def wait_seconds(self, address: str) -> float:
        """How long this address has to wait before its next try; 0 where it need not."""
        with self._lock:
            _, until = self._failed.get(address, (0, 0.0))
        return max(0.0, until - self._clock())

    def failed(self, address: str) -> None:
        with self._lock:
            if len(self._failed) >= _ADDRESSES_KEPT:
                self._failed.clear()
            count = self._failed.get(address, (0, 0.0))[0] + 1
            over = count - FREE_TRIES
            wait = min(2.0 ** min(over, 16), LONGEST_SECONDS) if over >= 0 else 0.0
            self._failed[address] = (count, self._clock() + wait)

    def succeeded(self, address: str) -> None:
        with self._lock:
            self._failed.pop(address, None)
