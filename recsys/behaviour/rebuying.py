"""How long a thing lasts: when who bought it buys it again, if anybody does.

    P pairs of a shopper and an item bought   I items   G categories   n purchases of one shopper
    V = I + G + 1: the model's items, then the categories, then the shop

Learned are an interval and a share of each: the median pause between two purchases of the same
item by the same shopper (one pause a shopper, so that the most faithful do not outvote the rest),
and how many of those who had the time to come back did. Few observations are no knowledge: an item
is drawn towards its category, a category towards the shop and a shopper's own habit towards the
item, in the logarithm for intervals. What a category pools are repeats of single items, not of one
of its items after another.

Purchases of one item within half a day are one: a basket, or a correction. Pauses longer than the
log cannot be seen, so that intervals near its length are underestimates.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.types import EventKind, EventLog

RARELY = 0.05  # where a smaller share buys again, nobody does

_SAME_TRIP_SECONDS = 43_200
_STRENGTH = 5.0  # observations that the level above counts for
_OWN_STRENGTH = 2.0  # pauses of a shopper's own that the item's interval counts for
# Half of those who come back do so before the median, so that a need rises early; on the demo shop
# this order of what is bought again is as good as that of how often it was.
_SHARPNESS = 3.0  # how early a need rises
_FADING = 6.0  # after how many intervals more it has halved
_PURCHASE = tuple(EventKind).index(EventKind.PURCHASE)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Path = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rebuying:
    """What a log says; a row of `seconds` and `shares` is an item's, a category's or the shop's."""

    seconds: NDArray[np.float32]  # (V,) the interval; infinite where nothing was bought twice
    shares: NDArray[np.float32]  # (V,) of those with the time to buy again, who did
    categories: tuple[Path, ...]  # (G,)

    @classmethod
    def nothing(cls, n_items: int) -> "Rebuying":
        """Of a shop without purchases: nothing comes back."""
        return cls(
            seconds=np.full(n_items + 1, np.inf, np.float32),
            shares=np.zeros(n_items + 1, np.float32),
            categories=(),
        )

    @property
    def n_items(self) -> int:
        return len(self.seconds) - len(self.categories) - 1

    @cached_property
    def _rows(self) -> Mapping[Path, int]:
        return {path: self.n_items + n for n, path in enumerate(self.categories)}

    def row(self, category: Path) -> int:
        """The row that stands for an item the model has not met: its category's, else the shop's."""
        return self._rows.get(category, len(self.seconds) - 1)

    def of(self, items: Ints) -> "Rebuying":
        """The same for these items only (m,), in this order."""
        rows = np.concatenate([items, np.arange(self.n_items, len(self.seconds))])
        return replace(self, seconds=self.seconds[rows], shares=self.shares[rows])

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "rebuying_seconds": self.seconds,
            "rebuying_shares": self.shares,
            "rebuying_categories": np.array(json.dumps(self.categories)),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Habits:
    """One shopper's purchases, a row for each of h distinct items."""

    places: Ints  # (h,) ascending
    bought_at: Floats  # (h,) the last time, in seconds
    seconds: Floats  # (h,) until the next
    shares: Floats  # (h,) how likely there is one


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Rebuying:
    """The reverse of `arrays`.

    Raises:
        KeyError: One is missing.
        ValueError: They do not fit together.
    """
    seconds, shares = arrays["rebuying_seconds"], arrays["rebuying_shares"]
    categories = tuple(tuple(path) for path in json.loads(str(arrays["rebuying_categories"])))
    if seconds.shape != shares.shape or seconds.ndim != 1 or len(seconds) <= len(categories):
        raise ValueError("rebuying: intervals, shares and categories do not fit together")
    if not ((seconds > 0).all() and (shares >= 0).all() and (shares <= 1).all()):
        raise ValueError("rebuying: an interval or a share is out of bounds")
    return Rebuying(seconds=seconds, shares=shares, categories=categories)


def fit(log: EventLog, categories: Sequence[Path]) -> Rebuying:
    """Learn from a log; `categories` (I,) are the paths of its items, () where one has none."""
    n_items = len(log.item_ids)
    bought = np.flatnonzero(log.kinds == _PURCHASE)
    if not len(bought):
        return Rebuying.nothing(n_items)
    names = tuple(sorted({path for path in categories if path}))
    group = {path: n for n, path in enumerate(names)}
    of_item = np.array([group.get(path, len(names)) for path in categories], np.int64)  # (I,)
    items, first, pauses = _pairs(log, bought)
    groups, n_groups = of_item[items], len(names) + 1  # what has no category is one of its own

    again = np.isfinite(pauses)
    shop = np.zeros(int(np.count_nonzero(again)), np.int64)
    whole, _ = _medians(shop, pauses[again], 1)
    by_group = _drawn(*_medians(groups[again], pauses[again], n_groups), whole)
    by_item = _drawn(*_medians(items[again], pauses[again], n_items), by_group[of_item])

    # Who bought an item only yesterday says nothing yet.
    begin, end = int(log.at[bought[0]]), int(log.at[bought[-1]])
    ripe = end - first >= np.minimum(2 * by_item[items], (end - begin) / 2)
    all_in = np.array([again[ripe].mean() if ripe.any() else 0.0])
    came_by_group = _shares(groups[ripe], again[ripe], all_in, n_groups)
    came_by_item = _shares(items[ripe], again[ripe], came_by_group[of_item], n_items)
    return Rebuying(
        seconds=np.concatenate([by_item, by_group[:-1], whole]).astype(np.float32),
        shares=np.concatenate([came_by_item, came_by_group[:-1], all_in]).astype(np.float32),
        categories=names,
    )


def habits(rebuying: Rebuying, places: Ints, rows: Ints, at: NDArray[np.floating]) -> Habits:
    """What a shopper's purchases (n,) in any order promise, their own rhythm counted in.

    `places` tell items apart, `rows` say which row of `rebuying` speaks for each, and `at` is when
    each was bought, in seconds.
    """
    order = np.lexsort((at, places))
    place, when = places[order], np.asarray(at, np.float64)[order]
    opens, trips = _trips(place, when)
    starts = np.flatnonzero(opens)
    last = when[np.append(starts[1:], len(place)) - 1] if len(place) else when
    pauses = np.add.reduceat(trips.astype(np.float64), starts) - 1 if len(place) else when
    row = rows[order][starts]
    usual, shares = rebuying.seconds[row].astype(np.float64), rebuying.shares[row]
    # A mean, as the last pause of few counts too; without a pause of one's own, nothing is added.
    own = (last - when[starts]) / np.maximum(pauses, 1)
    usual = np.where(np.isfinite(usual) | (pauses == 0), usual, own)
    return Habits(
        places=place[starts],
        bought_at=last,
        seconds=_drawn(own, pauses, usual, strength=_OWN_STRENGTH),
        shares=(pauses + _OWN_STRENGTH * shares) / (pauses + _OWN_STRENGTH),
    )


def due(habit: Habits, now: float) -> Floats:
    """How much each item is wanted again (h,), in [0, 1].

    Nothing just after the purchase, most when the interval is over, then slowly less; nothing at
    all of what nobody buys again.
    """
    elapsed = np.maximum(now - habit.bought_at, 0) / habit.seconds
    rising = 1 - (1 - np.minimum(elapsed, 1)) ** _SHARPNESS
    fading = 0.5 ** (np.maximum(elapsed - 1, 0) / _FADING)
    return np.asarray(rising * fading * habit.shares * (habit.shares >= RARELY))


def hidden_until(habit: Habits) -> Floats:
    """The second (h,) until which each item stays out; infinite for what nobody buys again."""
    return np.where(habit.shares >= RARELY, habit.bought_at + habit.seconds, np.inf)


def _pairs(log: EventLog, bought: Ints) -> tuple[Ints, Ints, Floats]:
    """The item (P,), first purchase (P,) and median pause (P,), infinite where there is none."""
    n_items = max(len(log.item_ids), 1)
    key = log.user_rows[bought].astype(np.int64) * n_items + log.item_rows[bought]
    order = np.argsort(key, kind="stable")  # the log is sorted by time, so each pair's rows are too
    key, at = key[order], log.at[bought][order]
    opens, trips = _trips(key, at)
    pair = np.cumsum(opens) - 1
    key, at, pair = key[trips], at[trips], pair[trips]
    same = np.diff(pair) == 0
    pauses, _ = _medians(pair[1:][same], np.diff(at)[same], int(pair[-1]) + 1)
    starts = np.flatnonzero(np.diff(pair, prepend=-1))
    return key[starts] % n_items, at[starts], pauses


def _trips(keys: Ints, at: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of purchases sorted by key and time: which begin a key, and which are not the same trip."""
    opens = np.ones(len(keys), np.bool_)
    opens[1:] = np.diff(keys) != 0
    trips = opens.copy()
    trips[1:] |= np.diff(at) > _SAME_TRIP_SECONDS
    return opens, trips


def _medians(groups: Ints, values: NDArray[Any], n_groups: int) -> tuple[Floats, Ints]:
    """The median of each group's values and their number; infinite where there is none."""
    counts = np.bincount(groups, minlength=n_groups)
    ascending = values[np.lexsort((values, groups))]
    some = np.flatnonzero(counts)
    begins = (np.cumsum(counts) - counts)[some]
    low, high = begins + (counts[some] - 1) // 2, begins + counts[some] // 2
    medians = np.full(n_groups, np.inf)
    medians[some] = (ascending[low] + ascending[high]) / 2
    return medians, counts


def _drawn(
    intervals: Floats, counts: NDArray[Any], above: Floats, *, strength: float = _STRENGTH
) -> Floats:
    """Intervals weighed by their number against those of the level above."""
    logs = np.log(np.where(counts > 0, intervals, 1.0))
    return np.asarray(np.exp((counts * logs + strength * np.log(above)) / (counts + strength)))


def _shares(groups: Ints, again: NDArray[np.bool_], above: Floats, n_groups: int) -> Floats:
    came = np.bincount(groups[again], minlength=n_groups)
    n = np.bincount(groups, minlength=n_groups)
    return np.asarray((came + _STRENGTH * above) / (n + _STRENGTH))
