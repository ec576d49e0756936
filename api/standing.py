"""A creative by its key, held against the item as it is sold now, before anything of it is shown.

Addresses of pictures live on in mails and on pages. What they show must still be so: an item that is
not sold is gone, and a picture of an older price is never sent, whatever any cache says.
"""

import re
from dataclasses import replace
from typing import NamedTuple

from api.errors import RETRY_SECONDS, Problem
from api.recommending import creatives, looking
from api.recommending.degraded import Degraded
from api.runtime import DATABASE_ERRORS, Runtime
from generative import truth
from generative.brief import facts_of
from generative.campaigning import campaigns
from generative.creatives import brief_of
from generative.types import Brief, Creative, State
from recsys.catalogue.shelf import Shelf
from recsys.database import reading
from recsys.types import Item

KEEP_FROM_CACHES = {"Cache-Control": "no-store"}

_KEY = re.compile(r"[0-9a-f]{32}")
_NEVER_READ = "the database is away and this process has not read the catalogue yet; try again"


class Standing(NamedTuple):
    """`outdated`: it was made of other facts than the item has now. `steering` is the pulse's word."""

    creative: Creative
    item: Item
    outdated: bool
    steering: str | None


def find(here: Runtime, key: str) -> Standing | None:
    """What is kept under a key, and how it stands to the item; None where nothing is.

    Raises:
        Problem: 410, the item is not sold any more; 503, nobody can say whether it is.
    """
    if not _KEY.fullmatch(key):
        return None
    degraded = Degraded()
    seen = looking.read(here, None, here.handle.get(), degraded)
    creative = record(here, key, seen.steering_version)
    if creative is None:
        return None
    item = _known(seen.shelf, degraded).items.get(creative.item_id)
    if item is None or item.hidden:
        raise gone(truth.unsold(item))
    return Standing(creative, item, truth.outdated(creative, item), seen.steering_version)


def shelf(here: Runtime) -> Shelf:
    """The shelf of now, as far as this process can know it.

    Raises:
        Problem: 503, it never could read one.
    """
    degraded = Degraded()
    return _known(looking.read(here, None, here.handle.get(), degraded).shelf, degraded)


def gone(why: str) -> Problem:
    """The answer for what is not to be shown any more, and may be again tomorrow."""
    return Problem(410, why, headers=KEEP_FROM_CACHES)


def record(here: Runtime, key: str, token: str | None) -> Creative | None:
    """The record, which knows what was turned down; the cache for what no worker has made yet."""
    held, now = creatives.by_key(here, key, Degraded()), here.trusted.now()
    is_ready = held is not None and held.state is State.READY and truth.ITEM in held.provenance
    if is_ready and here.trusted.holds(key, token, now):
        return held
    try:
        with here.database.asking(), reading(here.engine) as session:
            kept = campaigns.for_shop(session, key, avoid=here.styled.style.kit.forbidden)
    except DATABASE_ERRORS:
        return held
    if kept is not None and kept.state is State.READY:
        here.trusted.note(key, token, now)
    return kept or held


def asked(here: Runtime, found: Standing) -> Brief | None:
    """What the creative was asked with, of the item of now; None where nobody can say."""
    try:
        with here.database.asking(), reading(here.engine) as session:
            kept = brief_of(session, found.creative.key)
    except DATABASE_ERRORS:
        return None
    return None if kept is None else replace(kept, item=facts_of(found.item))


def brief(here: Runtime, found: Standing) -> Brief:
    """As `asked`; where nobody can say, for everyone and in English."""
    return asked(here, found) or Brief(item=facts_of(found.item), size=found.creative.size)


def kept(here: Runtime, key: str) -> Creative | None:
    """The record alone, with its proofs; None where the database is away."""
    try:
        with here.database.asking(), reading(here.engine) as session:
            return campaigns.for_shop(session, key, avoid=here.styled.style.kit.forbidden)
    except DATABASE_ERRORS:
        return None


def _known(shelf: Shelf, degraded: Degraded) -> Shelf:
    if "catalogue" in degraded and not shelf.items:
        raise Problem(503, _NEVER_READ, headers={"Retry-After": RETRY_SECONDS})
    return shelf
