"""Briefs and floors this process has already worked out."""

from dataclasses import dataclass

from generative import brief as briefs
from generative.studio import floor
from generative.types import Audience, Brief, Creative
from recsys.types import Item, Persona

BRIEFS_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What a slate asks of the studio for one item; `item` shows whether the shop changed it since."""

    item: Item
    brief: Brief
    floor: Creative


class Briefs:
    """Briefs and floors of this process, so that an unchanged item is not hashed twice."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        self._kept: dict[tuple[str, Persona, str], Asked] = {}

    def of(self, item: Item, persona: Persona, size: str) -> Asked:
        place = (item.item_id, persona, size)
        kept = self._kept.get(place)
        if kept is None or kept.item is not item:
            audience = Audience(categories=persona.categories, price_band=persona.price_band)
            brief = Brief(item=briefs.facts_of(item), audience=audience, size=size)
            kept = Asked(item, brief, floor(brief, fingerprint=self._fingerprint))
            if len(self._kept) >= BRIEFS_KEPT:
                self._kept.clear()
            self._kept[place] = kept
        return kept

    def by_key(self, key: str) -> Asked | None:
        """What was asked under a key in this process; for tools, it looks at all of them."""
        return next((kept for kept in self._kept.values() if kept.floor.key == key), None)
