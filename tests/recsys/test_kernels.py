"""Compiled loops against the same in numpy, a line at a time."""

from typing import Any

import numpy as np
import pytest

from recsys import compiled
from recsys.models import kernels as reading
from recsys.serving import kernels

NOTHING = np.zeros(0, np.int64)


def _floats(values: Any) -> np.ndarray:
    return np.asarray(values, np.float32)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [0, 1, 7, 60, 100])
def test_the_best_are_those_of_a_whole_sort_with_ties_by_row(seed: int, k: int) -> None:
    draw = np.random.default_rng(seed)
    rows, scores = draw.permutation(60), _floats(draw.integers(0, 9, 60))

    found, of_found = kernels.best(rows, scores, k)

    order = np.lexsort((rows, -scores))[:k]
    assert found.tolist() == rows[order].tolist()
    assert of_found.tolist() == scores[order].tolist()


def test_the_best_of_nothing_is_nothing() -> None:
    found, of_found = kernels.best(NOTHING, _floats([]), 5)

    assert len(found) == len(of_found) == 0


def test_what_an_index_found_is_kept_in_its_order_without_what_is_gone() -> None:
    found = np.array([9, 4, -1, 7, 2, -1, 8], np.int64)

    assert kernels.left(found, np.array([2, 9]), 10).tolist() == [4, 7, 8]
    assert kernels.left(found, NOTHING, 3).tolist() == [9, 4, 7]


def test_equal_vectors_score_equally_to_the_bit() -> None:
    draw = np.random.default_rng(3)
    vectors = _floats(draw.normal(size=(40, 329)))
    vectors[31] = vectors[2]

    scores = kernels.scored(vectors, np.arange(40), vectors[5])

    assert scores[31] == scores[2]
    assert np.abs(scores - vectors @ vectors[5]).max() < 1e-3


def test_a_read_only_array_will_do() -> None:
    vectors = _floats(np.eye(3))
    vectors.setflags(write=False)

    assert kernels.scored(vectors, np.array([2, 0]), vectors[0]).tolist() == [0, 1]


class _Runs:
    """Two deeds that lend to some of six items; the second counts half."""

    indices = np.array([0, 2, 5, 2, 3], np.int32)
    data = _floats([1, 2, 4, 8, 16])
    starts, stops = np.array([0, 3]), np.array([3, 5])
    weights = _floats([1, 0.5])
    whole = _floats([1, 0, 6, 8, 0, 4])  # what each of the six is lent

    @classmethod
    def near(cls, *, gone: Any = NOTHING, mask: Any = None, reach: float = 1e9, k: int = 1) -> Any:
        board = np.zeros(6, np.float32)
        found = kernels.near(
            board, cls.indices, cls.data, cls.starts, cls.stops, cls.weights,
            np.array([2, 1]), _floats([3, 1]), gone, np.ones(6, np.bool_) if mask is None else mask,
            np.full(6, reach, np.float32), _floats([1]), k,
        )  # fmt: skip
        assert not board.any()
        return found


def test_what_was_found_is_scored_with_what_it_is_lent() -> None:
    sums, _, _ = _Runs.near()

    assert sums.tolist() == [9, 1]


def test_who_cannot_reach_the_kth_best_is_not_named() -> None:
    _, near, added = _Runs.near(k=1)  # the bar is 9, and none unfound scores above 3
    assert dict(zip(near.tolist(), added.tolist(), strict=True)) == {3: 8}

    _, near, _ = _Runs.near(k=2)  # the bar is 1
    assert sorted(near.tolist()) == [0, 3, 5]


def test_a_short_vector_cannot_make_up_for_little_that_is_lent() -> None:
    _, near, _ = _Runs.near(k=1, reach=0.5)

    assert near.tolist() == []


def test_what_is_gone_or_not_allowed_is_not_named() -> None:
    mask = np.ones(6, np.bool_)
    mask[5] = False

    _, near, _ = _Runs.near(k=2, gone=np.array([3]), mask=mask)

    assert near.tolist() == [0]


def test_each_deed_lends_what_its_runs_say() -> None:
    board = np.zeros(6, np.float32)
    runs = (_Runs.indices, _Runs.data, _Runs.starts, _Runs.stops)

    found = kernels.lent(board, *runs, np.array([0, 1]), _Runs.weights, np.array([2, 3, 4]), 2)

    assert found.tolist() == [[2, 4], [0, 8], [0, 0]]
    assert not board.any()


@pytest.mark.parametrize("seed", range(4))
def test_deeds_are_read_as_a_dict_of_them_would_be(seed: int) -> None:
    draw = np.random.default_rng(seed)
    rows, kinds = draw.integers(-1, 9, 40), draw.integers(0, 3, 40)
    strengths = np.array([0, 2, 1])

    at, strongest = reading.distinct(rows, kinds, strengths, -1)

    last = {row: place for place, row in enumerate(rows.tolist()) if row >= 0}
    assert at.tolist() == sorted(last.values())
    for place, kind in zip(at.tolist(), strongest.tolist(), strict=True):
        assert strengths[kind] == strengths[kinds[rows == rows[place]]].max()


def test_what_was_ever_dismissed_is_no_deed() -> None:
    rows, kinds = np.array([3, 5, 3, 6, 6]), np.array([1, 1, 0, 0, 1])

    at, strongest = reading.distinct(rows, kinds, np.array([-1, 0]), -1)

    assert at.tolist() == [1]
    assert strongest.tolist() == [1]


def test_without_a_deed_the_older_ones_are_a_step_younger() -> None:
    found = reading.weighed(np.array([0, 0, 1]), 2, _floats([1, 3]), 0.5, 0, False)  # noqa: FBT003

    assert found.tolist() == [[0.25, 0.5, 3], [0.5, 0, 3], [0.5, 1, 0]]


@pytest.mark.parametrize(("squared", "of"), [(False, [2, 2]), (True, [2**0.5] * 2)])
def test_weights_are_scaled_by_a_power_of_their_sum(squared: bool, of: list[float]) -> None:  # noqa: FBT001 a parameter
    norm = 0.5 if squared else 1.0

    found = reading.weighed(np.array([0, 0]), 0, _floats([1]), 1, norm, squared)

    assert np.abs(found * of - 1).max() < 1e-6


def test_a_row_may_speak_for_part_of_a_deed() -> None:
    matrix, weights = _floats([[1, 0], [0, 2], [4, 4]]), _floats([[1, 1], [0, 2]])

    found = reading.pooled(
        matrix, np.array([0, 1, 2]), np.array([0, 1, 1]), _floats([1, 0.5, 0.25]), weights
    )

    assert found.tolist() == [[2, 2], [2, 4]]


def test_a_kernel_that_can_be_kept_nowhere_is_compiled_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    njit = compiled.njit

    def nowhere(asked: Any, *, cache: bool = False, **options: Any) -> Any:
        if cache:
            raise RuntimeError("cannot cache function 'twice': no locator available")
        return njit(asked, **options)

    monkeypatch.setattr(compiled, "njit", nowhere)

    @compiled.kernel(compiled.Number(compiled.Number))
    def twice(number: float) -> float:
        return number + number

    assert twice(21) == 42
