"""Personas learnt from shoppers: grouped by what the model thinks of them, named by what sets them apart.

    B shoppers   N their items, laid end to end   P groups   D departments   d searched dimensions

Groups are k-means of directions (spherical k-means: Dhillon & Modha 2001), and a shopper is in the
one that their items come nearest to (`models.personas`). A group is named by the
department that tells it apart most (how much more of it than usual, weighed by how much of it), by the
third of that department's prices that stands out, and by when its shoppers came last. Words only:
they reach briefs, so there is no deal and no judgement in them.

A retrain finds groups anew. Each is matched to the former one with which it shares most shoppers
(the assignment problem), and goes on under the former's words while these are still true of it.
Fewer than `MIN_SHOPPERS` are no group: they are merged into their department, then into everyone.
"""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.cluster import vq

from recsys.learning.bundle import ModelBundle
from recsys.models import personas as everywhere
from recsys.models.fusion import Fused
from recsys.models.histories import Histories
from recsys.models.personas import Floats, Personas
from recsys.types import EventKind, Persona

MIN_SHOPPERS = 5  # fewer could be told apart by what is made for them
MOST_GROUPS = 24  # creatives are items x personas x sizes
SHOPPERS_A_GROUP = 25  # on average, in a small shop
MOST_READ = 20_000  # shoppers whose queries are clustered
LEAST_TOUCHED = 0.6  # of a group's shoppers have something of the department that names it
_ROUNDS = 25
_ITEMS_AT_ONCE = 10_000
_BOUGHT = tuple(EventKind).index(EventKind.PURCHASE)
_STANDS_OUT = 1.25  # times as much as usual
_SAME = 0.5  # of a group's shoppers were in the former one
_BANDS = ("value", "mid", "premium")
_LATELY, _BEFORE = "recent", "lapsed"

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """What is known of the model's items: where they stand and what they cost."""

    departments: tuple[str, ...]  # (D,) names; the first is none
    of_item: Ints  # (I,)
    bands: Ints  # (I,) the third of its department's prices, or -1


def goods_of(
    item_ids: Sequence[str],
    paths: Mapping[str, tuple[str, ...]],
    prices: Mapping[str, float],
) -> Goods:
    found = [_department(paths.get(item_id, ())) for item_id in item_ids]
    names = tuple(sorted({"", *found}))
    number = {name: row for row, name in enumerate(names)}
    of_item = np.array([number[name] for name in found], np.int64)
    cost = np.array([prices.get(item_id, np.nan) for item_id in item_ids], np.float64)
    bands = np.full(len(found), -1, np.int64)
    for department in range(1, len(names)):
        here = np.flatnonzero((of_item == department) & ~np.isnan(cost))
        if len(here):
            paid = np.sort(cost[here])
            middle = np.searchsorted(paid, cost[here]) + np.searchsorted(paid, cost[here], "right")
            bands[here] = np.minimum(3 * middle // (2 * len(here)), 2)
    return Goods(departments=names, of_item=of_item, bands=bands)


def fit(
    fused: Fused,
    shoppers: Histories,
    goods: Goods,
    last_at: NDArray[np.int64],
    *,
    live: ModelBundle,
    item_ids: Sequence[str],
    seed: int,
) -> Personas | None:
    """Personas of these shoppers, whose last deeds were at `last_at` (B,); None without departments.

    Of very many a part is read, the same in every run; `live` lends its words where groups go on.
    """
    rows = np.flatnonzero(shoppers.sizes > 0)
    if len(rows) > MOST_READ:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_READ, replace=False))
    if not len(rows) or not goods.of_item.any():
        return None
    read, at = shoppers.take(rows), last_at[rows]
    n_groups = min(MOST_GROUPS, len(rows) // SHOPPERS_A_GROUP)
    if n_groups < 2 or fused.width < 2:  # noqa: PLR2004 one group is everyone
        return _by_department(read, goods)
    directions = _directions(fused.users(read)[:, :-1])
    former = _former(live, read, item_ids)
    centres = _k_means(
        directions, _begun(directions, former, n_groups, seed), minit="matrix", iter=_ROUNDS
    )
    table = _table(fused, centres)
    used, groups = np.unique(everywhere.groups(table, read), return_inverse=True)
    table, groups = np.ascontiguousarray(table[:, used]), groups.astype(np.int64)
    words = _named(read, groups, len(used), goods, at)
    words = _going_on(words, groups, former, goods, _shares(read, groups, len(used), goods))
    words = _merged(words, groups)
    if all(one == Persona() for one in words):
        return None
    sizes = np.bincount(groups, minlength=len(used))
    return Personas(table=table, words=words, shoppers=tuple(sizes.tolist()))


def _by_department(read: Histories, goods: Goods) -> Personas:
    """Where too few have come to be grouped: whoever takes most of a department, and no more words."""
    table = np.zeros((len(goods.of_item), len(goods.departments)), np.float32)
    table[np.arange(len(table)), goods.of_item] = 1
    table[:, 0] = 0  # of no department; the first of equals wins
    groups = everywhere.groups(table, read)
    words = (Persona(), *(Persona(categories=(name,)) for name in goods.departments[1:]))
    sizes = np.bincount(groups, minlength=len(words))
    return Personas(table=table, words=_merged(words, groups), shoppers=tuple(sizes.tolist()))


def _directions(vectors: Floats) -> Floats:
    lengths = np.sqrt(np.vecdot(vectors, vectors))
    return np.asarray(vectors / np.maximum(lengths, 1e-12)[:, None], np.float32)


def _begun(
    directions: Floats, former: tuple[Personas, Ints] | None, n_groups: int, seed: int
) -> Floats:
    """Where k-means begins: where the former groups' shoppers are now, and otherwise spread out."""
    begun: list[Floats] = []
    if former is not None:
        _, were = former
        sizes = np.bincount(were[were >= 0])
        largest = np.argsort(-sizes, kind="stable")[:n_groups]
        kept = [group for group in largest if sizes[group] >= MIN_SHOPPERS]
        begun += [directions[were == group].mean(axis=0) for group in kept]
    if len(begun) < n_groups:
        begun += list(_k_means(directions, n_groups - len(begun), minit="++", iter=1, rng=seed))
    return np.asarray(begun, np.float32)


def _k_means(directions: Floats, centres: Floats | int, **options: Any) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a group that nobody is in: it is left out afterwards
        found, _ = vq.kmeans2(directions, centres, missing="warn", **options)
    return _directions(np.asarray(found, np.float32))


def _table(fused: Fused, centres: Floats) -> Floats:
    """How near whoever has one item alone lies to each centre (I, P)."""
    n = fused.n_items
    found = np.empty((n, len(centres)), np.float32)
    for start in range(0, n, _ITEMS_AT_ONCE):
        items = np.arange(start, min(start + _ITEMS_AT_ONCE, n))
        alone = Histories(
            indptr=np.arange(len(items) + 1, dtype=np.int64),
            items=items.astype(np.int32),
            ages=np.zeros(len(items), np.int32),
            kinds=np.full(len(items), _BOUGHT, np.int8),
            n_items=n,
        )
        found[items] = _directions(fused.users(alone)[:, :-1]) @ centres.T
    return found


def _shares(read: Histories, groups: Ints, n: int, goods: Goods) -> Floats:
    """How much of each group's items is of each department, every shopper counting alike (P, D)."""
    weights = (1 / np.maximum(read.sizes, 1))[read.owners]
    counts = np.zeros((n, len(goods.departments)))
    np.add.at(counts, (groups[read.owners], goods.of_item[read.items]), weights)
    counts[:, 0] = 0  # of no department
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-12), np.float32)


def _named(
    read: Histories, groups: Ints, n: int, goods: Goods, at: NDArray[np.int64]
) -> tuple[Persona, ...]:
    sizes = np.bincount(groups, minlength=n)
    shares = _shares(read, groups, n, goods)  # (P, D)
    usual = np.average(shares, axis=0, weights=sizes)  # (D,)
    lift = np.divide(shares, usual, out=np.ones_like(shares), where=usual > 0)
    telling = shares * np.log(np.maximum(lift, 1e-6))
    early, late = np.quantile(at, (1 / 3, 2 / 3))
    found = []
    for group in range(n):
        department = int(telling[group].argmax())
        mine = groups == group
        if not department or _touched(read, mine, goods, department) < LEAST_TOUCHED:
            found.append(Persona())
            continue
        found.append(
            Persona(
                categories=(goods.departments[department],),
                price_band=_band(read, mine, goods, department),
                recency=_recency(at[mine], early, late, at),
            )
        )
    return tuple(found)


def _touched(read: Histories, mine: NDArray[np.bool_], goods: Goods, department: int) -> float:
    """The share of these shoppers who have anything of a department."""
    have = np.zeros(len(read), np.bool_)
    have[read.owners[goods.of_item[read.items] == department]] = True
    return float(have[mine].mean())


def _band(read: Histories, mine: NDArray[np.bool_], goods: Goods, department: int) -> str:
    """The third of a department's prices that these take more of than others do."""
    priced = (goods.of_item[read.items] == department) & (goods.bands[read.items] >= 0)
    theirs = priced & mine[read.owners]
    if theirs.sum() < MIN_SHOPPERS:
        return "any"
    own = np.bincount(goods.bands[read.items[theirs]], minlength=3) / theirs.sum()
    usual = np.bincount(goods.bands[read.items[priced]], minlength=3) / priced.sum()
    lift = np.divide(own, usual, out=np.zeros(3), where=usual > 0)
    band = int((own * (lift >= _STANDS_OUT)).argmax())
    return _BANDS[band] if lift[band] >= _STANDS_OUT else "any"


def _recency(
    theirs: NDArray[np.int64], early: float, late: float, everyone: NDArray[np.int64]
) -> str:
    for word, own, usual in (
        (_LATELY, theirs > late, everyone > late),
        (_BEFORE, theirs <= early, everyone <= early),
    ):
        if usual.mean() and own.mean() / usual.mean() >= _STANDS_OUT:
            return word
    return ""


def _former(
    live: ModelBundle, read: Histories, item_ids: Sequence[str]
) -> tuple[Personas, Ints] | None:
    """The live model's groups, and in which of them each of these shoppers was; -1 where unknown."""
    if live.personas is None:
        return None
    rows = np.array([live.item_rows.get(item_id, -1) for item_id in item_ids], np.int64)
    there = read.renamed(rows, live.fused.n_items)
    were = live.personas.groups(there)
    return live.personas, np.where(there.sizes > 0, were, -1)


def _going_on(
    words: tuple[Persona, ...],
    groups: Ints,
    former: tuple[Personas, Ints] | None,
    goods: Goods,
    shares: Floats,
) -> tuple[Persona, ...]:
    """The former's words for every group that is still the same, where they are still true of it."""
    if former is None:
        return words
    personas, were = former
    known = were >= 0
    shared = np.zeros((len(words), len(personas.words)))
    np.add.at(shared, (groups[known], were[known]), 1)
    here, there = optimize.linear_sum_assignment(shared, maximize=True)
    sizes = np.bincount(groups[known], minlength=len(words))
    usual = np.average(shares, axis=0, weights=np.bincount(groups, minlength=len(words)))
    found = list(words)
    for group, before in zip(here.tolist(), there.tolist(), strict=True):
        name = personas.words[before]
        same = shared[group, before] >= _SAME * max(int(sizes[group]), 1)
        if same and name.categories and name.categories[0] in goods.departments:
            department = goods.departments.index(name.categories[0])
            if shares[group, department] > usual[department]:
                found[group] = replace(name, recency=found[group].recency)
    return tuple(found)


def _merged(words: tuple[Persona, ...], groups: Ints) -> tuple[Persona, ...]:
    """Words that fewer than `MIN_SHOPPERS` go by give way to wider ones."""

    def plain(one: Persona) -> Persona:
        return replace(one, price_band="any", recency="")

    for wider in (lambda one: replace(one, recency=""), plain, lambda _one: Persona()):
        counts = Counter(words[group] for group in groups.tolist())
        words = tuple(one if counts[one] >= MIN_SHOPPERS else wider(one) for one in words)
    return words


def _department(path: Sequence[str]) -> str:
    """The second level of a path, or the only one: as `serving.personas` counts."""
    return path[1] if len(path) > 1 else path[0] if path else ""
