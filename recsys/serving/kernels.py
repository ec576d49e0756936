"""The inner loops of retrieval, compiled: what is lent, who may yet be among the best, and who is.

    I items   d searched dimensions   R runs of what is lent   C candidates

A board holds a number for every item and is all zero between requests, so that a request touches
what is lent to and not every item. Run r of R is `indices[starts[r]:stops[r]]`.
"""

import numpy as np
from numpy.typing import NDArray

from recsys import compiled as c
from recsys.compiled import kernel

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
Names = NDArray[np.int32] | Rows

_ROUNDING = np.float32(1e-4)  # kept below the bar: far more than sums in float32 can differ
_ONE = np.float32(1)


@kernel(c.made(c.Number)(c.Matrix, c.Rows, c.Floats))
def scored(vectors: Floats, rows: Rows, query: Floats) -> Floats:
    """The products of rows (C,) of (I, d) with a query (d,): of equal vectors, equal to the bit."""
    found = np.empty(len(rows), np.float32)
    for number in range(len(rows)):
        vector = vectors[rows[number]]
        total = np.float32(0)
        for place in range(len(query)):
            total += vector[place] * query[place]
        found[number] = total
    return found


@kernel(c.made(c.Count)(c.Rows, c.Rows, c.Count))
def left(found: Rows, gone: Rows, most: int) -> Rows:
    """The first `most` of what an index found, -1 for nothing, that are not gone (sorted)."""
    kept, n = np.empty(min(most, len(found)), np.int64), 0
    for row in found:
        if n == len(kept):
            break
        at = np.searchsorted(gone, row)
        if row >= 0 and (at == len(gone) or gone[at] != row):
            kept[n] = row
            n += 1
    return kept[:n].copy()


@kernel()
def _worse(score: np.float32, row: np.int64, other: np.float32, other_row: np.int64) -> bool:
    return bool(score < other or (score == other and row > other_row))


@kernel()
def _sift(rows: Rows, scores: Floats, start: int, end: int) -> None:
    """Let what stands at `start` of a heap sink to where nothing below it is worse."""
    at, row, score = start, rows[start], scores[start]
    while True:
        child = 2 * at + 1
        if child >= end:
            break
        other = child + 1
        if other < end and _worse(scores[other], rows[other], scores[child], rows[child]):
            child = other
        if not _worse(scores[child], rows[child], score, row):
            break
        rows[at], scores[at] = rows[child], scores[child]
        at = child
    rows[at], scores[at] = row, score


@kernel()
def _heap(rows: Rows, scores: Floats, k: int) -> tuple[Rows, Floats]:
    """The best `k`, or all there are, the worst of them first."""
    n = min(k, len(rows))
    kept, of_kept = rows[:n].copy(), scores[:n].copy()
    for start in range(n // 2 - 1, -1, -1):
        _sift(kept, of_kept, start, n)
    for number in range(n, len(rows)):
        if n and _worse(of_kept[0], kept[0], scores[number], rows[number]):
            kept[0], of_kept[0] = rows[number], scores[number]
            _sift(kept, of_kept, 0, n)
    return kept, of_kept


_RUNS = [(c.made(c.Number), names, c.Floats, c.Rows, c.Rows) for names in (c.Names, c.Rows)]
_FOUND = (c.Rows, c.Floats, c.Rows, c.Mask, c.Floats, c.Floats, c.Count)


@kernel(
    *(
        c.several(c.made(c.Number), c.made(c.Count), c.made(c.Number))(*runs, c.Floats, *_FOUND)
        for runs in _RUNS
    )
)
def near(
    board: Floats,
    indices: Names,
    data: Floats,
    starts: Rows,
    stops: Rows,
    weights: Floats,
    rows: Rows,
    scores: Floats,
    gone: Rows,
    mask: NDArray[np.bool_],
    lengths: Floats,
    query: Floats,
    k: int,
) -> tuple[Floats, Rows, Floats]:
    """Who is lent so much that one may be among the best `k` beside those that a search found.

    Returns:
        What the found `rows` (C,), at least k, score with what they are lent (C,); the others that
        may be among the best (n,), and what those are lent (n,). The board is zero again.
    """
    n_lent = 0
    for run in range(len(starts)):
        n_lent += stops[run] - starts[run]
        for at in range(starts[run], stops[run]):
            board[indices[at]] += weights[run] * data[at]
    sums = np.empty(len(rows), np.float32)
    for number in range(len(rows)):
        sums[number] = scores[number] + board[rows[number]]
        board[rows[number]] = 0
    for row in gone:
        board[row] = 0
    bar, last = _heap(rows, sums, k)[1][0], _heap(rows, scores, k)[1][0]  # the k-th best of each
    bar -= _ROUNDING * max(_ONE, abs(bar))
    length = np.float32(0)
    for part in query:
        length += part * part
    length = np.sqrt(length)
    others, added, n = np.empty(n_lent, np.int64), np.empty(n_lent, np.float32), 0
    for run in range(len(starts)):
        for at in range(starts[run], stops[run]):
            row = indices[at]
            lent = board[row]
            if lent > 0:
                board[row] = 0  # looked at once
                # where the first does not hold, nothing else is read of it
                if lent + last >= bar and lent + lengths[row] * length >= bar and mask[row]:
                    others[n] = row
                    added[n] = lent
                    n += 1
    return sums, others[:n].copy(), added[:n].copy()


@kernel(*(c.made(c.Number, 2)(*runs, c.Rows, c.Floats, c.Rows, c.Count) for runs in _RUNS))
def lent(
    board: Floats,
    indices: Names,
    data: Floats,
    starts: Rows,
    stops: Rows,
    deeds: Rows,
    shares: Floats,
    rows: Rows,
    n_deeds: int,
) -> Floats:
    """What each deed lends, by its runs, to these distinct rows (C,): (C, n_deeds)."""
    for number in range(len(rows)):
        board[rows[number]] = number + 1
    found = np.zeros((len(rows), n_deeds), np.float32)
    for run in range(len(starts)):
        for at in range(starts[run], stops[run]):
            number = int(board[indices[at]])
            if number:
                found[number - 1, deeds[run]] += shares[run] * data[at]
    for row in rows:
        board[row] = 0
    return found


@kernel(c.several(c.made(c.Count), c.made(c.Number))(c.Rows, c.Floats, c.Count))
def best(rows: Rows, scores: Floats, k: int) -> tuple[Rows, Floats]:
    """The best `k` of these rows, or all there are, best first; of equals, the lower row first."""
    kept, of_kept = _heap(rows, scores, k)
    for end in range(len(kept) - 1, 0, -1):
        kept[0], kept[end] = kept[end], kept[0]
        of_kept[0], of_kept[end] = of_kept[end], of_kept[0]
        _sift(kept, of_kept, 0, end)
    return kept, of_kept
