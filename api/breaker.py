"""Not asking again, for a moment, what did not answer: a slow failure costs one request, not all."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SLOW_SECONDS = 0.2
REST_SECONDS = 2.0


class Away(Exception):
    """The other side failed slowly a moment ago and is not asked again yet."""


class Breaker:
    """Opens after a failure that took long; a refused connection is quick and is always retried."""

    def __init__(
        self, *, slow_seconds: float = SLOW_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._slow_seconds = slow_seconds
        self._clock = clock
        self._rests_until = 0.0

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Guard one conversation.

        Raises:
            Away: It is not worth asking now.
        """
        started = self._clock()
        if started < self._rests_until:
            raise Away
        try:
            yield
        except Exception:
            taken = self._clock() - started
            if taken > self._slow_seconds:
                # At most a fifth of the time is spent waiting for what does not answer.
                self._rests_until = self._clock() + max(REST_SECONDS, 4 * taken)
            raise
