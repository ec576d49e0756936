"""How a process knows, without asking the database, that what it holds is still the newest.

Redis tells in the one MGET of a request whether the catalogue was written. Such a word is trusted
for half a second; then the database is asked again, so that a writer who could not tell anybody
has to wait no longer than that before it answers. Where Redis is away, the database is asked by
every request, and nothing is stale.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection

import redis

from api.breaker import Away, Breaker
from recsys.behaviour import recent
from recsys.behaviour.recent import Landings, Look, Recent
from recsys.types import UserHistory

log = logging.getLogger(__name__)

REDIS_ERRORS = (redis.RedisError, Away, OSError)
SILENT = Look()
_MARGIN = 1.1  # clocks of two processes may tick a little apart


class Watch:
    """Whether one thing, read under a token some time ago, is still what the database has."""

    def __init__(self, *, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._last: tuple[str | None, float] = (None, float("-inf"))

    def current(self, token: str | None) -> bool:
        """Nothing was written since it was last read, by all that this process can know."""
        seen, at = self._last
        return token is not None and token == seen and self._clock() - at < self._seconds

    def now(self) -> float:
        """Ask before reading, and hand it to `read`."""
        return self._clock()

    def read(self, token: str | None, at: float) -> None:
        """It was read from the database, which was asked at `at`, after the token was heard."""
        self._last = (token, at)


class Pulse:
    """What this process hears from Redis and tells it; it never raises when Redis is away."""

    def __init__(
        self,
        heard: Recent,
        breaker: Breaker,
        *,
        seconds: float,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.seconds = seconds
        self.catalogue = Watch(seconds=seconds)
        self._recent = heard
        self._breaker = breaker
        self._wait = wait
        self._owes = (
            False  # a write that Redis was not told of: no kept history is trusted till then
        )
        self._paying = threading.Lock()

    def look(self, user_id: str | None) -> Look:
        """What Redis says now; `SILENT` where it is away."""
        try:
            with self._breaker.asking():
                if self._owes:
                    self._pay()
                return self._recent.look(user_id)
        except REDIS_ERRORS:
            return SILENT

    def keep(self, look: Look, history: UserHistory) -> None:
        """Keep what the database said of a shopper, so that the next request need not ask it."""
        if look.lease is None:
            return
        try:
            with self._breaker.asking():
                self._recent.keep(look, history)
        except REDIS_ERRORS as error:
            log.warning("a history is not kept: %s", type(error).__name__)

    def begin(self, user_ids: Collection[str]) -> bool:
        """Mark these shoppers before a commit; False where Redis could not be told."""
        try:
            with self._breaker.asking():
                if self._owes:
                    self._pay()
                self._recent.begin(user_ids)
        except REDIS_ERRORS:
            return False
        return True

    def land(self, landings: Landings, *, marked: bool) -> bool:
        """End the marks; False where another process may still show the older history.

        Under a mark it will not: it reads the database until the mark lapses, and the kept history
        has lapsed before. Nor will it where nobody listens: a server that starts again is greeted.
        """
        try:
            with self._breaker.asking():
                self._recent.land(landings)
        except REDIS_ERRORS as error:
            self._owes = self._owes or not marked
            return marked or isinstance(error, redis.ConnectionError)
        return True

    def drop_all(self) -> bool:
        """Have every kept history read again."""
        return self._tell(self._recent.drop_all)

    def catalogue_changed(self) -> list[str]:
        """After a commit and before its answer: no process answers from an older catalogue.

        Returns:
            `["pulse"]` where Redis could not be told, and the write waited until all had to look.
        """
        return self._changed(recent.CATALOGUE)

    def steering_changed(self) -> list[str]:
        """As `catalogue_changed`, for rules, placements and whatever else steers an answer."""
        return self._changed(recent.STEERING)

    def _changed(self, what: str) -> list[str]:
        for _ in range(2):  # the first may meet a connection that broke when Redis started again
            if self._tell(lambda: self._recent.changed(what)):
                return []
        self._wait(self.seconds * _MARGIN)
        return ["pulse"]

    def _tell(self, say: Callable[[], None]) -> bool:
        try:
            with self._breaker.asking():
                say()
        except REDIS_ERRORS as error:
            log.warning("the pulse is not told: %s", type(error).__name__)
            return False
        return True

    def _pay(self) -> None:
        """Redis is back: what it kept while it was not told is dropped before it is trusted."""
        with self._paying:
            if self._owes:
                self._recent.drop_all()
                self._owes = False
