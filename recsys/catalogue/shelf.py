"""The shelf: an immutable snapshot of the catalogue that every answer is checked against.

`refresh` asks the database one number, and reads only the items written since; a hidden or
sold-out item is therefore gone from the very next answer. What ranking needs as arrays is made
once for each model's item order and mended, not remade, when items change.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from recsys.catalogue import items
from recsys.database import Reader
from recsys.types import Item

_MASKS_KEPT = 256  # category filters come from requests, so their number is bounded
_ORDERS_KEPT = 4  # a model's item order lives as long as the model; a swap leaves one behind
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShelfRows:
    """Three read-only arrays aligned with `item_ids`; an unknown item is neither hidden nor sold out."""

    item_ids: tuple[str, ...]
    known: NDArray[np.bool_]
    hidden: NDArray[np.bool_]
    out_of_stock: NDArray[np.bool_]


@dataclass(slots=True, eq=False)
class _Memory:
    """What was worked out from one snapshot; filled lazily, a race only works it out twice."""

    # Keyed by id() of the tuple, which the entry itself keeps alive.
    rows: dict[int, tuple[ShelfRows, Mapping[str, int]]] = field(default_factory=dict)
    masks: dict[tuple[int, tuple[str, ...]], tuple[tuple[str, ...], NDArray[np.bool_]]] = field(
        default_factory=dict
    )
    newest: tuple[Item, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shelf:
    revision: int = 0
    items: Mapping[str, Item] = field(default_factory=lambda: MappingProxyType({}))
    _memory: _Memory = field(default_factory=_Memory, repr=False)

    @staticmethod
    def empty() -> "Shelf":
        return Shelf()

    @staticmethod
    def of(items_: Iterable[Item], *, revision: int = 0) -> "Shelf":
        """A shelf of these items, with no database behind it."""
        found = {item.item_id: item for item in items_}
        return Shelf(revision=revision, items=MappingProxyType(found))

    def rows(self, item_ids: tuple[str, ...]) -> ShelfRows:
        """The state of `item_ids`, kept for as long as the same tuple is asked for."""
        kept = self._memory.rows.get(id(item_ids))
        if kept is None or kept[0].item_ids is not item_ids:
            kept = self._read_rows(item_ids)
            if len(self._memory.rows) >= _ORDERS_KEPT:
                self._memory.rows.clear()
            self._memory.rows[id(item_ids)] = kept
        return kept[0]

    def category_mask(
        self, item_ids: tuple[str, ...], prefix: tuple[str, ...]
    ) -> NDArray[np.bool_]:
        """Which of `item_ids` lie under the category path; the empty path holds all known ones."""
        key = (id(item_ids), prefix)
        kept = self._memory.masks.get(key)
        if kept is None or kept[0] is not item_ids:
            depth = len(prefix)
            mask = np.fromiter(
                (
                    item_id in self.items and self.items[item_id].category[:depth] == prefix
                    for item_id in item_ids
                ),
                dtype=np.bool_,
                count=len(item_ids),
            )
            mask.setflags(write=False)
            if len(self._memory.masks) >= _MASKS_KEPT:
                self._memory.masks.clear()
            kept = self._memory.masks[key] = (item_ids, mask)
        return kept[1]

    def newest(self) -> tuple[Item, ...]:
        """Every visible item, newest first; of the same moment by id."""
        if self._memory.newest is None:
            visible = (item for item in self.items.values() if not item.hidden)
            self._memory.newest = tuple(sorted(visible, key=_age))
        return self._memory.newest

    def changed(self, changes: Iterable[Item], *, revision: int) -> "Shelf":
        """A new shelf with these items written over it; this one stays as it is."""
        written = {item.item_id: item for item in changes}
        memory = _Memory()
        for key, (rows, position) in list(self._memory.rows.items()):
            memory.rows[key] = (_mended(rows, position, written), position)
        found = MappingProxyType({**self.items, **written})
        return Shelf(revision=revision, items=found, _memory=memory)

    def _read_rows(self, item_ids: tuple[str, ...]) -> tuple[ShelfRows, Mapping[str, int]]:
        nothing = np.zeros(len(item_ids), dtype=np.bool_)
        empty = ShelfRows(item_ids=item_ids, known=nothing, hidden=nothing, out_of_stock=nothing)
        position = {item_id: row for row, item_id in enumerate(item_ids)}
        return _mended(empty, position, self.items), position


def refresh(reader: Reader, shelf: Shelf) -> Shelf:
    """The shelf as the database has it now; the same object when nothing was written."""
    revision, changes = items.changed_since(reader, shelf.revision)
    if revision < shelf.revision:  # another database, or one restored from a backup: start again
        revision, changes = items.changed_since(reader, 0)
        return Shelf.of(changes, revision=revision)
    if revision == shelf.revision:
        return shelf
    return shelf.changed(changes, revision=revision)


def _mended(rows: ShelfRows, position: Mapping[str, int], written: Mapping[str, Item]) -> ShelfRows:
    known, hidden, out_of_stock = rows.known.copy(), rows.hidden.copy(), rows.out_of_stock.copy()
    for item_id, item in written.items():
        row = position.get(item_id)
        if row is not None:
            known[row], hidden[row], out_of_stock[row] = True, item.hidden, not item.in_stock
    for array in (known, hidden, out_of_stock):
        array.setflags(write=False)
    return ShelfRows(item_ids=rows.item_ids, known=known, hidden=hidden, out_of_stock=out_of_stock)


def _age(item: Item) -> tuple[float, str]:
    return (-(item.created_at or _EPOCH).timestamp(), item.item_id)
