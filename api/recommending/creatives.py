"""The creative of each item of a slate: one MGET, and for a miss the floor at once and one ring.

A ring is only made by the asker that wins the claim. The winner also leaves the floor in the cache
as `pending`, so that any process can answer for its key before a worker has.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from api.recommending.briefs import Asked
from api.recommending.degraded import Degraded
from api.runtime import CACHE_ERRORS, Runtime
from generative.types import Audience, Creative, State
from recsys.types import Item, Persona


def for_slate(
    runtime: Runtime,
    items: Sequence[Item],
    persona: Persona,
    size: str,
    degraded: Degraded,
) -> list[Creative]:
    """One creative an item, in order; the leading misses may ring for theirs."""
    asked = [runtime.briefs.of(item, persona, size) for item in items]
    if not asked:
        return []
    try:
        with runtime.redis.asking():
            cached = runtime.cache.get_many([one.floor.key for one in asked])
            missed = [one for one in asked if not _made(cached.get(one.floor.key))]
            pending = _ring(runtime, missed, degraded)
    except CACHE_ERRORS:
        degraded.add("creatives")
        cached, pending = {}, set()
    answers = [_answer(one, cached.get(one.floor.key), pending) for one in asked]
    for state, count in Counter(creative.state for creative in answers).items():
        runtime.metrics.creative(state, count)
    return answers


def by_key(runtime: Runtime, key: str, degraded: Degraded) -> Creative | None:
    """What the cache holds under a key; what is pending is rung for again once its claim lapsed."""
    try:
        with runtime.redis.asking():
            held = runtime.cache.get_many([key]).get(key)
            if held is not None and held.state is State.PENDING and runtime.cache.claim(key):
                _ring_for(runtime, held, degraded)
    except CACHE_ERRORS:
        degraded.add("creatives")
        return None
    return held


def as_json(creative: Creative) -> dict[str, Any]:
    banner = creative.banner
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
        "generated_by": creative.provenance.get("provider"),
    }


def _made(creative: Creative | None) -> bool:
    return creative is not None and creative.state is not State.PENDING


def _ring(runtime: Runtime, missed: Sequence[Asked], degraded: Degraded) -> set[str]:
    """Ring for the first few misses; the keys that somebody, now or before, has rung for."""
    if not missed:
        return set()
    pending = runtime.cache.claimed([one.floor.key for one in missed])
    for one in missed[: runtime.config.creatives_per_slate]:
        key = one.floor.key
        if key in pending:
            continue
        if not runtime.cache.claim(key):
            pending.add(key)
            continue
        if _made(runtime.cache.get_many([key]).get(key)):
            # A worker put it, and so ended its claim, after we looked: the next answer shows it.
            runtime.cache.release(key)
            pending.add(key)
            continue
        waiting = replace(one.floor, state=State.PENDING, provenance=_note(one))
        runtime.cache.put(waiting)
        if not _ring_for(runtime, waiting, degraded):
            break
        pending.add(key)
    return pending


def _note(one: Asked) -> dict[str, Any]:
    """With the floor's own provenance, what another process needs to ring for it again."""
    audience = one.brief.audience
    return {
        **one.floor.provenance,
        "audience": [list(audience.categories), audience.price_band],
        "locale": one.brief.locale,
    }


def _ring_for(runtime: Runtime, waiting: Creative, degraded: Degraded) -> bool:
    categories, price_band = waiting.provenance["audience"]
    audience = Audience(categories=tuple(categories), price_band=price_band)
    locale = waiting.provenance["locale"]
    rung = runtime.bell.creative(waiting.item_id, audience, waiting.size, locale)
    if not rung:  # the next asker may try again at once, not only when the claim has lapsed
        runtime.cache.release(waiting.key)
        degraded.add("queue")
    return rung


def _answer(one: Asked, cached: Creative | None, pending: set[str]) -> Creative:
    if cached is not None and _made(cached):
        return cached
    state = State.PENDING if one.floor.key in pending else State.FALLBACK
    return replace(one.floor, state=state)
