"""A shopper as the model reads one: the query, and what it would be without each of the newest deeds.

    m deeds, oldest first   n of them left out in turn   d searched dimensions   I items

Everything a request needs of a history is worked out once, from m rows of each branch. Without one
deed the older ones are one younger, so where a branch forgets with age they weigh more: exactly
what the shorter history would have been encoded to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.learning.bundle import ModelBundle
from recsys.models import kernels
from recsys.models.fusion import Fused
from recsys.models.histories import STRENGTH, Histories, InputWeights
from recsys.serving.lent import Lent
from recsys.serving.newcomers import Newcomers
from recsys.types import EventKind, UserHistory

N_LEFT_OUT = 20  # only the newest deeds are tried: enough to find one, and bounds the cost

_NOTHING = np.zeros(0, np.int64)
_KINDS = {kind: number for number, kind in enumerate(EventKind)}
_STRENGTHS = np.array([STRENGTH.index(kind) if kind in STRENGTH else -1 for kind in EventKind])
_UNKNOWN = -1

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


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
    m = len(deeds.rows)
    if not m:
        return None
    n = min(n_left_out, m)
    bag = _Bag.of(deeds, newcomers)
    weigh = _Weights(deeds.kinds, n)
    return Shopper(
        queries=_queries(bundle.fused, bag, weigh),
        left_out=deeds.names(m - n) if n else (),
        lent=_lent(bundle.fused, bag, weigh),
    )


def histories(bundle: ModelBundle, shoppers: Sequence[UserHistory]) -> Histories:
    """The same reading of many at once, as the model was taught: known items, none dismissed."""
    deeds = [_deeds(bundle, history, None) for history in shoppers]
    sizes = np.array([len(one.rows) for one in deeds], np.int64)
    ages = [age for size in sizes.tolist() for age in range(size - 1, -1, -1)]
    return Histories(
        indptr=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        items=np.concatenate([_NOTHING, *(one.rows for one in deeds)], dtype=np.int32),
        ages=np.array(ages, np.int32),
        kinds=np.concatenate([_NOTHING, *(one.kinds for one in deeds)], dtype=np.int8),
        n_items=bundle.fused.n_items,
    )


class _Deeds(NamedTuple):
    """Items in the order of their last deed, oldest first, with the strongest; none dismissed."""

    item_ids: tuple[str, ...]  # of the whole history
    at: Rows  # (m,) where in it each item was touched last
    rows: Rows  # (m,) the model's, or below 0 for a newcomer
    kinds: Rows  # (m,) places in `EventKind`

    def names(self, start: int) -> tuple[str, ...]:
        """The ids of those from `start` on."""
        return tuple([self.item_ids[place] for place in self.at[start:].tolist()])


def _deeds(bundle: ModelBundle, history: UserHistory, newcomers: Newcomers | None) -> _Deeds:
    item_ids, n = history.item_ids, len(history.item_ids)
    rows = np.fromiter(map(bundle.item_rows.get, item_ids, repeat(_UNKNOWN)), np.int64, n)
    kinds = np.fromiter(map(_KINDS.__getitem__, history.kinds), np.int64, n)
    if newcomers is not None and n and rows.min() < 0:
        number: dict[str, int] = {}  # of each newcomer, below those whom nobody knows
        for place in np.flatnonzero(rows < 0).tolist():
            if item_ids[place] in newcomers.stand_ins:
                rows[place] = _UNKNOWN - number.setdefault(item_ids[place], 1 + len(number))
    at, strongest = np.empty(n, np.int64), np.empty(n, np.int64)
    m = kernels.distinct(rows, kinds, _STRENGTHS, _UNKNOWN, at, strongest)
    return _Deeds(item_ids, at[:m], rows.take(at[:m]), strongest[:m])


class _Bag(NamedTuple):
    """The model's rows behind m deeds: one each, or those that stand for a newcomer."""

    rows: Rows  # (R,)
    deeds: Rows  # (R,)
    shares: Floats  # (R,)

    @classmethod
    def of(cls, deeds: _Deeds, newcomers: Newcomers | None) -> "_Bag":
        m = len(deeds.rows)
        if newcomers is None or deeds.rows.min() >= 0:
            return cls(deeds.rows, np.arange(m), np.ones(m, np.float32))
        one = np.ones(1, np.float32)
        parts = [
            (np.array([row]), one) if row >= 0 else newcomers.stand_ins[item_id]
            for item_id, row in zip(deeds.names(0), deeds.rows.tolist(), strict=True)
        ]
        sizes = [len(rows) for rows, _ in parts]
        return cls(
            np.concatenate([rows for rows, _ in parts]).astype(np.int64),
            np.repeat(np.arange(len(parts)), sizes),
            np.concatenate([shares for _, shares in parts]).astype(np.float32),
        )

    def pool(self, matrix: Floats, weights: Floats, start: int, found: Floats) -> None:
        """Rows of (I, w), summed for each history by its deeds' weights: w columns of (1 + n, ...)."""
        kernels.pool(matrix, self.rows, self.deeds, self.shares, weights, start, found)


class _Weights(NamedTuple):
    kinds: Rows  # (m,)
    n: int

    def by(
        self, input_: InputWeights, norm: float, factor: float = 1, *, squared: bool = False
    ) -> Floats:
        """What every deed weighs in every history (1 + n, m), scaled by factor * its sum ** -norm."""
        found = np.empty((1 + self.n, len(self.kinds)), np.float32)
        kernels.weigh(self.kinds, _of_kind(input_), input_.decay, factor, norm, squared, found)
        return found


@lru_cache(maxsize=64)
def _of_kind(input_: InputWeights) -> Floats:
    return np.asarray(input_.kinds, np.float32)


def _queries(fused: Fused, bag: _Bag, weigh: _Weights) -> Floats:
    at = 0
    found = np.empty((1 + weigh.n, fused.width), np.float32)
    if fused.encoder is not None:
        embedding = fused.encoder.embedding
        weights = weigh.by(fused.encoder.input, 0.5, squared=True)
        pooled = np.empty((1 + weigh.n, embedding.shape[1]), np.float32)
        bag.pool(embedding, weights, 0, pooled)
        at = fused.encoder.latent
        np.multiply(
            fused.encoder.forward(pooled), np.float32(fused.dense_weight), out=found[:, :at]
        )
    if fused.linear is not None:
        weights = weigh.by(fused.linear.input, fused.linear.norm, fused.linear_weight)
        bag.pool(fused.linear.project, weights, at, found)
    found[:, -1] = 1
    return found


def _lent(fused: Fused, bag: _Bag, weigh: _Weights) -> Lent | None:
    branch = fused.neighbours
    if branch is None:
        return None
    lent = branch.lent
    return Lent(
        indices=lent.indices,
        data=lent.data,
        indptr=lent.indptr,
        lenders=bag.rows,
        deeds=bag.deeds,
        shares=bag.shares,
        weights=weigh.by(branch.input, branch.norm, fused.neighbour_weight),
        n_items=fused.n_items,
    )
