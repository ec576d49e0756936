"""The creative of each item of a slate: one MGET, and for a miss the floor at once and one ring.

A ring is only made by the asker that wins the claim. The winner also leaves the floor in the cache
as `pending`, so that any process can answer for its key before a worker has. `as_fragments` is for
the answers: what the cache holds as JSON is sent on, and nothing is made of it.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import orjson

from api.recommending.briefs import Asked
from api.recommending.degraded import Degraded
from api.runtime import CACHE_ERRORS, Runtime
from generative.cache import Note, as_shown, from_json, shown_json
from generative.line import Sent
from generative.types import Audience, Brief, Creative, State
from recsys.types import Item, Persona

_NOT_THERE = (State.PENDING, orjson.Fragment(b"null"))
_STATES = tuple(State)


def for_slate(
    runtime: Runtime,
    items: Sequence[Item],
    persona: Persona,
    size: str,
    degraded: Degraded,
) -> list[Creative]:
    """One creative an item, in order; the leading misses may ring for theirs."""
    keys = runtime.briefs.keys(items, persona, size)
    values = Look(runtime, keys, None, degraded).values()
    found = [None if value is None else from_json(value) for value in values]
    missed = [at for at, one in enumerate(found) if not _made(one)]
    floors = _floors(runtime, [items[at] for at in missed], persona, size, degraded)
    filled = dict(zip(missed, floors, strict=True))
    answers = [filled.get(at) or one for at, one in enumerate(found)]
    made = [one for one in answers if one is not None]
    _count(runtime, [creative.state for creative in made], missed=len(missed))
    return made


class Look:
    """What the cache is asked of a slate, and not yet told: something else can be done meanwhile."""

    def __init__(
        self, runtime: Runtime, keys: Sequence[str], note: Note | None, degraded: Degraded
    ) -> None:
        self._runtime, self._keys, self._degraded = runtime, keys, degraded
        self._sent: Sent | None = None
        self._is_away = False
        self.leading = 0  # how many of the first items wear what was made for them
        try:
            with runtime.redis.asking():
                self._sent = runtime.cache.ask(keys, note)
        except CACHE_ERRORS:
            self._is_away = True

    def values(self) -> list[bytes | None]:
        """What the cache holds under each key; where it is away the answer says so."""
        if not self._is_away:
            try:
                with self._runtime.redis.asking():
                    return self._runtime.cache.found(self._keys, self._sent)
            except CACHE_ERRORS:
                pass
        if self._keys:  # a note alone is lost in silence: what it says is in the ledger too
            self._degraded.add("creatives")
        return [None] * len(self._keys)


def as_fragments(
    runtime: Runtime,
    items: Sequence[Item],
    persona: Persona,
    size: str,
    degraded: Degraded,
    look: Look,
    variant: str = "",
    again: Collection[str] = (),
) -> list[orjson.Fragment]:
    """As `for_slate`, each as the JSON of `as_shown`; `look` has asked for them already."""
    # another release's bytes are as good as none
    shown = [(value and shown_json(value)) or _NOT_THERE for value in look.values()]
    states, told = [state for state, _ in shown], [words for _, words in shown]
    missed: list[int] = []
    if State.PENDING in states:
        missed = [at for at, state in enumerate(states) if state is State.PENDING]
        wanted = [items[at] for at in missed]
        floors = _floors(runtime, wanted, persona, size, degraded, variant, again)
        for at, creative in zip(missed, floors, strict=True):
            states[at], told[at] = creative.state, fragment(as_shown(creative))
    if variant:
        plain = (at for at, state in enumerate(states) if state is not State.READY)
        look.leading = next(plain, len(states))
    _count(runtime, states, missed=len(missed))
    return told


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


def ask_for(runtime: Runtime, brief: Brief, floor: Creative, degraded: Degraded) -> None:
    """Ring for the creative of any brief, once; its floor is left where the next asker looks."""
    try:
        with runtime.redis.asking():
            if runtime.cache.claim(floor.key):
                waiting = replace(floor, state=State.PENDING, provenance=_note(floor, brief))
                runtime.cache.put(waiting)
                _ring_for(runtime, waiting, degraded)
    except CACHE_ERRORS:
        degraded.add("creatives")


def fragment(value: object) -> orjson.Fragment:
    """As JSON to be kept: a copy, as the buffer that orjson wrote into is several times as large."""
    return orjson.Fragment(bytes(memoryview(orjson.dumps(value))))


def _floors(
    runtime: Runtime,
    items: Sequence[Item],
    persona: Persona,
    size: str,
    degraded: Degraded,
    variant: str = "",
    again: Collection[str] = (),
) -> list[Creative]:
    """What is shown of items that nothing was made for yet, `pending` where somebody has rung."""
    if not items:
        return []
    missed = [runtime.briefs.of(item, persona, size, variant, again) for item in items]
    pending: set[str] = set()
    if "creatives" not in degraded:
        try:
            with runtime.redis.asking():
                pending = _ring(runtime, missed, degraded)
        except CACHE_ERRORS:
            degraded.add("creatives")
    return [_floor(one, pending) for one in missed]


def _floor(one: Asked, pending: set[str]) -> Creative:
    state = State.PENDING if one.floor.key in pending else State.FALLBACK
    return replace(one.floor, state=state)


def _count(runtime: Runtime, states: Sequence[State], *, missed: int) -> None:
    runtime.metrics.looked_up(hits=len(states) - missed, misses=missed)
    for state in _STATES:
        if count := states.count(state):
            runtime.metrics.creative(state, count)


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
        waiting = replace(one.floor, state=State.PENDING, provenance=_note(one.floor, one.brief))
        runtime.cache.put(waiting)
        if not _ring_for(runtime, waiting, degraded):
            break
        pending.add(key)
    return pending


def _note(floor: Creative, brief: Brief) -> dict[str, Any]:
    """With the floor's own provenance, what another process needs to ring for it again."""
    audience = brief.audience
    return {
        **floor.provenance,
        "audience": [list(audience.categories), audience.price_band],
        "locale": brief.locale,
        "variant": brief.variant,
        "reason": brief.reason,
    }


def _ring_for(runtime: Runtime, waiting: Creative, degraded: Degraded) -> bool:
    categories, price_band = waiting.provenance["audience"]
    audience = Audience(categories=tuple(categories), price_band=price_band)
    rung = runtime.bell.creative(
        waiting.item_id,
        audience,
        waiting.size,
        waiting.provenance["locale"],
        variant=waiting.provenance.get("variant", ""),
        reason=waiting.provenance.get("reason", ""),
        key=waiting.key,
    )
    if not rung:  # the next asker may try again at once, not only when the claim has lapsed
        runtime.cache.release(waiting.key)
        degraded.add("queue")
    return rung
