"""The inner loops of reading a shopper, compiled: all but the encoder's matrix products.

m deeds   R rows of a model behind them   B histories   w width
"""

import numpy as np
from numpy.typing import NDArray

from recsys import compiled as c
from recsys.compiled import kernel

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

_LEAST = np.float32(1e-6)
_TINY = np.finfo(np.float32).tiny  # what divides nothing, so that it stays nothing
_HALF, _ONE = np.float32(0.5), np.float32(1)

# tanh as a fraction of two polynomials in x * x, within 4e-7 everywhere: the coefficients are those
# of Eigen's float tanh. It runs in vectors, where a call of libm for each number would not.
_FLAT = np.float32(7.9)
_ABOVE = (
    np.float32(4.89352455891786e-03),
    np.float32(6.37261928875436e-04),
    np.float32(1.48572235717979e-05),
    np.float32(5.12229709037114e-08),
    np.float32(-8.60467152213735e-11),
    np.float32(2.00018790482477e-13),
    np.float32(-2.76076847742355e-16),
)
_BELOW = (
    np.float32(4.89352518554385e-03),
    np.float32(2.26843463243900e-03),
    np.float32(1.18534705686654e-04),
    np.float32(1.19825839466702e-06),
)


@kernel()
def _tanh(x: np.float32) -> np.float32:
    x = min(max(x, -_FLAT), _FLAT)
    y = x * x
    a0, a1, a2, a3, a4, a5, a6 = _ABOVE
    b0, b1, b2, b3 = _BELOW
    above = x * (a0 + y * (a1 + y * (a2 + y * (a3 + y * (a4 + y * (a5 + y * a6))))))
    return above / (b0 + y * (b1 + y * (b2 + y * b3)))


@kernel(c.Count(c.Rows, c.Rows, c.Rows, c.Count, c.made(c.Count), c.made(c.Count)))
def distinct(rows: Rows, kinds: Rows, strengths: Rows, unknown: int, at: Rows, best: Rows) -> int:
    """Of deeds, oldest first, each item once: where it was touched last, and its strongest kind.

    What is `unknown`, or was ever dismissed (a kind whose strength is below 0), is left out. Both
    are written to the front of `at` and `best`, as long as `rows`; returned is how many there are.
    It grows with the square of the items: 15 us for a request's 200, .1 s for a robot's 20,000.
    """
    n = 0
    for place in range(len(rows) - 1, -1, -1):
        if rows[place] == unknown:
            continue
        number = 0
        while number < n and rows[at[number]] != rows[place]:
            number += 1
        if number == n:
            at[n], best[n] = place, kinds[place]
            n += 1
        elif strengths[best[number]] >= 0:
            strength = strengths[kinds[place]]
            if strength < 0 or strength > strengths[best[number]]:
                best[number] = kinds[place]
    kept = 0
    for number in range(n):
        if strengths[best[number]] >= 0:
            at[kept], best[kept] = at[number], best[number]
            kept += 1
    for number in range(kept // 2):
        other = kept - 1 - number
        at[number], at[other] = at[other], at[number]
        best[number], best[other] = best[other], best[number]
    return kept


@kernel(c.Nothing(c.Rows, c.Floats, *3 * [c.Number], c.Truth, c.made(c.Number, 2)))
def weigh(
    kinds: Rows,
    of_kind: Floats,
    decay: float,
    factor: float,
    norm: float,
    squared: bool,
    found: Floats,
) -> None:
    """What m deeds, oldest first, weigh in the whole history and without each of the last n.

    A deed weighs `of_kind[its kind] * decay ** age`. Each history is then scaled by `factor * (the
    sum of its weights, or of their squares) ** -norm`. Without one deed the older ones are one
    younger. Written to `found` (1 + n, m).
    """
    m, n = len(kinds), len(found) - 1
    powers = np.empty(m + 1, np.float32)
    for age in range(m + 1):
        powers[age] = decay ** np.float32(age)
    found[:] = 0
    for history in range(1 + n):
        out = m - n + history - 1 if history else -1
        total = np.float32(0)
        for deed in range(m):
            if deed != out:
                age = m - 1 - deed - (1 if deed < out else 0)
                weight = of_kind[kinds[deed]] * powers[age]
                found[history, deed] = weight
                total += weight * weight if squared else weight
        scale = np.float32(factor)
        if norm != 0:
            scale *= max(total, _TINY if squared else _LEAST) ** -norm
        for deed in range(m):
            found[history, deed] *= scale


@kernel(c.Nothing(c.Matrix, c.Rows, c.Rows, c.Floats, c.Matrix, c.Count, c.made(c.Number, 2)))
def pool(
    matrix: Floats,
    rows: Rows,
    deeds: Rows,
    shares: Floats,
    weights: Floats,
    start: int,
    found: Floats,
) -> None:
    """Rows (R,) of (I, w), summed as their deeds weigh in each history (B, m).

    Written to the w columns of `found`, of B rows, from `start` on.
    """
    end = start + matrix.shape[1]
    found[:, start:end] = 0
    for number in range(len(rows)):
        row = matrix[rows[number]]
        for history in range(len(weights)):
            weight = weights[history, deeds[number]] * shares[number]
            if weight != 0:
                sums = found[history, start:end]
                for place in range(len(row)):
                    sums[place] += weight * row[place]


@kernel(c.Nothing(c.made(c.Number, 2), c.Floats, c.Matrix, c.Floats, c.Floats, c.Count, c.Number))
def bent(
    x: Floats,
    bias: Floats,
    before: Floats,
    scale: Floats,
    shift: Floats,
    parts: int,
    epsilon: float,
) -> None:
    """Write SiLU of `x + bias + before` over x (B, w), then the layer norm of each part by itself.

    `before` may have no rows: then nothing is added.
    """
    width = x.shape[1] // parts
    for history in range(len(x)):
        h = x[history]
        if len(before):
            added = before[history]
            for place in range(len(h)):
                h[place] += added[place]
        for place in range(len(h)):
            half = (h[place] + bias[place]) * _HALF
            h[place] = half * _tanh(half) + half
        for part in range(parts):
            start = part * width
            total = np.float32(0)
            for place in range(start, start + width):
                total += h[place]
            mean = total / np.float32(width)
            squares = np.float32(0)
            for place in range(start, start + width):
                h[place] -= mean
                squares += h[place] * h[place]
            least = _ONE / np.sqrt(squares / np.float32(width) + epsilon)
            for place in range(start, start + width):
                h[place] = h[place] * least * scale[place] + shift[place]
