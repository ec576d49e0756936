"""A shopper as the model reads one: the query, and what it would be without each of the newest deeds.

    m deeds, oldest first   n of them left out in turn   d searched dimensions   I items

Everything a request needs of a history is worked out once, from m rows of each branch. Without one
deed the older ones are one younger, so where a branch forgets with age they weigh more: exactly
what the shorter history would have been encoded to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.learning.bundle import ModelBundle
from recsys.models.fusion import Fused
from recsys.models.histories import STRENGTH, Histories, InputWeights
from recsys.serving.newcomers import Newcomers
from recsys.types import EventKind, UserHistory

N_LEFT_OUT = 20  # only the newest deeds are tried: enough to find one, and bounds the cost

_LEAST = np.float32(1e-6)
_COUNTED = 1 << 18  # items up to which a count of all is cheaper than a sort of the neighbours
_KINDS = {kind: number for number, kind in enumerate(EventKind)}
_STRENGTH = {kind: number for number, kind in enumerate(STRENGTH)}

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """What each deed lends to its neighbours: E entries, and the deeds' weights (1 + n, m)."""

    rows: Rows  # (E,) who is lent to
    deeds: Rows  # (E,) by which deed
    values: Floats  # (E,)
    weights: Floats  # of the whole history, then without each deed left out
    n_items: int

    def sums(self) -> tuple[Rows, Floats]:
        """The neighbours, by row, and what the whole history adds to each."""
        if not len(self.rows):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        values = self.weights[0][self.deeds] * self.values
        if self.n_items <= _COUNTED:
            summed = np.bincount(self.rows, values, minlength=self.n_items)
            rows = np.flatnonzero(summed)
            return rows, summed[rows].astype(np.float32)
        rows, places = np.unique(self.rows, return_inverse=True)
        return rows, np.bincount(places, values).astype(np.float32)

    def at(self, rows: Rows) -> Floats:
        """What these distinct rows (k,) are lent by the whole history and each shorter one: (k, 1 + n)."""
        place = np.full(self.n_items, -1, np.int32)
        place[rows] = np.arange(len(rows), dtype=np.int32)
        places = place[self.rows]
        hit = np.flatnonzero(places >= 0)
        n_deeds = self.weights.shape[1]
        cells = places[hit] * n_deeds + self.deeds[hit]
        lent = np.bincount(cells, self.values[hit], minlength=len(rows) * n_deeds)
        return np.asarray(lent.reshape(len(rows), n_deeds) @ self.weights.T, np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shopper:
    """`queries[0]` is the shopper's (d,), the others those without each of `left_out`."""

    queries: Floats  # (1 + n, d)
    left_out: tuple[str, ...]
    lent: Lent | None

    @property
    def query(self) -> Floats:
        one: Floats = self.queries[0]
        return one


def understand(
    bundle: ModelBundle,
    history: UserHistory,
    newcomers: Newcomers | None = None,
    *,
    n_left_out: int = N_LEFT_OUT,
) -> Shopper | None:
    """Read what the model knows of a history; None where it knows nothing."""
    deeds = _deeds(bundle, history, newcomers)
    if not deeds:
        return None
    item_ids = tuple(deeds)
    n = min(n_left_out, len(item_ids))
    bag = _Bag.of(bundle, item_ids, newcomers)
    weigh = _Weights.of(np.array([_KINDS[kind] for kind in deeds.values()]), n)
    return Shopper(
        queries=_queries(bundle.fused, bag, weigh),
        left_out=item_ids[len(item_ids) - n :],
        lent=_lent(bundle.fused, bag, weigh),
    )


def histories(bundle: ModelBundle, shoppers: Sequence[UserHistory]) -> Histories:
    """The same reading of many at once, as the model was taught: known items, none dismissed."""
    deeds = [_deeds(bundle, history, None) for history in shoppers]
    sizes = np.array([len(one) for one in deeds], np.int64)
    rows = [bundle.item_rows[item_id] for one in deeds for item_id in one]
    ages = [age for size in sizes.tolist() for age in range(size - 1, -1, -1)]
    return Histories(
        indptr=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        items=np.array(rows, np.int32),
        ages=np.array(ages, np.int32),
        kinds=np.array([_KINDS[kind] for one in deeds for kind in one.values()], np.int8),
        n_items=bundle.fused.n_items,
    )


def _deeds(
    bundle: ModelBundle, history: UserHistory, newcomers: Newcomers | None
) -> dict[str, EventKind]:
    """Items in the order of their last deed, oldest first, with the strongest; none dismissed."""
    known = bundle.item_rows
    more = newcomers.stand_ins if newcomers is not None else {}
    dismissed: set[str] = set()
    newest_first: dict[str, EventKind] = {}
    for item_id, kind in zip(reversed(history.item_ids), reversed(history.kinds), strict=True):
        if kind is EventKind.DISMISS:
            dismissed.add(item_id)
        elif item_id in newest_first:
            if _STRENGTH[kind] > _STRENGTH[newest_first[item_id]]:
                newest_first[item_id] = kind
        elif item_id in known or item_id in more:
            newest_first[item_id] = kind
    kept = [pair for pair in newest_first.items() if pair[0] not in dismissed]
    return dict(reversed(kept))


@dataclass(frozen=True, slots=True)
class _Bag:
    """The model's rows behind m deeds: one each, or those that stand for a newcomer."""

    rows: Rows  # (R,)
    deeds: Rows  # (R,)
    shares: Floats | None  # (R,); None where every deed is one row of its own

    @classmethod
    def of(
        cls, bundle: ModelBundle, item_ids: tuple[str, ...], newcomers: Newcomers | None
    ) -> "_Bag":
        known = bundle.item_rows
        if newcomers is None or all(item_id in known for item_id in item_ids):
            rows = np.array([known[item_id] for item_id in item_ids], np.int64)
            return cls(rows, np.arange(len(rows)), None)
        one = np.ones(1, np.float32)
        parts = [
            (np.array([known[item_id]]), one) if item_id in known else newcomers.stand_ins[item_id]
            for item_id in item_ids
        ]
        sizes = [len(rows) for rows, _ in parts]
        return cls(
            np.concatenate([rows for rows, _ in parts]).astype(np.int64),
            np.repeat(np.arange(len(parts)), sizes),
            np.concatenate([shares for _, shares in parts]).astype(np.float32),
        )

    def of_deeds(self, matrix: Floats, n_deeds: int) -> Floats:
        """Rows of an (I, w) matrix, summed to one for each deed: (m, w)."""
        found = matrix[self.rows]
        if self.shares is None:
            return found
        summed = np.zeros((n_deeds, matrix.shape[1]), np.float32)
        np.add.at(summed, self.deeds, found * self.shares[:, None])
        return summed


@dataclass(frozen=True, slots=True)
class _Weights:
    kinds: Rows  # (m,)
    ages: NDArray[np.float32]  # (1 + n, m)
    present: NDArray[np.float32]  # (1 + n, m): 0 for the one left out

    @classmethod
    def of(cls, kinds: Rows, n: int) -> "_Weights":
        m = len(kinds)
        out = np.arange(m - n, m)  # whom each of the n histories does without
        ages = np.repeat(np.arange(m - 1, -1, -1, dtype=np.float32)[None, :], 1 + n, axis=0)
        ages[1:] -= np.arange(m)[None, :] < out[:, None]
        present = np.ones((1 + n, m), np.float32)
        present[np.arange(1, 1 + n), out] = 0
        return cls(kinds, ages, present)

    def by(self, input_: InputWeights) -> Floats:
        """What every deed weighs in every history (1 + n, m)."""
        of_kind = np.asarray(input_.kinds, np.float32)[self.kinds]
        weights = self.present * of_kind
        return weights if input_.decay == 1 else weights * np.float32(input_.decay) ** self.ages


def _queries(fused: Fused, bag: _Bag, weigh: _Weights) -> Floats:
    m = len(weigh.kinds)
    parts: list[NDArray[Any]] = []
    if fused.encoder is not None:
        weights = weigh.by(fused.encoder.input)
        squares = (weights * weights).sum(axis=1, keepdims=True)
        weights /= np.sqrt(np.where(squares > 0, squares, 1))
        pooled = weights @ bag.of_deeds(fused.encoder.embedding, m)  # (1 + n, H)
        parts.append(fused.encoder.forward(pooled) * np.float32(fused.dense_weight))
    if fused.linear is not None:
        weights = weigh.by(fused.linear.input)
        scale = _scale(weights, fused.linear.norm) * np.float32(fused.linear_weight)
        parts.append((weights @ bag.of_deeds(fused.linear.project, m)) * scale)
    parts.append(np.ones((len(weigh.ages), 1), np.float32))
    return np.concatenate(parts, axis=1, dtype=np.float32)


def _lent(fused: Fused, bag: _Bag, weigh: _Weights) -> Lent | None:
    if fused.neighbours is None:
        return None
    lent, by = fused.neighbours.lent, fused.neighbours.input
    starts, ends = lent.indptr[bag.rows].astype(np.int64), lent.indptr[bag.rows + 1]
    sizes = ends - starts
    before = np.concatenate([[0], np.cumsum(sizes)])
    at = np.repeat(starts - before[:-1], sizes) + np.arange(before[-1])
    values = lent.data[at]
    if bag.shares is not None:
        values = values * np.repeat(bag.shares, sizes)
    weights = weigh.by(by)
    return Lent(
        rows=lent.indices[at],
        deeds=np.repeat(bag.deeds, sizes),
        values=values,
        weights=weights * _scale(weights, fused.neighbours.norm) * fused.neighbour_weight,
        n_items=fused.n_items,
    )


def _scale(weights: Floats, norm: float) -> Floats:
    """sum(weights) ** -norm of each history, (1 + n, 1)."""
    totals = np.maximum(weights.sum(axis=1, keepdims=True), _LEAST)
    return np.asarray(totals ** np.float32(-norm), np.float32)
