"""The next page of an answer, by its id: the same question, without what was shown already.

Redis tells at once, to every process; where it has forgotten or is away, the ledger's row does. An
id leads only whoever the answer was for any further: to others there is no such answer.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from api.errors import RETRY_SECONDS, Problem, invalid
from api.recommending import erasing
from generative.cache import Note
from recsys.answers import continuation, entry, store
from recsys.answers.continuation import MAX_RETURNED, SECONDS, Continued
from recsys.database import looking

if TYPE_CHECKING:
    from api.runtime import Runtime

log = logging.getLogger(__name__)

_SLATE = "vitrine:slate:"


def remember(
    recommendation_id: str,
    request: Mapping[str, Any],
    shown: Iterable[str],
    *,
    user_id: str | None,
    strategy: str = "",
    members: Iterable[str] = (),
) -> Note:
    """What to leave in Redis beside an answer, on a way that is made anyway.

    `request` is as the ledger keeps it, `shown` all items since it was first asked.
    """
    value = continuation.pack(request, shown, user_id=user_id, strategy=strategy, members=members)
    return Note(key=_SLATE + recommendation_id, value=value, ttl_seconds=SECONDS)


def returned(
    runtime: "Runtime",
    client: Any,
    recommendation_id: str,
    *,
    user_id: str | None,
    now: datetime,
) -> Continued:
    """The question that an answer was given to, and all that was shown since it was first asked.

    Raises:
        Problem: 410, the answer is unknown or too old; 404, it was another shopper's; 422, more
            has been shown than anyone looks through; 503, nobody can say now.
    """
    found = None
    if not continuation.is_over(recommendation_id, now=now):
        found = _look(runtime, client, recommendation_id, user_id)
    if found is None:
        raise Problem(410, f"the answer can no longer be continued: ask anew ({SECONDS // 60} min)")
    if not found.belongs_to(user_id):
        raise Problem(404, "this shopper was given no such answer")
    if len(found.query.returned) >= MAX_RETURNED:
        raise invalid("continue", f"{MAX_RETURNED:,} items have been shown; ask anew")
    return found


def _look(
    runtime: "Runtime", client: Any, recommendation_id: str, user_id: str | None
) -> Continued | None:
    from api.runtime import CACHE_ERRORS, DATABASE_ERRORS  # noqa: PLC0415 circular: it builds us

    is_away = False
    try:
        with runtime.redis.asking():
            note, mark = client.mget(_SLATE + recommendation_id, erasing.key(user_id))
        if erasing.reached(mark, entry.time_of(recommendation_id)):
            return None
        found = None if note is None else continuation.unpack(note)
        if found is not None and found.members:
            marks = _marks(runtime, client, found.members)
            if any(erasing.reached(one, entry.time_of(recommendation_id)) for one in marks):
                return None
        if found is not None:
            return found
    except CACHE_ERRORS as error:
        log.warning("continuing from the ledger: %s", type(error).__name__)
        is_away = True
    try:
        with runtime.database.asking(), looking(runtime.engine) as reader:
            answer = store.get(reader, recommendation_id)
    except DATABASE_ERRORS as error:
        log.warning("cannot continue without the database: %s", type(error).__name__)
        answer, is_away = None, True
    if answer is not None:
        return continuation.of_answer(answer)
    if is_away:  # it may well be there: nobody must throw a page away for that
        headers = {"Retry-After": RETRY_SECONDS}
        raise Problem(503, "the answer cannot be looked up now; try again", headers=headers)
    return None


def _marks(runtime: "Runtime", client: Any, members: Iterable[str]) -> list[Any]:
    """Whether any of a group was forgotten since: what all of them were shown goes with each."""
    with runtime.redis.asking():
        return list(client.mget([erasing.key_of(one) for one in members]))
