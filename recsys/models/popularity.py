"""What sells now: counts in which an old sale weighs less than a new one."""

import numpy as np
from numpy.typing import NDArray

HALF_LIFE_DAYS = (
    14.0  # groceries: 10 to 20 days foretell the next weeks best, 60 barely beats never
)

_DAY_SECONDS = 86_400


def decayed_counts(
    user_rows: NDArray[np.int32],
    item_rows: NDArray[np.int32],
    at: NDArray[np.int64],
    *,
    n_items: int,
    half_life_days: float = HALF_LIFE_DAYS,
) -> NDArray[np.float32]:
    """Shoppers of each item, each counted once, at the weight of the last time.

    Counting shoppers rather than events keeps one busy visitor, or a robot, from making a bestseller.
    The rows must be sorted by time. A pause longer than the half-life counts as one half-life: a
    shop that was closed, or that took over an old log, still knows what sold before.
    """
    if len(at) == 0:
        return np.zeros(n_items, np.float32)
    pair = user_rows.astype(np.int64) * n_items + item_rows
    _, newest_first = np.unique(pair[::-1], return_index=True)
    last = len(at) - 1 - newest_first
    pauses = np.minimum(np.diff(at) / _DAY_SECONDS, half_life_days)
    day = np.concatenate([[0.0], pauses.cumsum()])
    age_days = day[-1] - day[last]
    weights = 0.5 ** (age_days / half_life_days)
    counts = np.bincount(item_rows[last], weights=weights, minlength=n_items)
    return counts.astype(np.float32)


def trend(recent: NDArray[np.float32], overall: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much likelier an item is now than it was over the whole log, in logits."""
    share = (recent + 1) / (recent.sum() + len(recent))
    usual = (overall + 1) / (overall.sum() + len(overall))
    return np.asarray(np.log(share / usual), dtype=np.float32)
