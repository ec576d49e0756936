"""A slate, dressed: what the JSON views and the storefront's pages both show.

`answer` is the natural path: history, shelf, ranking, creatives, presentation.
"""

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from api.present import product, recommendation
from api.recommending import creatives
from api.recommending.degraded import Degraded
from api.runtime import DATABASE_ERRORS, Runtime
from generative.types import SIZES
from recsys.behaviour import events
from recsys.catalogue.shelf import Shelf
from recsys.database import Reader, looking
from recsys.learning.bundle import ModelBundle
from recsys.serving import personas, ranking
from recsys.serving.newcomers import Newcomers
from recsys.types import EventKind, Persona, Query, Slate, UserHistory

log = logging.getLogger(__name__)

NO_BANNER = "none"
BANNERS = (*SIZES, NO_BANNER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A validated request for a slate. Without consent `user_id` is neither read nor repeated."""

    query: Query
    user_id: str | None = None
    session: tuple[str, ...] = ()
    consent: bool = True
    banner: str = "rectangle"

    @property
    def shopper(self) -> str | None:
        return self.user_id if self.consent else None


def answer(runtime: Runtime, ask: Ask) -> dict[str, Any]:
    """The items for this shopper or session, each with its reasons and its creative."""
    started, degraded = time.perf_counter(), Degraded()
    bundle = runtime.handle.get()
    past, shelf, newcomers = _read(runtime, ask, bundle, degraded)
    _note_missing_model(bundle, degraded)
    slate = ranking.recommend(bundle, shelf, past, ask.query, newcomers)
    persona = personas.persona_of(shelf, past)
    answered = _dressed(
        runtime, shelf, slate, persona=persona, banner=ask.banner, degraded=degraded
    )
    missing = [item_id for item_id in ask.session if item_id not in shelf.items]
    return answered | {
        "user_id": ask.shopper,
        "placement": ask.query.placement,
        "missing_ids": missing,
        "degraded": _noted(runtime, degraded),
        "took_ms": round((time.perf_counter() - started) * 1000, 2),
    }


def popular(runtime: Runtime, query: Query, *, banner: str = NO_BANNER) -> dict[str, Any]:
    """What sells now, the same for everyone."""
    return _shared(
        runtime,
        lambda bundle, shelf, _: ranking.popular(bundle, shelf, query),
        placement=query.placement,
        banner=banner,
    )


def similar(runtime: Runtime, item_id: str, *, k: int, banner: str = NO_BANNER) -> dict[str, Any]:
    """Items like this one; an unknown item is reported in `missing_ids`."""
    return _shared(
        runtime,
        lambda bundle, shelf, newcomers: ranking.similar(
            bundle, shelf, item_id, k=k, newcomers=newcomers
        ),
        placement="similar",
        banner=banner,
        item_id=item_id,
    )


def bought_together(
    runtime: Runtime, item_id: str, *, k: int, banner: str = NO_BANNER
) -> dict[str, Any]:
    """Items of the same baskets; possibly none, rather than random ones."""
    return _shared(
        runtime,
        lambda bundle, shelf, _: ranking.bought_together(bundle, shelf, item_id, k=k),
        placement="bought_together",
        banner=banner,
        item_id=item_id,
    )


def _shared(
    runtime: Runtime,
    rank: Callable[[ModelBundle, Shelf, Newcomers | None], Slate],
    *,
    placement: str,
    banner: str,
    item_id: str | None = None,
) -> dict[str, Any]:
    started, degraded = time.perf_counter(), Degraded()
    bundle = runtime.handle.get()
    shelf, newcomers = _shelf(runtime, bundle, degraded)
    _note_missing_model(bundle, degraded)
    slate = rank(bundle, shelf, newcomers)
    answered = _dressed(runtime, shelf, slate, persona=Persona(), banner=banner, degraded=degraded)
    missing = [item_id] if item_id is not None and item_id not in shelf.items else []
    return answered | {
        "user_id": None,
        "placement": placement,
        "missing_ids": missing,
        "degraded": _noted(runtime, degraded),
        "took_ms": round((time.perf_counter() - started) * 1000, 2),
    }


def _read(
    runtime: Runtime, ask: Ask, bundle: ModelBundle, degraded: Degraded
) -> tuple[UserHistory, Shelf, Newcomers | None]:
    """The shopper's past, the shelf and who is new on it, in one look at the database.

    Without the database: nobody's past, and the rest as it is at hand.
    """
    past, shelf = UserHistory(user_id=ask.shopper), runtime.shelf
    newcomers = runtime.arrivals.last(bundle)
    try:
        with runtime.database.asking(), looking(runtime.engine) as reader:
            shelf = runtime.fresh_shelf(reader)
            newcomers = runtime.arrivals.fresh(reader, bundle, shelf)
            past = _history(reader, ask)
    except DATABASE_ERRORS as error:
        log.warning("answering without the database: %s", type(error).__name__)
        degraded.add("history")
        degraded.add("catalogue")
    return _with_session(past, ask.session), shelf, newcomers


def _history(reader: Reader, ask: Ask) -> UserHistory:
    if ask.shopper is None:
        return UserHistory()
    return events.history(reader, ask.shopper)


def _with_session(past: UserHistory, item_ids: tuple[str, ...]) -> UserHistory:
    if not item_ids:
        return past
    kinds = past.kinds + (EventKind.VIEW,) * len(item_ids)
    return replace(past, item_ids=past.item_ids + item_ids, kinds=kinds)


def _shelf(
    runtime: Runtime, bundle: ModelBundle, degraded: Degraded
) -> tuple[Shelf, Newcomers | None]:
    try:
        with runtime.database.asking(), looking(runtime.engine) as reader:
            shelf = runtime.fresh_shelf(reader)
            return shelf, runtime.arrivals.fresh(reader, bundle, shelf)
    except DATABASE_ERRORS as error:
        log.warning("answering from the last shelf: %s", type(error).__name__)
        degraded.add("catalogue")
        return runtime.shelf, runtime.arrivals.last(bundle)


def _note_missing_model(bundle: ModelBundle, degraded: Degraded) -> None:
    if not bundle.item_ids:
        degraded.add("model")


def _dressed(
    runtime: Runtime,
    shelf: Shelf,
    slate: Slate,
    *,
    persona: Persona,
    banner: str,
    degraded: Degraded,
) -> dict[str, Any]:
    items = [shelf.items[one.item_id] for one in slate.recommendations]
    if banner == NO_BANNER:
        dressed: list[dict[str, Any] | None] = [None] * len(items)
    else:
        made = creatives.for_slate(runtime, items, persona, banner, degraded)
        dressed = [creatives.as_json(creative) for creative in made]
    return {
        "recommendation_id": str(uuid.uuid4()),
        "model_version": None if "model" in degraded else slate.model_version,
        "items": [
            recommendation(one) | {"product": product(item), "creative": creative}
            for one, item, creative in zip(slate.recommendations, items, dressed, strict=True)
        ],
        "excluded": dict(slate.excluded),
    }


def _noted(runtime: Runtime, degraded: Degraded) -> list[str]:
    for missing in degraded.as_list():
        runtime.metrics.degraded(missing)
    return degraded.as_list()
