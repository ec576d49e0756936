"""What must be known of an answer to go on with it: whose it was, what was asked, what was shown.

The note is small and held for half an hour by whoever has a place that all processes see; the
ledger's row says the same for as long. Of the shopper it holds a hash, so nothing in it names
anybody, and the id of the answer, which nobody can guess, is the only way to it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import orjson

from recsys.answers import entry
from recsys.answers.entry import Answer
from recsys.types import Query

SECONDS = 1_800
MAX_RETURNED = 2_000  # ids: more would make every further page dearer, and nobody scrolls so far

_ANEW = frozenset({"now", "returned", "history"})  # what the next page has of its own
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Continued:
    """The same question again: `query.returned` holds what was shown, `query.now` is not set."""

    query: Query
    owner: str
    strategy: str = ""  # as it was named
    session: tuple[str, ...] = ()
    banner: str = ""  # empty: an older release kept none
    members: tuple[str, ...] = ()  # of a group, as `owner` tells them

    def belongs_to(self, user_id: str | None) -> bool:
        return self.owner == owner(user_id)


def owner(user_id: str | None) -> str:
    """Who may go on: a hash of the shopper, or nothing for whoever is not known."""
    if user_id is None:
        return ""
    return blake2b(user_id.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def pack(
    request: Mapping[str, Any],
    returned: Iterable[str],
    *,
    user_id: str | None,
    strategy: str,
    members: Iterable[str] = (),
) -> bytes:
    """The note of one answer: the request as the ledger keeps it, and all that was shown so far."""
    asked = {name: value for name, value in request.items() if name not in _ANEW}
    return orjson.dumps([owner(user_id), strategy, asked, [*returned], [*map(owner, members)]])


def unpack(note: bytes) -> Continued | None:
    """What `pack` was told; None for what it did not make, or an older release did otherwise."""
    try:
        whose, strategy, request, returned, members = orjson.loads(note)
        found = _continued(request, returned, whose=whose, strategy=strategy)
        return replace(found, members=tuple(members))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def of_answer(answer: Answer) -> Continued:
    """The same, from the ledger."""
    returned = (*answer.request.get("returned", ()), *answer.item_ids)
    strategy = "" if answer.teams else answer.strategy  # what comes next is no duel
    return _continued(answer.request, returned, whose=owner(answer.user_id), strategy=strategy)


def is_over(recommendation_id: str, *, now: datetime) -> bool:
    """Whether an id is too old to be continued, or none of ours."""
    made = entry.time_of(recommendation_id)
    return made is None or now - made > timedelta(seconds=SECONDS)


def _continued(
    request: Mapping[str, Any], returned: Sequence[str], *, whose: str, strategy: str
) -> Continued:
    query = entry.query_of(request)
    return Continued(
        query=query._replace(returned=frozenset(returned), now=_EPOCH),
        owner=whose,
        strategy=strategy,
        session=entry.session_of(request),
        banner=str(request.get("banner", "")),
    )
