"""The shelf: an immutable snapshot of the catalogue that every answer is checked against.

`refresh` asks the database one number, and reads only the items written since; a hidden or
sold-out item is therefore gone from the very next answer. An offer ends by the clock alone: past
its moment `at` lays the former price over it, with no word from the database. A change costs what was changed, not what
the shop sells: the new shelf lays it over the old one's items, and says what it laid, so that
whoever keeps arrays beside a shelf mends them instead of making them anew.
"""

import math
import time
from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from recsys.catalogue import items, offers
from recsys.database import Reader
from recsys.types import Item

_LAID_OVER = 4_096  # changed items above which the layers are made one
_REMEMBERED = 64  # changes back that a follower of the shelf can catch up with
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Items = Mapping[str, Item]
_NONE: Items = MappingProxyType({})


@dataclass(slots=True, eq=False)
class _Memory:
    """What was worked out from one snapshot; filled lazily, a race only works it out twice."""

    newest: tuple[Item, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shelf:
    """`items` by id. `changes` are the newest writes as (the shelf before, what was laid over it).

    `offers` are the items of which an offer ends, as the shop wrote them; `turns` is when the next
    one does, in seconds since the epoch.
    """

    revision: int = 0
    items: Items = field(default_factory=lambda: _NONE)
    changes: tuple[tuple[object, Items], ...] = ()
    offers: Items = field(default_factory=lambda: _NONE)
    turns: float = math.inf
    identity: object = field(default_factory=object, repr=False)
    _memory: _Memory = field(default_factory=_Memory, repr=False)

    @staticmethod
    def empty() -> "Shelf":
        return Shelf()

    @staticmethod
    def of(items_: Iterable[Item], *, revision: int = 0, now: float | None = None) -> "Shelf":
        """A shelf of these items at a moment, with no database behind it."""
        moment = time.time() if now is None else now
        written = {item.item_id: item for item in items_}
        ending = _ending(_NONE, written)
        return Shelf(
            revision=revision,
            items=MappingProxyType(_sold(written, moment)),
            offers=ending,
            turns=_next_end(ending, moment),
        )

    def newest(self) -> tuple[Item, ...]:
        """Every visible item, newest first; of the same moment by id."""
        if self._memory.newest is None:
            visible = (item for item in self.items.values() if not item.hidden)
            self._memory.newest = tuple(sorted(visible, key=_age))
        return self._memory.newest

    def changed(
        self, changes: Iterable[Item], *, revision: int, now: float | None = None
    ) -> "Shelf":
        """A new shelf with these items written over it; this one stays as it is."""
        moment = time.time() if now is None else now
        before = self.at(moment)
        written = {item.item_id: item for item in changes}
        ending = _ending(before.offers, written)
        turns = before.turns if ending is before.offers else _next_end(ending, moment)
        sold = _sold(written, moment)
        return _over(before, sold, revision=revision, offers=ending, turns=turns)

    def ended(self, now: float) -> int:
        """How many offers have ended by then: where that is the same, so are all prices."""
        return sum(_end(item) <= now for item in self.offers.values())

    def at(self, now: float) -> "Shelf":
        """The shelf at a later moment: what offers have ended since, at its former price again."""
        if now < self.turns:
            return self
        ended = {
            item_id: offers.current(item, offers.at(now))
            for item_id, item in self.offers.items()
            if self.turns <= _end(item) <= now
        }
        turns = _next_end(self.offers, now)
        return _over(self, ended, revision=self.revision, offers=self.offers, turns=turns)

    def since(self, earlier: object) -> Items | None:
        """What was written after the shelf of that identity; None where this does not follow from it."""
        if earlier is self.identity:
            return _NONE
        written: dict[str, Item] = {}
        for before, change in reversed(self.changes):
            written = {**change, **written}
            if before is earlier:
                return written
        return None


def refresh(reader: Reader, shelf: Shelf, *, now: float | None = None) -> Shelf:
    """The shelf as the database has it now; the same object when nothing was written or ended."""
    moment = time.time() if now is None else now
    shelf = shelf.at(moment)
    revision, changes = items.changed_since(reader, shelf.revision)
    if revision < shelf.revision:  # another database, or one restored from a backup: start again
        revision, changes = items.changed_since(reader, 0)
        return Shelf.of(changes, revision=revision, now=moment)
    if revision == shelf.revision:
        return shelf
    return shelf.changed(changes, revision=revision, now=moment)


def _over(
    shelf: Shelf, written: dict[str, Item], *, revision: int, offers: Items, turns: float
) -> Shelf:
    return Shelf(
        revision=revision,
        items=_laid_over(shelf.items, written),
        changes=(*shelf.changes, (shelf.identity, written))[-_REMEMBERED:],
        offers=offers,
        turns=turns,
    )


def _laid_over(below: Items, written: dict[str, Item]) -> Items:
    """One mapping of both: the new items in front, the many below them untouched."""
    if isinstance(below, ChainMap):
        front, base = below.maps
        layer = {**front, **written}
        if len(layer) <= _LAID_OVER:
            return ChainMap(layer, base)
        return MappingProxyType({**base, **layer})
    if len(below) <= _LAID_OVER:
        return MappingProxyType({**below, **written})
    return ChainMap(written, below)  # type: ignore[arg-type]  # neither layer is ever written to


def _ending(before: Items, written: Mapping[str, Item]) -> Items:
    """The items whose offers end, after a write; the same mapping where that concerns none."""
    new = {item_id: item for item_id, item in written.items() if item.offer_until is not None}
    if not new and not any(item_id in before for item_id in written):
        return before
    kept = {item_id: item for item_id, item in before.items() if item_id not in written}
    return MappingProxyType({**kept, **new})


def _sold(written: dict[str, Item], now: float) -> dict[str, Item]:
    if all(item.offer_until is None for item in written.values()):
        return written
    moment = offers.at(now)
    return {item_id: offers.current(item, moment) for item_id, item in written.items()}


def _next_end(ending: Items, now: float) -> float:
    return min((end for end in map(_end, ending.values()) if end > now), default=math.inf)


def _end(item: Item) -> float:
    return math.inf if item.offer_until is None else item.offer_until.timestamp()


def _age(item: Item) -> tuple[float, str]:
    return (-(item.created_at or _EPOCH).timestamp(), item.item_id)
