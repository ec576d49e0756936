"""What a strategy is told: the assortment, the validated query, the shopper's past, what may appear."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recsys.behaviour.rebuying import Rebuying
from recsys.serving import shopper as shoppers
from recsys.serving.assortment import Assortment
from recsys.serving.candidates import Candidates
from recsys.serving.eligibility import Allowed
from recsys.serving.shopper import Shopper
from recsys.types import Query, UserHistory

# By the history's address; it is kept with what was read of it, so that no other gets that address.
Memo = dict[tuple[int, int], tuple[UserHistory, Shopper | None]]


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request for candidates. `allowed` already leaves out what no strategy may propose.

    `memo` keeps histories already read, for the rows of one page; it must not outlive them.
    """

    assortment: Assortment
    query: Query
    history: UserHistory
    allowed: Allowed
    members: tuple[UserHistory, ...] = ()  # of a group, where the request is for several shoppers
    memo: Memo = field(default_factory=dict)

    @property
    def rebuying(self) -> Rebuying:
        return self.assortment.bundle.rebuying

    @cached_property
    def shopper(self) -> Shopper | None:
        """The history as the model reads it; None where it knows nothing of it."""
        return self.understood(self.history)

    def understood(self, history: UserHistory) -> Shopper | None:
        n = shoppers.N_LEFT_OUT if self.query.reasons else 0
        one, key = self.assortment, (id(history), n)
        if key not in self.memo:
            read = shoppers.understand(one.bundle, history, one.newcomers, n_left_out=n)
            self.memo[key] = history, read
        return self.memo[key][1]

    def scores(self, places: NDArray[np.int64], shopper: Shopper) -> NDArray[np.float32]:
        """What the model thinks of these places (n,), all branches together."""
        one = self.assortment
        scores = np.vecdot(one.vectors(places), shopper.query)
        if shopper.lent is not None:
            known = places < one.n_known
            scores[known] += shopper.lent.at(places[known])[:, 0]
        return np.asarray(scores, np.float32)


Strategy = Callable[[Ask, int], Candidates]
