"""What strategies do with orders and scores: walk one until enough may appear, join, stretch."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from recsys.serving.candidates import Floats, Places
from recsys.types import Reason

NO_ITEMS: tuple[Places, Floats] = (np.zeros(0, np.int64), np.zeros(0, np.float32))

_FIRST = 1_024  # places looked at before a longer stretch is


def first_allowed(order: Places, n: int, keeps: Callable[[Places], NDArray[np.bool_]]) -> Places:
    """The first `n` places of an order that may appear; each look is twice as long as the last."""
    found: list[Places] = []
    missing, at, length = n, 0, max(_FIRST, 2 * n)
    while missing > 0 and at < len(order):
        stretch = order[at : at + length]
        kept = stretch[keeps(stretch)][:missing]
        found.append(kept)
        missing, at, length = missing - len(kept), at + length, 2 * length
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def layered(*rungs: tuple[Places, Floats]) -> tuple[Places, Floats]:
    """Rungs of positive scores, each best first, one below the other; a place counts once.

    Scores of different rungs do not compare: a lower one is pressed below the one above it.
    """
    places, scores = NO_ITEMS
    for of_rung, worth in rungs:
        new = ~np.isin(of_rung, places)
        more = worth[new]
        if len(places) and len(more):
            top = max(float(more[0]), float(np.finfo(np.float32).tiny))
            more = more * (float(scores[-1]) / top)
        places = np.concatenate([places, of_rung[new]])
        scores = np.concatenate([scores, more]).astype(np.float32)
    return places, scores


def spread(scores: Floats) -> Floats:
    """Scores stretched over 0 to 1; all 0 where they are all the same."""
    least, most = float(scores.min(initial=np.inf)), float(scores.max(initial=-np.inf))
    if not most > least:
        return np.zeros(len(scores), np.float32)
    return np.asarray((scores - least) / (most - least), np.float32)


def falling(n: int) -> Floats:
    """Scores that say no more than the order: from 1 downwards."""
    return np.asarray(1 / np.arange(1, n + 1), np.float32)


def always(reason: Reason) -> Callable[[Places], Sequence[Reason]]:
    """The same reason for every place."""
    return lambda places: [reason] * len(places)
