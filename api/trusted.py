"""Which creatives the record was asked about a moment ago, so that a ready one is not asked for twice.

A decision to turn one down is told like a new rule, by a token that changes. Where it cannot be told,
it takes no longer than a pulse until the record is asked again.
"""

import time
from collections.abc import Callable

MOST = 20_000


class Trusted:
    """One process's; threads may race, and then ask once more."""

    def __init__(self, *, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._asked: dict[str, tuple[str, float]] = {}

    def now(self) -> float:
        """Ask before the record is read, and hand it to `note`."""
        return self._clock()

    def holds(self, key: str, token: str | None, now: float) -> bool:
        """Whether the record was read under this token, and not long ago."""
        told, at = self._asked.get(key, (None, 0.0))
        return token is not None and told == token and now - at < self._seconds

    def note(self, key: str, token: str | None, now: float) -> None:
        """The record said, when it was asked at `now` and under this token, that the creative is ready."""
        if token is None:
            return
        if len(self._asked) >= MOST:
            self._asked.clear()
        self._asked[key] = (token, now)
