"""What keeps a provider that fails, hangs or costs money from costing more: breaker, purse, patience.

Nothing here knows what is asked for. Time, chance and sleep are passed in, so that tests need none.
"""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

FAILURES = 3  # in a row, until a provider rests
REST_SECONDS = 30.0
LONGEST_REST_SECONDS = 600.0
FIRST_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Money set aside for one call: whose, how much, and on which day, which the call may outlast."""

    name: str
    most: float
    day: str = ""  # ISO, UTC; empty in a purse that knows no days


class Purse(Protocol):
    """A day's money, one purse for all processes. Nothing is spent that was not reserved before."""

    def reserve(self, name: str, most: float) -> Held | None:
        """Set aside what a call may cost at most; None where the day's budget does not hold it."""
        ...

    def settle(self, held: Held, *, spent: float) -> None:
        """Book what it did cost instead, on the day it was set aside."""
        ...


class Bottomless:
    """A purse for providers that cost nothing."""

    def reserve(self, name: str, most: float) -> Held:
        return Held(name=name, most=most)

    def settle(self, held: Held, *, spent: float) -> None: ...


class Breaker:
    """Closed until some failures in a row, then open for a while, then open to one trial."""

    def __init__(
        self,
        *,
        failures: int = FAILURES,
        rest_seconds: float = REST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = failures
        self._first_rest = rest_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._failed = 0
        self._rest = rest_seconds
        self._until = 0.0

    def why_not(self) -> str:
        """Why it may not be asked now; empty where it may."""
        with self._lock:
            left = self._until - self._clock()
            if left <= 0:
                return ""
            return f"it failed {self._failed} times in a row and rests for {left:.0f} s more"

    def failed(self) -> None:
        """One more failure; the trial after a rest doubles the rest where it fails too."""
        with self._lock:
            self._failed += 1
            if self._failed >= self._most:
                self._until = self._clock() + self._rest
                self._rest = min(self._rest * 2, LONGEST_REST_SECONDS)

    def worked(self) -> None:
        with self._lock:
            self._failed, self._until, self._rest = 0, 0.0, self._first_rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often, and after what pause, one call is tried again inside its total time."""

    tries: int
    chance: random.Random
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def pause(self, tried: int, *, asked_for: float | None, deadline: float) -> bool:
        """Wait before the next try; False where there is none left, or no time for it.

        Args:
            tried: Tries so far.
            asked_for: Seconds that the other side wants to be left alone, from Retry-After.
            deadline: When the call must be over, by the clock.
        """
        if tried >= self.tries:
            return False
        # Full jitter: many workers that failed together do not come back together.
        pause = self.chance.uniform(0, FIRST_PAUSE_SECONDS * 2 ** (tried - 1))
        seconds = max(pause, asked_for or 0.0)
        if self.clock() + seconds >= deadline:
            return False
        self.sleep(seconds)
        return True
