"""Properties of all items as columns, made when first asked for and mended when items change.

    A items of the assortment   I items of the catalogue

A number or time is float64 (A,), NaN where missing; a text is int32 codes (A,) into its distinct
texts, 0 where missing; a condition is int8 (A,): 0 unknown, 1 false, 2 true. A million items cost
4 to 8 MB a column that is used, and nothing for one that is not.
"""

import math
from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, islice, repeat
from threading import Lock
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from recsys.expressions.nodes import Kind
from recsys.expressions.properties import ATTRIBUTES, PROPERTIES, reader
from recsys.expressions.texts import UNKNOWN, Texts, Words
from recsys.types import Item

Numbers = NDArray[np.float64]
Flags = NDArray[np.int8]
Key = tuple[str, Kind]
FALSE, TRUE = 1, 2  # beside UNKNOWN
_FLAG_OF = {None: UNKNOWN, False: FALSE, True: TRUE}
_COLUMNS_KEPT = 64  # requests choose them, so their number is bounded: 512 MB at a million items
_OVERLAY_KEPT = 4_096  # written items remembered beside the mapping they are laid over, and
_OVERLAY_SHARE = 8  # no more than one in so many: the mapping still holds what each was before
_SPARE_TEXTS = 1_000  # a column with more old texts than this and its items is made again
_BLANK = Item(item_id="", title="", currency="")  # has everything missing
_NOWHERE: NDArray[np.int64] = np.zeros(0, np.int64)

Column = Numbers | Texts | Flags


class Table(Protocol):
    """What an expression is evaluated over: `n` items, and their columns."""

    @property
    def n(self) -> int: ...

    def column(self, name: str, kind: Kind) -> Column: ...


class Columns:
    """The properties of A items by place. Never changed itself: `changed` gives a successor."""

    def __init__(self, places: Mapping[str, int], items: Mapping[str, Item]) -> None:
        self.n = len(places)
        self._places = places
        self._items = items
        self._overlay: Mapping[str, Item] = {}  # written since `items` was given
        self._made: dict[Key, Column] = {}
        self._listing: _Listing | None = None
        self._nothing: dict[Kind, Column] = {}
        self._attributes: frozenset[str] | None = None
        self._lock = Lock()

    @staticmethod
    def of(places: Mapping[str, int], items: Mapping[str, Item]) -> "Columns":
        """Columns of the items at `places` 0..A-1; one that `items` lacks has everything missing."""
        return Columns(places, items)

    def column(self, name: str, kind: Kind) -> Column:
        """A property of all items, made on its first use."""
        found = self._made.get((name, kind))
        if found is not None:
            return found
        with self._lock:
            found = self._made.get((name, kind))
            if found is not None:
                return found
            if name not in PROPERTIES and name.removeprefix(ATTRIBUTES) not in self._names():
                if (
                    kind not in self._nothing
                ):  # names are the requests', so one column is all theirs
                    self._nothing[kind] = _read(name, kind, (), _NOWHERE, self.n, _empty(kind))
                return self._nothing[kind]
            found = self._make(name, kind)
            while len(self._made) >= _COLUMNS_KEPT:
                del self._made[next(iter(self._made))]
            self._made[name, kind] = found
        return found

    def made(self) -> tuple[Key, ...]:
        """The columns in use, for `make` of another assortment before it is asked anything."""
        return tuple(self._made)

    def make(self, keys: Iterable[Key]) -> None:
        """Make columns ahead of the first request that needs them."""
        for name, kind in keys:
            self.column(name, kind)

    def lacking(self, keys: Iterable[Key]) -> tuple[str, ...]:
        """The attributes among `keys` that no item has: most likely misspelt, and worth a warning."""
        named = sorted({name for name, _ in keys if name not in PROPERTIES})
        with self._lock:
            return tuple(
                name for name in named if name.removeprefix(ATTRIBUTES) not in self._names()
            )

    def at(self, places: NDArray[np.int64]) -> "Chosen":
        """A few items by place: what 200 candidates are asked need not be worked out for all."""
        return Chosen(parent=self, places=places)

    def changed(
        self, written: Mapping[str, Item], places: Mapping[str, int], *, grown: bool = False
    ) -> "Columns":
        """Columns with these items written over them; a column that stays the same is shared.

        `places` may have grown at its end. In another order every column is made again on use.
        Who says that it has `grown`, if anything, and by written items only, is spared the look.
        """
        successor = Columns(places, self._items)
        successor._overlay = {**self._overlay, **written}
        if len(successor._overlay) > min(_OVERLAY_KEPT, self.n // _OVERLAY_SHARE):
            successor._items = {**_flat(self._items), **successor._overlay}
            successor._overlay = {}
        if self._attributes is not None:
            new = (name for item in written.values() for name in item.attributes)
            successor._attributes = self._attributes.union(new)
        if grown or _extends(self._places, places):
            successor._mend(self._made.copy(), self.n if not grown else len(places), written)
            if successor._items is self._items and places is self._places:
                successor._listing = self._listing
        return successor

    def _mend(self, made: Mapping[Key, Column], n: int, written: Mapping[str, Item]) -> None:
        """Take over the columns of the first `n` places, and read what was written or is new."""
        ids = [item_id for item_id in written if item_id in self._places]
        if n < self.n:
            ids += [item_id for item_id in islice(self._places, n, None) if item_id not in written]
        places = np.array([self._places[item_id] for item_id in ids], np.int64)
        items = [self._overlay.get(item_id) or self._items.get(item_id, _BLANK) for item_id in ids]
        for (name, kind), column in made.items():
            if isinstance(column, Texts) and len(column.words) > 2 * self.n + _SPARE_TEXTS:
                continue
            self._made[name, kind] = _read(name, kind, items, places, self.n, column)

    def _make(self, name: str, kind: Kind) -> Column:
        listing = self._listed()
        found = _read(name, kind, listing.items, listing.places, self.n, _empty(kind))
        later = [item_id for item_id in self._overlay if item_id in self._places]
        places = np.array([self._places[item_id] for item_id in later], np.int64)
        items = [self._overlay[item_id] for item_id in later]
        return _read(name, kind, items, places, self.n, found)

    def _names(self) -> frozenset[str]:
        """Every attribute that any item has."""
        if self._attributes is None:
            names: set[str] = set()
            for item in (*self._listed().items, *self._overlay.values()):
                names.update(item.attributes)
            self._attributes = frozenset(names)
        return self._attributes

    def _listed(self) -> "_Listing":
        if self._listing is None:
            items = _flat(self._items)
            found, n = list(items.values()), len(items)
            places = np.fromiter(map(self._places.get, items, repeat(-1)), np.int64, n)
            here = places >= 0
            if not here.all():
                found, places = list(compress(found, here)), places[here]
            self._listing = _Listing(items=found, places=places)
        return self._listing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Listing:
    """Items with their places, in the catalogue's order: read as they lie in memory, not at random."""

    items: Sequence[Item]
    places: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """Some of the items of `parent`, in the order of `places`."""

    parent: Columns
    places: NDArray[np.int64]

    @property
    def n(self) -> int:
        return len(self.places)

    def column(self, name: str, kind: Kind) -> Column:
        whole = self.parent.column(name, kind)
        if isinstance(whole, Texts):
            return Texts(codes=whole.codes[self.places], words=whole.words)
        return whole[self.places]


def _read(
    name: str,
    kind: Kind,
    items: Sequence[Item],
    places: NDArray[np.int64],
    n: int,
    column: Column,
) -> Column:
    """`column` for `n` places with the items' values laid over it; itself where that changes nothing."""
    read = reader(name, kind)
    values: list[Any] = [read(item) for item in items]
    if isinstance(column, Texts):
        new = column.words.coded([value or "" for value in values])
        codes = _laid(column.codes, n, places, new, UNKNOWN)
        return column if codes is column.codes else Texts(codes=codes, words=column.words)
    if kind is Kind.FLAG:
        flags = np.array([_FLAG_OF[value] for value in values], np.int8)
        return cast("Flags", _laid(column, n, places, flags, UNKNOWN))
    floats = [math.nan if value is None else float(value) for value in values]
    numbers = np.array(floats, np.float64)
    numbers[~np.isfinite(numbers)] = np.nan
    return cast("Numbers", _laid(column, n, places, numbers, np.nan))


def _empty(kind: Kind) -> Column:
    if kind is Kind.TEXT:
        return Texts(codes=np.zeros(0, np.int32), words=Words())
    return np.zeros(0, np.int8) if kind is Kind.FLAG else np.zeros(0, np.float64)


def _laid(old: Any, n: int, places: NDArray[np.int64], values: Any, fill: float) -> Any:
    if n == len(old):
        if np.array_equal(old[places], values, equal_nan=old.dtype == np.float64):
            return old
        new = old.copy()
    else:
        new = np.concatenate([old, np.full(n - len(old), fill, old.dtype)])
    new[places] = values
    return new


def _extends(old: Mapping[str, int], new: Mapping[str, int]) -> bool:
    """Whether every item kept its place, and new ones come after."""
    if new is old:
        return True
    n = len(old)
    return list(old) == list(islice(new, n)) and list(old.values()) == list(islice(new.values(), n))


def _flat(items: Mapping[str, Item]) -> Mapping[str, Item]:
    """One layer of what may lie in several: a ChainMap's look-ups are ten times slower."""
    if not isinstance(items, ChainMap):
        return items
    found: dict[str, Item] = {}
    for layer in reversed(items.maps):
        found.update(layer)
    return found
