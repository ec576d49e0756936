"""Briefs, keys and floors this process has already worked out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import count

from generative import brief as briefs
from generative.floor import floor
from generative.types import Audience, Brief, Creative
from recsys.types import Item, Persona

BRIEFS_KEPT = 2_000
KEYS_KEPT = 100_000
TEXTS_KEPT = 20_000  # an item's text is as long as its description

_Worn = tuple[Persona, str, str, str]  # for whom, its size, its look, the reason it speaks of


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


class _Frame:
    """What all keys of one audience, size and look share, worked out when the first is asked for."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.around: dict[bool, tuple[bytes, bytes]] = {}  # an item that speaks of worth, or not


class _Memory:
    """What was worked out in one style; another style has a memory of its own."""

    def __init__(self, fingerprint: str, forbidden: tuple[str, ...]) -> None:
        self.fingerprint = fingerprint
        self.forbidden = forbidden
        self.asked: dict[tuple[str, _Worn], Asked] = {}
        self.frames: dict[_Worn, _Frame] = {}
        self.numbers = count()  # none comes twice, so threads may race
        # Under an item and its frames' numbers: what an item had been goes with all that hung on it.
        self.keys: dict[str, tuple[Item, dict[int, str]]] = {}
        self.n_keys = 0


class Briefs:
    """Briefs and floors of this process, so that an unchanged item is not hashed twice.

    A slate wants only the keys of creatives that are there already; a floor takes a third of a
    millisecond to word, and is made for those that are not.
    """

    def __init__(self, fingerprint: str, forbidden: tuple[str, ...] = ()) -> None:
        self._memory = _Memory(fingerprint, forbidden)
        self._texts: dict[str, _Text] = {}

    def adopt(self, fingerprint: str, forbidden: tuple[str, ...] = ()) -> None:
        """From now on everything is made in this style; what was worked out in another is dropped."""
        if self._memory.fingerprint != fingerprint:
            # A call that holds the old memory ends in the old style, whole.
            self._memory = _Memory(fingerprint, forbidden)

    def keys(
        self,
        items: Sequence[Item],
        persona: Persona,
        size: str,
        variant: str = "",
        again: Collection[str] = (),
    ) -> list[str]:
        """The key of each item's creative, as `of` would say it; `again` are ids of what comes back."""
        if again:
            return [
                self._keys([item], (persona, size, variant, _reason(item, again)))[0]
                for item in items
            ]
        return self._keys(items, (persona, size, variant, ""))

    def _keys(self, items: Sequence[Item], of: _Worn) -> list[str]:
        memory = self._memory
        if memory.n_keys > KEYS_KEPT:
            memory.frames, memory.keys, memory.n_keys = {}, {}, 0
        frame = memory.frames.get(of)
        if frame is None:
            frame = memory.frames[of] = _Frame(next(memory.numbers))
        found: list[str] = []
        number, keys = frame.number, memory.keys
        for item in items:
            known = keys.get(item.item_id)
            if known is None or known[0] is not item:
                known = keys[item.item_id] = (item, {})
            key = known[1].get(number)
            if key is None:
                key = known[1][number] = self._key(memory, item, of, frame)
                memory.n_keys += 1
            found.append(key)
        return found

    def of(
        self,
        item: Item,
        persona: Persona,
        size: str,
        variant: str = "",
        again: Collection[str] = (),
    ) -> Asked:
        memory, of = self._memory, (persona, size, variant, _reason(item, again))
        place = (item.item_id, of)
        kept = memory.asked.get(place)
        if kept is None or kept.item is not item:
            brief = _brief(item, *of)
            shown = floor(brief, fingerprint=memory.fingerprint, avoid=memory.forbidden)
            kept = Asked(item, brief, shown)
            if len(memory.asked) >= BRIEFS_KEPT:
                memory.asked.clear()
            memory.asked[place] = kept
        return kept

    def fresh(self, brief: Brief) -> Creative:
        """The floor of any brief, under the key that it has in the style in force."""
        memory = self._memory
        return floor(brief, fingerprint=memory.fingerprint, avoid=memory.forbidden)

    def by_key(self, key: str) -> Asked | None:
        """What was asked under a key in this process; for tools, it looks at all of them."""
        return next((kept for kept in self._memory.asked.values() if kept.floor.key == key), None)

    def _key(self, memory: _Memory, item: Item, of: _Worn, frame: _Frame) -> str:
        text = self._texts.get(item.item_id)
        if text is None or text.item is not item:
            facts = briefs.facts_of(item)
            text = _Text(item, briefs.item_text(facts), briefs.speaks_of_worth(facts))
            if len(self._texts) >= TEXTS_KEPT:
                self._texts.clear()
            self._texts[item.item_id] = text
        around = frame.around.get(text.speaks_of_worth)
        if around is None:
            around = briefs.frame(_brief(item, *of), memory.fingerprint)
            frame.around[text.speaks_of_worth] = around
        return briefs.framed_key(around[0], text.text, around[1])


def _reason(item: Item, again: Collection[str]) -> str:
    return briefs.AGAIN if item.item_id in again else ""


def _brief(item: Item, persona: Persona, size: str, variant: str, reason: str) -> Brief:
    facts, audience = briefs.facts_of(item), _audience(persona)
    return Brief(item=facts, audience=audience, size=size, variant=variant, reason=reason)


def _audience(persona: Persona) -> Audience:
    return Audience(categories=persona.categories, price_band=persona.price_band)
