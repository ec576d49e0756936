"""One experiment told in numbers: each variant beside the base, at each placement, and in money.

Money twice, side by side. *Touched* is what was bought through slates of the variant: it counts
what shoppers would have bought anyway. *Caused* is how much more its users spent, on anything, than
as many users of the base did: chance is the only other difference between them. Against the
hold-out that is what personalisation is worth. Touched without caused is a row that stood in the way
of sales that came by themselves.

Intervals hold at every look (`sequential`); of several variants each is held to its share of the
level (Bonferroni), metrics are not.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from recsys.outcomes import attribution, measures, sequential
from recsys.outcomes.assignment import Kind
from recsys.outcomes.attribution import PURCHASE, USUAL, Floats, Rule
from recsys.outcomes.experiments import Definition
from recsys.outcomes.interleaving import Preference, preference
from recsys.outcomes.measures import Measured, Placed
from recsys.outcomes.reading import Log, Span
from recsys.outcomes.sequential import Arm, Interval, Look

CTR, CARTS, CONVERSION, REVENUE, TOUCHED = (
    "ctr",
    "cart_rate",
    "conversion",
    "revenue_per_user",
    "touched_per_user",
)
_PAST = timedelta(days=28)  # whose purchases take their share of the noise (CUPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One number of one variant; None where there is too little to say, or nothing to compare."""

    name: str
    value: float
    interval: Interval | None  # of that value, as it is
    difference: Interval | None  # to the base
    lift: Interval | None  # the same as a share of the base


@dataclass(frozen=True, slots=True, kw_only=True)
class AtPlacement:
    placement: str
    users: int
    impressions: int
    clicks: int
    touched: float
    ctr: Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class OfVariant:
    """`caused` is money over all of `users`, with its interval; None for the base."""

    name: str
    is_base: bool
    users: int  # whose window is over
    impressions: int
    clicks: int
    revenue: float
    touched: float
    caused: Interval | None
    metrics: tuple[Metric, ...]
    placements: tuple[AtPlacement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`mismatch` below `sequential.MISMATCH` means that nothing here can be trusted."""

    experiment_id: str
    name: str
    kind: str
    status: str
    since: datetime
    until: datetime
    window_days: float
    level: float
    planned_users: int
    currency: str
    users_waiting: int
    users_crossed: int
    mismatch: float
    warnings: tuple[str, ...]
    variants: tuple[OfVariant, ...]
    preference: Preference | None  # of an interleaving

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"since": self.since.isoformat(), "until": self.until.isoformat()}


def past(definition: Definition) -> Span:
    """The days whose purchases foretell what a user spends: before any run of the experiment.

    A salt outlives a stop, so under an earlier run its users were in the arms of today, and what
    they bought was moved already. Nothing was before the experiment was written down.
    """
    until = min(definition.created_at, definition.started_at or definition.created_at)
    return until - _PAST, until


def report(
    log: Log,
    definition: Definition,
    *,
    since: datetime,
    until: datetime,
    window_days: float,
    rule: Rule = USUAL,
) -> Report:
    """All of the above from the log of the span, and of `past` where that shall foretell."""
    experiment = definition.experiment
    is_split = experiment.kind is Kind.SPLIT
    names = [one.name for one in experiment.variants] if is_split else ["interleaved"]
    weights = [one.weight for one in experiment.variants] if is_split else [1.0]
    window = window_days * 86_400
    of = measures.cohort(log, len(names), until=until.timestamp(), window_seconds=window)
    credit = attribution.credit(log.answers.shown(), log.deeds, rule)
    began, ended = (at.timestamp() for at in past(definition))
    measured = measures.measure(log, credit, of, window_seconds=window, past=(began, ended))
    placed = measures.by_placement(log, credit, of, window_seconds=window)
    level = sequential.LEVEL / max(len(names) - 1, 1)
    look = Look(level=level, planned=definition.planned_users)
    mismatch = sequential.mismatch(of.exposed.tolist(), weights)
    votes = None if is_split else preference(*measures.team_clicks(log, credit), look)
    return Report(
        experiment_id=experiment.experiment_id,
        name=definition.name,
        kind=experiment.kind.value,
        status=definition.status.value,
        since=since,
        until=until,
        window_days=window_days,
        level=level,
        planned_users=definition.planned_users,
        currency=log.currency,
        users_waiting=of.waiting,
        users_crossed=of.crossed,
        mismatch=mismatch,
        warnings=tuple(_warnings(log, of, mismatch)),
        variants=tuple(_variants(names, measured, placed, look)),
        preference=votes,
    )


def _variants(
    names: list[str], measured: Measured, placed: list[Placed], look: Look
) -> Iterable[OfVariant]:
    """Each variant in turn, the base first."""
    adjusted = sequential.adjusted(measured.revenue, measured.before)
    base: dict[str, Arm] = {}
    bases: dict[str, Arm] = {}
    for row, name in enumerate(names):
        mine = measured.variants == row
        arms = {
            CTR: sequential.ratio_of(measured.clicks[mine], measured.impressions[mine]),
            CARTS: sequential.mean_of(measured.carted[mine]),
            CONVERSION: sequential.mean_of(measured.bought[mine]),
            REVENUE: _spending(measured.revenue[mine], adjusted[mine]),
            TOUCHED: sequential.mean_of(measured.touched[mine]),
        }
        plain = {REVENUE: sequential.mean_of(measured.revenue[mine])}
        metrics = tuple(
            _metric(key, arm, base.get(key), look, plain=plain.get(key))
            for key, arm in arms.items()
        )
        there = tuple(_at(one, mine, bases, look) for one in placed)
        difference = next(one.difference for one in metrics if one.name == REVENUE)
        users = int(mine.sum())
        yield OfVariant(
            name=name,
            is_base=not base,
            users=users,
            impressions=int(measured.impressions[mine].sum()),
            clicks=int(measured.clicks[mine].sum()),
            revenue=float(measured.revenue[mine].sum()),
            touched=float(measured.touched[mine].sum()),
            caused=None if difference is None else difference.scaled(float(users)),
            metrics=metrics,
            placements=there,
        )
        base = base or arms


def _at(one: Placed, mine: measures.Bools, bases: dict[str, Arm], look: Look) -> AtPlacement:
    seen = mine & (one.impressions > 0)
    arm = sequential.ratio_of(one.clicks[seen], one.impressions[seen])
    metric = _metric(CTR, arm, bases.get(one.placement), look)
    bases.setdefault(one.placement, arm)
    return AtPlacement(
        placement=one.placement,
        users=int(seen.sum()),
        impressions=int(one.impressions[seen].sum()),
        clicks=int(one.clicks[seen].sum()),
        touched=float(one.touched[mine].sum()),
        ctr=metric,
    )


def _metric(
    name: str, arm: Arm, base: Arm | None, look: Look, *, plain: Arm | None = None
) -> Metric:
    """`arm` is what is compared with the base; `plain`, where it differs, what the variant had."""
    own = plain or arm
    return Metric(
        name=name,
        value=own.value,
        interval=sequential.alone(own, look),
        difference=None if base is None else sequential.difference(arm, base, look),
        lift=None if base is None else sequential.lift(arm, base, look),
    )


def _spending(revenue: Floats, adjusted: Floats) -> Arm:
    """Less what the past foretold; but who bought nothing is still somebody who bought nothing."""
    arm = sequential.mean_of(adjusted)
    return Arm(n=arm.n, value=arm.value, variance=arm.variance, seen=int(np.count_nonzero(revenue)))


def _warnings(log: Log, of: measures.Cohort, mismatch: float) -> Iterable[str]:
    """What a reader must know first."""
    if mismatch < sequential.MISMATCH:
        yield "sample_ratio_mismatch"
    if of.crossed > 0.01 * max(int(of.exposed.sum()), 1):  # one in a hundred: ids that change hands
        yield "users_in_two_variants"
    if log.unpriced:
        yield "purchases_without_a_price"
    if log.odd_prices > 0.01 * np.count_nonzero(log.deeds.kinds == PURCHASE):
        yield "prices_in_another_unit"
    if of.waiting and not of.settled.any():
        yield "nobody_watched_long_enough"
