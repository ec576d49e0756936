import numpy as np
import pytest
from scipy import sparse

from recsys.learning.examining import metrics


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


def test_hit_and_reciprocal_rank_look_for_the_first_hit() -> None:
    ranked = np.array([[5, 0, 1], [2, 3, 4]])

    found = metrics.per_user(
        ranked, _targets([0, 1], [0]), recall_at=(), ndcg_at=(), hit_at=(1, 3), mrr_at=(3,)
    )

    assert found["hit@1"].tolist() == [0.0, 0.0]
    assert found["hit@3"].tolist() == [1.0, 0.0]
    assert found["mrr@3"].tolist() == [0.5, 0.0]


def test_among_sampled_negatives_a_constant_scorer_gains_nothing() -> None:
    constant = np.ones((2, 6), np.float32)

    found = metrics.among_sampled(constant, _targets([0], [1, 2]), n=100, k=2, seed=1)

    assert found["sampled_hit@2"].tolist() == [0.0, 0.0]


def test_among_sampled_negatives_the_best_item_is_always_found() -> None:
    scores = np.array([[9, 1, 2, 3, 4, -np.inf], [-np.inf, 1, 2, 3, 4, 5]], np.float32)

    found = metrics.among_sampled(scores, _targets([0], [0]), n=3, k=2, seed=1)

    assert found["sampled_ndcg@2"].tolist() == [1.0, 0.0]  # what is masked is never found


def test_surprise_is_in_bits_and_finite_for_what_nobody_had() -> None:
    assert metrics.self_information(np.array([7, 3, 0]), 7).tolist() == [0.0, 1.0, 3.0]


def test_percentiles_share_ties_evenly() -> None:
    assert metrics.percentiles(np.array([5, 1, 1])).tolist() == [1.0, 0.25, 0.25]
    assert metrics.percentiles(np.array([3, 3, 3])).tolist() == [0.5] * 3
    assert metrics.percentiles(np.array([9])).tolist() == [0.5]


def test_the_mean_of_a_list_skips_empty_places() -> None:
    found = metrics.listed_mean(np.array([[0, 1], [1, -1], [-1, -1]]), np.array([1.0, 3.0]))

    assert found[:2].tolist() == [2.0, 3.0]
    assert np.isnan(found[2])


def test_diversity_is_the_share_of_pairs_that_differ() -> None:
    categories = np.array([0, 0, 1, -1])

    found = metrics.diversity(np.array([[0, 1, 2], [0, 2, -1], [0, 3, -1]]), categories)

    assert found[:2] == pytest.approx([2 / 3, 1.0])
    assert np.isnan(found[2])  # one item with a category makes no pair


def test_spread_is_one_for_items_at_right_angles_and_none_for_the_same() -> None:
    vectors = np.array([[2, 0], [0, 3], [5, 0]], np.float32)

    found = metrics.spread(np.array([[0, 1], [0, 2], [0, -1]]), vectors)

    assert found[:2] == pytest.approx([1.0, 0.0])
    assert np.isnan(found[2])


def test_calibration_is_zero_for_the_same_mix_and_large_for_another() -> None:
    categories = np.array([0, 0, 1, 1, -1, 0])
    history = _targets([0, 2], [0, 1], [4])

    found = metrics.calibration(np.array([[1, 3], [2, 3], [0, 1]]), history, categories)

    assert found[0] == pytest.approx(0.0, abs=1e-12)
    assert found[1] == pytest.approx(np.log(100))  # nothing of what the history is all about
    assert np.isnan(found[2])


def test_gini_is_zero_where_all_are_shown_alike_and_near_one_where_one_is() -> None:
    assert metrics.gini(np.full(50, 3)) == pytest.approx(0.0)
    assert metrics.gini(np.array([0] * 99 + [7])) == pytest.approx(0.99)
    assert metrics.gini(np.zeros(5)) == 0.0
    assert metrics.gini(np.zeros(0)) == 0.0


def test_a_shopper_of_whom_nothing_is_said_is_no_zero() -> None:
    found = metrics.summary({"x": np.array([1.0, np.nan, 3.0]), "y": np.array([np.nan])})

    assert found["x"] == 2.0
    assert found["x_se"] == pytest.approx(1.0)
    assert found["y"] == 0.0
