"""One slate for several shoppers, fair to each: see `serving.groups` for how it is chosen.

Costs a search for each member, and the choice: some 5 ms for five members at 20 places.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recsys.serving import groups, retrieval
from recsys.serving.asking import Ask
from recsys.serving.candidates import Candidates, Floats, Places, nothing
from recsys.serving.strategies.orders import layered, spread
from recsys.serving.strategies.personal import personal
from recsys.types import Reason, Source

MEMBERS = 20  # who comes after is not asked
FLOOR = 0.5  # of what a member's own best slate were worth to them
_WANTED = 0.5  # of the way from a member's least to most liked candidate
_EACH = 100  # candidates of each member


def group(ask: Ask, n: int) -> Candidates:
    """The best on average of what may appear, with no member's share below the floor if that can be.

    Members the model knows nothing of are not asked; of one known member it is `personal`.
    """
    asked = ask.members[:MEMBERS] or (ask.history,)
    members = [one for one in map(ask.understood, asked) if one is not None]
    if not members:
        return nothing(Source.GROUP)
    if len(members) == 1 and len(asked) == 1:
        return replace(personal(replace(ask, history=asked[0]), n), source=Source.GROUP)
    each = max(_EACH, n // len(members))
    bundle = ask.assortment.bundle
    found = [retrieval.best(bundle, one, each, ask.allowed)[0] for one in members]
    arrived = ask.assortment.arrived
    places = np.unique(np.concatenate([*found, arrived[ask.allowed.keeps(arrived)]]))
    if not len(places):
        return nothing(Source.GROUP)
    worth = np.stack([spread(ask.scores(places, one)) for one in members])  # (U, C)
    slate = groups.shared(worth, min(n, ask.query.k), FLOOR).order
    mean = worth.mean(axis=0)
    rest = np.lexsort((places, -mean))
    tiny = np.finfo(np.float32).eps
    ranked, scores = layered((places[slate], mean[slate] + tiny), (places[rest], mean[rest] + tiny))
    return Candidates(
        places=ranked[:n],
        scores=scores[:n],
        source=Source.GROUP,
        reasons=_Told(places, worth),
    )


class _Told:
    """How many members want an item, in words."""

    def __init__(self, places: Places, worth: Floats) -> None:
        self._wanting: NDArray[np.int64] = np.count_nonzero(worth >= _WANTED, axis=0)
        self._places, self._n = places, len(worth)

    def __call__(self, asked: Places) -> Sequence[Reason]:
        wanting = self._wanting[np.searchsorted(self._places, asked)]
        return [Reason(kind="group", text=self._text(count)) for count in wanting.tolist()]

    def _text(self, count: int) -> str:
        if count == self._n:
            return "For all of you"
        return f"For {count} of {self._n} of you" if count else "In between for all of you"
