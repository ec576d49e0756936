"""Where made creatives are kept for the web: Redis.

Everything in here can be made again, so a cache may forget; callers treat an error of the
connection as a miss and say so in their answer.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
import redis

from generative.line import Line, Sent
from generative.types import Banner, Copy, Creative, State

_CREATIVE = "vitrine:creative:"
_CLAIM = "vitrine:claim:"

_FORM = 1  # of `as_shown`: count on where its fields change, and what was kept before is a miss
_HEADS = {state: f"{state} {_FORM}".encode() for state in State}
_STATES = {head: state for state, head in _HEADS.items()}


class Note(NamedTuple):
    """Something else to leave in the same store, on a way that is made anyway."""

    key: str
    value: bytes
    ttl_seconds: int


class RedisCache:
    """A `claim` is the right to enqueue one generation; it lapses by itself, or when it is put.

    Who claimed and then could not enqueue gives the claim back with `release`. `ask` and `found` are
    for who looks often: what `to_json` wrote, as bytes, read over a connection of the thread's own.

    Every method raises `redis.RedisError` when the server is away.
    """

    def __init__(
        self,
        client: "redis.Redis",
        *,
        ttl_seconds: int,
        claim_seconds: int,
        line: Line | None = None,
    ) -> None:
        self._client: Any = client
        self._line = Line(client) if line is None else line
        self._ttl_seconds = ttl_seconds
        self._claim_seconds = claim_seconds

    def ask(self, keys: Sequence[str], note: Note | None = None) -> Sent | None:
        """Ask for what is stored and leave a note; `found` reads the answer, after something else."""
        commands: list[tuple[Any, ...]] = []
        if keys:
            commands.append(("MGET", *[_CREATIVE + key for key in keys]))
        if note is not None:
            commands.append(("SET", note.key, note.value, "EX", note.ttl_seconds))
        return self._line.ask(*commands) if commands else None

    def found(self, keys: Sequence[str], sent: Sent | None) -> list[bytes | None]:
        """What is stored under these keys, as `ask` was told; None where nothing is."""
        answers = [] if sent is None else self._line.answers(sent)
        # A note that a full store refuses is one that it had evicted at once.
        if not keys:
            return []
        if isinstance(answers[0], redis.ResponseError):
            raise answers[0]
        return list(answers[0])

    def get_many(self, keys: Sequence[str]) -> dict[str, Creative]:
        values = self.found(keys, self.ask(keys))
        found = ((key, from_json(value)) for key, value in zip(keys, values, strict=True) if value)
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


def to_json(creative: Creative) -> bytes:
    """Its state, what a shop is shown of it, and all of it: a line each.

    A slate sends the second line as it is. To make it of the third would take longer than all else
    that is done for a creative, and of a large shop's there are twenty that a process has not met.
    """
    shown, whole = orjson.dumps(as_shown(creative)), orjson.dumps(as_dict(creative))
    return b"\n".join([_HEADS[creative.state], shown, whole])


def from_json(value: bytes) -> Creative | None:
    """The creative, or None where the bytes are another release's: a miss, never an error."""
    head, _, lines = value.partition(b"\n")
    if head not in _STATES:
        return None
    try:
        return from_dict(orjson.loads(lines.partition(b"\n")[2]))
    except (ValueError, KeyError, TypeError):
        return None


def shown_json(value: bytes) -> tuple[State, orjson.Fragment] | None:
    """The state and the JSON of `as_shown` of what `to_json` wrote; None as for `from_json`."""
    lines = value.split(b"\n", 2)
    state = _STATES.get(lines[0])
    if state is None or len(lines) < 3 or not lines[2]:  # noqa: PLR2004 it is cut off
        return None
    return state, orjson.Fragment(lines[1])


def as_shown(creative: Creative) -> dict[str, Any]:
    """What a shop is shown of a creative, by every answer that has one."""
    banner, provenance = creative.banner, creative.provenance
    return {
        "key": creative.key,
        "state": creative.state.value,
        "headline": creative.copy.headline,
        "tagline": creative.copy.tagline,
        "action": creative.copy.action,
        "size": creative.size,
        "banner_url": None if banner is None else f"/creatives/{creative.key}/banner",
        "width": None if banner is None else banner.width,
        "height": None if banner is None else banner.height,
        "alt": "" if banner is None else banner.alt or creative.copy.headline,
        "generated_by": provenance.get("provider"),
        "ai_generated": bool(provenance.get("ai_generated")),
    }


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
        "alt": banner.alt,
    }
