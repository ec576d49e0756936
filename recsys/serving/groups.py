"""One slate for several shoppers: the best on average, with a floor under each of them.

    U members   C candidates   k shown

The average strategy pleases groups best (Masthoff, User Modeling and User-Adapted Interaction 14,
2004) but may leave one member with nothing, and least misery alone spoils it for the rest. Here a
member's share is what the slate is worth to them beside their own best k (the proportional utility
of Xiao et al., RecSys 2017), and every share has to reach the floor. Finding the best such slate is
NP-hard (same paper), so it is searched for: from the best on average, and from one where the
members choose in turn, the swap that takes most away from what is missing (squared, so that the
worst off come first) is made until nothing is missing; then swaps that raise the average and keep
to the floor.

Two things are certain. No member's floor is missed while the slate of the averages alone kept it
for all; and a floor of at most `(k // U) / k` is always reached, as choosing in turn reaches it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.serving.dials import best

_ROUNDING = 1e-9  # a floor missed by less than this is kept
_NEAR = 32  # the most promising candidates that a swap may bring in

Floats = NDArray[np.float64]
Order = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A slate, and what it is worth to each member beside their own best one."""

    order: Order  # (k,) positions in the candidates, best on average first
    shares: Floats  # (U,) in [0, 1]; 1 for a member to whom nothing is worth anything

    def keeps(self, floor: float) -> bool:
        return bool((self.shares >= floor - _ROUNDING).all())


def shared(relevance: NDArray[np.floating], k: int, floor: float) -> Shared:
    """Choose k candidates for a group of at least one, from their relevance (U, C) in [0, 1].

    Where no slate is found that keeps the floor, the one found that misses it least is returned:
    its shares say for whom.
    """
    worth = np.asarray(relevance, np.float64)
    n_members, n = worth.shape
    k = min(k, n)
    if k < 1:
        return Shared(order=np.zeros(0, np.int64), shares=np.ones(n_members))
    own_best = np.sort(worth, axis=1)[:, n - k :].sum(axis=1, keepdims=True)  # (U, 1)
    # What one item adds to a share; so that nothing is missing where nothing can be had.
    parts = np.divide(worth, own_best, out=np.full_like(worth, 1 / k), where=own_best > 0)
    mean = worth.mean(axis=0)
    slate = _searched(best(mean, k), parts, mean, floor)
    missing = _missing(parts[:, slate].sum(axis=1), floor)
    if missing > 0:
        other = _searched(_in_turn(worth, mean, k), parts, mean, floor)
        if _missing(parts[:, other].sum(axis=1), floor) < missing:
            slate = other
    slate = np.sort(slate)
    return Shared(
        order=slate[best(mean[slate], k)], shares=np.minimum(parts[:, slate].sum(axis=1), 1)
    )


def _searched(slate: Order, parts: Floats, mean: Floats, floor: float) -> Order:
    for _ in range(4 * len(slate)):  # a bound on the time: hardly a slate needs half of it
        better = _swapped(slate, parts, mean, floor)
        if better is None:
            break
        slate = better
    return slate


def _swapped(slate: Order, parts: Floats, mean: Floats, floor: float) -> Order | None:
    """The slate after its best swap; None where none helps.

    While shares are missing the swap that leaves least missing, then the one that raises the
    average most.
    """
    shares = parts[:, slate].sum(axis=1)  # (U,)
    missing = _missing(shares, floor)
    outside = np.ones(len(mean), np.bool_)
    outside[slate] = False
    promise = np.maximum(floor - shares, 0) @ parts if missing > 0 else mean  # (C,)
    others = np.flatnonzero(outside)
    others = others[best(promise[others], _NEAR)]
    if not len(others):
        return None
    # (U, k, n): each share after each swap.
    after = (shares[:, None] - parts[:, slate])[:, :, None] + parts[:, None, others]
    left = _missing(after, floor)  # (k, n)
    gain = mean[others] - mean[slate][:, None]
    if missing > 0:
        least = left.min()
        if least >= missing * (1 - _ROUNDING):
            return None
        gain = np.where(left <= least, gain, -np.inf)
    else:
        gain = np.where(left <= 0, gain, -np.inf)
        if gain.max() <= _ROUNDING:
            return None
    leaves, comes = np.unravel_index(gain.argmax(), gain.shape)
    swapped = slate.copy()
    swapped[leaves] = others[comes]
    return swapped


def _in_turn(worth: Floats, mean: Floats, k: int) -> Order:
    """Each member takes the best that is left, round after round; what is over goes by the average."""
    n_members, n = worth.shape
    slate: list[int] = []
    free = np.ones(n, np.bool_)
    for turn in range(k // n_members * n_members):
        place = int(np.where(free, worth[turn % n_members], -np.inf).argmax())
        slate.append(place)
        free[place] = False
    rest = best(np.where(free, mean, -np.inf), k - len(slate))
    return np.concatenate([np.array(slate, np.int64), rest])


def _missing(shares: Floats, floor: float) -> Floats:
    """What is missing below the floor, squared and summed over the members (the first axis)."""
    return np.asarray(np.square(np.maximum(floor - _ROUNDING - shares, 0)).sum(axis=0))
