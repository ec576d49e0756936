"""Product photos that changed behind their address: what shows the former ones is drawn again.

A key holds a photo's address, not its bytes, as the web must be able to name it without reading any
picture. So the sweep looks, a part of the rows at a time: at a file's date and size, and only where
those are others at its bytes. Photos on other hosts are not looked at again.
"""

import hashlib
import logging
from dataclasses import dataclass, field
from pathlib import Path

from generative import brief as briefs
from generative import creatives, truth
from generative.campaigning import campaigns
from generative.creatives import Photographed
from generative.errors import UnsafeImage
from generative.picture.source import MEDIA, resolve
from recsys.catalogue import items
from recsys.database import reading, writing
from workers import creative
from workers.runtime import Runtime

log = logging.getLogger(__name__)

ROWS_A_SWEEP = 2_000
DRAWN_A_SWEEP = 20  # a tenth of a second each: the rest waits for the next sweep


@dataclass(slots=True)
class Seen:
    """How far one process has looked, and the hash that each file had at its date and size."""

    after: str = ""
    hashes: dict[str, tuple[tuple[int, int], str]] = field(default_factory=dict)


def look(runtime: Runtime) -> int:
    """Draw again what shows a photo that is another one now; how many were drawn."""
    seen = runtime.photos
    with reading(runtime.engine) as session:
        rows = creatives.photographed(session, after=seen.after, limit=ROWS_A_SWEEP)
    drawn = 0
    for row in rows:
        if drawn == DRAWN_A_SWEEP:
            break
        if _now(runtime, seen, row.image_url) not in {"", row.photo_sha256}:
            drawn += _again(runtime, row)
        seen.after = row.key
    else:
        if len(rows) < ROWS_A_SWEEP:
            seen.after = ""
    if drawn:
        log.info("drew %d creatives of photos that had changed", drawn)
    return drawn


def _now(runtime: Runtime, seen: Seen, url: str) -> str:
    """The hash of a photo's bytes; "" where it is away, which is no other photo."""
    try:
        path = resolve(url.removeprefix(MEDIA), runtime.config.generative.media_dirs)
        return _hash(seen, path)
    except (UnsafeImage, OSError):
        return ""


def _hash(seen: Seen, path: Path) -> str:
    found = path.stat()
    mark = (found.st_mtime_ns, found.st_size)
    known = seen.hashes.get(str(path))
    if known is None or known[0] != mark:
        known = seen.hashes[str(path)] = (mark, hashlib.sha256(path.read_bytes()).hexdigest())
    return known[1]


def _again(runtime: Runtime, row: Photographed) -> int:
    with reading(runtime.engine) as session:
        item = items.get(session, row.item_id)
        asked = creatives.brief_of(session, row.key)
        kept = campaigns.for_shop(session, row.key)
    if asked is None or truth.problem(asked.item, item):
        return 0  # nothing shows it any more
    if briefs.key(asked, runtime.studio.fingerprint) != row.key:
        return 0  # nor this: it was made in another style
    try:
        made = runtime.studio.make(asked)
    except OSError as error:  # the sweep has more to do, and comes by here again
        log.error("creative %s is not drawn again: %s", row.key, error)  # noqa: TRY400 the message is all there is
        return 0
    if made.banner is None:
        return 0
    with writing(runtime.engine) as session:
        creatives.write_over(session, made, asked)
    if kept is not None and kept.banner is not None:  # not turned down
        creative.remember(runtime, made)
    return 1
