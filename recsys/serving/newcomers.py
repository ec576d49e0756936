"""Items that no model has met, placed beside those it has: they are ranked, and a click on one counts.

Who fills this knows what is written of an item; here an item is a vector and some known items that
stand for it. Newcomers obey the same rules as every other item.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.serving import rules
from recsys.serving.rules import Shelf
from recsys.types import Query

StandIns = tuple[NDArray[np.int64], NDArray[np.float32]]  # known rows (s,), their shares (s,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomers:
    """`vectors[n]` is where `Fused.items()` would have `item_ids[n]`.

    In a history, an item of `stand_ins` weighs as its known rows do, each by its share.
    """

    item_ids: tuple[str, ...]
    vectors: NDArray[np.float32]  # (n, d)
    stand_ins: Mapping[str, StandIns]


def best(
    newcomers: Newcomers,
    shelf: Shelf,
    query: Query,
    *,
    shopper: NDArray[np.float32],
    seen: frozenset[str],
    above: float,
) -> list[tuple[int, float]]:
    """At most `query.k` places in `newcomers`, best first, with scores beyond `above`."""
    scores = np.vecdot(newcomers.vectors, shopper)
    found: list[tuple[int, float]] = []
    for place in np.argsort(-scores, kind="stable").tolist():
        score = float(scores[place])
        if len(found) == query.k or score <= above:
            break
        item = shelf.items.get(newcomers.item_ids[place])
        if item is not None and rules.refuses(item, query, seen) is None:
            found.append((place, score))
    return found
