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


def _best(rows: np.ndarray, scores: np.ndarray, k: int) -> tuple[list[int], list[float]]:
    kept, of_kept = np.empty(k, np.int64), np.empty(k, np.float32)
    kernels.best(rows, scores, kept, of_kept)
    return kept.tolist(), of_kept.tolist()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [0, 1, 7, 60])
def test_the_best_are_those_of_a_whole_sort_with_ties_by_row(seed: int, k: int) -> None:
    draw = np.random.default_rng(seed)
    rows, scores = draw.permutation(60), _floats(draw.integers(0, 9, 60))

    found, of_found = _best(rows, scores, k)

    order = np.lexsort((rows, -scores))[:k]
    assert found == rows[order].tolist()
    assert of_found == scores[order].tolist()


@pytest.mark.parametrize(("gone", "most", "left"), [([2, 9], 5, [4, 7, 8]), ([], 3, [9, 4, 7])])
def test_what_an_index_found_is_kept_in_its_order_without_what_is_gone(
    gone: list[int], most: int, left: list[int]
) -> None:
    vectors = _floats([[number, 1] for number in range(10)])
    found = np.array([9, 4, -1, 7, 2, -1, 8], np.int64)
    kept, scores = np.empty(most, np.int64), np.empty(most, np.float32)

    n = kernels.left(found, np.array(gone, np.int64), vectors, _floats([1, 0.5]), kept, scores)

    assert kept[:n].tolist() == left
    assert scores[:n].tolist() == [row + 0.5 for row in left]


def test_equal_vectors_score_equally_to_the_bit_by_every_way() -> None:
    draw = np.random.default_rng(3)
    vectors, scores = _floats(draw.normal(size=(40, 329))), np.empty(40, np.float32)
    vectors[31] = vectors[2]
    kept, others = np.empty(40, np.int64), np.empty(40, np.float32)

    kernels.score(vectors, np.arange(40), vectors[5], scores)
    kernels.left(np.arange(40), NOTHING, vectors, vectors[5], kept, others)

    assert scores[31] == scores[2]
    assert (others == scores).all()
    assert np.abs(scores - vectors @ vectors[5]).max() < 1e-3


def test_a_read_only_array_will_do() -> None:
    vectors, scores = _floats(np.eye(3)), np.empty(2, np.float32)
    vectors.setflags(write=False)

    kernels.score(vectors, np.array([2, 0]), vectors[0], scores)

    assert scores.tolist() == [0, 1]


class _Shop:
    """Items 4 and 1 lend to some of six, the second by half; a search found items 2 and 1."""

    indices = np.array([2, 3, 0, 2, 5], np.int32)
    data = _floats([8, 16, 1, 2, 4])
    indptr = np.array([0, 0, 2, 2, 2, 5, 5], np.int32)
    lenders, deeds, shares = np.array([4, 1]), np.array([0, 1]), _floats([1, 0.5])
    runs = (indices, data, indptr, lenders, deeds, shares)
    vectors = _floats([[0], [1], [3], [0.5], [0], [0.25]])
    lent = (1, 0, 6, 8, 0, 4)  # by both deeds to each of the six

    @classmethod
    def best(cls, k: int, *, gone: Any = NOTHING, mask: Any = None, reach: float = 9) -> Any:
        board = np.zeros(6, np.float32)
        kept, scores = np.empty(k, np.int64), np.empty(k, np.float32)
        kernels.best_with(
            board, *cls.runs, _floats([1, 1]),
            np.array([2, 1]), _floats([3, 1]), gone, np.ones(6, np.bool_) if mask is None else mask,
            np.full(6, reach, np.float32), cls.vectors, _floats([1]), kept, scores,
        )  # fmt: skip
        assert not board.any()
        return list(zip(kept.tolist(), scores.tolist(), strict=True))


def test_the_best_may_be_who_no_search_found() -> None:
    assert _Shop.best(1) == [(2, 9)]
    assert _Shop.best(2) == [(2, 9), (3, 8.5)]


def test_what_is_gone_or_not_allowed_is_not_among_the_best() -> None:
    mask = np.array([True, True, True, True, True, False])

    assert _Shop.best(2, gone=np.array([3])) == [(2, 9), (5, 4.25)]
    assert _Shop.best(2, gone=np.array([3]), mask=mask) == [(2, 9), (0, 1)]


def test_lengths_bound_who_is_looked_at() -> None:
    """Lengths that were wrong would show: here they claim that nobody can reach the bar."""
    assert _Shop.best(2, reach=-100) == [(2, 9), (1, 1)]


def test_each_deed_lends_what_its_runs_say() -> None:
    board, found = np.zeros(6, np.float32), np.zeros((3, 2), np.float32)

    kernels.lend(board, *_Shop.runs, np.array([2, 3, 4]), found)

    assert found.tolist() == [[2, 4], [0, 8], [0, 0]]
    assert not board.any()


def _distinct(rows: np.ndarray, kinds: np.ndarray, strengths: np.ndarray) -> list[np.ndarray]:
    at, strongest = np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
    n = reading.distinct(rows, kinds, strengths, -1, at, strongest)
    return [at[:n], strongest[:n]]


@pytest.mark.parametrize("seed", range(4))
def test_deeds_are_read_as_a_dict_of_them_would_be(seed: int) -> None:
    draw = np.random.default_rng(seed)
    rows, kinds = draw.integers(-1, 9, 40), draw.integers(0, 3, 40)
    strengths = np.array([0, 2, 1])

    at, strongest = _distinct(rows, kinds, strengths)

    last = {row: place for place, row in enumerate(rows.tolist()) if row >= 0}
    assert at.tolist() == sorted(last.values())
    for place, kind in zip(at.tolist(), strongest.tolist(), strict=True):
        assert strengths[kind] == strengths[kinds[rows == rows[place]]].max()


def test_what_was_ever_dismissed_is_no_deed() -> None:
    rows, kinds = np.array([3, 5, 3, 6, 6]), np.array([1, 1, 0, 0, 1])

    at, strongest = _distinct(rows, kinds, np.array([-1, 0]))

    assert at.tolist() == [1]
    assert strongest.tolist() == [1]


def test_without_a_deed_the_older_ones_are_a_step_younger() -> None:
    found = np.empty((3, 3), np.float32)

    reading.weigh(np.array([0, 0, 1]), _floats([1, 3]), 0.5, 1, 0, False, found)  # noqa: FBT003 by place

    assert found.tolist() == [[0.25, 0.5, 3], [0.5, 0, 3], [0.5, 1, 0]]


@pytest.mark.parametrize(("squared", "of"), [(False, [2, 2]), (True, [2**0.5] * 2)])
def test_weights_are_scaled_by_a_factor_and_their_sum(squared: bool, of: list[float]) -> None:  # noqa: FBT001 a parameter
    found, norm = np.empty((1, 2), np.float32), 0.5 if squared else 1.0

    reading.weigh(np.array([0, 0]), _floats([1]), 1, 3, norm, squared, found)

    assert np.abs(found * of - 3).max() < 1e-6


def test_a_row_may_speak_for_part_of_a_deed() -> None:
    matrix, weights = _floats([[1, 0], [0, 2], [4, 4]]), _floats([[1, 1], [0, 2]])
    deeds, shares, found = (
        np.array([0, 1, 1]),
        _floats([1, 0.5, 0.25]),
        np.full((2, 4), 9, np.float32),
    )

    reading.pool(matrix, np.arange(3), deeds, shares, weights, 1, found)

    assert found.tolist() == [[9, 2, 2, 9], [9, 2, 4, 9]]


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
