"""What users had bought before takes its share of the noise, and nothing of what the experiment did.

Users come in pairs, one in each arm, who had spent alike before anything was shown. From then on
the new arm spends half as much again: that is all that may be reported.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from recsys.outcomes import report
from recsys.outcomes.assignment import Experiment, Status, Variant
from recsys.outcomes.attribution import PURCHASE, Deeds, Floats
from recsys.outcomes.experiments import Definition
from recsys.outcomes.reading import Answers, Log
from recsys.outcomes.report import Metric, Report

WRITTEN = datetime(2026, 11, 1, tzinfo=UTC)
N = 300
ARM = np.arange(N) % 2
TASTE = 1.0 + np.arange(N) // 2 % 5
PAID = TASTE * (1 + 0.5 * ARM)
CAUSED = 0.5 * TASTE.mean()
Paid = tuple[float, Floats]  # a day, and what each user paid on it (N,)


def visited(day: float, *bought: Paid) -> Log:
    """Each user comes once, on that day, and bought as said."""
    everyone, nothing = np.arange(N), np.zeros(N, np.int64)
    answers = Answers(
        at=np.full(N, seconds(day)),
        users=everyone,
        placements=nothing,
        strategies=nothing,
        variants=ARM,
        slates=everyone,
        items=nothing,
        positions=nothing,
        creatives=nothing - 1,
        teams=nothing - 1,
        draws=nothing - 1,
        chances=np.zeros(N),
        ready=nothing,
        placement_names=("home",),
        strategy_names=("personal",),
        creative_keys=(),
        draw_names=(),
    )
    rows = N * len(bought)
    deeds = Deeds(
        at=np.repeat([seconds(at) for at, _ in bought], N),
        users=np.tile(everyone, len(bought)),
        items=np.ones(rows, np.int64),
        kinds=np.full(rows, PURCHASE),
        slates=np.full(rows, -1),
    )
    revenue = np.concatenate([paid for _, paid in bought])
    return Log(answers=answers, deeds=deeds, revenue=revenue, n_users=N, currency="EUR", unpriced=0)


def seconds(day: float) -> float:
    return (WRITTEN + timedelta(days=day)).timestamp()


def spent(log: Log, *, started: float = 0.0) -> tuple[Metric, Metric]:
    """Revenue per user of the base and of the new arm."""
    base, new = (
        next(one for one in variant.metrics if one.name == report.REVENUE)
        for variant in reported(log, started=started).variants
    )
    return base, new


def reported(log: Log, *, started: float = 0.0) -> Report:
    """Of both arms, each user watched for a day."""
    variants = (Variant(name="base"), Variant(name="new"))
    definition = Definition(
        experiment=Experiment(experiment_id="one", variants=variants, salt="salt"),
        name="A test",
        status=Status.RUNNING,
        created_at=WRITTEN,
        started_at=WRITTEN + timedelta(days=started),
        planned_users=N,
    )
    until = WRITTEN + timedelta(days=60)
    return report.report(log, definition, since=WRITTEN, until=until, window_days=1)


@pytest.mark.parametrize("started", [0.0, 15.0])  # the second time: the salt is that of the first
def test_what_was_bought_under_the_experiment_is_not_the_past(started: float) -> None:
    log = visited(20, (-3, TASTE), (10, PAID), (20.5, PAID))

    _, new = spent(log, started=started)

    assert new.difference is not None
    assert new.lift is not None
    assert new.difference.value == pytest.approx(CAUSED)
    assert new.lift.value == pytest.approx(0.5)


def test_what_was_bought_before_makes_the_interval_narrower() -> None:
    _, with_past = spent(visited(20, (-3, TASTE), (20.5, PAID)))
    _, without = spent(visited(20, (20.5, PAID)))

    assert with_past.difference is not None
    assert without.difference is not None
    assert with_past.difference.value == pytest.approx(without.difference.value)
    narrower = with_past.difference.high - with_past.difference.low
    assert narrower < 0.5 * (without.difference.high - without.difference.low)


def test_the_interval_of_the_mean_is_that_of_the_mean() -> None:
    """By chance the new arm has twice the past; its mean is what it is, and so is its interval."""
    log = visited(20, (-3, TASTE * (1 + ARM)), (20.5, TASTE * (1 + ARM)))
    plain = visited(20, (20.5, TASTE * (1 + ARM)))

    found = [(one.value, one.interval) for one in spent(log)]

    assert found == [(one.value, one.interval) for one in spent(plain)]
    assert [value for value, _ in found] == pytest.approx([3, 6])
    for value, interval in found:
        assert interval is not None
        assert interval.value == value


def test_the_lift_is_less_what_the_past_foretold() -> None:
    """As above: the past foretells all of it, so nothing is left that the new arm could have done."""
    _, new = spent(visited(20, (-3, TASTE * (1 + ARM)), (20.5, TASTE * (1 + ARM))))

    assert new.lift is not None
    assert new.lift.value == pytest.approx(0)
    assert new.lift.high < 0.01


def test_what_lies_further_back_than_the_past_foretells_nothing() -> None:
    _, long_ago = spent(visited(20, (-29, TASTE + ARM), (20.5, PAID)))
    _, without = spent(visited(20, (20.5, PAID)))

    assert long_ago == without


def test_more_than_one_odd_price_in_a_hundred_is_warned_of() -> None:
    log = visited(20, (20.5, PAID))  # three hundred purchases

    found = [reported(replace(log, odd_prices=odd)).warnings for odd in (0, 3, 4)]

    assert ["prices_in_another_unit" in warnings for warnings in found] == [False, False, True]
