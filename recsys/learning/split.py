"""Yesterday teaches, today examines: the log cut once in time.

The first 90 % of events train. Shoppers with a past before the cut and something new after it
are the hold-out; half of them (by a hash of their id, so the halves are the same in every run)
choose when to stop, and the other half is read once, for the report and the gate.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.errors import NotEnoughData
from recsys.models import histories
from recsys.models.histories import Histories
from recsys.types import EventKind, EventLog

HOLDOUT_SHARE = 0.1
LEAST_ITEMS = 2
LEAST_USERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldOut:
    """What T shoppers had (`fold_in`) and what they then took (`targets`, sparse (T, I)).

    What is never ranked is the history, unless `masked` (sparse (T, I)) says otherwise.
    """

    fold_in: Histories
    targets: Any
    masked: Any = None

    def __len__(self) -> int:
        return len(self.fold_in)

    def batch(self, start: int, size: int) -> "HoldOut":
        rows = slice(start, start + size)
        masked = None if self.masked is None else self.masked[rows]
        return HoldOut(fold_in=self.fold_in.take(rows), targets=self.targets[rows], masked=masked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """`item_rows[row]` is the log's row of the model's item; `cut_at` is seconds since the epoch."""

    train: Histories
    validation: HoldOut
    test: HoldOut
    item_rows: NDArray[np.int64]
    cut_at: int


def temporal(log: EventLog, *, seed: int, share: float = HOLDOUT_SHARE) -> Split:
    """Cut the log at the time before which all but `share` of its events lie.

    Raises:
        NotEnoughData: Fewer than two shoppers or two items before the cut.
    """
    wanted = positive(log)
    at, users, items = log.at[wanted], log.user_rows[wanted], log.item_rows[wanted]
    if len(at) == 0:
        raise NotEnoughData("no view, cart, purchase or like was recorded yet; import some events")
    cut_at = int(at[min(int(len(at) * (1 - share)), len(at) - 1)])
    before = at < cut_at
    known, model_rows = np.unique(items[before], return_inverse=True)
    shoppers = np.unique(users[before])
    if len(known) < LEAST_ITEMS or len(shoppers) < LEAST_USERS:
        raise NotEnoughData(
            f"{len(shoppers)} shoppers and {len(known)} items before the hold-out; "
            f"at least {LEAST_USERS} and {LEAST_ITEMS} are needed to learn from"
        )
    n_users, n_items = len(log.user_ids), len(known)
    past = histories.from_deeds(
        users[before], model_rows, log.kinds[wanted][before], n_users=n_users, n_items=n_items
    )
    row_of = np.full(len(log.item_ids), -1, np.int64)
    row_of[known] = np.arange(n_items)
    later = ~before & (row_of[items] >= 0)
    future = matrix(users[later], row_of[items[later]], shape=(n_users, n_items))
    future = future - future.multiply(past.matrix())  # only what is new to the shopper
    future.eliminate_zeros()
    tested = np.flatnonzero((past.sizes > 0) & (np.diff(future.indptr) > 0))
    chooses = np.array([_chooses(log.user_ids[row], seed) for row in tested], dtype=np.bool_)
    return Split(
        train=past.take(shoppers),
        validation=_holdout(past, future, tested[chooses]),
        test=_holdout(past, future, tested[~chooses]),
        item_rows=known.astype(np.int64),
        cut_at=cut_at,
    )


def positive(log: EventLog) -> NDArray[np.bool_]:
    """Every deed but a dismissal says that the shopper might want the item."""
    dismiss = tuple(EventKind).index(EventKind.DISMISS)
    return np.not_equal(log.kinds, dismiss)


def matrix(rows: NDArray[Any], columns: NDArray[Any], *, shape: tuple[int, int]) -> Any:
    """A binary sparse matrix; a pair that happened often counts once."""
    found = sparse.csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
    found.sum_duplicates()
    found.data[:] = 1
    return found


def _holdout(past: Histories, future: Any, rows: NDArray[np.int64]) -> HoldOut:
    return HoldOut(fold_in=past.take(rows), targets=future[rows])


def _chooses(user_id: str, seed: int) -> bool:
    digest = hashlib.blake2b(f"{seed}:{user_id}".encode(), digest_size=1).digest()
    return digest[0] % 2 == 0
