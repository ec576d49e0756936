"""Everything that could be shown now, as one model sees it: items by place, their state in arrays.

    A items: first the model's I rows, then those of the shelf that the model has not met

Immutable, made from a model, a shelf and the newcomers. When items change it is mended, at the
price of a few array copies, not of a walk over the catalogue.
"""

from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recsys import expressions
from recsys.expressions import Columns
from recsys.learning.bundle import ModelBundle
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
    def since(self, earlier: Any) -> Mapping[str, Item] | None: ...
    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """An expression that every item must satisfy, or with `keeps` false none may.

    The two differ where a property is missing: what cannot be told is neither kept nor forbidden.
    """

    name: str  # the rule that an item is counted under
    expression: str
    keeps: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
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
    places: Mapping[str, int]
    visible: Mask  # (A,) on the shelf and not hidden
    hidden: Mask  # (A,) on the shelf and hidden
    in_stock: Mask  # (A,)
    created: NDArray[np.float64]  # (A,) seconds since the epoch; 0 where it is not told
    popularity: Floats  # (A,) decayed counts; 0 where the model has none
    columns: Columns
    n_known: int
    _arrived: NDArray[np.int64]  # (A - I,) row of `newcomers.vectors`, or -1
    _pools: dict[Any, Pool] = field(default_factory=dict, repr=False)
    orders: dict[str, NDArray[np.int64]] = field(default_factory=dict, repr=False)

    def item(self, place: int) -> Item:
        return self.shelf.items[self.item_ids[place]]

    def place_of(self, item_ids: Iterable[str]) -> list[int]:
        """Their places, in order; ids that nobody knows are left out."""
        places = self.places
        return [places[item_id] for item_id in item_ids if item_id in places]

    def arrived(self) -> NDArray[np.int64]:
        """The places of the newcomers: unknown to the model, but placed by their words."""
        return np.flatnonzero(self._arrived >= 0) + self.n_known

    def vectors(self, places: NDArray[np.int64]) -> Floats:
        """Where these items lie (n, d); zeros for one that the model cannot place."""
        known = places < self.n_known
        if known.all():
            return np.asarray(self.bundle.vectors[places])
        found = np.zeros((len(places), self.bundle.vectors.shape[1]), np.float32)
        found[known] = self.bundle.vectors[places[known]]
        if self.newcomers is not None:
            rows = self._arrived[places[~known] - self.n_known]
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
        written = shelf.since(before.shelf)
        if written is not None and all(item_id in before.places for item_id in written):
            return _mended(before, shelf, newcomers, written)
    return _made_anew(bundle, shelf, newcomers)


def _made_anew(bundle: ModelBundle, shelf: Shelf, newcomers: Newcomers | None) -> Assortment:
    rows = bundle.item_rows
    more = tuple(sorted(item_id for item_id in shelf.items if item_id not in rows))
    n_known, item_ids = len(bundle.item_ids), bundle.item_ids + more if more else bundle.item_ids
    extra = {item_id: n_known + number for number, item_id in enumerate(more)}
    places: Mapping[str, int] = rows
    if extra:
        places = extra if not rows else ChainMap(extra, rows)  # type: ignore[arg-type]  # never written
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
        _arrived=_rows_of(newcomers, more),
    )
    return _with_states(empty, shelf.items)


def _mended(
    before: Assortment, shelf: Shelf, newcomers: Newcomers | None, written: Mapping[str, Item]
) -> Assortment:
    mended = _with_states(before, written)
    return replace(
        mended,
        shelf=shelf,
        newcomers=newcomers,
        columns=before.columns.changed(written, before.places),
        _arrived=_rows_of(newcomers, before.item_ids[before.n_known :]),
    )


def _placed(before: Assortment, newcomers: Newcomers | None) -> Assortment:
    """The same items, of which others lie somewhere now; what may be shown has not changed."""
    unknown = before.item_ids[before.n_known :]
    return replace(before, newcomers=newcomers, _arrived=_rows_of(newcomers, unknown))


def _with_states(one: Assortment, written: Mapping[str, Item]) -> Assortment:
    """The same places, these items' state written over; nothing that was kept of it is carried on."""
    visible, hidden, in_stock = one.visible.copy(), one.hidden.copy(), one.in_stock.copy()
    created, orders = one.created, one.orders
    places = one.places
    for item_id, item in written.items():
        place = places[item_id]
        visible[place], hidden[place], in_stock[place] = not item.hidden, item.hidden, item.in_stock
        moment = 0.0 if item.created_at is None else item.created_at.timestamp()
        if moment != created[place]:
            if created is one.created:
                created, orders = created.copy(), {}
            created[place] = moment
    for array in (visible, hidden, in_stock, created):
        array.setflags(write=False)
    return replace(
        one,
        visible=visible,
        hidden=hidden,
        in_stock=in_stock,
        created=created,
        _pools={},
        orders=orders,
    )


def _rows_of(newcomers: Newcomers | None, item_ids: tuple[str, ...]) -> NDArray[np.int64]:
    found = np.full(len(item_ids), -1, np.int64)
    if newcomers is not None:
        rows = {item_id: row for row, item_id in enumerate(newcomers.item_ids)}
        for number, item_id in enumerate(item_ids):
            found[number] = rows.get(item_id, -1)
    return found


def _take_away(mask: Mask, forbidden: Mask) -> int:
    taken = int(np.count_nonzero(mask & forbidden))
    np.logical_and(mask, ~forbidden, out=mask)
    return taken
