"""Where made creatives are kept for the web: Redis, memory, or nowhere.

Everything in here can be made again, so a cache may forget; callers treat an error of the
connection as a miss and say so in their answer.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import orjson
import redis

from generative.types import Banner, Copy, Creative, State

_CREATIVE = "vitrine:creative:"
_CLAIM = "vitrine:claim:"


class CreativeCache(Protocol):
    """A `claim` is the right to enqueue one generation; it lapses by itself, or when it is put.

    Who claimed and then could not enqueue gives the claim back with `release`.
    """

    def get_many(self, keys: Sequence[str]) -> dict[str, Creative]: ...
    def put(self, creative: Creative) -> None: ...
    def claim(self, key: str) -> bool: ...
    def release(self, key: str) -> None: ...
    def claimed(self, keys: Sequence[str]) -> set[str]: ...
    def ping(self) -> None: ...


class RedisCache:
    """Raises `redis.RedisError` when the server is away."""

    def __init__(self, client: "redis.Redis", *, ttl_seconds: int, claim_seconds: int) -> None:
        self._client: Any = client
        self._ttl_seconds = ttl_seconds
        self._claim_seconds = claim_seconds

    def get_many(self, keys: Sequence[str]) -> dict[str, Creative]:
        if not keys:
            return {}
        values = self._client.mget([_CREATIVE + key for key in keys])
        found = (
            (key, _remembered(value)) for key, value in zip(keys, values, strict=True) if value
        )
        return {key: creative for key, creative in found if creative is not None}

    def put(self, creative: Creative) -> None:
        with self._client.pipeline(transaction=False) as pipe:
            pipe.set(_CREATIVE + creative.key, to_json(creative), ex=self._ttl_seconds)
            if creative.state is not State.PENDING:  # a pending floor is left by the claim's holder
                pipe.delete(_CLAIM + creative.key)
            pipe.execute()

    def claim(self, key: str) -> bool:
        return bool(self._client.set(_CLAIM + key, b"1", nx=True, ex=self._claim_seconds))

    def release(self, key: str) -> None:
        self._client.delete(_CLAIM + key)

    def claimed(self, keys: Sequence[str]) -> set[str]:
        if not keys:
            return set()
        values = self._client.mget([_CLAIM + key for key in keys])
        return {key for key, value in zip(keys, values, strict=True) if value}

    def ping(self) -> None:
        self._client.ping()


class MemoryCache:
    """One process's cache, for the command line and for tests; entries lapse as in Redis."""

    def __init__(
        self,
        *,
        ttl_seconds: float = 86_400,
        claim_seconds: float = 120,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ttl_seconds = ttl_seconds
        self._claim_seconds = claim_seconds
        self._clock = clock
        self._creatives: dict[str, tuple[float, Creative]] = {}
        self._claims: dict[str, float] = {}

    def get_many(self, keys: Sequence[str]) -> dict[str, Creative]:
        now = self._clock()
        held = ((key, self._creatives.get(key)) for key in keys)
        return {key: entry[1] for key, entry in held if entry is not None and entry[0] > now}

    def put(self, creative: Creative) -> None:
        self._creatives[creative.key] = (self._clock() + self._ttl_seconds, creative)
        if creative.state is not State.PENDING:
            self._claims.pop(creative.key, None)

    def claim(self, key: str) -> bool:
        now = self._clock()
        if self._claims.get(key, now) > now:
            return False
        self._claims[key] = now + self._claim_seconds
        return True

    def release(self, key: str) -> None:
        self._claims.pop(key, None)

    def claimed(self, keys: Sequence[str]) -> set[str]:
        now = self._clock()
        return {key for key in keys if self._claims.get(key, now) > now}

    def ping(self) -> None:
        """Memory is always there."""


class NullCache:
    """Keeps nothing and grants no claim: nothing is enqueued, every answer is the floor."""

    def get_many(self, keys: Iterable[str]) -> dict[str, Creative]:  # noqa: ARG002 the protocol's
        return {}

    def put(self, creative: Creative) -> None:
        """Forget it."""

    def claim(self, key: str) -> bool:  # noqa: ARG002 the protocol's
        return False

    def release(self, key: str) -> None:
        """There is none."""

    def claimed(self, keys: Iterable[str]) -> set[str]:  # noqa: ARG002 the protocol's
        return set()

    def ping(self) -> None:
        """Nothing is always there."""


def to_json(creative: Creative) -> bytes:
    return orjson.dumps(as_dict(creative))


def from_json(value: bytes | str) -> Creative | None:
    """The creative, or None where the bytes are another release's: a miss, never an error."""
    try:
        return from_dict(orjson.loads(value))
    except (ValueError, KeyError, TypeError):
        return None


@lru_cache(maxsize=4096)  # by the bytes themselves, so what Redis says now is what is read
def _remembered(value: bytes) -> Creative | None:
    """As `from_json`, for the slates, which ask for the same few creatives again and again."""
    return from_json(value)


def as_dict(creative: Creative) -> dict[str, Any]:
    banner = creative.banner
    return {
        "key": creative.key,
        "item_id": creative.item_id,
        "size": creative.size,
        "state": creative.state.value,
        "copy": {
            "headline": creative.copy.headline,
            "tagline": creative.copy.tagline,
            "action": creative.copy.action,
        },
        "banner": None if banner is None else banner_dict(banner),
        "provenance": dict(creative.provenance),
        "checks": dict(creative.checks),
    }


def from_dict(payload: dict[str, Any]) -> Creative:
    banner = payload["banner"]
    return Creative(
        key=payload["key"],
        item_id=payload["item_id"],
        size=payload["size"],
        state=State(payload["state"]),
        copy=Copy(**payload["copy"]),
        banner=None if banner is None else Banner(**banner),
        provenance=payload["provenance"],
        checks=payload["checks"],
    )


def banner_dict(banner: Banner) -> dict[str, Any]:
    return {
        "path": banner.path,
        "sha256": banner.sha256,
        "width": banner.width,
        "height": banner.height,
        "media_type": banner.media_type,
    }
