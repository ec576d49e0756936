"""Everything that could be shown now, as one model sees it: items by place, their state in arrays.

    A items: first the model's I rows, then those of the shelf that the model has not met

Immutable, made from a model, a shelf and the newcomers. When items change it is mended, at the
price of a few array copies, not of a walk over the catalogue.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from recsys import expressions
from recsys.expressions import Columns
from recsys.learning.bundle import ModelBundle
from recsys.serving import kernels
from recsys.serving.eligibility import Pool
from recsys.serving.newcomers import Newcomers
from recsys.types import Item

_POOL_BYTES = 1 << 26  # what kept pools may take
_POOLS = 256

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


class Shelf(Protocol):
    """What is asked of `catalogue.shelf.Shelf`; that module reads a database, this room must not."""

    @property
    def items(self) -> Mapping[str, Item]: ...
    @property
    def revision(self) -> int: ...
    @property
    def identity(self) -> object: ...
    def since(self, earlier: object) -> Mapping[str, Item] | None: ...
    def __hash__(self) -> int: ...


class Places(Mapping[str, int]):
    """The model's rows, then those given to items it has not met: two layers with a known length."""

    __slots__ = ("_more", "_rows")

    def __init__(self, rows: Mapping[str, int], more: Mapping[str, int]) -> None:
        self._rows = rows
        self._more = more

    def __getitem__(self, item_id: str) -> int:
        found = self._rows.get(item_id)
        return self._more[item_id] if found is None else found

    def get(self, item_id: str, default: Any = None) -> Any:
        """As of every mapping; without the exception that is slow for an item nobody knows."""
        found = self._rows.get(item_id)
        return self._more.get(item_id, default) if found is None else found

    def several(self, item_ids: Iterable[str]) -> list[int]:
        """Their places, in order; ids that nobody knows are left out."""
        found = map(self.get if self._more else self._rows.get, item_ids)
        return [place for place in found if place is not None]

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._rows or item_id in self._more

    def __iter__(self) -> Iterator[str]:
        yield from self._rows
        yield from self._more

    def __len__(self) -> int:
        return len(self._rows) + len(self._more)

    def grown(self, item_ids: Iterable[str]) -> "Places":
        """The same with these new ones at the end."""
        more = {item_id: len(self) + number for number, item_id in enumerate(item_ids)}
        return Places(self._rows, {**self._more, **more})


class Demand(NamedTuple):
    """An expression that every item must satisfy, or with `keeps` false none may.

    The two differ where a property is missing: what cannot be told is neither kept nor forbidden.
    A tuple, as every request makes some and looks a pool up under them.
    """

    name: str  # the rule that an item is counted under
    expression: str
    keeps: bool = True


class Standing(NamedTuple):
    """Rules that do not depend on the shopper: with the same ones the same items are left.

    `demands` are asked in their order; `now` and `context` count only where an expression mentions
    them.
    """

    in_stock: bool
    now: datetime
    demands: tuple[Demand, ...] = ()
    context: Item | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assortment:
    bundle: ModelBundle
    shelf: Shelf
    newcomers: Newcomers | None
    item_ids: tuple[str, ...]  # (A,)
    places: Places
    visible: Mask  # (A,) on the shelf and not hidden
    hidden: Mask  # (A,) on the shelf and hidden
    in_stock: Mask  # (A,)
    created: NDArray[np.float64]  # (A,) seconds since the epoch; 0 where it is not told
    popularity: Floats  # (A,) decayed counts; 0 where the model has none
    columns: Columns
    n_known: int
    arrived: NDArray[np.int64]  # (N,) places of what the model has not met but words have placed
    _rows: NDArray[np.int64]  # (A - I,) row of `newcomers.vectors`, or -1
    _pools: dict[Any, Pool] = field(default_factory=dict, repr=False)
    orders: dict[str, NDArray[np.int64]] = field(default_factory=dict, repr=False)

    def item(self, place: int) -> Item:
        return self.shelf.items[self.item_ids[place]]

    def place_of(self, item_ids: Iterable[str]) -> list[int]:
        return self.places.several(item_ids)

    def arrived_scores(self, query: Floats) -> Floats:
        """What the newcomers score (n,), in the order of `arrived`: as a known item there would."""
        if self.newcomers is None:
            return np.zeros(0, np.float32)
        rows = self._rows[self.arrived - self.n_known]
        scores = np.empty(len(rows), np.float32)
        kernels.score(self.newcomers.vectors, rows, query, scores)
        return scores

    def vectors(self, places: NDArray[np.int64]) -> Floats:
        """Where these items lie (n, d); zeros for one that the model cannot place."""
        known = places < self.n_known
        if known.all():
            return np.asarray(self.bundle.vectors[places])
        found = np.zeros((len(places), self.bundle.vectors.shape[1]), np.float32)
        found[known] = self.bundle.vectors[places[known]]
        if self.newcomers is not None:
            rows = self._rows[places[~known] - self.n_known]
            found[np.flatnonzero(~known)[rows >= 0]] = self.newcomers.vectors[rows[rows >= 0]]
        return found

    def newest(self) -> NDArray[np.int64]:
        """Every place (A,), the newest item first; of the same moment by id."""
        if "newest" not in self.orders:
            self.orders["newest"] = np.lexsort((np.array(self.item_ids), -self.created))
        return self.orders["newest"]

    def best_selling(self) -> NDArray[np.int64]:
        """The places of what sells at all, most first; ties by place."""
        if "best_selling" not in self.orders:
            order = np.argsort(-self.popularity, kind="stable")
            self.orders["best_selling"] = order[: int(np.count_nonzero(self.popularity > 0))]
        return self.orders["best_selling"]

    def pool(self, standing: Standing) -> Pool:
        """What these rules leave; kept, as long as the catalogue stays as it is."""
        asked = [expressions.compile(one.expression) for one in standing.demands]
        key = (
            standing.in_stock,
            standing.demands,
            standing.context.item_id
            if standing.context is not None and any(one.uses_context for one in asked)
            else None,
            standing.now if any(one.uses_now for one in asked) else None,
        )
        kept = self._pools.get(key)
        if kept is None:
            kept = self._made(standing)
            if len(self._pools) >= max(4, min(_POOLS, _POOL_BYTES // max(1, len(self.visible)))):
                self._pools.clear()
            self._pools[key] = kept
        return kept

    def _made(self, standing: Standing) -> Pool:
        mask = self.visible.copy()
        counts = {"hidden": int(np.count_nonzero(self.hidden))}
        if standing.in_stock:
            counts["out_of_stock"] = _take_away(mask, ~self.in_stock)
        for one in standing.demands:
            held = expressions.compile(one.expression).mask(
                self.columns, context=standing.context, now=standing.now
            )
            taken = _take_away(mask, ~held if one.keeps else held)
            counts[one.name] = counts.get(one.name, 0) + taken
        return Pool(mask, self.n_known, counts)


def of(
    bundle: ModelBundle,
    shelf: Shelf,
    newcomers: Newcomers | None = None,
    *,
    before: Assortment | None = None,
) -> Assortment:
    """The assortment of these three; mended from `before` where that is of the same model."""
    if before is not None and before.bundle is bundle:
        if before.shelf is shelf:
            return before if before.newcomers is newcomers else _placed(before, newcomers)
        written = shelf.since(before.shelf.identity)
        if written is not None:
            return _mended(before, shelf, newcomers, written)
    return _made_anew(bundle, shelf, newcomers)


def _made_anew(bundle: ModelBundle, shelf: Shelf, newcomers: Newcomers | None) -> Assortment:
    rows = bundle.item_rows
    more = tuple(sorted(item_id for item_id in shelf.items if item_id not in rows))
    n_known, item_ids = len(bundle.item_ids), bundle.item_ids + more if more else bundle.item_ids
    places = Places(rows, {}).grown(more)
    arrived, newcomer_rows = _arrivals(newcomers, more, n_known)
    nothing = np.zeros(len(item_ids), np.bool_)
    popularity = np.zeros(len(item_ids), np.float32)
    popularity[:n_known] = bundle.popularity
    empty = Assortment(
        bundle=bundle,
        shelf=shelf,
        newcomers=newcomers,
        item_ids=item_ids,
        places=places,
        visible=nothing,
        hidden=nothing,
        in_stock=nothing,
        created=np.zeros(len(item_ids), np.float64),
        popularity=popularity,
        columns=Columns.of(places, shelf.items),
        n_known=n_known,
        arrived=arrived,
        _rows=newcomer_rows,
    )
    return _with_states(empty, shelf.items)


def _mended(
    before: Assortment, shelf: Shelf, newcomers: Newcomers | None, written: Mapping[str, Item]
) -> Assortment:
    new = sorted(item_id for item_id in written if item_id not in before.places)
    one = _grown(before, tuple(new)) if new else before
    mended = _with_states(one, written)
    arrived, rows = _arrivals(newcomers, one.item_ids[one.n_known :], one.n_known)
    return replace(
        mended,
        shelf=shelf,
        newcomers=newcomers,
        columns=before.columns.changed(written, one.places, grown=True),
        arrived=arrived,
        _rows=rows,
    )


def _grown(before: Assortment, new: tuple[str, ...]) -> Assortment:
    """The same with places at the end for items that nobody has met."""

    def longer(array: Any) -> Any:
        return np.concatenate([array, np.zeros(len(new), array.dtype)])

    return replace(
        before,
        item_ids=before.item_ids + new,
        places=before.places.grown(new),
        visible=longer(before.visible),
        hidden=longer(before.hidden),
        in_stock=longer(before.in_stock),
        created=longer(before.created),
        popularity=longer(before.popularity),
        orders={},
    )


def _placed(before: Assortment, newcomers: Newcomers | None) -> Assortment:
    """The same items, of which others lie somewhere now; what may be shown has not changed."""
    arrived, rows = _arrivals(newcomers, before.item_ids[before.n_known :], before.n_known)
    return replace(before, newcomers=newcomers, arrived=arrived, _rows=rows)


def _with_states(one: Assortment, written: Mapping[str, Item]) -> Assortment:
    """The same places, these items' state written over; an array that stays as it is is shared."""
    places = np.array([one.places[item_id] for item_id in written], np.int64)
    items = list(written.values())
    hidden = np.array([item.hidden for item in items], np.bool_)
    moments = [0.0 if item.created_at is None else item.created_at.timestamp() for item in items]
    created = _laid(one.created, places, np.array(moments))
    return replace(
        one,
        visible=_laid(one.visible, places, ~hidden),
        hidden=_laid(one.hidden, places, hidden),
        in_stock=_laid(one.in_stock, places, np.array([item.in_stock for item in items], np.bool_)),
        created=created,
        _pools={},
        orders=one.orders if created is one.created else {},
    )


def _laid(array: Any, places: NDArray[np.int64], values: Any) -> Any:
    """The array itself where these values stand in it already, else a copy that has them."""
    if not (array[places] == values).all():
        array = array.copy()
        array[places] = values
    array.setflags(write=False)
    return array


def _arrivals(
    newcomers: Newcomers | None, unknown: tuple[str, ...], n_known: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The newcomers' places, and of every item unknown to the model its row among them, or -1."""
    of = {} if newcomers is None else {one: row for row, one in enumerate(newcomers.item_ids)}
    rows = np.array([of.get(item_id, -1) for item_id in unknown], np.int64)
    return np.flatnonzero(rows >= 0) + n_known, rows


def _take_away(mask: Mask, forbidden: Mask) -> int:
    taken = int(np.count_nonzero(mask & forbidden))
    np.logical_and(mask, ~forbidden, out=mask)
    return taken
