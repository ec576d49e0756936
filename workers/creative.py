"""One creative for one item and one kind of shopper: made once, kept as a row, put where the web looks."""

import logging
from datetime import UTC, datetime
from typing import Any

import redis

from generative import brief as briefs
from generative import creatives, forms
from generative.campaigning import campaigns
from generative.campaigning.diversity import Said
from generative.errors import GenerativeError
from generative.types import Audience, Brief, Creative
from recsys.catalogue import items
from recsys.database import reading, writing
from workers.runtime import Runtime

log = logging.getLogger(__name__)

_DIFFERENT = "if this goes on, web and worker differ in fonts, models, voices or settings"


def make(  # noqa: PLR0913 what a ring carries, each under its name
    runtime: Runtime,
    item_id: str,
    categories: list[str],
    price_band: str,
    size: str,
    locale: str,
    *,
    variant: str = "",
    reason: str = "",
    key: str = "",
) -> None:
    """Answer a ring for a creative. An item that is gone or hidden by now gets none.

    `key` is what the web looks for. Where another is made, the item or the style changed meanwhile;
    where that happens to every ring, web and worker see different fonts, models or settings.

    Nor does any where its picture cannot be stored: the shop goes on with the floor, and rings again.
    """
    with reading(runtime.engine) as session:
        item = items.get(session, item_id)
    if item is None or item.hidden:
        log.info("no creative for %s: it is gone or hidden", item_id)
        return
    audience = Audience(categories=tuple(categories), price_band=price_band)
    brief = Brief(
        item=briefs.facts_of(item),
        audience=audience,
        size=size,
        locale=locale,
        variant=variant,
        reason=reason,
    )
    try:
        made = creative_for(runtime, brief)
        if key not in {"", made.key}:
            log.warning("creative %s was asked for as %s: %s", made.key, key, _DIFFERENT)
    except OSError as error:  # kept without its picture, it would be so for good
        log.error("no creative for %s: %s", item_id, error)  # noqa: TRY400 the message is all there is


def make_form(runtime: Runtime, key: str, form: str) -> None:
    """Draw a kept creative's picture in another form. What cannot be drawn again is only logged."""
    with reading(runtime.engine) as session:
        creative = campaigns.for_shop(session, key)
    if creative is None:
        return
    try:
        forms.make(creative, form, runtime.config.generative)
    except (GenerativeError, OSError) as error:
        log.warning("no %s of creative %s: %s", form, key, error)


def creative_for(runtime: Runtime, brief: Brief, said: Said | None = None) -> Creative:
    """The creative of a brief: the kept one where there is one, else made, kept and cached.

    What is made says something else than `said` where it can, and is told to it in either case.
    """
    key = briefs.key(brief, runtime.studio.fingerprint)
    avoid = runtime.studio.style.kit.forbidden
    with reading(runtime.engine) as session:
        creative = campaigns.for_shop(session, key, avoid=avoid)
    if creative is None:
        creative = runtime.studio.make(brief, **_otherwise(brief, said))
        with writing(runtime.engine) as session:
            if not creatives.save(session, creative, brief, now=datetime.now(UTC)):
                # Another worker was quicker: what it kept is what everyone shows.
                creative = campaigns.for_shop(session, key, avoid=avoid) or creative
    remember(runtime, creative)
    if said is not None:
        said.tell(brief.item.item_id, creative.copy.tagline)
    return creative


def _otherwise(brief: Brief, said: Said | None) -> dict[str, Any]:
    if said is None:
        return {}
    item_id = brief.item.item_id
    return {"avoid": said.avoid(item_id), "worn": said.worn(item_id)}


def remember(runtime: Runtime, creative: Creative) -> None:
    """Put it in the cache; without one the row remains, and the next ring finds it."""
    try:
        runtime.cache.put(creative)
    except redis.RedisError as error:
        log.warning("creative %s is kept but not cached: %s", creative.key, error)
