"""What a strategy proposes: items by place, best first, each with a score and where it came from.

    C candidates   A items of the assortment

A place is a position in `Assortment.item_ids`: the model's own rows first, then the items that the
model has not met. Everything after a strategy (boosts, dials, rules, slots) works on these arrays.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.types import Reason, Source

Places = NDArray[np.int64]
Floats = NDArray[np.float32]
Reasons = Callable[[Places], Sequence[Reason]]  # asked only for the few that are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Distinct, allowed items, best first; `scores` never rise."""

    places: Places  # (C,)
    scores: Floats  # (C,) comparable within this list
    source: Source
    reasons: Reasons

    def __len__(self) -> int:
        return len(self.places)

    def first(self, n: int) -> "Candidates":
        return Candidates(
            places=self.places[:n], scores=self.scores[:n], source=self.source, reasons=self.reasons
        )


def ordered(
    places: Places, scores: NDArray[np.floating], *, source: Source, reasons: Reasons
) -> Candidates:
    """Candidates from unsorted arrays; equal scores go to the lower place."""
    order = np.lexsort((places, -scores))
    return Candidates(
        places=places[order],
        scores=np.asarray(scores[order], np.float32),
        source=source,
        reasons=reasons,
    )


def nothing(source: Source) -> Candidates:
    return Candidates(
        places=np.zeros(0, np.int64), scores=np.zeros(0, np.float32), source=source, reasons=_none
    )


def _none(places: Places) -> Sequence[Reason]:
    return [Reason(kind="none", text="")] * len(places)
