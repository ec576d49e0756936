"""Which FAISS index a catalogue gets: by its size, and by a recall that is measured, not hoped for.

    I items   d searched dimensions   B queries

Small catalogues are searched exactly, others in lists of which only some are looked into, held in
half precision; `serving.index` scores what comes back again, in full. Half precision without lists
is there for who asks for it: exact but for roundings, in half the memory, and slow.
The lists are not FAISS's own. An inner product favours long vectors, so k-means by inner product
ends with nearly everything in the lists of the longest centres: at 100,000 trained vectors it finds
3 % of the true hundred in a quarter of all lists. Here the lists are made by distance between
vectors shortened to the root of their length, which keeps the directions apart and the bestsellers
in small lists of their own; a list is then known by the mean of its items weighed by their squared
length, so that what it promises is what its best items can give.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

FLAT_LIMIT = 5_000  # 10,000 of 329 dimensions took 0.6 ms, in lists 0.2
RECALL_AT = 100
RECALL_FLOOR = 0.99  # of the true best hundred; at .97 a shop of 100,000 lost 2 % of its NDCG

_LANES = 16  # FAISS decodes half precision in lanes; another width falls to code ten times slower
_TAUGHT = 32  # items a list is fitted on: more cost minutes and move the lists little
_TURNS = 6  # of k-means
_BLOCK = 1 << 16
_QUERIES = 256
_FIRST_PROBES = 8
_SHORTENED = 0.5

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


class IndexKind(StrEnum):
    FLAT = "flat"
    HALF = "half"
    LISTS = "lists"


# The four letters FAISS opens such a file with, what it reads it as, and bytes a number.
_FILES: dict[IndexKind, tuple[bytes, Any, int]] = {
    IndexKind.FLAT: (b"IxFI", faiss.IndexFlatIP, 4),
    IndexKind.HALF: (b"IxSQ", faiss.IndexScalarQuantizer, 2),
    IndexKind.LISTS: (b"IwSq", faiss.IndexIVFScalarQuantizer, 2),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An index over the rows of the vectors, and what was measured when it was tuned."""

    index: Any
    kind: IndexKind
    recall: float

    @property
    def note(self) -> dict[str, Any]:
        """For the manifest."""
        found: dict[str, Any] = {"kind": str(self.kind), f"recall@{RECALL_AT}": self.recall}
        if self.kind is IndexKind.LISTS:
            found |= {"lists": self.index.nlist, "probes": self.index.nprobe}
        return found


def kind_for(n_items: int) -> IndexKind:
    return IndexKind.FLAT if n_items <= FLAT_LIMIT else IndexKind.LISTS


def build(
    vectors: Floats,
    queries: Floats,
    *,
    kind: IndexKind | None = None,
    floor: float = RECALL_FLOOR,
    seed: int = 0,
) -> Built:
    """An index over the item vectors (I, d); lists are looked into until `queries` meet the floor.

    Without queries (0, d) there is nothing to tune by, and the lists' recall is that of all lists.
    """
    kind = kind or kind_for(len(vectors))
    if kind is IndexKind.FLAT:
        index: Any = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return Built(index=index, kind=kind, recall=1.0)
    queries = queries[:_QUERIES]
    index = _half(vectors) if kind is IndexKind.HALF else _lists(vectors, seed)
    best = _exact(vectors, queries)
    recall = _tuned(index, vectors, queries, best, floor) if kind is IndexKind.LISTS else None
    if recall is None:
        recall = _recall(index, vectors, queries, best)
    return Built(index=index, kind=kind, recall=round(recall, 4))


def read(path: Path, kind: IndexKind, *, n: int, d: int) -> Any:
    """The index of that kind over n x d from its file.

    Raises:
        ValueError: It holds something else.
        RuntimeError: FAISS cannot read it.
    """
    width, (letters, made_by, bytes_each) = width_of(kind, d), _FILES[kind]
    with path.open("rb") as stream:
        opened = stream.read(len(letters))
    if opened != letters or path.stat().st_size < n * width * bytes_each:
        raise ValueError(f"{path.name} is no {kind} inner-product index of {n} x {width}")
    # Lists are mapped rather than read, so that processes share them: equally quick, measured.
    flags = faiss.IO_FLAG_MMAP_IFC if kind is IndexKind.LISTS else 0
    index: Any = faiss.read_index(str(path), flags)  # the stubs know the base class alone
    fits = isinstance(index, made_by) and (index.ntotal, index.d) == (n, width)
    if not fits or index.metric_type != faiss.METRIC_INNER_PRODUCT:
        raise ValueError(f"{path.name} holds {index.ntotal} x {index.d}, not {n} x {width}")
    if kind is IndexKind.LISTS and not 0 < index.nprobe <= index.nlist:
        raise ValueError(f"{path.name} looks into {index.nprobe} of {index.nlist} lists")
    return index


def width_of(kind: IndexKind, d: int) -> int:
    """The dimensions an index of this kind holds: all but the exact one are padded with zeros."""
    return d if kind is IndexKind.FLAT else -(-d // _LANES) * _LANES


def padded(rows: Floats, width: int) -> Floats:
    """Rows (B, d) -> (B, width)."""
    if rows.shape[1] == width:
        return np.ascontiguousarray(rows, dtype=np.float32)
    found = np.zeros((len(rows), width), np.float32)
    found[:, : rows.shape[1]] = rows
    return found


def _half(vectors: Floats) -> Any:
    width = width_of(IndexKind.HALF, vectors.shape[1])
    index = faiss.IndexScalarQuantizer(
        width, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    index.train(padded(vectors[:1], width))
    for start in range(0, len(vectors), _BLOCK):
        index.add(padded(vectors[start : start + _BLOCK], width))
    return index


def _lists(vectors: Floats, seed: int) -> Any:
    n, width = len(vectors), width_of(IndexKind.LISTS, vectors.shape[1])
    n_lists = max(1, min(int(4 * np.sqrt(n)), n // _TAUGHT))
    lengths = np.concatenate(
        [np.linalg.norm(vectors[at : at + _BLOCK], axis=1) for at in range(0, n, _BLOCK)]
    )
    owners = _owners(vectors, lengths, n_lists, width, seed)
    centres = _promises(vectors, lengths, owners, n_lists, width)
    coarse = faiss.IndexFlatIP(width)
    coarse.add(centres)
    index: Any = faiss.IndexIVFScalarQuantizer(
        coarse,
        width,
        n_lists,
        faiss.ScalarQuantizer.QT_fp16,
        faiss.METRIC_INNER_PRODUCT,
        False,  # noqa: FBT003 not by residual: FAISS takes it by place
    )
    index.train(centres)
    for start in range(0, n, _BLOCK):
        block = padded(vectors[start : start + _BLOCK], width)
        assigned = owners[start : start + _BLOCK]
        names = np.arange(start, start + len(block), dtype=np.int64)
        pointers = (faiss.swig_ptr(block), faiss.swig_ptr(names), faiss.swig_ptr(assigned))
        index.add_core(len(block), *pointers)
    return index


def _owners(vectors: Floats, lengths: Floats, n_lists: int, width: int, seed: int) -> Rows:
    """The list of every item (I,)."""

    def shortened(at: Any) -> Floats:
        scale = np.maximum(lengths[at], np.finfo(np.float32).tiny) ** -_SHORTENED
        return padded(vectors[at] * scale[:, None].astype(np.float32), width)

    n = len(vectors)
    drawn = np.random.default_rng(seed).choice(n, min(n, n_lists * _TAUGHT), replace=False)
    drawn.sort()
    means = faiss.Kmeans(width, n_lists, niter=_TURNS, seed=seed + 1, min_points_per_centroid=1)
    means.train(shortened(drawn))
    blocks = [slice(start, start + _BLOCK) for start in range(0, n, _BLOCK)]
    found = [means.index.search(shortened(block), 1)[1][:, 0] for block in blocks]
    return np.concatenate(found).astype(np.int64)


def _promises(vectors: Floats, lengths: Floats, owners: Rows, n_lists: int, width: int) -> Floats:
    """Each list's mean, weighed by squared length (n_lists, width)."""
    sums = np.zeros((n_lists, vectors.shape[1]), np.float64)
    totals = np.full(n_lists, np.finfo(np.float64).tiny)
    weights = lengths.astype(np.float64) ** 2
    for start in range(0, len(vectors), _BLOCK):
        at = slice(start, start + _BLOCK)
        rows = np.arange(len(owners[at]))
        shares = sparse.csr_array((weights[at], (owners[at], rows)), shape=(n_lists, len(rows)))
        sums += shares @ vectors[at]
        totals += np.asarray(shares.sum(axis=1)).ravel()
    return padded((sums / totals[:, None]).astype(np.float32), width)


def _exact(vectors: Floats, queries: Floats) -> Rows:
    """The true best of each query (B, k), a block of items at a time."""
    k = min(RECALL_AT, len(vectors))
    scores = np.full((len(queries), k), -np.inf, np.float32)
    rows = np.zeros((len(queries), k), np.int64)
    for start in range(0, len(vectors), _BLOCK):
        block = queries @ vectors[start : start + _BLOCK].T
        here = np.broadcast_to(np.arange(start, start + block.shape[1]), block.shape)
        both, names = np.hstack([scores, block]), np.hstack([rows, here])
        top = np.argpartition(-both, k - 1, axis=1)[:, :k]
        scores, rows = np.take_along_axis(both, top, 1), np.take_along_axis(names, top, 1)
    return rows


def _tuned(index: Any, vectors: Floats, queries: Floats, best: Rows, floor: float) -> float | None:
    """Look into more lists until the floor is met; all of them where there is nothing to tune by."""
    index.nprobe = min(_FIRST_PROBES, index.nlist) if len(queries) else index.nlist
    while len(queries) and index.nprobe < index.nlist:
        recall = _recall(index, vectors, queries, best)
        if recall >= floor:
            return recall
        index.nprobe = min(index.nlist, index.nprobe * 5 // 4)
    return None


def _recall(index: Any, vectors: Floats, queries: Floats, best: Rows) -> float:
    """The share of the true best that the best of the index's candidates, scored again, hold."""
    if not len(queries):
        return 1.0
    k = best.shape[1]
    _, found = index.search(padded(queries, index.d), min(2 * k, len(vectors)))
    hits = 0
    for query, candidates, true in zip(queries, found, best, strict=True):
        there = candidates[candidates >= 0]
        scores = vectors[there] @ query
        hits += len(np.intersect1d(there[np.argsort(-scores)[:k]], true))
    return hits / best.size
