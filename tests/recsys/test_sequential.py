"""Intervals under peeking: wrong no more often than they say, and awake to what is there."""

from collections.abc import Callable

import numpy as np
import pytest

from recsys.outcomes import sequential
from recsys.outcomes.sequential import Arm, Interval, Look

N, REPEATS, LEVEL = 4_000, 200, 0.05
PEEKS = range(200, N + 1, 25)
TOO_OFTEN = 0.05 + 2.33 * (0.05 * 0.95 / REPEATS) ** 0.5  # one such test in a hundred would fail

Draw = Callable[[np.random.Generator, int], np.ndarray]


def bought(random: np.random.Generator, n: int) -> np.ndarray:
    return (random.random(n) < 0.08).astype(float)


def spent(random: np.random.Generator, n: int) -> np.ndarray:
    """Most nothing, some much: 5 % buy for 20 in the middle, and the largest for hundreds."""
    return (random.random(n) < 0.05) * np.exp(random.normal(3, 1, n))


def looked(draw: Draw, seed: int, added: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    values, second = draw(random, N), random.random(N) < 0.5
    return values + added * second, second


def ever_excludes_zero(values: np.ndarray, second: np.ndarray, look: Look) -> bool:
    for n in PEEKS:
        now, by = values[:n], second[:n]
        arms = sequential.mean_of(now[by]), sequential.mean_of(now[~by])
        found = sequential.difference(*arms, look)
        if found is not None and not found.low <= 0 <= found.high:
            return True
    return False


@pytest.mark.parametrize("draw", [bought, spent])
@pytest.mark.parametrize("planned", [1_000, 10_000])
def test_who_looks_all_the_time_is_wrong_no_more_than_once_in_twenty(
    draw: Draw, planned: int
) -> None:
    look = Look(planned=planned)

    wrong = sum(ever_excludes_zero(*looked(draw, seed), look) for seed in range(REPEATS))

    assert wrong / REPEATS <= TOO_OFTEN


def test_a_textbook_interval_would_be_wrong_far_more_often() -> None:
    def ever(values: np.ndarray, second: np.ndarray) -> bool:
        for n in PEEKS:
            one, other = values[:n][second[:n]], values[:n][~second[:n]]
            se = np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
            if abs(one.mean() - other.mean()) > 1.96 * se:
                return True
        return False

    wrong = sum(ever(*looked(bought, seed)) for seed in range(REPEATS))

    assert wrong / REPEATS > 0.15


def test_a_true_difference_is_found() -> None:
    look = Look(planned=N)
    found = sum(
        ever_excludes_zero(*looked(bought, seed, added=0.06), look) for seed in range(REPEATS)
    )

    assert found / REPEATS > 0.95


def test_the_interval_is_at_most_twice_a_textbook_one_at_the_planned_number() -> None:
    arm = Arm(n=5_000, value=1.0, variance=4.0, seen=5_000)

    found = sequential.difference(arm, arm, Look(planned=10_000))

    assert found is not None
    textbook = 1.96 * np.sqrt(4 / 5_000 + 4 / 5_000)
    assert 1 < (found.high - found.value) / textbook < 2


def test_the_interval_is_narrowest_relative_to_others_at_the_planned_number() -> None:
    arm = Arm(n=1_000, value=1.0, variance=4.0, seen=1_000)

    widths = {
        planned: width(sequential.alone(arm, Look(planned=planned)))
        for planned in (100, 500, 1_000, 2_000, 10_000)
    }

    assert min(widths, key=widths.__getitem__) == 1_000


def width(found: Interval | None) -> float:
    assert found is not None
    return found.high - found.low


@pytest.mark.parametrize("value", [0.001, 0.05, 0.2])
def test_p_falls_below_the_level_just_when_the_interval_leaves_zero(value: float) -> None:
    arm = Arm(n=2_000, value=value, variance=1.0, seen=500)

    for level in (0.2, 0.05, 0.01):
        found = sequential.alone(arm, Look(level=level))
        assert found is not None
        assert (found.low > 0) == (found.p < level)


def test_clicks_of_one_user_are_not_independent() -> None:
    random = np.random.default_rng(5)
    impressions = random.integers(1, 200, 3_000).astype(float)
    taste = random.beta(1, 9, 3_000)
    clicks = random.binomial(impressions.astype(int), taste).astype(float)

    found = sequential.ratio_of(clicks, impressions)

    assert found.value == pytest.approx(clicks.sum() / impressions.sum())
    again = [resampled(random, clicks, impressions) for _ in range(400)]
    assert np.sqrt(found.variance / found.n) == pytest.approx(np.std(again), rel=0.12)
    as_if_independent = np.sqrt(found.value * (1 - found.value) / impressions.sum())
    assert np.sqrt(found.variance / found.n) > 3 * as_if_independent


def resampled(random: np.random.Generator, clicks: np.ndarray, shown: np.ndarray) -> float:
    rows = random.integers(0, len(clicks), len(clicks))
    return float(clicks[rows].sum() / shown[rows].sum())


def test_a_ratio_keeps_its_word_under_peeking_too() -> None:
    wrong = 0
    for seed in range(REPEATS):
        random = np.random.default_rng(seed)
        shown = random.integers(1, 40, N).astype(float)
        clicks = random.binomial(shown.astype(int), random.beta(1, 12, N)).astype(float)
        for n in PEEKS:
            found = sequential.alone(sequential.ratio_of(clicks[:n], shown[:n]), Look(planned=N))
            if found is not None and not found.low <= 1 / 13 <= found.high:
                wrong += 1
                break

    assert wrong / REPEATS <= TOO_OFTEN


def test_lift_is_a_share_of_the_base() -> None:
    base = Arm(n=20_000, value=0.10, variance=0.09, seen=2_000)
    arm = Arm(n=20_000, value=0.12, variance=0.1056, seen=2_400)

    found = sequential.lift(arm, base)

    assert found is not None
    assert found.value == pytest.approx(0.2)
    assert 0 < found.low < 0.2 < found.high


def test_a_base_that_may_be_zero_has_no_lift() -> None:
    base = Arm(n=200, value=0.06, variance=0.06, seen=12)

    assert sequential.lift(replace_value(base, 0.3), base) is None
    assert sequential.difference(replace_value(base, 0.3), base) is not None


def replace_value(arm: Arm, value: float) -> Arm:
    return Arm(n=arm.n, value=value, variance=arm.variance, seen=arm.seen)


def test_a_variant_that_broke_the_shop_is_seen_though_nobody_buys_in_it() -> None:
    fine = Arm(n=5_000, value=0.1, variance=0.09, seen=500)
    broken = Arm(n=5_000, value=0.0, variance=0.0, seen=0)

    found = sequential.difference(broken, fine)

    assert found is not None
    assert found.high < 0
    assert found.low > -0.2


@pytest.mark.parametrize("n", [0, 1, 99])
def test_too_few_users_say_nothing(n: int) -> None:
    few, many = sequential.mean_of(np.ones(n)), sequential.mean_of(np.arange(500.0))

    assert sequential.alone(few) is None
    assert sequential.difference(few, many) is None
    assert sequential.lift(few, many) is None


def test_the_past_takes_its_share_of_the_noise_and_none_of_the_difference() -> None:
    random = np.random.default_rng(6)
    before = random.gamma(2, 10, 4_000)
    values = before + random.normal(0, 5, 4_000)
    second = random.random(4_000) < 0.5
    values[second] += 2

    left = sequential.adjusted(values, before)

    assert left.var() < 0.25 * values.var()
    assert left[second].mean() - left[~second].mean() == pytest.approx(2, abs=0.6)
    assert np.array_equal(sequential.adjusted(values, np.zeros(4_000)), values)


def test_a_fair_assignment_is_hardly_ever_called_broken() -> None:
    called = 0
    for seed in range(REPEATS):
        sides = np.cumsum(np.random.default_rng(seed).random(20_000) < 0.3)
        peeks = range(100, 20_000, 200)
        called += any(
            sequential.mismatch([int(sides[n]), n + 1 - int(sides[n])], [3, 7]) < 0.05
            for n in peeks
        )

    assert called / REPEATS <= TOO_OFTEN


def test_a_broken_assignment_is_called_so() -> None:
    assert sequential.mismatch([50_000, 48_500], [1, 1]) < sequential.MISMATCH
    assert sequential.mismatch([500, 485], [1, 1]) > 0.2
    assert sequential.mismatch([10, 1], [1, 0]) == 0.0
    assert sequential.mismatch([0, 0], [1, 1]) == 1.0


@pytest.mark.parametrize("counts", [[1], [-1, 2]])
def test_counts_that_cannot_be_are_refused(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="counts and weights"):
        sequential.mismatch(counts, [1, 1])
