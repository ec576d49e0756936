"""Who a shopper is like, in words: a category, a price band, and with learnt groups when they came last.

A model that has learnt groups (`learning.personas`) says so by a sum over the shopper's items. Where
it has none, or knows none of these items, the shopper's own deeds are counted.

    A items of the assortment   V distinct category paths   D departments, the first of them none

Words, not a cluster number: a retrain keeps them, and with them the creatives that were made.
Where each item stands among the prices of its department is worked out for all of them at once,
and again for the departments in which something was changed.
"""

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from recsys.expressions import Columns
from recsys.expressions.columns import Numbers
from recsys.expressions.nodes import Kind
from recsys.expressions.texts import Texts
from recsys.serving.assortment import Assortment
from recsys.types import Persona, UserHistory

_VALUE, _PREMIUM = 1 / 3, 2 / 3  # a band is a third of the category's own prices
_NONE = 0  # the department of what has no category
_UNPRICED = -1
_KEPT = 2  # the newest, and the one that a request which began before a change still asks

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Prices:
    """An item's rank: how many prices of its department lie below its own, plus how many not above."""

    columns: Columns
    categories: Texts
    prices: Numbers  # (A,)
    names: tuple[str, ...]  # (D,) ascending
    departments: NDArray[np.int32]  # (A,)
    ranks: Places  # (A,) -1 where there is no price
    sizes: Places  # (D,) how many have a price


def persona_of(assortment: Assortment, history: UserHistory) -> Persona:
    """The group that a shopper's items speak for; without groups, or known items, what is counted."""
    bundle = assortment.bundle
    learnt, dismissed = bundle.personas, history.dismissed
    if learnt is None:
        return counted(assortment, history)
    # In the order of the deeds, not of a set: the same sum in every process, and in a replay.
    known = map(bundle.item_rows.get, dict.fromkeys(history.item_ids))
    rows = [row for row in known if row is not None]
    if dismissed:
        gone = {bundle.item_rows.get(item_id) for item_id in dismissed}
        rows = [row for row in rows if row not in gone]
    return learnt.of(rows) if rows else counted(assortment, history)


def counted(assortment: Assortment, history: UserHistory) -> Persona:
    """The category a shopper turns to most, and how dear what they choose there is.

    Nothing known gives the persona of everyone. Ties go to the word that comes first.
    """
    item_ids, dismissed = history.item_ids, history.dismissed
    if dismissed:
        item_ids = tuple([item_id for item_id in item_ids if item_id not in dismissed])
    known = _prices(assortment.columns)
    places = np.array(assortment.place_of(item_ids), np.int64)
    departments = known.departments[places]
    counts = np.bincount(departments, minlength=1)
    counts[_NONE] = 0
    favourite = int(counts.argmax())
    if not counts[favourite]:
        return Persona()
    band = _band(known, favourite, known.ranks[places[departments == favourite]])
    return Persona(categories=(known.names[favourite],), price_band=band)


def _band(known: _Prices, department: int, ranks: Places) -> str:
    """Which third of the department's prices the chosen ones stand in, in the mean.

    Each stands at the share of prices below it, and half of those that are equal.
    """
    paid = ranks[ranks != _UNPRICED]
    if not len(paid):
        return "any"
    mean = int(paid.sum()) / (2 * int(known.sizes[department]) * len(paid))
    if mean < _VALUE:
        return "value"
    return "premium" if mean > _PREMIUM else "mid"


# An assortment lives until the catalogue changes, and the next one's prices are mended from its own.
_kept: list[_Prices] = []


def _prices(columns: Columns) -> _Prices:
    for one in _kept:
        if one.columns is columns:
            return one
    found = _read(columns, _kept[0] if _kept else None)
    _kept[:] = [found, *_kept[: _KEPT - 1]]
    return found


def _read(columns: Columns, before: _Prices | None) -> _Prices:
    categories = cast("Texts", columns.column("category", Kind.TEXT))
    prices = cast("Numbers", columns.column("price", Kind.NUMBER))
    if before is not None and before.categories is categories and before.prices is prices:
        return replace(before, columns=columns)
    if before is not None and before.categories is categories:
        names, departments = before.names, before.departments
    else:
        names, departments = _departments(categories)
    if before is None or before.names != names or len(before.prices) > len(prices):
        ranks = np.full(len(prices), _UNPRICED, np.int64)
        _rank(ranks, departments, prices, np.arange(len(prices)))
    else:
        new = (0, len(prices) - len(before.prices))
        ranks = np.pad(before.ranks, new, constant_values=_UNPRICED)
        old_departments = np.pad(before.departments, new, constant_values=_NONE)
        old_prices = np.pad(before.prices, new, constant_values=np.nan)
        same = (prices == old_prices) | (np.isnan(prices) & np.isnan(old_prices))
        changed = (departments != old_departments) | ~same
        touched = np.zeros(len(names), np.bool_)
        touched[departments[changed]] = touched[old_departments[changed]] = True
        _rank(ranks, departments, prices, np.flatnonzero(touched[departments]))
    return _Prices(
        columns=columns,
        categories=categories,
        prices=prices,
        names=names,
        departments=departments,
        ranks=ranks,
        sizes=np.bincount(departments[~np.isnan(prices)], minlength=len(names)),
    )


def _departments(categories: Texts) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Their names (D,), and which is each item's (A,)."""
    words = categories.words
    of_path = [_department(words[code]) for code in range(len(words))]  # (V,)
    names = tuple(sorted({"", *of_path}))
    number = {name: n for n, name in enumerate(names)}
    return names, np.array([number[name] for name in of_path], np.int32)[categories.codes]


def _department(path: str) -> str:
    """The second level of a path, or the only one."""
    first, _, below = path.partition("/")
    return below.partition("/")[0] if below else first


def _rank(ranks: Places, departments: NDArray[np.int32], prices: Numbers, places: Places) -> None:
    """Write the ranks at these places, which are whole departments."""
    ranks[places] = _UNPRICED
    places = places[~np.isnan(prices[places])]
    places = places[np.lexsort((prices[places], departments[places]))]
    if not len(places):
        return
    of, cost = departments[places], prices[places]
    opens = np.append(True, of[1:] != of[:-1])
    differs = opens | np.append(True, cost[1:] != cost[:-1])
    starts = np.flatnonzero(differs)  # of what costs the same
    ends = np.append(starts[1:], len(places))
    first = np.maximum.accumulate(np.where(opens, np.arange(len(places)), 0))[starts]
    ranks[places] = np.repeat(starts + ends - 2 * first, ends - starts)
