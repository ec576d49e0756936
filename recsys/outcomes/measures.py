"""What each user of an experiment was shown and did, as arrays with one row a user.

    n users that count   U all users   S answers   I impressions   E deeds

A user counts from the first answer under the experiment, and for `window_seconds` after it: so
every user is watched as long as every other, and who came in yesterday is not held against who came
in last month. Users whose window is not over yet wait; users who were seen in two variants are left
out and counted, for nobody can say what moved them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.outcomes.attribution import CART, CLICK, PURCHASE, Credit, Floats, Ints
from recsys.outcomes.reading import Log

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Who came under the experiment, in which variant and when first; all (U,)."""

    variants: Ints  # -1: not at all
    first: Floats  # infinite: not at all
    settled: Bools  # the window is over, and the variant was one and the same
    waiting: int
    crossed: int
    exposed: Ints  # (variants,) users by the variant of their first answer, waiting or not


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One row for each settled user (n,); money in the log's currency."""

    variants: Ints
    impressions: Floats
    clicks: Floats  # impressions that were clicked
    carted: Floats  # 0 or 1
    bought: Floats  # 0 or 1
    revenue: Floats  # all that the user bought, owed to a slate or not
    touched: Floats  # what of it is owed to this experiment's slates
    before: Floats  # what the user had bought in the past that was asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The same of one placement; users who never saw it have no impressions."""

    placement: str
    impressions: Floats  # (n,)
    clicks: Floats
    touched: Floats


def cohort(log: Log, n_variants: int, *, until: float, window_seconds: float) -> Cohort:
    """Who is in, by the answers that say so."""
    answers = log.answers
    inside = np.flatnonzero((answers.variants >= 0) & (answers.users >= 0))
    users, variants, at = answers.users[inside], answers.variants[inside], answers.at[inside]
    first = np.full(log.n_users, np.inf)
    np.minimum.at(first, users, at)
    lowest = np.full(log.n_users, n_variants)
    highest = np.full(log.n_users, -1)
    np.minimum.at(lowest, users, variants)
    np.maximum.at(highest, users, variants)
    at_first = np.full(log.n_users, -1)
    opening = at == first[users]
    at_first[users[opening]] = variants[opening]
    seen = highest >= 0
    one = seen & (lowest == highest)
    over = first + window_seconds <= until
    return Cohort(
        variants=np.where(seen, at_first, -1),
        first=first,
        settled=one & over,
        waiting=int((one & ~over).sum()),
        crossed=int((seen & ~one).sum()),
        exposed=np.bincount(at_first[seen], minlength=n_variants),
    )


def measure(
    log: Log,
    credit: Credit,
    of: Cohort,
    *,
    window_seconds: float,
    past: tuple[float, float] = (0.0, 0.0),
) -> Measured:
    """Sum up each settled user; `past` is from when to before when `before` counts, in seconds."""
    inside, clicked, owed = _in_scope(log, credit, of, window_seconds)
    deeds, users = log.deeds, _slate_users(log)
    within = _within(of, deeds.users, deeds.at, window_seconds)
    purchases = within & (deeds.kinds == PURCHASE)
    earlier = (deeds.kinds == PURCHASE) & (deeds.at >= past[0]) & (deeds.at < past[1])

    def summed(rows: Ints, keep: Bools, weights: Floats | None = None) -> Floats:
        kept = None if weights is None else weights[keep]
        total = np.bincount(rows[keep], weights=kept, minlength=log.n_users)
        return total[of.settled].astype(np.float64)

    return Measured(
        variants=of.variants[of.settled],
        impressions=summed(users, inside),
        clicks=summed(users, clicked),
        carted=np.minimum(summed(deeds.users, within & (deeds.kinds == CART)), 1.0),
        bought=np.minimum(summed(deeds.users, purchases), 1.0),
        revenue=summed(deeds.users, purchases, log.revenue),
        touched=summed(deeds.users, owed, log.revenue),
        before=summed(deeds.users, earlier, log.revenue),
    )


def by_placement(log: Log, credit: Credit, of: Cohort, *, window_seconds: float) -> list[Placed]:
    """Impressions, clicks and revenue owed at each placement, in the order of their names."""
    inside, clicked, owed = _in_scope(log, credit, of, window_seconds)
    answers, deeds, users = log.answers, log.deeds, _slate_users(log)
    placement = answers.placements[answers.slates]  # (I,)
    of_deed = np.where(owed, placement[credit.impressions], -1) if len(placement) else owed - 1
    found = []
    for row, name in sorted(enumerate(answers.placement_names), key=lambda pair: pair[1]):
        here = placement == row
        if not (here & inside).any():
            continue
        paid = of_deed == row
        sums = (
            np.bincount(users[here & inside], minlength=log.n_users),
            np.bincount(users[here & clicked], minlength=log.n_users),
            np.bincount(deeds.users[paid], weights=log.revenue[paid], minlength=log.n_users),
        )
        impressions, clicks, touched = (one[of.settled].astype(np.float64) for one in sums)
        found.append(
            Placed(placement=name, impressions=impressions, clicks=clicks, touched=touched)
        )
    return found


def team_clicks(log: Log, credit: Credit) -> tuple[Ints, Ints]:
    """Of each click on an interleaved slate the user, and the team that brought the item."""
    clicks = (log.deeds.kinds == CLICK) & (credit.impressions >= 0)
    teams = log.answers.teams[credit.impressions[clicks]]
    voted = teams >= 0
    return log.deeds.users[clicks][voted], teams[voted]


def _slate_users(log: Log) -> Ints:
    """(I,) whose impression; 0 for nobody's, which no caller may count."""
    return np.maximum(log.answers.users, 0)[log.answers.slates]


def _in_scope(
    log: Log, credit: Credit, of: Cohort, window_seconds: float
) -> tuple[Bools, Bools, Bools]:
    """Impressions (I,) of the experiment, those that were clicked (I,), purchases owed to them (E,)."""
    answers, deeds = log.answers, log.deeds
    counts = (answers.variants >= 0) & (answers.users >= 0)
    within = counts & _within(of, np.maximum(answers.users, 0), answers.at, window_seconds)
    inside = within[answers.slates]
    owed = (credit.impressions >= 0) & _within(of, deeds.users, deeds.at, window_seconds)
    owed[owed] = inside[credit.impressions[owed]]
    clicked = np.zeros(len(inside), np.bool_)
    clicked[credit.impressions[owed & (deeds.kinds == CLICK)]] = True
    return inside, clicked, owed & (deeds.kinds == PURCHASE)


def _within(of: Cohort, users: Ints, at: Floats, window_seconds: float) -> Bools:
    if not len(of.first):
        return np.zeros(len(at), np.bool_)
    start = of.first[users]
    return np.asarray((at >= start) & (at <= start + window_seconds))
