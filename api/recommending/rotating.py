"""What a shopper was shown lately without a click: read before and written after, where rotation is on.

Kept in Redis for a while and nowhere else; a shopper whose showings are forgotten is shown anew.
"""

import logging
from typing import TYPE_CHECKING, Any

from api.recommending import erasing
from api.recommending.opening import Opened
from api.recommending.settling import Ask, Settled
from api.runtime import CACHE_ERRORS, Runtime
from recsys.serving import rotation
from recsys.serving.rotation import Shown
from recsys.types import UserHistory

if TYPE_CHECKING:
    from api.recommending.slates import Served

log = logging.getLogger(__name__)

_SHOWN = "vitrine:shown:"
_KEPT_SECONDS = 7 * 86_400


def shown(runtime: Runtime, ask: Ask, opened: Opened, *rankers: Settled) -> Shown | None:
    """The shopper's showings, those clicked since left out; None where no ranker rotates."""
    if ask.shopper is None or not any(one.query.rotation for one in rankers):
        return None
    try:
        with runtime.redis.asking():
            kept: Any = runtime.client.get(_SHOWN + ask.shopper)
    except CACHE_ERRORS as error:
        log.warning("nothing is rotated: %s", type(error).__name__)
        opened.degraded.add("rotation")
        return None
    state = rotation.read(kept or b"")
    return rotation.clicked(state, _since(opened.history, state.at))


def keep(runtime: Runtime, served: "Served") -> None:
    """Count this showing."""
    query, shopper = served.settled.query, served.ask.shopper
    if served.shown is None or shopper is None:
        return
    after = rotation.seen(
        served.shown,
        [item.item_id for item in served.items],
        query.now.timestamp(),
        half_life_seconds=query.rotation_seconds,
    )
    try:
        with runtime.redis.asking():
            runtime.client.set(_SHOWN + shopper, rotation.write(after), ex=_KEPT_SECONDS)
            # Written first, looked at after: an erasure marks first and deletes after.
            if erasing.reached(runtime.client.get(erasing.key(shopper)), query.now):
                runtime.client.delete(_SHOWN + shopper)
    except CACHE_ERRORS as error:
        log.warning("a showing is not counted: %s", type(error).__name__)


def forget(runtime: Runtime, user_id: str) -> None:
    """For an erasure.

    Raises:
        redis.RedisError, Away: It could not be deleted; it lapses within a week.
    """
    with runtime.redis.asking():
        runtime.client.delete(_SHOWN + user_id)


def _since(history: UserHistory, at: float) -> list[str]:
    """What the shopper did something with since the last showing."""
    pairs = zip(history.item_ids, history.at, strict=False)
    return [item_id for item_id, when in pairs if when >= at]
