"""Lists of codes in a file of their own, mapped rather than read, so that server processes share them.

FAISS's own file holds codes packed for its quickest search (32 items to a block) in a way that can
only be read into each process. Its format for lists on disk can hold the very same blocks: each list
begins at a multiple of 64 bytes with whole blocks of codes, and as many names of rows follow them.
The index's file then says only where each list is. Such a table could send a search anywhere in
memory, so it is held against the file before anything is mapped, and so are the names after it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faiss as _faiss
import numpy as np

faiss: Any = _faiss  # its stubs know little of lists on disk
_NAME_BYTES = 8
_LINE = 64  # bytes that a processor fetches at once
_NOBODY = -1  # where the last block of a list is not full


def write(index: Any, path: Path, beside: Path) -> None:
    """The index without its lists, and its lists beside it; read or mapped, they are written alike.

    The index lends its place for lists to a table of where they are: nothing may search meanwhile.
    """
    inner = faiss.downcast_index(index.index)
    held, owned = inner.invlists, inner.own_invlists
    table = _write_lists(inner, beside)
    inner.own_invlists, inner.invlists = False, table
    try:
        faiss.write_index(index, str(path))
    finally:
        inner.invlists, inner.own_invlists = held, owned
        table.this.own(True)  # noqa: FBT003 by place; lending it, Python had let go of it


def read(path: Path, beside: Path | None) -> Any:
    """The index of a file, with the lists beside it mapped; None beside it: the file has them.

    Where both files are now is all that counts, and once mapped they may even be deleted.

    Raises:
        ValueError: The file names lists that are not given, or the lists are not its own.
        RuntimeError: FAISS cannot read it.
    """
    # without the first flag FAISS would map whatever file a stranger's index names
    index = faiss.read_index(str(path), faiss.IO_FLAG_SKIP_IVF_DATA | faiss.IO_FLAG_READ_ONLY)
    inner = (
        faiss.downcast_index(index.index) if isinstance(index, faiss.IndexPreTransform) else index
    )
    if not isinstance(inner, faiss.IndexIVFPQFastScan) or inner.invlists is None:
        raise ValueError(f"{path.name} holds no lists of codes")
    found, apart = faiss.downcast_InvertedLists(inner.invlists), elsewhere(inner)
    if apart and beside is None:
        raise ValueError(f"{path.name} has its lists in another file, which the manifest names not")
    if beside is not None and not apart:
        raise ValueError(f"{path.name} has lists of its own, and {beside.name} lies beside it")
    if beside is not None:
        _hold_against(found, inner, index.ntotal, beside)
        inner.replace_invlists(_mapped(found, beside), True)  # noqa: FBT003 by place: it owns them
    _know_their_names(inner, index.ntotal, beside or path)
    return index


def elsewhere(inner: Any) -> bool:
    """Whether the lists of this part of an index lie in another file, which its own file names."""
    return isinstance(faiss.downcast_InvertedLists(inner.invlists), faiss.OnDiskInvertedLists)


def _write_lists(inner: Any, beside: Path) -> Any:
    """The lists into their file, and where each of them is there."""
    held = inner.invlists
    table = faiss.OnDiskInvertedLists(inner.nlist, inner.code_size, beside.name)
    rows, table.totsize = _laid([held.list_size(one) for one in range(inner.nlist)], inner)
    places = faiss.OnDiskOneListVector()
    with beside.open("wb") as stream:
        for number, (size, room, at) in enumerate(rows):
            one = faiss.OnDiskOneList()
            one.size, one.capacity, one.offset = size, room, at
            places.push_back(one)
            if size:
                names = np.full(room, _NOBODY, np.int64)
                names[:size] = faiss.rev_swig_ptr(held.get_ids(number), size)
                stream.seek(at)
                stream.write(
                    faiss.rev_swig_ptr(held.get_codes(number), room * inner.code_size).data
                )
                stream.write(names.data)
        stream.truncate(table.totsize)
    table.lists = places
    return table


def _laid(sizes: Sequence[int], inner: Any) -> tuple[list[tuple[int, int, int]], int]:
    """Where lists of these sizes lie, each as (size, whole blocks, offset), and where they end."""
    rows, at = [], 0
    for size in sizes:
        room = -(-size // inner.bbs) * inner.bbs
        rows.append((size, room, at))
        at += -(-room * (inner.code_size + _NAME_BYTES) // _LINE) * _LINE
    return rows, at


def _mapped(found: Any, beside: Path) -> Any:
    """The lists of a table, mapped from this file; FAISS maps only as it reads, so it reads again.

    Its flag for files that were moved would do so too, and print to standard output.
    """
    found.filename = str(beside)
    told, heard = faiss.VectorIOWriter(), faiss.VectorIOReader()
    faiss.write_InvertedLists(found, told)
    heard.data.swap(told.data)
    lists = faiss.downcast_InvertedLists(faiss.read_InvertedLists(heard, faiss.IO_FLAG_READ_ONLY))
    lists.prefetch_nthread = 0  # 32 threads at every search are for disks
    lists.this.disown()
    return lists


def _hold_against(found: Any, inner: Any, n: int, beside: Path) -> None:
    """Whether a table says what it must of lists of its sizes, in this file, with n items."""
    shapes = (found.nlist, found.lists.size(), found.code_size)
    # the blocks are read by M2, the directions of four bits each, and bbs, the items of a block
    whole = 2 * inner.code_size == inner.M2 and inner.bbs > 0
    if not whole or shapes != (inner.nlist, inner.nlist, inner.code_size):
        raise ValueError(f"{beside.name} is of other lists than its index")
    listed = [found.lists.at(number) for number in range(inner.nlist)]
    rows, end = _laid([one.size for one in listed], inner)
    for number, (one, row) in enumerate(zip(listed, rows, strict=True)):
        if (one.size, one.capacity, one.offset) != row:
            raise ValueError(f"{beside.name}: list {number} is not where its index says")
    n_bytes, counted = beside.stat().st_size, sum(one.size for one in listed)
    if not n_bytes == found.totsize == end:
        raise ValueError(f"{beside.name} has {n_bytes} bytes, and its index knows {end}")
    if counted != n:
        raise ValueError(f"{beside.name} holds {counted} items, and its index {n}")


def _know_their_names(inner: Any, n: int, file: Path) -> None:
    """Whether what the lists name are rows of n: a search gives them on, to be scored, as they are."""
    for number in range(inner.nlist):
        size = inner.invlists.list_size(number)
        if size:
            names = faiss.rev_swig_ptr(inner.invlists.get_ids(number), size)
            if names.min() < 0 or names.max() >= n:
                raise ValueError(f"{file.name}: list {number} names an item that is not there")
