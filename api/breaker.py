"""Not asking again, for a moment, what did not answer: a slow failure costs one request, not all."""

import time
from collections.abc import Callable

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

    def begin(self) -> float:
        """When this conversation starts.

        Raises:
            Away: It is not worth asking now.
        """
        now = self._clock()
        if now < self._rests_until:
            raise Away
        return now

    def failed(self, started: float) -> None:
        """A conversation that started then has failed."""
        now = self._clock()
        if now - started > self._slow_seconds:
            # At most a fifth of the time is spent waiting for what does not answer.
            self._rests_until = now + max(REST_SECONDS, 4 * (now - started))

    def asking(self) -> "Conversation":
        """Guard one conversation, as `with breaker.asking():`.

        Raises:
            Away: It is not worth asking now.
        """
        return Conversation(self)


class Conversation:
    """A context of its own, as every request opens three: a generator's takes twice as long."""

    __slots__ = ("_breaker", "_started")

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker

    def __enter__(self) -> None:
        self._started = self._breaker.begin()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, Exception):
            self._breaker.failed(self._started)
