"""What the checks read: the deeds and the goods as columns, 33 bytes an event.

E events in the order in which they were given, I items of the catalogue. Times are milliseconds,
because a bot's gaps are shorter than the seconds that training keeps.
"""

from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.types import EventKind, EventLog, Item

Ints = NDArray[np.int64]
VIEW, CART, PURCHASE, LIKE, DISMISS = range(len(EventKind))
SECOND, HOUR, DAY = 1_000, 3_600_000, 86_400_000  # milliseconds
NO_ZONE = -32_768


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Deeds:
    """E events. `rows_named` gives what a person can look a position up by.

    `ids` are hashes of the event ids and `zones` minutes from UTC as written, where they are
    known; `in_given_order` says that the order is the sender's and not the clock's.
    """

    users: NDArray[np.int32]  # (E,)
    items: NDArray[np.int32]  # (E,)
    kinds: NDArray[np.int8]  # (E,) indexes tuple(EventKind)
    at: Ints  # (E,) milliseconds since the epoch
    user_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    rows_named: Callable[[Ints], tuple[str, ...]]
    ids: Ints | None = None  # (E,)
    zones: NDArray[np.int16] | None = None  # (E,)
    in_given_order: bool = False
    bad: tuple[tuple[str, str], ...] = ()  # the first lines that cannot be read, and why
    n_bad: int = 0

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Goods:
    """I items: price NaN where there is none, `created` NaN where it is not known."""

    item_ids: tuple[str, ...]
    prices: NDArray[np.float64]  # (I,)
    currencies: NDArray[np.int32]  # (I,) indexes `currency_names`
    categories: NDArray[np.int32]  # (I,) of the whole path
    created: NDArray[np.float64]  # (I,) milliseconds since the epoch
    currency_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.item_ids)


def of_log(log: EventLog) -> Deeds:
    """A training log as it is; a row is named by its position in it."""
    return Deeds(
        users=log.user_rows,
        items=log.item_rows,
        kinds=log.kinds,
        at=log.at * SECOND,
        user_ids=log.user_ids,
        item_ids=log.item_ids,
        rows_named=lambda rows: tuple(f"row {row}" for row in rows),
    )


def of_items(items: Iterable[Item]) -> Goods:
    """Whatever gives items; of two with one id the later counts, as it does in an import."""
    rows: dict[str, int] = {}
    currencies: dict[str, int] = {}
    categories: dict[tuple[str, ...], int] = {}
    prices, currency, category, created = array("d"), array("i"), array("i"), array("d")
    columns: tuple[array[Any], ...] = (prices, currency, category, created)
    for item in items:
        values = (
            np.nan if item.price is None else float(item.price),
            currencies.setdefault(item.currency, len(currencies)),
            categories.setdefault(item.category, len(categories)),
            np.nan if item.created_at is None else item.created_at.timestamp() * SECOND,
        )
        row = rows.setdefault(item.item_id, len(rows))
        for column, value in zip(columns, values, strict=True):
            if row == len(column):
                column.append(value)
            else:
                column[row] = value
    return Goods(
        item_ids=tuple(rows),
        prices=np.array(prices, np.float64),
        currencies=np.array(currency, np.int32),
        categories=np.array(category, np.int32),
        created=np.array(created, np.float64),
        currency_names=tuple(currencies),
    )


def rows_in(deeds: Deeds, goods: Goods) -> Ints:
    """For each of the log's items its row in the catalogue, -1 where it has none."""
    row_of = {item_id: row for row, item_id in enumerate(goods.item_ids)}
    found = (row_of.get(item_id, -1) for item_id in deeds.item_ids)
    return np.fromiter(found, np.int64, len(deeds.item_ids))


def by_shopper(deeds: Deeds) -> Ints:
    """The order that puts each shopper's deeds together, oldest first."""
    return np.lexsort((deeds.at, deeds.users))
