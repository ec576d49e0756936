"""The keys in force, held in memory: a request is let in without asking the database each time.

They are read again every few seconds, and at once when an unknown key is presented. With the
database away the last reading stands; before a first reading no key can be told from another, and
then a well-formed storefront key, which is public anyway, is let in so that the shop still answers.
"""

import hmac
import threading
import time
from collections.abc import Callable, Mapping

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from api import keys
from api.keys import KeptKey, PresentedKey, Role
from recsys.database import reading

REFRESH_SECONDS = 5.0
UNKNOWN_SECONDS = 0.5  # how often an unknown key may cause a reading


class KeysUnread(Exception):
    """The keys could not be read even once, so nobody can be told from anybody."""


class Keyring:
    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._kept: Mapping[str, KeptKey] | None = None
        self._read_at = self._tried_at = self._unknown_at = float("-inf")
        self._lock = threading.Lock()

    def role_of(self, presented: PresentedKey) -> Role | None:
        """The role a key really has, or None where it is not in force.

        Raises:
            KeysUnread: An admin key, and the database never answered.
        """
        now = self._clock()
        unknown = self._kept is None or presented.key_id not in self._kept
        if now - self._read_at > REFRESH_SECONDS:
            self._try_refresh()
        elif unknown and now - self._unknown_at > UNKNOWN_SECONDS:
            self._unknown_at = now
            self._try_refresh()
        if self._kept is None:
            if presented.role is Role.STOREFRONT:
                return Role.STOREFRONT
            raise KeysUnread
        kept = self._kept.get(presented.key_id)
        if kept is None or not hmac.compare_digest(kept.secret_sha256, presented.secret_sha256):
            return None
        return kept.role

    def holds(self, key_id: str) -> bool:
        """Whether a key that was let in before is still in force."""
        if self._clock() - self._read_at > REFRESH_SECONDS:
            self._try_refresh()
        return self._kept is not None and key_id in self._kept

    def refresh(self) -> None:
        with reading(self._engine) as session:
            self._kept = keys.in_force(session)
        self._read_at = self._clock()

    def _try_refresh(self) -> None:
        asked = self._clock()
        if not self._lock.acquire(blocking=self._kept is None):
            return  # another thread reads; the last reading is good enough, where there is one
        started = self._clock()
        try:
            if self._tried_at < asked:  # else another thread did while this one waited
                self.refresh()
        except SQLAlchemyError:
            # The last reading stands until the next try, later the longer this one took.
            now = self._clock()
            self._read_at = now + 4 * (now - started)
        finally:
            self._tried_at = self._clock()
            self._lock.release()
