"""A slate, dressed: what the JSON views and the storefront's pages both show.

`serve` is the natural path: look, settle, rank; then a slate is dressed, kept and told.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from api import present
from api.recommending import creatives, keeping, looking
from api.recommending.degraded import Degraded
from api.recommending.settling import Ask, Settled, settle, steered
from api.recommending.trace import Trace
from api.runtime import Runtime
from generative.types import SIZES
from recsys.answers.entry import new_id
from recsys.serving import personas, ranking, titles
from recsys.serving.assortment import Assortment
from recsys.serving.policies import context
from recsys.types import EventKind, Item, Persona, Slate, UserHistory

__all__ = ["BANNERS", "NO_BANNER", "Ask", "Opened", "Served", "answer", "plain", "serve"]

NO_BANNER = "none"
BANNERS = (*SIZES, NO_BANNER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What all rows of one request share: the shopper, and the shop at this moment."""

    seen: looking.Read
    assortment: Assortment
    history: UserHistory
    persona: Persona
    degraded: Degraded
    trace: Trace
    began: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A slate with everything it was made from: what is shown, kept, continued and replayed."""

    recommendation_id: str
    ask: Ask
    opened: Opened
    settled: Settled
    slate: Slate
    items: Sequence[Item]


def answer(runtime: Runtime, ask: Ask, *, traced: bool = False) -> dict[str, Any]:
    """The items for this shopper or session, each with its reasons and its creative, as JSON parts."""
    opened = open_for(runtime, ask)
    told = dressed(runtime, serve(runtime, ask, opened)) | closing(runtime, opened)
    return told | {"trace": opened.trace.as_json()} if traced else told


def plain(runtime: Runtime, ask: Ask) -> dict[str, Any]:
    """As `answer`, with values instead of JSON and without creatives: for our own pages."""
    opened = open_for(runtime, ask)
    served = serve(runtime, ask, opened)
    keeping.keep(runtime, served, ())
    items = [
        present.recommendation(one) | {"product": present.product(item), "creative": None}
        for one, item in zip(served.slate.recommendations, served.items, strict=True)
    ]
    return _told(served) | {"items": items} | closing(runtime, opened)


def open_for(runtime: Runtime, ask: Ask) -> Opened:
    """Look at everything that an answer starts from, once."""
    began, degraded, trace = time.perf_counter(), Degraded(), Trace()
    bundle = runtime.handle.get()
    seen = looking.read(runtime, ask.shopper, bundle, degraded)
    if not bundle.item_ids:
        degraded.add("model")
    history = _past(ask, seen.history)
    opened = Opened(
        seen=seen,
        assortment=runtime.assortments.of(bundle, seen.shelf, seen.newcomers),
        history=history,
        persona=personas.persona_of(seen.shelf, history),
        degraded=degraded,
        trace=trace,
        began=began,
    )
    trace.mark("look", len(history.item_ids))
    return opened


def serve(runtime: Runtime, ask: Ask, opened: Opened) -> Served:
    """Settle what is asked, and rank."""
    steering = runtime.steered.now(runtime, opened.seen.steering_version, opened.degraded)
    settled = settle(ask, steering, hide=runtime.config.recsys.hide)
    settled = steered(settled, steering, opened.history, opened.persona)
    opened.trace.mark("settle", len(settled.steer.rules))
    one = opened.assortment
    slate = ranking.rank(
        one, settled.query, opened.history, steer=settled.steer, mark=opened.trace.mark
    )
    return Served(
        recommendation_id=new_id(settled.query.now),
        ask=ask,
        opened=opened,
        settled=settled,
        slate=slate,
        items=[one.shelf.items[pick.item_id] for pick in slate.recommendations],
    )


def dressed(runtime: Runtime, served: Served) -> dict[str, Any]:
    """With products and creatives; what was answered is kept on the way."""
    items, opened, size = served.items, served.opened, served.settled.banner
    made: Sequence[Any] = [None] * len(items)
    keys: Sequence[str] = ()
    if size != NO_BANNER:
        keys = runtime.briefs.keys(items, opened.persona, size)
        made = creatives.as_fragments(runtime, items, opened.persona, size, opened.degraded)
    opened.trace.mark("creatives", len(items))
    keeping.keep(runtime, served, keys)
    picks = served.slate.recommendations
    shown = [
        present.shown(pick, item, creative)
        for pick, item, creative in zip(picks, items, made, strict=True)
    ]
    return _told(served) | {"items": shown}


def _told(served: Served) -> dict[str, Any]:
    slate, settled, opened = served.slate, served.settled, served.opened
    one = opened.assortment
    return {
        "recommendation_id": served.recommendation_id,
        "user_id": served.ask.shopper,
        "placement": settled.query.placement,
        "title": titles.title(
            settled.title, slate.recommendations, served.items, context(one, settled.query)
        ),
        "strategy": settled.strategy,
        "rules_version": settled.rules_version,
        "model_version": None if "model" in opened.degraded else slate.model_version,
        "missing_ids": [i for i in _named(served.ask) if i not in one.shelf.items],
        "excluded": dict(slate.excluded),
        "experiments": dict(settled.experiments),
    }


def closing(runtime: Runtime, opened: Opened) -> dict[str, Any]:
    """What is known last: what was missing, and how long it took."""
    missing = opened.degraded.as_list()
    for name in missing:
        runtime.metrics.degraded(name)
    took = round((time.perf_counter() - opened.began) * 1000, 2)
    return {"degraded": missing, "took_ms": took}


def _named(ask: Ask) -> tuple[str, ...]:
    """The ids of the request itself: of those a shop wants to hear that they are unknown."""
    query = ask.query
    return (*ask.session, *query.item_ids, *query.liked, *query.disliked)


def _past(ask: Ask, past: UserHistory) -> UserHistory:
    """What is known of the shopper, and after it this visit's items."""
    if not ask.session:
        return past
    n = len(ask.session)
    return replace(
        past,
        item_ids=past.item_ids + ask.session,
        kinds=past.kinds + (EventKind.VIEW,) * n,
        at=past.at + (ask.query.now.timestamp(),) * n if past.at or not past.item_ids else (),
    )
