import numpy as np
import pytest

from recsys.models import popularity

DAY = 86_400


def _counts(*deeds: tuple[int, int, int], n_items: int = 3) -> list[float]:
    users, items, at = (np.array(column) for column in zip(*deeds, strict=True))
    return popularity.decayed_counts(
        users.astype(np.int32), items.astype(np.int32), at * DAY, n_items=n_items
    ).tolist()


def test_a_sale_weighs_half_after_a_half_life() -> None:
    assert _counts((0, 0, 0), (1, 1, 14)) == pytest.approx([0.5, 1, 0])


def test_a_long_pause_does_not_make_the_shop_forget_what_sold() -> None:
    found = _counts((0, 0, 0), (1, 0, 1), (2, 1, 1), (3, 2, 3_000))

    assert found[0] > found[1] > 0.4
    assert found[2] == pytest.approx(1)


def test_a_robot_counts_as_one_shopper() -> None:
    deeds = [(0, 0, 1)] * 1_000 + [(1, 1, 1), (2, 1, 1)]

    assert _counts(*deeds) == pytest.approx([1, 2, 0])


def test_the_last_visit_gives_the_weight() -> None:
    assert _counts((0, 0, 0), (0, 0, 30)) == pytest.approx([1, 0, 0])


def test_no_events_count_nothing() -> None:
    nothing = np.zeros(0, np.int32)

    counts = popularity.decayed_counts(nothing, nothing, nothing.astype(np.int64), n_items=2)

    assert counts.tolist() == [0, 0]


def test_an_item_that_sells_better_than_usual_trends_upwards() -> None:
    overall = np.array([100, 100, 100], np.float32)
    recent = np.array([30, 10, 2], np.float32)

    found = popularity.trend(recent, overall)

    assert found[0] > 0 > found[2]
    assert popularity.trend(overall, overall) == pytest.approx([0, 0, 0], abs=1e-6)
