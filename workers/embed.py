"""Items' words made into vectors: one item that was just written, or a chunk of what waits."""

import logging

from recsys.behaviour.recent import CATALOGUE
from recsys.learning import embedding
from workers.runtime import Runtime

log = logging.getLogger(__name__)


def run(runtime: Runtime, item_ids: list[str] | None) -> bool:
    """Encode these items, or the next chunk; True where more may be waiting."""
    encoder = runtime.text_encoder
    if encoder is None:
        return False
    found = embedding.embed(runtime.engine, encoder, item_ids=item_ids)
    if found:
        log.info("read the words of %d items", found)
        runtime.tell(lambda recent: recent.changed(CATALOGUE))
    return item_ids is None and found == embedding.CHUNK


def waits(runtime: Runtime) -> bool:
    """Whether an item's vector is missing or stale."""
    encoder = runtime.text_encoder
    return encoder is not None and embedding.waits(runtime.engine, encoder)
