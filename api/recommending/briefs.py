"""Briefs, keys and floors this process has already worked out."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from generative import brief as briefs
from generative.floor import floor
from generative.types import Audience, Brief, Creative
from recsys.types import Item, Persona

BRIEFS_KEPT = 2_000
KEYS_KEPT = 100_000
TEXTS_KEPT = 20_000  # an item's text is as long as its description

_Frame = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a slate asks of the studio for one item; `item` shows whether the shop changed it since."""

    item: Item
    brief: Brief
    floor: Creative


@dataclass(frozen=True, slots=True)
class _Text:
    """What of an item goes into every key of it."""

    item: Item
    text: bytes
    speaks_of_worth: bool


class Briefs:
    """Briefs and floors of this process, so that an unchanged item is not hashed twice.

    A slate wants only the keys of creatives that are there already; a floor takes a third of a
    millisecond to word, and is made for those that are not.
    """

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        self._kept: dict[tuple[str, Persona, str], Asked] = {}
        self._texts: dict[str, _Text] = {}
        self._frames: dict[tuple[Persona, str], int] = {}
        self._numbers = count()  # none comes twice, so threads may race
        # Under an item and its frames' numbers: what an item had been goes with all that hung on it.
        self._keys: dict[str, tuple[Item, dict[int, str]]] = {}
        self._n_keys = 0

    def keys(self, items: Sequence[Item], persona: Persona, size: str) -> list[str]:
        """The key of each item's creative, as `of` would say it."""
        if self._n_keys > KEYS_KEPT:
            self._frames, self._keys, self._n_keys = {}, {}, 0
        number = self._frames.get((persona, size))
        if number is None:
            number = self._frames[persona, size] = next(self._numbers)
        found: list[str] = []
        frames: dict[bool, _Frame] = {}
        for item in items:
            known = self._keys.get(item.item_id)
            if known is None or known[0] is not item:
                known = self._keys[item.item_id] = (item, {})
            key = known[1].get(number)
            if key is None:
                key = known[1][number] = self._key(item, persona, size, frames)
                self._n_keys += 1
            found.append(key)
        return found

    def of(self, item: Item, persona: Persona, size: str) -> Asked:
        place = (item.item_id, persona, size)
        kept = self._kept.get(place)
        if kept is None or kept.item is not item:
            brief = Brief(item=briefs.facts_of(item), audience=_audience(persona), size=size)
            kept = Asked(item, brief, floor(brief, fingerprint=self._fingerprint))
            if len(self._kept) >= BRIEFS_KEPT:
                self._kept.clear()
            self._kept[place] = kept
        return kept

    def by_key(self, key: str) -> Asked | None:
        """What was asked under a key in this process; for tools, it looks at all of them."""
        return next((kept for kept in self._kept.values() if kept.floor.key == key), None)

    def _key(self, item: Item, persona: Persona, size: str, frames: dict[bool, _Frame]) -> str:
        text = self._texts.get(item.item_id)
        if text is None or text.item is not item:
            facts = briefs.facts_of(item)
            text = _Text(item, briefs.item_text(facts), briefs.speaks_of_worth(facts))
            if len(self._texts) >= TEXTS_KEPT:
                self._texts.clear()
            self._texts[item.item_id] = text
        frame = frames.get(text.speaks_of_worth)
        if frame is None:
            whole = Brief(item=briefs.facts_of(item), audience=_audience(persona), size=size)
            frame = frames[text.speaks_of_worth] = briefs.frame(whole, self._fingerprint)
        return briefs.framed_key(frame[0], text.text, frame[1])


def _audience(persona: Persona) -> Audience:
    return Audience(categories=persona.categories, price_band=persona.price_band)
