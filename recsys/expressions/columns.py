"""Properties of all items as columns, made when first asked for and mended when items change.

    A items of the assortment   V distinct texts of a column

A number or time is float64 (A,), NaN where missing; a text is int32 codes (A,) into its distinct
texts, 0 where missing; a condition is int8 (A,): 0 unknown, 1 false, 2 true. A million items cost
4 to 8 MB a column that is used, and nothing for one that is not.
"""

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from recsys.expressions.nodes import Kind
from recsys.expressions.properties import ATTRIBUTES, PROPERTIES, reader
from recsys.types import Item

Bools = NDArray[np.bool_]
Numbers = NDArray[np.float64]
Flags = NDArray[np.int8]
Key = tuple[str, Kind]
UNKNOWN, FALSE, TRUE = 0, 1, 2
_FLAG_OF = {None: UNKNOWN, False: FALSE, True: TRUE}
_COLUMNS_KEPT = 64  # requests choose them, so their number is bounded: 512 MB at a million items
_OVERLAY_KEPT = 4_096  # written items remembered beside the mapping they are laid over
_SPARE_TEXTS = 1_000  # a column with more old texts than this and its items is made again
_BLANK = Item(item_id="", title="", currency="")  # has everything missing


class Words:
    """Distinct texts, numbered from 1; 0 is missing. It only grows, so versions of a column share it."""

    def __init__(self) -> None:
        self._codes = {"": 0}
        self.texts = [""]
        self._lock = Lock()

    def code(self, text: str) -> int:
        """The text's number; 0 where nothing has it."""
        return self._codes.get(text, 0)

    def coded(self, texts: Iterable[str]) -> NDArray[np.int32]:
        """The numbers of texts, giving one to each that is new."""
        with self._lock:
            codes = self._codes
            found = [codes.setdefault(text, len(codes)) for text in texts]
            new = list(islice(reversed(codes), len(codes) - len(self.texts)))
            self.texts.extend(reversed(new))
        return np.array(found, np.int32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Texts:
    codes: NDArray[np.int32]  # (A,)
    words: Words

    def where(self, test: Callable[[str], bool]) -> tuple[Bools, Bools]:
        """Tables over codes, (V,) each: for which texts a test holds, and for which it does not."""
        texts = self.words.texts
        n = len(texts)
        holds = np.zeros(n, np.bool_)
        if len(self.codes) < n:  # a few items of a long column: only their texts are read
            used = np.unique(self.codes)
            holds[used] = [test(texts[code]) for code in used]
        else:
            holds[:] = [test(text) for text in islice(texts, n)]
        fails = ~holds
        holds[0] = fails[0] = False
        return holds, fails


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
        self._rows: Sequence[Item] | None = None
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
                return _column([None] * self.n, kind)  # any request may make up a name: not kept
            read = reader(name, kind)
            found = _column([read(item) for item in self._listed()], kind)
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

    def at(self, places: NDArray[np.int64]) -> "Chosen":
        """A few items by place: what 200 candidates are asked need not be worked out for all."""
        return Chosen(parent=self, places=places)

    def changed(self, written: Mapping[str, Item], places: Mapping[str, int]) -> "Columns":
        """Columns with these items written over them; a column that stays the same is shared.

        `places` may have grown at its end. In another order every column is made again on use.
        """
        successor = Columns(places, self._items)
        successor._overlay = {**self._overlay, **written}
        if len(successor._overlay) > _OVERLAY_KEPT:
            successor._items = {**_flat(self._items), **successor._overlay}
            successor._overlay = {}
        if self._attributes is not None:
            new = (name for item in written.values() for name in item.attributes)
            successor._attributes = self._attributes.union(new)
        if _extends(self._places, places):
            successor._mend(self._made.copy(), self.n, written)
        return successor

    def _mend(self, made: Mapping[Key, Column], n: int, written: Mapping[str, Item]) -> None:
        """Take over the columns of the first `n` places, and read what was written or is new."""
        ids = [item_id for item_id in written if item_id in self._places]
        ids += [item_id for item_id in islice(self._places, n, None) if item_id not in written]
        places = np.array([self._places[item_id] for item_id in ids], np.int64)
        items = [self._overlay.get(item_id) or self._items.get(item_id, _BLANK) for item_id in ids]
        for (name, kind), column in made.items():
            words = column.words if isinstance(column, Texts) else None
            if words is not None and len(words.texts) > 2 * self.n + _SPARE_TEXTS:
                continue
            read = reader(name, kind)
            values = _column([read(item) for item in items], kind, words)
            self._made[name, kind] = _written(column, self.n, places, values)

    def _names(self) -> frozenset[str]:
        """Every attribute that any item has."""
        if self._attributes is None:
            self._attributes = frozenset().union(*(item.attributes for item in self._listed()))
        return self._attributes

    def _listed(self) -> Sequence[Item]:
        """The items by place."""
        if self._rows is None:
            found = [_BLANK] * self.n
            items, overlay = _flat(self._items), self._overlay
            for item_id, place in self._places.items():
                item = items.get(item_id)
                if item is not None:
                    found[place] = item
            for item_id, item in overlay.items():
                if item_id in self._places:
                    found[self._places[item_id]] = item
            self._rows = found
        return self._rows


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


def _column(values: Sequence[object], kind: Kind, words: Words | None = None) -> Column:
    """Values as `reader` gives them, as a column."""
    if kind is Kind.TEXT:
        words = words or Words()
        return Texts(codes=words.coded([str(value or "") for value in values]), words=words)
    if kind is Kind.FLAG:
        return np.array([_FLAG_OF[value] for value in values], np.int8)  # type: ignore[index]
    numbers = np.array(values, np.float64)  # None becomes NaN
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


def _written(column: Column, n: int, places: NDArray[np.int64], values: Column) -> Column:
    """The column for `n` places with `values` at `places`; itself where that changes nothing."""
    if isinstance(column, Texts) and isinstance(values, Texts):
        codes = _laid(column.codes, n, places, values.codes, 0)
        return column if codes is column.codes else Texts(codes=codes, words=column.words)
    assert not isinstance(column, Texts)  # noqa: S101  a key has one kind
    assert not isinstance(values, Texts)  # noqa: S101
    fill = np.nan if column.dtype == np.float64 else UNKNOWN
    return cast("Column", _laid(column, n, places, values, fill))


def _laid(old: Any, n: int, places: NDArray[np.int64], values: Any, fill: float) -> Any:
    if n == len(old) and np.array_equal(old[places], values, equal_nan=old.dtype == np.float64):
        return old
    new = np.full(n, fill, old.dtype)
    new[: len(old)] = old
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
