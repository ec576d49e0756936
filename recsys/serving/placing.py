"""Newcomers made from what is written of them, by the map that came with the model.

Pure: a bundle and text vectors in, `Newcomers` out. What stands for one in a history is worked out
when a history first holds it: few do, and each costs a look at every known item.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from recsys.catalogue.text_vectors import ItemVectors
from recsys.learning.bundle import ModelBundle
from recsys.models.text import TextMap
from recsys.serving.assortment import Shelf
from recsys.serving.newcomers import Newcomers, StandIns
from recsys.types import Item

MOST = 2_000  # newest of the unknown items; with more of them a retrain is due
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def unknown(bundle: ModelBundle, shelf: Shelf) -> tuple[str, ...]:
    """Visible items that the model has no row for, the newest of them."""
    there = [shelf.items[item_id] for item_id in shelf.items.keys() - bundle.item_rows.keys()]
    visible = sorted((item for item in there if not item.hidden), key=_age)
    return tuple(item.item_id for item in visible[:MOST])


def place(bundle: ModelBundle, found: ItemVectors) -> Newcomers | None:
    """Where these items lie; None where the model has no map, or none for this encoder."""
    if bundle.text is None or bundle.text.encoder != found.encoder:
        return None
    told = np.flatnonzero(np.abs(found.vectors).max(axis=1, initial=0) > 0)  # others say nothing
    if not len(told):
        return None
    item_ids = tuple(found.item_ids[row] for row in told.tolist())
    vectors = found.vectors[told]
    return Newcomers(
        item_ids=item_ids,
        vectors=np.ascontiguousarray(bundle.text.rows(vectors)),
        stand_ins=_StandIns(bundle.text, item_ids, vectors),
    )


class _StandIns(Mapping[str, StandIns]):
    """By item id, the known rows that read most like it; remembered once asked for."""

    def __init__(
        self, text: TextMap, item_ids: tuple[str, ...], vectors: NDArray[np.float32]
    ) -> None:
        self._text = text
        self._vectors = vectors
        self._rows = {item_id: row for row, item_id in enumerate(item_ids)}
        self._found: dict[str, StandIns] = {}

    def __getitem__(self, item_id: str) -> StandIns:
        if item_id not in self._found:
            self._found[item_id] = self._text.nearest(self._vectors[self._rows[item_id]])
        return self._found[item_id]

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def _age(item: Item) -> tuple[float, str]:
    return (-(item.created_at or _EPOCH).timestamp(), item.item_id)
