"""Two rankers on one slate: team-draft interleaving.

As captains pick teams: in each round a coin says who picks first, and each ranker takes its best
item that is not yet taken. Clicks vote for the team that brought the item. Because every shopper
compares both rankers, a preference shows with far fewer shoppers than a split needs
(Radlinski, Kurup & Joachims 2008; Chapelle et al. 2012).
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.outcomes import sequential
from recsys.outcomes.sequential import Interval, Look

FIRST, SECOND = 0, 1  # the teams, as they are kept with an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """The slate in order, and for each place the team that brought it."""

    order: tuple[int, ...]
    teams: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """How many users clicked more of one team; `interval` above 0 speaks for the second."""

    users: int
    first: int
    second: int
    ties: int
    interval: Interval | None


def team_draft(first: Sequence[int], second: Sequence[int], k: int, *, seed: int) -> Drafted:
    """At most `k` of both orders of candidates, best first; the same seed draws the same slate.

    A team whose order is used up lets the other go on alone. With equal orders each item is as
    likely to play for one team as for the other, so neither can win but by chance.
    """
    coins = random.Random(seed)  # noqa: S311 a coin that must be tossed again on replay
    orders = (list(first), list(second))
    at = [0, 0]
    order: list[int] = []
    teams: list[int] = []
    taken: set[int] = set()
    while len(order) < k:
        leader = coins.getrandbits(1)
        before = len(order)
        for team in (leader, 1 - leader):
            own = orders[team]
            while at[team] < len(own) and own[at[team]] in taken:
                at[team] += 1
            if at[team] < len(own) and len(order) < k:
                taken.add(own[at[team]])
                order.append(own[at[team]])
                teams.append(team)
        if len(order) == before:
            break
    return Drafted(order=tuple(order), teams=tuple(teams))


def preference(
    user_rows: NDArray[np.int64],
    teams: NDArray[np.int64],
    look: Look,
) -> Preference:
    """Who won, from one row a click: the user (C,) and the team of the clicked item (C,).

    Each user has one vote, of -1, 0 or 1 for the sign of the second team's clicks less the
    first's. Users without a click tell nothing and are left out.
    """
    users, rows = np.unique(user_rows, return_inverse=True)
    lead = np.bincount(rows, weights=np.where(teams == SECOND, 1.0, -1.0), minlength=len(users))
    votes = np.sign(lead)
    return Preference(
        users=len(users),
        first=int((votes < 0).sum()),
        second=int((votes > 0).sum()),
        ties=int((votes == 0).sum()),
        interval=sequential.alone(sequential.mean_of(votes), look),
    )
