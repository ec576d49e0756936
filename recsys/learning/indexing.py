"""Which FAISS index a catalogue gets: by its size, and by a recall that is measured, not hoped for.

    I items   d searched dimensions   B queries

Small catalogues are searched exactly, others in lists of which only some are looked into, held in
codes; `serving.index` scores what comes back again, in full. Lists in half precision take seven
times the memory and twice the time: they are for vectors whose codes miss the recall. Half precision
without lists is there for who asks for it: exact but for roundings, in half the memory, and slow.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from recsys.learning import lists, mapped_lists
from recsys.learning.lists import blocks, lanes, padded

FLAT_LIMIT = 5_000  # 10,000 of 329 dimensions took 1.1 ms, in codes 0.3
RECALL_AT = 100
RECALL_FLOOR = 0.995  # of the true best hundred; at .99 a shop of a million lost 1 % of its NDCG

_QUERIES = 256
_FIRST_PROBES = 8
_SPARE = 16  # asked for beyond k, so that what FAISS rounds otherwise than we do is not cut off

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


class IndexKind(StrEnum):
    FLAT = "flat"
    HALF = "half"
    LISTS = "lists"
    CODES = "codes"


# The four letters FAISS opens such a file with, what it reads it as, and the least bytes of an item.
_FILES: dict[IndexKind, tuple[bytes, Any, int]] = {
    IndexKind.FLAT: (b"IxFI", faiss.IndexFlatIP, 4),
    IndexKind.HALF: (b"IxSQ", faiss.IndexScalarQuantizer, 2),
    IndexKind.LISTS: (b"IwSq", faiss.IndexIVFScalarQuantizer, 2),
    IndexKind.CODES: (b"IxPT", faiss.IndexPreTransform, 0),
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
        listed = lists_of(self.index)
        if listed is not None:
            found |= {"lists": listed.nlist, "probes": listed.nprobe}
        return found


def kind_for(n_items: int) -> IndexKind:
    return IndexKind.FLAT if n_items <= FLAT_LIMIT else IndexKind.CODES


def build(
    vectors: Floats,
    queries: Floats,
    *,
    kind: IndexKind | None = None,
    floor: float = RECALL_FLOOR,
    seed: int = 0,
) -> Built:
    """An index over the item vectors (I, d); lists are looked into until `queries` meet the floor.

    Without queries (0, d) there is nothing to tune by, and all lists are looked into. Where codes
    miss the floor in all lists, the lists are held in half precision.
    """
    kind = kind or kind_for(len(vectors))
    if kind is IndexKind.FLAT:
        index: Any = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return Built(index=index, kind=kind, recall=1.0)
    if kind is IndexKind.HALF:
        index = _half(vectors)
    elif kind is IndexKind.LISTS:
        index = lists.half(vectors, seed=seed)
    else:
        index = lists.coded(vectors, queries, seed=seed)
    queries = queries[:_QUERIES]
    recall = _tuned(index, vectors, queries, _exact(vectors, queries), floor)
    if kind is IndexKind.CODES and recall < floor:
        return build(vectors, queries, kind=IndexKind.LISTS, floor=floor, seed=seed)
    return Built(index=index, kind=kind, recall=round(recall, 4))


def lists_of(index: Any) -> Any:
    """The part of an index that looks into lists, if it has one."""
    inner = (
        faiss.downcast_index(index.index) if isinstance(index, faiss.IndexPreTransform) else index
    )
    return inner if isinstance(inner, faiss.IndexIVF) else None


def wanted(index: Any, k: int) -> int:
    """How many candidates are scored again for the best `k`: the more, the coarser the index.

    Twice as many, as it was tuned; but beyond the best hundred nobody looks so closely.
    """
    coarse = isinstance(index, faiss.IndexPreTransform | faiss.IndexScalarQuantizer)
    return max(k + _SPARE, 2 * min(k, RECALL_AT) if coarse else 0)


def write(index: Any, path: Path, beside: Path) -> list[str]:
    """The index to its file; lists of codes to the one beside it, whose name is then given back."""
    if isinstance(index, faiss.IndexPreTransform):
        mapped_lists.write(index, path, beside)
        return [beside.name]
    faiss.write_index(index, str(path))
    return []


def read(path: Path, kind: IndexKind, *, n: int, d: int, beside: Path | None = None) -> Any:
    """The index of that kind over n x d from its file, and from the one with its lists of codes.

    Lists are mapped rather than read, so that processes share them: equally quick, measured. Only
    models from before there was a file beside it have their codes read into each process.

    Raises:
        ValueError: It holds something else.
        RuntimeError: FAISS cannot read it.
    """
    width, (letters, made_by, bytes_each) = width_of(kind, d), _FILES[kind]
    with path.open("rb") as stream:
        opened = stream.read(len(letters))
    if opened != letters or path.stat().st_size < n * width * bytes_each:
        raise ValueError(f"{path.name} is no {kind} inner-product index of {n} x {width}")
    index: Any  # the stubs know the base class alone
    if kind is IndexKind.CODES:
        index = mapped_lists.read(path, beside)
    else:
        mapped = faiss.IO_FLAG_MMAP_IFC | faiss.IO_FLAG_READ_ONLY
        index = faiss.read_index(str(path), mapped if kind is IndexKind.LISTS else 0)
    fits = isinstance(index, made_by) and (index.ntotal, index.d) == (n, width)
    if not fits or index.metric_type != faiss.METRIC_INNER_PRODUCT:
        raise ValueError(f"{path.name} holds {index.ntotal} x {index.d}, not {n} x {width}")
    if kind in {IndexKind.LISTS, IndexKind.CODES}:
        listed = lists_of(index)
        if kind is IndexKind.LISTS and mapped_lists.elsewhere(listed):
            raise ValueError(f"{path.name} has its lists in another file")
        if listed is None or not 0 < listed.nprobe <= listed.nlist:
            raise ValueError(
                f"{path.name} looks into none of its lists, or into more than there are"
            )
    return index


def width_of(kind: IndexKind, d: int) -> int:
    """The dimensions of a query to an index of this kind: half precision pads with zeros."""
    return lanes(d) if kind in {IndexKind.HALF, IndexKind.LISTS} else d


def _half(vectors: Floats) -> Any:
    width = width_of(IndexKind.HALF, vectors.shape[1])
    index = faiss.IndexScalarQuantizer(
        width, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    index.train(padded(vectors[:1], width))
    for at in blocks(len(vectors)):
        index.add(padded(vectors[at], width))
    return index


def _exact(vectors: Floats, queries: Floats) -> Rows:
    """The true best of each query (B, k), a block of items at a time."""
    k = min(RECALL_AT, len(vectors))
    scores = np.full((len(queries), k), -np.inf, np.float32)
    rows = np.zeros((len(queries), k), np.int64)
    for at in blocks(len(vectors)):
        block = queries @ vectors[at].T
        here = np.broadcast_to(np.arange(at.start, at.stop), block.shape)
        both, names = np.hstack([scores, block]), np.hstack([rows, here])
        top = np.argpartition(-both, k - 1, axis=1)[:, :k]
        scores, rows = np.take_along_axis(both, top, 1), np.take_along_axis(names, top, 1)
    return rows


def _tuned(index: Any, vectors: Floats, queries: Floats, best: Rows, floor: float) -> float:
    """The recall, having looked into more lists until the floor is met or there are no more."""
    listed = lists_of(index)
    if listed is not None:
        listed.nprobe = min(_FIRST_PROBES, listed.nlist) if len(queries) else listed.nlist
    recall = _recall(index, vectors, queries, best)
    while listed is not None and recall < floor and listed.nprobe < listed.nlist:
        listed.nprobe = min(listed.nlist, listed.nprobe * 9 // 8)
        recall = _recall(index, vectors, queries, best)
    return recall


def _recall(index: Any, vectors: Floats, queries: Floats, best: Rows) -> float:
    """The share of the true best that the best of the index's candidates, scored again, hold."""
    if not len(queries):
        return 1.0
    k = best.shape[1]
    _, found = index.search(padded(queries, index.d), min(wanted(index, k), len(vectors)))
    hits = 0
    for query, candidates, true in zip(queries, found, best, strict=True):
        there = candidates[candidates >= 0]
        scores = vectors[there] @ query
        hits += len(np.intersect1d(there[np.argsort(-scores)[:k]], true))
    return hits / best.size
