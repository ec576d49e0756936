"""Yesterday teaches, today examines: the log cut once in time, or its shoppers cut in groups.

In time (`temporal`): the first 90 % of events train. Shoppers with a past before the cut and
something new after it are the hold-out; half of them (by a hash of their id, so the halves are the
same in every run) choose when to stop, and the other half is read once, for the report and the
gate. This is how a shop lives, so this is what the gate rests on.

By shopper (`by_users`): strong generalisation (Liang et al., WWW 2018). A tenth of the shoppers
chooses, a tenth examines, and training never meets either; the oldest 80 % of what such a shopper
took goes in, the rest must be found.
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
FOLD_IN_SHARE = 0.8
LEAST_ITEMS = 2
LEAST_USERS = 2
# Of shoppers examined: means move by less than .003 beyond these, minutes by much more. The first
# by the hash of their id, so that runs examine the same ones.
MOST_CHOOSING = 5_000
MOST_EXAMINED = 10_000


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
    """`item_rows[row]` is the log's row of the model's item; `cut_at` is seconds since the epoch.

    `taught` marks the log's events that training may read, so that what is counted rather than
    fitted knows no more than the model.
    """

    train: Histories
    validation: HoldOut
    test: HoldOut
    item_rows: NDArray[np.int64]
    cut_at: int
    taught: NDArray[np.bool_]


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
    _enough(len(shoppers), len(known))
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
    draws = _draws(log, tested, seed)
    chooses = draws % 2 == 0
    return Split(
        train=past.take(shoppers),
        validation=_holdout(past, future, _first(tested, draws, chooses, MOST_CHOOSING)),
        test=_holdout(past, future, _first(tested, draws, ~chooses, MOST_EXAMINED)),
        item_rows=known.astype(np.int64),
        cut_at=cut_at,
        taught=wanted & (log.at < cut_at),
    )


def by_users(log: EventLog, *, seed: int, share: float = HOLDOUT_SHARE) -> Split:
    """Keep a `share` of the shoppers for choosing and as many for the examination.

    Raises:
        NotEnoughData: Fewer than two shoppers or two items are left to learn from.
    """
    wanted = positive(log)
    if not wanted.any():
        raise NotEnoughData("no view, cart, purchase or like was recorded yet; import some events")
    users, items, kinds = log.user_rows[wanted], log.item_rows[wanted], log.kinds[wanted]
    everybody = np.unique(users)
    draws = _draws(log, everybody, seed)
    place = draws / 2**64  # 0..1, the same for a shopper whoever else there is
    group = np.zeros(len(log.user_ids), np.int8)  # 0 teaches, 1 chooses, 2 examines
    group[everybody] = np.where(place < share, 1, np.where(place < 2 * share, 2, 0))
    teaches = group[users] == 0
    known, shoppers = np.unique(items[teaches]), np.unique(users[teaches])
    _enough(len(shoppers), len(known))
    n_users, n_items = len(log.user_ids), len(known)
    row_of = np.full(len(log.item_ids), -1, np.int64)
    row_of[known] = np.arange(n_items)
    there = row_of[items] >= 0
    whole = histories.from_deeds(
        users[there], row_of[items[there]], kinds[there], n_users=n_users, n_items=n_items
    )
    halves = []
    for number, most in ((1, MOST_CHOOSING), (2, MOST_EXAMINED)):
        mine = (group[everybody] == number) & (whole.sizes[everybody] >= LEAST_ITEMS)
        halves.append(_divided(whole.take(_first(everybody, draws, mine, most))))
    return Split(
        train=whole.take(shoppers),
        validation=halves[0],
        test=halves[1],
        item_rows=known.astype(np.int64),
        cut_at=int(log.at[-1]) + 1,
        taught=wanted & (group[log.user_rows] == 0),
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


def _divided(whole: Histories) -> HoldOut:
    """Each shopper's older items go in, the newest fifth (one at least) must be found."""
    hidden = np.maximum(1, np.floor(whole.sizes * (1 - FOLD_IN_SHARE) + 1e-9)).astype(np.int64)
    place = np.arange(len(whole.items)) - np.repeat(whole.indptr[:-1], whole.sizes)
    asked = place >= np.repeat(whole.sizes - hidden, whole.sizes)
    targets = matrix(whole.owners[asked], whole.items[asked], shape=whole.shape)
    kept = whole.sizes - hidden
    fold_in = Histories(
        indptr=np.concatenate([[0], np.cumsum(kept)]).astype(np.int64),
        items=whole.items[~asked],
        ages=(whole.ages - np.repeat(hidden, whole.sizes))[~asked].clip(0).astype(np.int32),
        kinds=whole.kinds[~asked],
        n_items=whole.n_items,
    )
    return HoldOut(fold_in=fold_in, targets=targets)


def _enough(n_shoppers: int, n_items: int) -> None:
    if n_items < LEAST_ITEMS or n_shoppers < LEAST_USERS:
        raise NotEnoughData(
            f"{n_shoppers} shoppers and {n_items} items before the hold-out; "
            f"at least {LEAST_USERS} and {LEAST_ITEMS} are needed to learn from"
        )


def _first(
    rows: NDArray[Any], draws: NDArray[np.uint64], mine: NDArray[np.bool_], most: int
) -> NDArray[Any]:
    """At most `most` of my rows, those of the smallest draws, in the order of rows."""
    chosen = np.flatnonzero(mine)
    return rows[np.sort(chosen[np.argsort(draws[chosen], kind="stable")[:most]])]


def _draws(log: EventLog, rows: NDArray[Any], seed: int) -> NDArray[np.uint64]:
    """A number for each shopper that depends on the id and the seed alone."""
    return np.array([_draw(log.user_ids[row], seed) for row in rows], dtype=np.uint64)


def _draw(user_id: str, seed: int) -> int:
    digest = hashlib.blake2b(f"{seed}:{user_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")
