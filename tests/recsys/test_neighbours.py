import numpy as np
import pytest
from scipy import sparse

from recsys.models import neighbours


def _histories(*rows: list[int], n_items: int) -> sparse.csr_array:
    dense = np.zeros((len(rows), n_items), np.float32)
    for user, row in enumerate(rows):
        dense[user, row] = 1
    return sparse.csr_array(dense)


def test_cosine_is_the_shrunken_cosine_of_the_items_shoppers() -> None:
    histories = _histories([0, 1], [0, 1], [0, 2], n_items=3)

    rows, scores = neighbours.cosine(histories, k=5, shrink=1).of(0)

    assert rows.tolist() == [1, 2]
    assert scores == pytest.approx([2 / (np.sqrt(6) + 1), 1 / (np.sqrt(3) + 1)], abs=1e-6)


def test_cosine_keeps_the_best_k_and_never_the_item_itself() -> None:
    lists = neighbours.cosine(_histories([0, 1, 2, 3], [0, 1], n_items=5), k=1)

    assert [lists.of(row)[0].tolist() for row in range(5)] == [[1], [0], [3], [2], []]


def test_cosine_of_a_checkerboard_stays_on_its_colour() -> None:
    histories = _histories(
        *([user % 2, 2 + user % 2, 4 + user % 2] for user in range(20)), n_items=6
    )

    lists = neighbours.cosine(histories)

    for row in range(6):
        assert {int(other) % 2 for other in lists.of(row)[0]} == {row % 2}


def test_lists_as_a_matrix_score_like_the_lists() -> None:
    lists = neighbours.cosine(_histories([0, 1], [1, 2], n_items=3))

    dense = lists.matrix().toarray()

    rows, scores = lists.of(1)
    assert dense[1, rows] == pytest.approx(scores)


def test_together_prefers_the_pair_beyond_chance_to_the_bestseller() -> None:
    bestseller = [[0, n] for n in (1, 2, 3, 4)] * 10
    pair = [[0, 1, 5]] * 5

    rows, _ = neighbours.together(_histories(*bestseller, *pair, n_items=6)).of(5)

    assert rows[0] == 1


def test_together_leaves_out_pairs_below_the_support() -> None:
    orders = _histories([0, 1], [0, 1], [2, 3], [2, 3], [2, 3], n_items=4)

    lists = neighbours.together(orders, minimum_support=3)

    assert lists.of(0)[0].tolist() == []
    assert lists.of(2)[0].tolist() == [3]


def test_together_ignores_a_wholesalers_basket() -> None:
    lists = neighbours.together(_histories(*([list(range(150))] * 5), n_items=150))

    assert len(lists.indices) == 0


def test_no_orders_give_empty_lists() -> None:
    lists = neighbours.together(sparse.csr_array((0, 4), dtype=np.float32))

    assert [lists.of(row)[0].tolist() for row in range(4)] == [[], [], [], []]


def test_one_huge_history_does_not_need_a_square_of_memory() -> None:
    histories = _histories(list(range(4_000)), [0, 1], n_items=4_000)

    lists = neighbours.cosine(histories, k=10)

    assert len(lists.indices) == 40_000
