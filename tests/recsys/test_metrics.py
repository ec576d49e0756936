import numpy as np
import pytest
from scipy import sparse

from recsys.learning import metrics


def _targets(*rows: list[int], n_items: int = 6) -> sparse.csr_array:
    dense = np.zeros((len(rows), n_items), np.float32)
    for user, row in enumerate(rows):
        dense[user, row] = 1
    return sparse.csr_array(dense)


def test_best_rows_gives_ties_to_the_lower_row() -> None:
    scores = np.array([[1, 2, 1, 2, 1, 0]], np.float32)

    assert metrics.best_rows(scores, 3).tolist() == [[1, 3, 0]]


def test_best_rows_of_a_constant_scorer_are_the_first_ones() -> None:
    assert metrics.best_rows(np.ones((2, 9), np.float32), 4).tolist() == [[0, 1, 2, 3]] * 2


def test_best_rows_marks_what_is_masked_as_nothing() -> None:
    scores = np.array([[-np.inf, 3, -np.inf]], np.float32)

    assert metrics.best_rows(scores, 3).tolist() == [[1, -1, -1]]


def test_best_rows_refuses_a_score_that_is_not_a_number() -> None:
    with pytest.raises(ValueError, match="not a number"):
        metrics.best_rows(np.array([[0, np.nan]], np.float32), 1)


def test_best_rows_equals_a_full_stable_sort() -> None:
    scores = np.random.default_rng(3).integers(0, 9, (50, 40)).astype(np.float32)

    expected = np.argsort(-scores, axis=1, kind="stable")[:, :7]

    assert (metrics.best_rows(scores, 7) == expected).all()


def test_recall_divides_by_the_smaller_of_depth_and_targets() -> None:
    ranked = np.array([[0, 1], [2, 3]])

    found = metrics.per_user(ranked, _targets([0, 3, 4], [2]), recall_at=(2,), ndcg_at=())

    assert found["recall@2"].tolist() == [0.5, 1.0]


def test_ndcg_is_one_for_a_perfect_list_and_discounted_otherwise() -> None:
    ranked = np.array([[0, 1, 5], [4, 2, 3]])

    found = metrics.per_user(ranked, _targets([0, 1], [3]), recall_at=(), ndcg_at=(3,))

    assert found["ndcg@3"] == pytest.approx([1.0, 1 / np.log2(4)], abs=1e-12)


def test_shoppers_without_targets_are_left_out_of_the_mean() -> None:
    ranked = np.array([[0], [1]])

    found = metrics.per_user(ranked, _targets([0], []), recall_at=(1,), ndcg_at=(1,))

    assert found["recall@1"].tolist() == [1.0]


def test_nothing_in_a_list_is_never_a_hit_of_the_shopper_before() -> None:
    ranked = np.array([[0], [-1]])

    found = metrics.per_user(ranked, _targets([5], [1]), recall_at=(1,), ndcg_at=())

    assert found["recall@1"].tolist() == [0.0, 0.0]
