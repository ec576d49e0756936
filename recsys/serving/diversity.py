"""A slate whose items are less alike: maximal marginal relevance, made monotone.

    C candidates   d width   k shown   L levels

MMR (Carbonell & Goldstein, SIGIR 1998) adds the item with the best `(1 - l) * relevance - l *
(highest cosine to those already there)`. It promises nothing of its l: a greedy slate of a larger
one can end up more alike. So the slates of every level up to the one asked for are grown, all at
once, and the least alike of them is taken; a level that does not improve repeats the one before.
As a larger dial only adds levels to choose from, mean pairwise cosine never rises with it.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.serving import dials

LEVELS = 10  # the dial counts in tenths, rounded down
POOL = 6  # the best candidates that a slate may be chosen from, in slates

_TAKEN = 1e3  # the cosine of an item with itself, so that no item is chosen twice
_BETTER = 2e-6  # by how much a mean cosine must fall: above what float32 gets wrong

Floats = NDArray[np.float32]
Order = NDArray[np.int64]


def diversified(
    scores: NDArray[np.floating], vectors: NDArray[np.floating], k: int, diversity: float
) -> Order:
    """The positions (k,) of a slate out of scores (C,) and vectors (C, d), in the order of choice.

    The first is always the most relevant one, and none comes from below the `POOL * k` best. Zero
    vectors are as like others as others are on average.
    """
    pool = dials.best(scores, POOL * k)
    k = min(k, len(pool))
    levels = int(diversity * LEVELS + 1e-9)
    if levels < 1 or k < 2 or k == len(pool):  # noqa: PLR2004 one item resembles nothing
        return pool[:k]
    alike = similarities(vectors[pool])
    grown = _grown(dials.relevance(scores[pool]), alike, k, levels)
    slates = np.concatenate([np.arange(k)[None], grown])
    totals = alike[slates[:, :, None], slates[:, None, :]].sum(axis=(1, 2))  # (L + 1,)
    chosen = 0
    for level in range(1, levels + 1):
        if totals[level] < totals[chosen] - _BETTER * k * (k - 1):
            chosen = level
    return np.asarray(pool[slates[chosen]])


def similarities(vectors: NDArray[np.floating]) -> Floats:
    """Cosines (C, C) of vectors (C, d); those of a zero vector are the mean of the others'."""
    rows = np.asarray(vectors, np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    known = lengths > 0
    unit = rows / np.where(known, lengths, 1)[:, None]
    cosines = np.asarray(unit @ unit.T, np.float32)
    if not known.all():
        n = int(np.count_nonzero(known))
        pairs = n * (n - 1)
        usual = (float(cosines.sum()) - n) / pairs if pairs else 0.0
        cosines[~known, :] = usual
        cosines[:, ~known] = usual
    np.fill_diagonal(cosines, 1)
    return cosines


def _grown(relevance: NDArray[np.floating], alike: Floats, k: int, levels: int) -> Order:
    """MMR slates (L, k) of the levels 1/LEVELS, 2/LEVELS, ..., one step of all at a time."""
    weights = np.arange(1, levels + 1) / LEVELS
    # Divided by its weight, each level subtracts the same thing.
    gain = np.multiply.outer((1 - weights) / weights, relevance).astype(np.float32)  # (L, C)
    np.fill_diagonal(alike, _TAKEN)
    nearest = np.repeat(alike[:1], levels, axis=0)
    value, row = np.empty_like(gain), np.empty_like(gain)
    slates = np.zeros((k, levels), np.int64)
    for picks in slates[1:]:
        np.subtract(gain, nearest, out=value)
        value.argmax(axis=1, out=picks)
        alike.take(picks, axis=0, out=row, mode="clip")
        np.maximum(nearest, row, out=nearest)
    np.fill_diagonal(alike, 1)
    return slates.T
