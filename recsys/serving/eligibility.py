"""Which items may appear: a standing pool that many requests share, less what this one leaves out.

    A items of the assortment   I of them the model's rows

A pool is what stock, category and filters leave: a mask over the whole catalogue, made once for
each catalogue revision and kept. What a shopper has bought, holds or was shown already is a handful
of places, looked up at each request. So no request touches every item because of its rules.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Pool:
    """What the standing rules leave; `counts` says how many each kept out, the first that met them."""

    def __init__(self, mask: Mask, n_known: int, counts: Mapping[str, int] | None = None) -> None:
        mask.setflags(write=False)
        self.mask = mask  # (A,)
        self.counts = counts or {}
        self._n_known = n_known
        self.way: Any = None  # how an index was last asked for this pool

    @cached_property
    def known(self) -> Mask:
        """The same of the model's rows only (I,)."""
        return self.mask[: self._n_known]

    @cached_property
    def n_items(self) -> int:
        """How many there are, with those that the model has no row for."""
        return int(np.count_nonzero(self.mask))

    @cached_property
    def n_rows(self) -> int:
        return int(np.count_nonzero(self.known))

    @cached_property
    def rows(self) -> Places:
        """The model's rows among them, ascending."""
        return np.flatnonzero(self.known)

    @cached_property
    def unknown(self) -> Places:
        """The places among them that the model has no row for, ascending."""
        return np.flatnonzero(self.mask[self._n_known :]) + self._n_known

    @cached_property
    def bits(self) -> NDArray[np.uint8] | None:
        """As FAISS reads a selection; None where nothing is left out."""
        if self.n_rows == self._n_known:
            return None
        return np.packbits(self.known, bitorder="little")


class Allowed:
    """A pool without some places; `dropped` names, by rule, those that were in the pool."""

    def __init__(self, pool: Pool, dropped: Mapping[str, Iterable[int]] | None = None) -> None:
        self.pool = pool
        self.dropped: dict[str, frozenset[int]] = {}
        gone: set[int] = set()
        mask = pool.mask
        for rule, places in (dropped or {}).items():
            new = frozenset([place for place in places if mask[place]]) - gone
            self.dropped[rule] = new
            gone |= new
        self.gone: Places = np.array(sorted(gone), np.int64)

    @classmethod
    def of_mask(cls, mask: Mask) -> "Allowed":
        """All of a mask over the model's rows, for callers without an assortment."""
        return cls(Pool(np.array(mask, np.bool_), len(mask)))

    @property
    def counts(self) -> dict[str, int]:
        """How many items each rule was the first to keep out."""
        found = {rule: len(places) for rule, places in self.dropped.items()}
        return {rule: n for rule, n in {**self.pool.counts, **found}.items() if n}

    @cached_property
    def gone_rows(self) -> Places:
        """Those of `gone` that are the model's rows."""
        n_known = len(self.pool.known)
        return self.gone[: self.gone.searchsorted(n_known)]

    @property
    def n_items(self) -> int:
        return self.pool.n_items - len(self.gone)

    @property
    def n_rows(self) -> int:
        return self.pool.n_rows - len(self.gone_rows)

    @cached_property
    def mask(self) -> Mask:
        """The whole mask (A,); it costs a look at every item, so only where it is needed."""
        if not len(self.gone):
            return self.pool.mask
        mask = self.pool.mask.copy()
        mask[self.gone] = False
        return mask

    def keeps(self, places: Places) -> Mask:
        """Which of these places may appear (n,)."""
        return np.asarray(self.pool.mask[places] & self._stays(places))

    def may(self, place: int) -> bool:
        return bool(self.pool.mask[place]) and not any(
            place in places for places in self.dropped.values()
        )

    def left(self, places: Places) -> Places:
        """These places of the pool, without what is gone; in their order."""
        return places[self._stays(places)] if len(self.gone) else places

    def _stays(self, places: Places) -> Mask:
        if not len(self.gone):
            return np.ones(len(places), np.bool_)
        there = self.gone.take(self.gone.searchsorted(places), mode="clip")
        return np.asarray(there != places)
