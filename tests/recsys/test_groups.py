from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recsys.serving import dials, groups

THOROUGH = settings(max_examples=200, deadline=None, derandomize=True, database=None)
worths = st.one_of(st.floats(0, 1), st.integers(0, 2).map(lambda n: n / 2))
tables = st.tuples(st.integers(1, 6), st.integers(1, 25)).flatmap(
    lambda shape: arrays.arrays(np.float64, shape, elements=worths)
)
floors = st.floats(0, 1)


def shares(relevance: np.ndarray, slate: list[int]) -> list[float]:
    """By the definition: the slate's worth to each beside the worth of their own best."""
    return [
        1.0 if not max(row) else sum(row[slate]) / sum(sorted(row)[-len(slate) :])
        for row in relevance
    ]


def opposites(n: int = 20) -> np.ndarray:
    """Two alike against one: what the majority loves the third cannot stand."""
    liked = np.linspace(1, 0, n)
    return np.stack([liked, liked, liked[::-1]])


def test_without_a_floor_the_average_decides() -> None:
    found = groups.shared(opposites(), 4, 0.0)

    assert found.order.tolist() == [0, 1, 2, 3]
    assert found.shares[2] < 0.1


def test_a_floor_gives_the_odd_one_out_their_part() -> None:
    found = groups.shared(opposites(), 4, 0.4)

    assert found.keeps(0.4)
    assert found.shares[:2].min() > found.shares[2]  # and no more than is needed


def test_where_the_average_keeps_the_floor_it_is_left_alone() -> None:
    relevance = np.random.default_rng(1).uniform(0.8, 1, (3, 50))

    found = groups.shared(relevance, 10, 0.8)

    assert found.order.tolist() == dials.best(relevance.mean(axis=0), 10).tolist()


@THOROUGH
@given(relevance=tables, k=st.integers(1, 10), floor=floors)
def test_a_slate_is_full_distinct_sorted_by_the_average_and_its_shares_are_true(
    relevance: np.ndarray, k: int, floor: float
) -> None:
    found = groups.shared(relevance, k, floor)

    slate = found.order.tolist()
    assert len(set(slate)) == len(slate) == min(k, relevance.shape[1])
    assert (np.diff(relevance.mean(axis=0)[slate]) <= 1e-12).all()
    assert found.shares == pytest.approx(shares(relevance, slate))
    assert found.shares.max() <= 1


@THOROUGH
@given(relevance=tables, k=st.integers(1, 12), part=floors)
def test_a_floor_that_turns_would_reach_is_always_reached(
    relevance: np.ndarray, k: int, part: float
) -> None:
    k = min(k, relevance.shape[1])
    certain = (k // len(relevance)) / k

    assert groups.shared(relevance, k, part * certain).keeps(part * certain)


@THOROUGH
@given(relevance=tables, k=st.integers(1, 12), floor=floors)
def test_no_more_is_ever_missing_than_with_the_average(
    relevance: np.ndarray, k: int, floor: float
) -> None:
    found = groups.shared(relevance, k, floor)
    plain = np.array(shares(relevance, dials.best(relevance.mean(axis=0), k).tolist()))

    def missing(those: np.ndarray) -> float:
        return float(np.square(np.maximum(floor - those, 0)).sum())

    assert missing(found.shares) <= missing(plain) + 1e-9


@THOROUGH
@given(row=arrays.arrays(np.float64, st.integers(1, 30), elements=worths), n=st.integers(1, 5))
def test_a_group_of_one_mind_gets_its_own_best(row: np.ndarray, n: int) -> None:
    found = groups.shared(np.repeat(row[None], n, axis=0), 5, 1.0)

    assert found.shares == pytest.approx(np.ones(n))


def test_almost_every_floor_that_any_slate_keeps_is_kept_at_almost_the_best_average() -> None:
    """Against all slates there are, with floors close to the highest that any of them keeps."""
    slates = [list(slate) for slate in combinations(range(12), 4)]
    n, kept, lost = 200, 0, []
    for seed in range(n):
        draw = np.random.default_rng(seed)
        relevance = draw.random((3, 12)) ** 3
        best = np.sort(relevance, axis=1)[:, -4:].sum(axis=1)
        least = (relevance[:, slates].sum(axis=2) / best[:, None]).min(axis=0)
        worth = relevance.mean(axis=0)[slates].sum(axis=1)
        floor = float(least.max() * draw.uniform(0.9, 1))

        found = groups.shared(relevance, 4, floor)

        if found.keeps(floor):
            kept += 1
            lost.append(1 - worth_of(relevance, found) / worth[least >= floor - 1e-9].max())

    assert kept >= 0.9 * n, kept
    assert np.mean(lost) < 0.01


def worth_of(relevance: np.ndarray, found: groups.Shared) -> float:
    return float(relevance.mean(axis=0)[found.order].sum())


def test_a_member_to_whom_nothing_is_worth_anything_lacks_nothing() -> None:
    found = groups.shared(np.array([[0.2, 0.9, 0.4], [0, 0, 0]]), 2, 1.0)

    assert found.order.tolist() == [1, 2]
    assert found.shares == pytest.approx([1, 1])


@pytest.mark.parametrize(("n", "k"), [(0, 5), (5, 0)])
def test_of_nothing_nothing_is_chosen(n: int, k: int) -> None:
    found = groups.shared(np.ones((2, n)), k, 0.5)

    assert found.order.tolist() == []
    assert found.keeps(1.0)


def test_more_members_than_slots_still_get_a_full_slate() -> None:
    found = groups.shared(np.eye(6), 2, 0.5)

    assert len(found.order) == 2
    assert not found.keeps(0.5)
    assert sorted(found.shares) == [0, 0, 0, 0, 1, 1]
