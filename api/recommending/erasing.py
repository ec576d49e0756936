"""Whom an erasure reached lately: what Redis still holds of answers from before it is not read again.

A note of an answer has no shopper's name on it and lapses within half an hour; an answer that is under
way during an erasure would leave its own. Both are told by a mark that stays as long as they could.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from recsys.answers.continuation import SECONDS, owner

if TYPE_CHECKING:
    from api.runtime import Runtime

_ERASED = "vitrine:erased:"


def mark(runtime: "Runtime", user_id: str, *, now: datetime) -> None:
    """Tell every process, for as long as anything from before could be read.

    Raises:
        redis.RedisError, Away: It could not be told.
    """
    with runtime.redis.asking():
        runtime.client.set(key(user_id), now.isoformat(), ex=SECONDS)


def key(user_id: str | None) -> str:
    """Where the mark of this shopper is; nobody in particular has none."""
    return key_of(owner(user_id))


def key_of(owner_hash: str) -> str:
    return _ERASED + owner_hash


def reached(mark: Any, made: datetime | None) -> bool:
    """Whether what was made then is of before the erasure that this mark, if it is one, tells of."""
    return mark is not None and (made is None or made <= datetime.fromisoformat(mark.decode()))
