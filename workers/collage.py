"""Several products on one picture, of the items as they are when it is drawn."""

import logging

from generative import collages
from generative.brief import facts_of
from recsys.catalogue import items
from recsys.database import reading
from workers.runtime import Runtime

log = logging.getLogger(__name__)


def make(runtime: Runtime, item_ids: list[str], size: str, locale: str) -> None:
    """Answer a ring for a collage; an item that is not sold by now leaves none to be made."""
    with reading(runtime.engine) as session:
        found = items.get_many(session, item_ids)
    sold = [item for item in found.values() if not item.hidden and item.in_stock]
    if len(sold) < len(item_ids):
        log.info("no collage of %s: not all of them are sold", item_ids)
        return
    facts = [facts_of(item) for item in sold]
    settings, style = runtime.config.generative, runtime.studio.style
    try:
        if collages.make(facts, style, settings, size=size, locale=locale) is None:
            log.warning("no collage of %s could be laid out", item_ids)
    except OSError as error:
        log.error("no collage of %s: %s", item_ids, error)  # noqa: TRY400 the message is all there is
