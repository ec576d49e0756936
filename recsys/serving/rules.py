"""Which items may appear: one mask over the model's rows, and what each rule kept out."""

from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recsys.learning.bundle import ModelBundle
from recsys.types import EventKind, Hide, Item, Query, UserHistory


class Rows(Protocol):
    """The state of a model's items, aligned with its rows."""

    @property
    def known(self) -> NDArray[np.bool_]: ...
    @property
    def hidden(self) -> NDArray[np.bool_]: ...
    @property
    def out_of_stock(self) -> NDArray[np.bool_]: ...


class Shelf(Protocol):
    """What ranking asks of `catalogue.shelf.Shelf`; that module reads a database, this room must not."""

    @property
    def items(self) -> Mapping[str, Item]: ...
    def rows(self, item_ids: tuple[str, ...]) -> Rows: ...
    def category_mask(
        self, item_ids: tuple[str, ...], prefix: tuple[str, ...]
    ) -> NDArray[np.bool_]: ...
    def newest(self) -> tuple[Item, ...]: ...
    def __hash__(self) -> int: ...


def kept_from(history: UserHistory, hide: Hide) -> frozenset[str]:
    """The shopper's own past that must not come back; what was dismissed never does."""
    if hide is Hide.SEEN:
        return frozenset(history.item_ids)
    bought = EventKind.PURCHASE if hide is Hide.PURCHASED else None
    pairs = zip(history.item_ids, history.kinds, strict=True)
    return frozenset([i for i, kind in pairs if kind is EventKind.DISMISS or kind is bought])


def allowed(
    bundle: ModelBundle, shelf: Shelf, query: Query, seen: frozenset[str]
) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """The mask over the model's rows, and how many items each rule was the first to keep out."""
    rows = shelf.rows(bundle.item_ids)
    mask = rows.known & ~rows.hidden
    counts = {"hidden": int(np.count_nonzero(rows.hidden))}
    if query.in_stock:
        counts["out_of_stock"] = _take_away(mask, rows.out_of_stock)
    if query.category:
        counts["filter"] = _take_away(mask, ~shelf.category_mask(bundle.item_ids, query.category))
    for name, item_ids in (("exclude", query.exclude), ("seen", seen)):
        forbidden = np.zeros(len(mask), np.bool_)
        forbidden[_rows(bundle, item_ids)] = True
        counts[name] = _take_away(mask, forbidden)
    return mask, counts


def refuses(item: Item, query: Query, seen: frozenset[str]) -> str | None:
    """The first rule that keeps one item out, in the same order as `allowed`; None if it may appear."""
    if item.hidden:
        return "hidden"
    if query.in_stock and not item.in_stock:
        return "out_of_stock"
    if item.category[: len(query.category)] != query.category:
        return "filter"
    if item.item_id in query.exclude:
        return "exclude"
    return "seen" if item.item_id in seen else None


def _take_away(mask: NDArray[np.bool_], forbidden: NDArray[np.bool_]) -> int:
    hit = mask & forbidden
    np.logical_and(mask, ~forbidden, out=mask)
    return int(np.count_nonzero(hit))


def _rows(bundle: ModelBundle, item_ids: Iterable[str]) -> list[int]:
    rows = bundle.item_rows
    return [rows[item_id] for item_id in item_ids if item_id in rows]
