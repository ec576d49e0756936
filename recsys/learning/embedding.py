"""Every item's words turned into a vector, once [SQL].

Chosen by name: the packaged sentence encoder, the floor of hashed words, or nothing. Whoever calls
may be killed between two chunks: what was kept is kept, and what is missing is found again.
"""

import logging
from collections.abc import Callable, Sequence

import numpy as np
from sqlalchemy import Engine

from recsys.catalogue import text_vectors
from recsys.catalogue.text_vectors import ItemVectors
from recsys.database import reading, writing
from recsys.models import sentences
from recsys.models.text import TextEncoder
from recsys.models.words import HashedWords

CHUNK = 64  # items between two commits: about a second of the sentence encoder

log = logging.getLogger(__name__)


def open_encoder(name: str) -> TextEncoder | None:
    """The encoder of this name; `auto` takes the sentence encoder where its package is installed.

    Raises:
        ValueError: The sentence encoder is insisted on, and missing.
    """
    if name == "none":
        return None
    found = sentences.find() if name in {"auto", "minilm"} else None
    if found is not None:
        return found
    if name == "minilm":
        raise ValueError(
            "VITRINE_TEXT_ENCODER=minilm, but the packages of requirements-text.lock are missing"
        )
    return HashedWords()


def embed(
    engine: Engine,
    encoder: TextEncoder,
    *,
    limit: int = CHUNK,
    item_ids: Sequence[str] | None = None,
) -> int:
    """Encode up to `limit` items that need it, what was written last first.

    Returns:
        How many were looked at; fewer than `limit` means that none is left.
    """
    name, width = encoder.fingerprint, encoder.width
    with reading(engine) as session:
        waiting = text_vectors.pending(session, name, width, limit=limit, item_ids=item_ids)
    unchanged = [one for one in waiting if one.known]
    fresh = [one for one in waiting if not one.known]
    vectors = encoder.encode([one.text for one in fresh]) if fresh else np.zeros((0, width))
    if waiting:
        with writing(engine) as session:
            text_vectors.confirm(session, unchanged)
            text_vectors.save(session, name, fresh, vectors.astype(np.float32))
    return len(waiting)


def waits(engine: Engine, encoder: TextEncoder) -> bool:
    """Whether any item needs a vector of this encoder."""
    with reading(engine) as session:
        return bool(text_vectors.pending(session, encoder.fingerprint, encoder.width, limit=1))


def collect(
    engine: Engine,
    encoder: TextEncoder,
    *,
    on_progress: Callable[[int], bool] = lambda _done: True,
) -> ItemVectors:
    """Every item's vector, those still missing encoded first; told to stop, what there is."""
    name, width = encoder.fingerprint, encoder.width
    with reading(engine) as session:
        broken = text_vectors.unreadable(session, name, width)
    if broken:
        log.warning("%d kept text vectors cannot be read and are made again", len(broken))
        with writing(engine) as session:
            text_vectors.forget(session, broken)
    done = 0
    while (found := embed(engine, encoder)) and on_progress(done := done + found):
        if found < CHUNK:
            break
    with reading(engine) as session:
        return text_vectors.read(session, name, width)
