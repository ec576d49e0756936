"""The inner loops of retrieval, compiled: what is lent, who may yet be among the best, and who is.

    I items   d searched dimensions   R lenders, with what each lends   m deeds   C candidates

Lender r of R lends to `indices[indptr[lenders[r]]:indptr[lenders[r] + 1]]`. A board holds a number
for every item and is all zero between requests, so that a request touches what is lent to and not
every item. What is found is written into arrays of the caller's: handing a new one out costs a
kernel more than most of these.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys import compiled as c
from recsys.compiled import kernel

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
Names = NDArray[np.int32] | Rows

_ROUNDING = np.float32(1e-4)  # kept below the bar: far more than sums in float32 can differ
_ONE = np.float32(1)
_KEPT = (c.made(c.Count), c.made(c.Number))
_RUNS = [
    (c.made(c.Number), names, c.Floats, names, c.Rows, c.Rows, c.Floats)
    for names in (c.Names, c.Rows)
]


@kernel()
def _product(vector: Floats, query: Floats) -> np.float32:
    total = np.float32(0)
    for place in range(len(query)):
        total += vector[place] * query[place]
    return total


@kernel(c.Nothing(c.Matrix, c.Rows, c.Floats, c.made(c.Number)))
def score(vectors: Floats, rows: Rows, query: Floats, scores: Floats) -> None:
    """The products of rows (C,) of (I, d) with a query (d,): of equal vectors, equal to the bit."""
    for number in range(len(rows)):
        scores[number] = _product(vectors[rows[number]], query)


@kernel(c.Count(c.Rows, c.Rows, c.Matrix, c.Floats, *_KEPT))
def left(
    found: Rows, gone: Rows, vectors: Floats, query: Floats, kept: Rows, scores: Floats
) -> int:
    """How many were kept: the first of what an index found, -1 for nothing, that are not gone (sorted)."""
    n = 0
    for row in found:
        if n == len(kept):
            break
        at = np.searchsorted(gone, row)
        if row >= 0 and (at == len(gone) or gone[at] != row):
            kept[n], scores[n] = row, _product(vectors[row], query)
            n += 1
    return n


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
def _offer(kept: Rows, of_kept: Floats, row: np.int64, score: np.float32) -> None:
    """Let a row take the place of the worst of a heap, if it is better."""
    if _worse(of_kept[0], kept[0], score, row):
        kept[0], of_kept[0] = row, score
        _sift(kept, of_kept, 0, len(kept))


@kernel()
def _heap(rows: Rows, scores: Floats, kept: Rows, of_kept: Floats) -> None:
    """Fill `kept` with the best of at least as many, the worst of them first."""
    n = len(kept)
    for number in range(n):
        kept[number], of_kept[number] = rows[number], scores[number]
    for start in range(n // 2 - 1, -1, -1):
        _sift(kept, of_kept, start, n)
    for number in range(n, len(rows)):
        _offer(kept, of_kept, rows[number], scores[number])


@kernel()
def _in_order(kept: Rows, of_kept: Floats) -> None:
    """A heap, sorted: the best first."""
    for end in range(len(kept) - 1, 0, -1):
        kept[0], kept[end] = kept[end], kept[0]
        of_kept[0], of_kept[end] = of_kept[end], of_kept[0]
        _sift(kept, of_kept, 0, end)


@kernel(c.Nothing(c.Rows, c.Floats, *_KEPT))
def best(rows: Rows, scores: Floats, kept: Rows, of_kept: Floats) -> None:
    """Fill `kept` with the best of at least as many rows, best first; of equals, the lower row first."""
    if len(kept):
        _heap(rows, scores, kept, of_kept)
        _in_order(kept, of_kept)


@kernel()
def _run(of: Any, indptr: Names, lender: np.int64) -> Any:
    return of[indptr[lender] : indptr[lender + 1]]


@kernel()
def _plain(row: Any) -> Any:
    """A row as it is: of a signed one the compiler asks each time whether it counts from the end."""
    return np.uint32(row)


@kernel()
def _bar(of_kept: Floats) -> np.float32:
    """What a sum must reach to be among a heap's, less what rounding may have taken from it."""
    return np.float32(of_kept[0] - _ROUNDING * max(_ONE, abs(of_kept[0])))


_FOUND = (c.Rows, c.Floats, c.Rows, c.Mask, c.Floats, c.Matrix, c.Floats)


@kernel(*(c.Nothing(*runs, c.Floats, *_FOUND, *_KEPT) for runs in _RUNS))
def best_with(
    board: Floats,
    indices: Names,
    data: Floats,
    indptr: Names,
    lenders: Rows,
    deeds: Rows,
    shares: Floats,
    weights: Floats,
    rows: Rows,
    scores: Floats,
    gone: Rows,
    mask: NDArray[np.bool_],
    lengths: Floats,
    vectors: Floats,
    query: Floats,
    kept: Rows,
    of_kept: Floats,
) -> None:
    """The best k, at least one, with what everybody is lent, of what a search found and all others.

    Lender r lends by its share of deed `deeds[r]`, which weighs `weights[deeds[r]]`.
    `rows` (C,), at least k, hold the k best by the searched score. Who else may be among the best is
    bounded twice: by the k-th best searched score, and by the lengths of both vectors.
    """
    for run in range(len(lenders)):
        weight = weights[deeds[run]] * shares[run]
        names, lent_by = _run(indices, indptr, lenders[run]), _run(data, indptr, lenders[run])
        for at in range(len(names)):
            board[_plain(names[at])] += weight * lent_by[at]
    _heap(rows, scores, kept, of_kept)
    last = of_kept[0]
    sums = np.empty(len(rows), np.float32)
    for number in range(len(rows)):
        sums[number] = scores[number] + board[rows[number]]
        board[rows[number]] = 0
    for row in gone:
        board[row] = 0
    _heap(rows, sums, kept, of_kept)
    length, bar = np.sqrt(_product(query, query)), _bar(of_kept)
    for run in range(len(lenders)):
        names = _run(indices, indptr, lenders[run])
        for at in range(len(names)):
            row = _plain(names[at])
            lent = board[row]
            board[row] = 0  # looked at once
            # where the first does not hold, nothing else is read of it
            if (
                lent > 0
                and lent + last >= bar
                and lent + lengths[row] * length >= bar
                and mask[row]
            ):
                _offer(kept, of_kept, row, _product(vectors[row], query) + lent)
                bar = _bar(of_kept)
    _in_order(kept, of_kept)


@kernel(c.Nothing(c.given(c.Fine), c.Fine, c.made(c.Fine)))
def percentiles(values: NDArray[np.float64], steps: float, shares: NDArray[np.float64]) -> None:
    """The share of the other values (C,) below each, ties counted half, laid on a grid of `steps`.

    NaN is in the middle, and none of the others.
    """
    order = np.argsort(values)  # NaN comes last
    n = len(values)
    while n and np.isnan(values[order[n - 1]]):
        n -= 1
    shares[:] = 0.5
    start = 0
    while n > 1 and start < n:
        end = start + 1
        while end < n and values[order[end]] == values[order[start]]:
            end += 1
        share = (start + end - 1) / (2 * (n - 1))
        for at in range(start, end):
            shares[order[at]] = np.rint(share * steps) / steps
        start = end


@kernel(*(c.Nothing(*runs, c.Rows, c.made(c.Number, 2)) for runs in _RUNS))
def lend(
    board: Floats,
    indices: Names,
    data: Floats,
    indptr: Names,
    lenders: Rows,
    deeds: Rows,
    shares: Floats,
    rows: Rows,
    lent: Floats,
) -> None:
    """What each of m deeds lends, by its runs, to these distinct rows (C,), added to `lent` (C, m)."""
    for number in range(len(rows)):
        board[rows[number]] = number + 1
    for run in range(len(lenders)):
        names, lent_by = _run(indices, indptr, lenders[run]), _run(data, indptr, lenders[run])
        for at in range(len(names)):
            number = int(board[_plain(names[at])])
            if number:
                lent[number - 1, deeds[run]] += shares[run] * lent_by[at]
    for row in rows:
        board[row] = 0
