"""What shoppers did, as every branch reads it: distinct items, how old, and how strong the deed.

    B shoppers   N their items, laid end to end   I items

A branch turns them into weights of its own (`InputWeights`), chosen on validation: what a view
says beside a purchase, and how fast it is forgotten, differs between shops and between branches.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.types import EventKind

# Who viewed and then bought, bought: the later in this order wins.
STRENGTH = (EventKind.VIEW, EventKind.LIKE, EventKind.CART, EventKind.PURCHASE)

_KINDS = tuple(EventKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class InputWeights:
    """An item weighs `kinds[its kind] * decay ** age`; the default counts every item once."""

    decay: float = 1.0
    kinds: tuple[float, ...] = (1.0,) * len(_KINDS)  # in the order of EventKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Histories:
    """Shopper b owns the items `items[indptr[b]:indptr[b + 1]]`, oldest first and distinct.

    `ages` counts how many distinct items the same shopper touched later (0: the newest); where
    nothing is known of time all ages are 0. `kinds` indexes `tuple(EventKind)`.
    """

    indptr: NDArray[np.int64]  # (B + 1,)
    items: NDArray[np.int32]  # (N,)
    ages: NDArray[np.int32]  # (N,)
    kinds: NDArray[np.int8]  # (N,)
    n_items: int

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def shape(self) -> tuple[int, int]:
        return len(self), self.n_items

    @property
    def sizes(self) -> NDArray[np.int64]:
        return np.diff(self.indptr)

    @property
    def owners(self) -> NDArray[np.int64]:
        """The shopper of each of the N items."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def take(self, rows: Any) -> "Histories":
        """The same for some shoppers, in the order asked for."""
        wanted = np.arange(len(self))[rows]
        sizes = self.sizes[wanted]
        indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        at = np.repeat(self.indptr[wanted] - indptr[:-1], sizes) + np.arange(indptr[-1])
        return Histories(
            indptr=indptr,
            items=self.items[at],
            ages=self.ages[at],
            kinds=self.kinds[at],
            n_items=self.n_items,
        )

    def renamed(self, rows: NDArray[np.int64], n_items: int) -> "Histories":
        """Item i becomes `rows[i]` of another model's `n_items`; where that is -1 it is let go."""
        items = rows[self.items]
        there = items >= 0
        sizes = np.bincount(self.owners[there], minlength=len(self))
        return Histories(
            indptr=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            items=items[there].astype(np.int32),
            ages=self.ages[there],
            kinds=self.kinds[there],
            n_items=n_items,
        )

    def weights(self, by: InputWeights = InputWeights()) -> NDArray[np.float32]:
        """What each of the N items weighs."""
        of_kind = np.asarray(by.kinds, np.float32)[self.kinds]
        if by.decay == 1:
            return of_kind
        aged = np.float32(by.decay) ** self.ages.astype(np.float32)
        return np.asarray(of_kind * aged, np.float32)

    def matrix(self, by: InputWeights = InputWeights()) -> Any:
        """The weights as a sparse (B, I) matrix."""
        parts = (self.weights(by), self.items, self.indptr)
        return sparse.csr_array(parts, shape=self.shape)


def from_matrix(matrix: Any) -> Histories:
    """Histories of which only the items are known; every item counts as bought, and as new."""
    csr = sparse.csr_array(matrix)
    csr.sum_duplicates()
    return Histories(
        indptr=csr.indptr.astype(np.int64),
        items=csr.indices.astype(np.int32),
        ages=np.zeros(csr.nnz, np.int32),
        kinds=np.full(csr.nnz, _KINDS.index(EventKind.PURCHASE), np.int8),
        n_items=int(csr.shape[1]),
    )


def from_deeds(
    users: NDArray[Any],
    items: NDArray[Any],
    kinds: NDArray[Any],
    *,
    n_users: int,
    n_items: int,
) -> Histories:
    """Histories from deeds in the order of time, duplicates and all (E,), (E,), (E,).

    An item stands where it was last touched, with the strongest thing ever done with it.
    """
    n = len(users)
    pair = users.astype(np.int64) * n_items + items
    order = np.argsort(pair, kind="stable")  # by pair, then by time
    ends = np.flatnonzero(np.diff(pair[order], append=-1)) if n else np.zeros(0, np.int64)
    last = order[ends]  # each pair's newest deed
    strength = np.full(len(_KINDS), -1, np.int8)
    for rank, kind in enumerate(STRENGTH):
        strength[_KINDS.index(kind)] = rank
    starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64) if n else ends
    best = np.maximum.reduceat(strength[kinds[order]], starts) if n else np.zeros(0, np.int8)
    of_rank = np.array(
        [_KINDS.index(kind) for kind in (*STRENGTH, EventKind.DISMISS)], np.int8
    )  # -1, a dismissal alone, indexes the last
    in_time = np.lexsort((last, users[last]))
    owners = users[last][in_time]
    sizes = np.bincount(owners, minlength=n_users)
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    place = np.arange(len(owners)) - np.repeat(indptr[:-1], sizes)
    return Histories(
        indptr=indptr,
        items=items[last][in_time].astype(np.int32),
        ages=(np.repeat(sizes, sizes) - 1 - place).astype(np.int32),
        kinds=of_rank[best][in_time].astype(np.int8),
        n_items=n_items,
    )
