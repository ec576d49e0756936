"""What lists are judged beside: how often training saw each item, and where it stands in the shop.

I items   C categories
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.models.histories import Histories

Paths = Mapping[str, tuple[str, ...]]  # item id -> its category, widest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """`categories[row]` indexes `names`, or is -1 where the shop gives the item none."""

    counts: NDArray[np.int64]  # (I,) training shoppers who had the item
    n_shoppers: int
    categories: NDArray[np.int32]  # (I,)
    names: tuple[str, ...] = ()  # (C,)


def of(train: Histories, item_ids: Sequence[str], paths: Paths | None = None) -> Market:
    """The market that a model was trained in.

    Categories are those of the widest level that divides these items: where everything stands
    under "Grocery", what stands below it.
    """
    found = [tuple((paths or {}).get(item_id, ())) for item_id in item_ids]
    level = _dividing_level(found)
    named = [path[level] if len(path) > level else "" for path in found]
    names = tuple(sorted(set(named) - {""}))
    at = {name: row for row, name in enumerate(names)}
    return Market(
        counts=np.bincount(train.items, minlength=train.n_items).astype(np.int64),
        n_shoppers=len(train),
        categories=np.array([at.get(name, -1) for name in named], np.int32),
        names=names,
    )


def _dividing_level(paths: Sequence[tuple[str, ...]]) -> int:
    deepest = max((len(path) for path in paths), default=0)
    for level in range(deepest):
        if len({path[level] for path in paths if len(path) > level}) > 1:
            return level
    return 0
