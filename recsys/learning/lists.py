"""Lists of items that lie near each other, of which a search looks into some: how they are made.

    I items   d searched dimensions   r directions   L lists   B queries

The lists are not FAISS's own. An inner product favours long vectors, so k-means by inner product
ends with nearly everything in the lists of the longest centres: at 100,000 trained vectors it finds
3 % of the true hundred in a quarter of all lists. Here the lists are made by distance between
vectors shortened to the root of their length, which keeps the directions apart and the bestsellers
in small lists of their own; a list is then known by the mean of its items weighed by their squared
length, so that what it promises is what its best items can give.

What a list holds is coded, or kept in half precision. To be coded its items, less the list's mean,
are turned to the directions in which the scores of shoppers differ most; each direction takes four
bits, and the foremost quarter of them four more for what the first four leave. FAISS adds up
looked-up products of 32 items at a time, and reads 80 bytes of an item where half precision takes
660. Such a sum is near enough to say which items must be scored again.
"""

from collections.abc import Callable
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

_LANES = 16  # FAISS decodes half precision in lanes; another width falls to code ten times slower
_TAUGHT = 32  # items a list is fitted on: more cost minutes and move the lists little
_ROUNDS = 6  # of k-means
_BLOCK = 1 << 16
_SHORTENED = 0.5
_DIRECTIONS = 128
_BITS = 4
_FINER = 4  # the foremost of so many directions
_AT_ONCE = 32  # items that FAISS adds up together
_ONE_QUERY = 11  # its code for one query and a long answer: a fifth quicker than what it chooses
_SAMPLE = 20_000  # items that the codes are fitted on

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


def coded(vectors: Floats, queries: Floats, *, seed: int = 0) -> Any:
    """Lists of (I, d) in codes; without queries (0, d) all dimensions count alike."""
    n = len(vectors)
    n_lists, draw = _n_lists(n), np.random.default_rng(seed)
    lengths, owners, centres = _grouped(vectors, n_lists, seed)
    of_items, of_queries = _turns(vectors, queries, draw)
    means = centres @ of_items
    # the long vectors are those that are found, so they are what the codes must fit
    weights = lengths.astype(np.float64) + np.finfo(np.float32).tiny
    taught = draw.choice(n, _SAMPLE, p=weights / weights.sum())
    left = vectors[taught] @ of_items - means[owners[taught]]
    coarser = _codebook(left)
    n_finer = -(-left.shape[1] // _FINER)
    finer = _codebook(_beyond(coarser, left)[:, :n_finer])

    def rows(at: slice) -> Floats:
        turned = vectors[at] @ of_items
        more = _beyond(coarser, turned - means[owners[at]])[:, :n_finer]
        return np.hstack([turned, more])

    width = means.shape[1] + n_finer
    plain = faiss.IndexIVFPQ(
        _flat(padded(means, width)), width, n_lists, width, _BITS, faiss.METRIC_INNER_PRODUCT
    )
    both = np.concatenate([faiss.vector_to_array(one.centroids) for one in (coarser, finer)])
    faiss.copy_array_to_vector(both, plain.pq.centroids)
    plain.by_residual = plain.is_trained = True
    _add(plain, rows, owners)
    lists: Any = faiss.IndexIVFPQFastScan(plain, _AT_ONCE)
    plain.reset()
    lists.implem = _ONE_QUERY
    turn = faiss.LinearTransform(vectors.shape[1], width, False)  # noqa: FBT003 no bias; by place
    turned_twice = np.hstack([of_queries, of_queries[:, :n_finer]])
    faiss.copy_array_to_vector(turned_twice.T.ravel(), turn.A)
    turn.is_trained = True
    return faiss.IndexPreTransform(turn, lists)


def half(vectors: Floats, *, seed: int = 0) -> Any:
    """Lists of (I, d) in half precision."""
    width = lanes(vectors.shape[1])
    n_lists = _n_lists(len(vectors))
    _, owners, centres = _grouped(vectors, n_lists, seed)
    index: Any = faiss.IndexIVFScalarQuantizer(
        _flat(padded(centres, width)),
        width,
        n_lists,
        faiss.ScalarQuantizer.QT_fp16,
        faiss.METRIC_INNER_PRODUCT,
        False,  # noqa: FBT003 not by residual: FAISS takes it by place
    )
    index.train(padded(centres, width))
    _add(index, lambda at: padded(vectors[at], width), owners)
    return index


def lanes(d: int) -> int:
    """The dimensions that half precision holds: padded with zeros."""
    return -(-d // _LANES) * _LANES


def padded(rows: Floats, width: int) -> Floats:
    """Rows (B, d) -> (B, width)."""
    if rows.shape[1] == width:
        return np.ascontiguousarray(rows, dtype=np.float32)
    found = np.zeros((len(rows), width), np.float32)
    found[:, : rows.shape[1]] = rows
    return found


def blocks(n: int) -> list[slice]:
    """Rows to take at once of n, so that what is made of them stays small."""
    return [slice(start, min(n, start + _BLOCK)) for start in range(0, n, _BLOCK)]


def _turns(vectors: Floats, queries: Floats, draw: np.random.Generator) -> tuple[Floats, Floats]:
    """What turns items and what turns queries (d, r), so that their products stay what they are."""
    d = vectors.shape[1]
    spread = np.eye(d)
    if len(queries):
        spread = queries.T.astype(np.float64) @ queries / len(queries)
        # few queries say little of most directions: none counts for less than half of the median
        least = float(np.median(np.diag(spread))) or 1.0
        spread += np.eye(d) * least
    reach, axes = np.linalg.eigh(spread)
    root, inverse = (axes * power @ axes.T for power in (np.sqrt(reach), 1 / np.sqrt(reach)))
    some = vectors[draw.choice(len(vectors), min(len(vectors), 2 * _SAMPLE), replace=False)] @ root
    _, directions = np.linalg.eigh(some.T @ some)
    kept = directions[:, ::-1][:, :_DIRECTIONS]
    return np.asarray(root @ kept, np.float32), np.asarray(inverse @ kept, np.float32)


def _grouped(vectors: Floats, n_lists: int, seed: int) -> tuple[Floats, Rows, Floats]:
    """Lengths (I,), each item's list (I,), and what each list is known by (L, d)."""
    lengths = np.sqrt(np.vecdot(vectors, vectors))
    owners = _owners(vectors, lengths, n_lists, seed)
    return lengths, owners, _promises(vectors, lengths, owners, n_lists)


def _owners(vectors: Floats, lengths: Floats, n_lists: int, seed: int) -> Rows:
    """The list of every item (I,)."""

    def shortened(at: Any) -> Floats:
        scale = np.maximum(lengths[at], np.finfo(np.float32).tiny) ** -_SHORTENED
        return np.ascontiguousarray(vectors[at] * scale[:, None], np.float32)

    n = len(vectors)
    drawn = np.random.default_rng(seed).choice(n, min(n, n_lists * _TAUGHT), replace=False)
    drawn.sort()
    means = faiss.Kmeans(
        vectors.shape[1], n_lists, niter=_ROUNDS, seed=seed + 1, min_points_per_centroid=1
    )
    means.train(shortened(drawn))
    found = [means.index.search(shortened(at), 1)[1][:, 0] for at in blocks(n)]
    return np.concatenate(found).astype(np.int64)


def _promises(vectors: Floats, lengths: Floats, owners: Rows, n_lists: int) -> Floats:
    """Each list's mean, weighed by squared length (L, d)."""
    sums = np.zeros((n_lists, vectors.shape[1]), np.float64)
    totals = np.full(n_lists, np.finfo(np.float64).tiny)
    weights = lengths.astype(np.float64) ** 2
    for at in blocks(len(vectors)):
        rows = np.arange(len(owners[at]))
        shares = sparse.csr_array((weights[at], (owners[at], rows)), shape=(n_lists, len(rows)))
        sums += shares @ vectors[at]
        totals += np.asarray(shares.sum(axis=1)).ravel()
    return np.asarray(sums / totals[:, None], np.float32)


def _codebook(rows: Floats) -> Any:
    """Sixteen numbers for each column of (B, w)."""
    made = faiss.ProductQuantizer(rows.shape[1], rows.shape[1], _BITS)
    made.cp.min_points_per_centroid = 1
    made.train(np.ascontiguousarray(rows))
    return made


def _beyond(codes: Any, rows: Floats) -> Floats:
    """What the codes leave of rows (B, w)."""
    return np.asarray(rows - codes.decode(codes.compute_codes(rows)), np.float32)


def _add(index: Any, rows: Callable[[slice], Floats], owners: Rows) -> None:
    """Every item into its own list, under its row."""
    for at in blocks(len(owners)):
        block, assigned = np.ascontiguousarray(rows(at), np.float32), owners[at]
        names = np.arange(at.start, at.stop, dtype=np.int64)
        pointers = (faiss.swig_ptr(block), faiss.swig_ptr(names), faiss.swig_ptr(assigned))
        index.add_core(len(block), *pointers)


def _flat(centres: Floats) -> Any:
    index = faiss.IndexFlatIP(centres.shape[1])
    index.add(centres)
    return index


def _n_lists(n: int) -> int:
    return max(1, min(int(4 * np.sqrt(n)), n // _TAUGHT))
