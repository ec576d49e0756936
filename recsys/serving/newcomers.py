"""Items that no model has met, placed beside those it has: they are ranked, and a click on one counts.

Who fills this knows what is written of an item; here an item is a vector and some known items that
stand for it. Newcomers obey the same rules as every other item.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

StandIns = tuple[NDArray[np.int64], NDArray[np.float32]]  # known rows (s,), their shares (s,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomers:
    """`vectors[n]` is where `Fused.items()` would have `item_ids[n]`.

    In a history, an item of `stand_ins` weighs as its known rows do, each by its share.
    """

    item_ids: tuple[str, ...]
    vectors: NDArray[np.float32]  # (n, d)
    stand_ins: Mapping[str, StandIns]
