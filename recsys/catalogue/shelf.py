"""The shelf: an immutable snapshot of the catalogue that every answer is checked against.

`refresh` asks the database one number, and reads only the items written since; a hidden or
sold-out item is therefore gone from the very next answer. A change costs what was changed, not what
the shop sells: the new shelf lays it over the old one's items, and says what it laid, so that
whoever keeps arrays beside a shelf mends them instead of making them anew.
"""

from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from recsys.catalogue import items
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
    """`items` by id. `changes` are the newest writes as (the shelf before, what was laid over it)."""

    revision: int = 0
    items: Items = field(default_factory=lambda: _NONE)
    changes: tuple[tuple[object, Items], ...] = ()
    identity: object = field(default_factory=object, repr=False)
    _memory: _Memory = field(default_factory=_Memory, repr=False)

    @staticmethod
    def empty() -> "Shelf":
        return Shelf()

    @staticmethod
    def of(items_: Iterable[Item], *, revision: int = 0) -> "Shelf":
        """A shelf of these items, with no database behind it."""
        found = {item.item_id: item for item in items_}
        return Shelf(revision=revision, items=MappingProxyType(found))

    def newest(self) -> tuple[Item, ...]:
        """Every visible item, newest first; of the same moment by id."""
        if self._memory.newest is None:
            visible = (item for item in self.items.values() if not item.hidden)
            self._memory.newest = tuple(sorted(visible, key=_age))
        return self._memory.newest

    def changed(self, changes: Iterable[Item], *, revision: int) -> "Shelf":
        """A new shelf with these items written over it; this one stays as it is."""
        written = {item.item_id: item for item in changes}
        return Shelf(
            revision=revision,
            items=_laid_over(self.items, written),
            changes=(*self.changes, (self.identity, written))[-_REMEMBERED:],
        )

    def since(self, earlier: "Shelf") -> Items | None:
        """What was written after an earlier shelf; None where this one does not follow from it."""
        if earlier is self:
            return _NONE
        written: dict[str, Item] = {}
        for before, change in reversed(self.changes):
            written = {**change, **written}
            if before is earlier.identity:
                return written
        return None


def refresh(reader: Reader, shelf: Shelf) -> Shelf:
    """The shelf as the database has it now; the same object when nothing was written."""
    revision, changes = items.changed_since(reader, shelf.revision)
    if revision < shelf.revision:  # another database, or one restored from a backup: start again
        revision, changes = items.changed_since(reader, 0)
        return Shelf.of(changes, revision=revision)
    if revision == shelf.revision:
        return shelf
    return shelf.changed(changes, revision=revision)


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


def _age(item: Item) -> tuple[float, str]:
    return (-(item.created_at or _EPOCH).timestamp(), item.item_id)
