"""Newcomers made from what is written of them, by the map that came with the model.

Pure: a bundle and text vectors in, `Newcomers` out. What stands for one in a history is worked out
when a history first holds it: few do, and each costs a look at every known item.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from recsys.catalogue.text_vectors import ItemVectors
from recsys.learning.bundle import ModelBundle
from recsys.models.text import TextMap
from recsys.serving.newcomers import Newcomers, StandIns


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
