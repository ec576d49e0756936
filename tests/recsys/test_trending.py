"""Trends in made shops: what grows is known, because it was put there."""

import numpy as np
import pytest

from recsys.models import trends

DAY = 86_400
NOW = 60 * DAY


def _deeds(*parts: tuple[int, float, float, int]) -> dict[str, np.ndarray]:
    """Parts of (item, from day, to day, deeds), each deed by a shopper of its own, spread evenly."""
    items = np.concatenate([np.full(n, item) for item, _, _, n in parts])
    at = np.concatenate([np.linspace(begin, end, n) * DAY for _, begin, end, n in parts])
    order = np.argsort(at, kind="stable")
    return {
        "user_rows": order.astype(np.int32),
        "item_rows": items[order].astype(np.int32),
        "at": at[order].astype(np.int64),
    }


STEADY = [(item, 0.0, 60.0, 300) for item in range(5)]


def test_what_is_asked_for_more_than_before_trends_and_what_is_steady_does_not() -> None:
    found = trends.scores(**_deeds(*STEADY, (5, 0, 60, 60), (5, 58, 60, 40)), n_items=7, now=NOW)

    assert found[5] > 0.5
    assert found[:5].tolist() == [0] * 5
    assert found[6] == 0


def test_a_bestseller_is_no_trend() -> None:
    found = trends.scores(**_deeds(*STEADY, (5, 0, 60, 3000)), n_items=6, now=NOW)

    assert found.tolist() == [0] * 6


@pytest.mark.parametrize(("clicks", "trends_now"), [(3, False), (30, True)])
def test_three_clicks_upon_nothing_are_no_trend(clicks: int, *, trends_now: bool) -> None:
    found = trends.scores(**_deeds(*STEADY, (5, 59.5, 60, clicks)), n_items=6, now=NOW)

    assert bool(found[5] > 0) is trends_now


def test_the_stronger_growth_stands_higher() -> None:
    parts = [(5, 0, 60, 60), (5, 58, 60, 30), (6, 0, 60, 60), (6, 58, 60, 90)]
    found = trends.scores(**_deeds(*STEADY, *parts), n_items=7, now=NOW)

    assert found[6] > found[5] > 0


def test_a_busy_evening_for_all_is_nobodys_trend() -> None:
    rush = [(item, 59, 60, 50) for item in range(5)]
    found = trends.scores(**_deeds(*STEADY, *rush), n_items=5, now=NOW)

    assert found.tolist() == [0] * 5


def test_one_shopper_who_comes_back_a_thousand_times_a_day_makes_no_trend() -> None:
    deeds = _deeds(*STEADY, (5, 59, 60, 1000))
    deeds["user_rows"][deeds["item_rows"] == 5] = 9_999

    assert trends.scores(**deeds, n_items=6, now=NOW)[5] == 0


def test_a_trend_is_over_when_it_was_long_ago() -> None:
    deeds = _deeds(*STEADY, (5, 38, 40, 60))

    then = trends.scores(**deeds, n_items=6, now=40 * DAY)
    later = trends.scores(**deeds, n_items=6, now=NOW)

    assert then[5] > 1
    assert later[5] == 0


def test_what_comes_after_the_moment_does_not_count() -> None:
    quiet = _deeds(*STEADY)
    loud = _deeds(*STEADY, (5, 59, 60, 500))
    now = 58 * DAY

    assert np.array_equal(
        trends.scores(**quiet, n_items=6, now=now), trends.scores(**loud, n_items=6, now=now)
    )


def test_the_last_deed_is_now_unless_told() -> None:
    deeds = _deeds(*STEADY, (5, 58, 60, 40))

    assert np.array_equal(
        trends.scores(**deeds, n_items=6), trends.scores(**deeds, n_items=6, now=NOW)
    )


@pytest.mark.parametrize("n_items", [0, 4])
def test_no_deeds_make_no_trend(n_items: int) -> None:
    nothing = np.zeros(0, np.int32)

    found = trends.scores(nothing, nothing, np.zeros(0, np.int64), n_items=n_items)

    assert found.tolist() == [0] * n_items


def test_a_shop_of_one_moment_has_no_trend() -> None:
    deeds = _deeds((0, 60, 60, 50), (1, 60, 60, 1))

    assert trends.scores(**deeds, n_items=2).tolist() == [0, 0]


def test_noise_alone_makes_hardly_a_trend() -> None:
    draw = np.random.default_rng(5)
    at = np.sort(draw.uniform(0, 60, 200_000) * DAY).astype(np.int64)
    items = draw.choice(2_000, 200_000, p=draw.dirichlet(np.full(2_000, 0.5))).astype(np.int32)
    users = np.arange(200_000, dtype=np.int32)

    found = trends.scores(users, items, at, n_items=2_000)

    assert np.count_nonzero(found) <= 10  # of 2,000 that are as they always were
