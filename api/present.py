"""Our nouns as JSON. Text goes out verbatim: whoever puts it on a page escapes it there."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np
import orjson

from api.recommending import creatives
from generative.cache import as_shown
from generative.types import Campaign, Progress, Shown
from recsys.learning.runs import Run
from recsys.types import Item, Reason, Recommendation

_PRODUCTS_KEPT = 100_000  # some 500 bytes each
_products: dict[str, tuple[Item, orjson.Fragment]] = {}


def product(item: Item) -> dict[str, Any]:
    """What a shop page shows of an item."""
    return {
        "title": item.title,
        "price": money(item.price),
        "was_price": money(item.was_price),
        "offer_until": moment(item.offer_until),
        "currency": item.currency,
        "image_url": item.image_url,
        "url": item.url,
        "category": "/".join(item.category),
        "brand": item.brand,
        "in_stock": item.in_stock,
    }


def product_json(item: Item) -> orjson.Fragment:
    """As `product`, already JSON; made once for as long as the shelf holds this very item."""
    kept = _products.get(item.item_id)
    if kept is None or kept[0] is not item:
        if len(_products) >= _PRODUCTS_KEPT:
            _products.clear()
        kept = _products[item.item_id] = (item, creatives.fragment(product(item)))
    return kept[1]


def whole_item(item: Item) -> dict[str, Any]:
    return {
        "item_id": item.item_id,
        "title": item.title,
        "description": item.description,
        "category": list(item.category),
        "brand": item.brand,
        "price": money(item.price),
        "was_price": money(item.was_price),
        "currency": item.currency,
        "image_url": item.image_url,
        "url": item.url,
        "stock": item.stock,
        "hidden": item.hidden,
        "attributes": dict(item.attributes),
        "created_at": moment(item.created_at),
        "offer_until": moment(item.offer_until),
    }


def recommendation(one: Recommendation) -> dict[str, Any]:
    return {
        "item_id": one.item_id,
        "rank": one.rank,
        "score": round(float(one.score), 6),
        "source": one.source._value_,  # a plain attribute; `value` is a descriptor that calls twice
        "reasons": _reasons(one.reasons),
        "placed_by": one.placed_by,
        "propensity": one.propensity,
    }


def rows(shown: Sequence[Recommendation], items: Sequence[Item]) -> list[dict[str, Any]]:
    """Recommendations with their products and without creatives, for `orjson` alone to read.

    As `recommendation` has them, but every answer makes twenty: this takes half as long.
    """
    # Python's own `round` prints every number and reads it back
    scores = np.array([one.score for one in shown], np.float64).round(6).tolist()
    return [
        {
            "item_id": item_id,
            "rank": rank,
            "score": score,
            "source": source._value_,
            "reasons": _reasons(reasons) if reasons else (),
            "placed_by": placed_by,
            "propensity": propensity,
            "product": product_json(item),
            "creative": None,
        }
        for (item_id, rank, _, source, reasons, placed_by, propensity), score, item in zip(
            shown, scores, items, strict=True
        )
    ]


def _reasons(reasons: Sequence[Reason]) -> list[dict[str, Any]]:
    return [
        {"kind": reason.kind, "item_id": reason.item_id, "text": reason.text} for reason in reasons
    ]


def run_json(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "status": run.status,
        "stage": run.stage,
        "progress": run.progress,
        "trigger": run.trigger,
        "cancel_requested": run.cancel_requested,
        "curves": dict(run.curves),
        "metrics": dict(run.metrics),
        "model_version": run.model_version,
        "error": run.error,
        "created_at": moment(run.created_at),
        "heartbeat_at": moment(run.heartbeat_at),
        "finished_at": moment(run.finished_at),
    }


def campaign_json(campaign: Campaign, progress: Progress) -> dict[str, Any]:
    spec = campaign.spec
    return {
        "campaign_id": campaign.campaign_id,
        "name": spec.name,
        "status": campaign.status,
        "sizes": list(spec.sizes),
        "audience": dict(spec.audience),
        "items": dict(spec.items),
        "locale": spec.locale,
        "progress": asdict(progress),
        "error": campaign.error,
        "created_at": moment(campaign.created_at),
        "finished_at": moment(campaign.finished_at),
        "degraded": [],
    }


def planned_json(shown: Shown) -> dict[str, Any]:
    audience = shown.brief.audience
    return {
        "key": shown.key,
        "item_id": shown.item_id,
        "size": shown.brief.size,
        "audience": ", ".join((*audience.categories, audience.price_band)),
        "status": shown.status,
        "approval": shown.approval.value,
        "error": shown.error,
        "stale": shown.stale,
        "creative": None if shown.creative is None else as_shown(shown.creative),
    }


@lru_cache(maxsize=4096)  # a shop has few prices, and every slate prints twenty
def money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
