"""The other way round: which shoppers want an item.

    B shoppers of a batch   d searched dimensions   S sampled items

A score says how much a shopper wants the item beside other items, not beside other shoppers: long
histories make long queries. So the item is measured on each shopper's own scale, in standard
deviations above what a sample of the shop's items scores with them. Shoppers come as a stream and
are read in batches: a million of them need the memory of one batch.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from recsys.models.fusion import Fused
from recsys.models.histories import Histories
from recsys.models.neighbours import Neighbours
from recsys.serving import shopper as shoppers
from recsys.serving.assortment import Assortment
from recsys.serving.candidates import Floats
from recsys.types import EventKind, UserHistory

BATCH = 1_024
_SAMPLED = 256
_LEAST = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanting:
    """One shopper, and by how many standard deviations the item stands above the shop's others."""

    user_id: str
    score: float


def audience(
    assortment: Assortment,
    item_id: str,
    histories: Iterable[UserHistory],
    n: int,
    *,
    buyers: bool = False,
) -> list[Wanting]:
    """The `n` shoppers who want the item most, by score and then by id.

    Left out are those the model knows nothing of, those who dismissed the item and, unless `buyers`
    is set, those who bought it. None at all where the item cannot be placed.
    """
    place = assortment.places.get(item_id, -1)
    if place < 0 or n <= 0 or not assortment.n_known:
        return []
    scale = _Scale.of(assortment, place)
    if not scale.vectors[-1].any():
        return []
    best: list[Wanting] = []
    for batch in _batches(histories):
        asked = [one for one in batch if one.user_id is not None and _open(one, item_id, buyers)]
        read = shoppers.histories(assortment.bundle, asked)
        scores, known = scale.scores(read), read.sizes > 0
        more = [
            Wanting(user_id=one.user_id, score=float(score))
            for one, score, is_known in zip(asked, scores.tolist(), known.tolist(), strict=True)
            if is_known and one.user_id is not None
        ]
        best = sorted([*best, *more], key=lambda one: (-one.score, one.user_id))[:n]
    return best


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """The sampled items and, last, the one asked about: S + 1 columns."""

    fused: Fused
    vectors: Floats  # (S + 1, d)
    known: NDArray[np.int64]  # those of the S + 1 that are model rows
    neighbours: Neighbours | None  # which lend to those columns alone

    @classmethod
    def of(cls, assortment: Assortment, place: int) -> "_Scale":
        n = assortment.n_known
        sample = np.unique(np.linspace(0, n - 1, min(n, _SAMPLED)).astype(np.int64))
        places = np.append(sample[sample != place], place)
        known = np.flatnonzero(places < n)
        fused = assortment.bundle.fused
        lent = fused.neighbours if fused.neighbour_weight else None
        if lent is not None:
            lent = replace(lent, lent=lent.lent[:, places[known]])
        return cls(fused=fused, vectors=assortment.vectors(places), known=known, neighbours=lent)

    def scores(self, read: Histories) -> Floats:
        """How far the item stands above the sample for each shopper (B,)."""
        if not len(read):
            return np.zeros(0, np.float32)
        found = self.fused.users(read) @ self.vectors.T  # (B, S + 1)
        if self.neighbours is not None:
            added = self.neighbours.scores(read).toarray()
            found[:, self.known] += added * np.float32(self.fused.neighbour_weight)
        others = found[:, :-1] if found.shape[1] > 1 else np.zeros((len(read), 1), np.float32)
        above = found[:, -1] - others.mean(axis=1)
        return np.asarray(above / np.maximum(others.std(axis=1), _LEAST), np.float32)


def _open(history: UserHistory, item_id: str, buyers: bool) -> bool:  # noqa: FBT001 private
    """Whether a shopper may be told of the item."""
    if item_id not in history.item_ids:
        return True
    pairs = zip(history.item_ids, history.kinds, strict=True)
    kinds = {kind for one, kind in pairs if one == item_id}
    return EventKind.DISMISS not in kinds and (buyers or EventKind.PURCHASE not in kinds)


def _batches(histories: Iterable[UserHistory]) -> Iterator[list[UserHistory]]:
    stream = iter(histories)
    while batch := list(islice(stream, BATCH)):
        yield batch
