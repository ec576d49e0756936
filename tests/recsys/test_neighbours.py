import numpy as np
import pytest
from scipy import sparse

from recsys.models import histories, neighbours
from recsys.models.histories import Histories, InputWeights
from recsys.models.regressed import regressed


def _histories(*rows: list[int], n_items: int) -> sparse.csr_array:
    dense = np.zeros((len(rows), n_items), np.float32)
    for user, row in enumerate(rows):
        dense[user, row] = 1
    return sparse.csr_array(dense)


def test_cosine_is_the_shrunken_cosine_of_the_items_shoppers() -> None:
    shoppers = _histories([0, 1], [0, 1], [0, 2], n_items=3)

    rows, scores = neighbours.cosine(shoppers, k=5, shrink=1).of(0)

    assert rows.tolist() == [1, 2]
    assert scores == pytest.approx([2 / (np.sqrt(6) + 1), 1 / (np.sqrt(3) + 1)], abs=1e-6)


def test_cosine_keeps_the_best_k_and_never_the_item_itself() -> None:
    lists = neighbours.cosine(_histories([0, 1, 2, 3], [0, 1], n_items=5), k=1)

    assert [lists.of(row)[0].tolist() for row in range(5)] == [[1], [0], [3], [2], []]


def test_cosine_of_a_checkerboard_stays_on_its_colour() -> None:
    shoppers = _histories(
        *([user % 2, 2 + user % 2, 4 + user % 2] for user in range(20)), n_items=6
    )

    lists = neighbours.cosine(shoppers)

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
    shoppers = _histories(list(range(4_000)), [0, 1], n_items=4_000)

    lists = neighbours.cosine(shoppers, k=10)

    assert len(lists.indices) == 40_000


def _in_order(*rows: list[int], n_items: int) -> Histories:
    users = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    items = np.array([item for row in rows for item in row], np.int64)
    kinds = np.full(len(items), 2)
    return histories.from_deeds(users, items, kinds, n_users=len(rows), n_items=n_items)


def test_powers_and_shrink_divide_the_shared_shoppers() -> None:
    shoppers = _histories([0, 1], [0, 1], [0, 2], [0], n_items=3)

    rows, scores = neighbours.cosine(shoppers, powers=(0.3, 0.8), shrink=2, user_power=1.0).of(1)

    assert rows.tolist() == [0]
    assert scores == pytest.approx([(2 / 2) / (2**0.3 * 4**0.8 + 2)])


def test_blocks_of_items_give_what_one_block_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    dense = np.random.default_rng(2).random((50, 30)) < 0.3
    shoppers = sparse.csr_array(dense.astype(np.float32))
    whole = neighbours.cosine(shoppers, k=5)

    monkeypatch.setattr(neighbours, "_BLOCK_PAIRS", 100)

    assert neighbours.cosine(shoppers, k=5).matrix().toarray() == pytest.approx(
        whole.matrix().toarray()
    )


def test_a_robots_history_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_LONGEST_HISTORY", 3)
    shoppers = _histories([0, 1, 2, 3, 4], [0, 1], n_items=5)

    lists = neighbours.cosine(shoppers)

    assert [lists.of(row)[0].tolist() for row in range(5)] == [[1], [0], [], [], []]


def test_transitions_point_from_the_earlier_to_the_later_by_their_gap() -> None:
    shoppers = _in_order([0, 1, 2], [0, 3], n_items=4)

    lists = neighbours.transitions(shoppers, horizon=2, powers=(0, 0))

    assert lists.of(0)[0].tolist() == []
    assert (lists.of(1)[0].tolist(), lists.of(1)[1].tolist()) == ([0], [1.0])
    assert (lists.of(2)[0].tolist(), lists.of(2)[1].tolist()) == ([1, 0], [1.0, 0.5])
    assert lists.of(3)[0].tolist() == [0]


def test_transitions_stop_at_the_horizon_and_at_the_next_shopper() -> None:
    lists = neighbours.transitions(_in_order([0, 1, 2], [3, 4], n_items=5), horizon=1)

    assert lists.of(2)[0].tolist() == [1]
    assert lists.of(3)[0].tolist() == []


def test_without_a_clock_there_are_no_transitions() -> None:
    shoppers = histories.from_matrix(_histories([0, 1, 2], n_items=3))

    assert len(neighbours.transitions(shoppers).indices) == 0


def test_a_cycle_is_foretold_from_the_last_step() -> None:
    """Everybody walks 0 1 2 3 4 0 ... from somewhere: after two steps the third is certain."""
    walks = _in_order(*([(start + step) % 5 for step in range(4)] for start in range(5)), n_items=5)
    lent = neighbours.lend(neighbours.transitions(walks, horizon=3))
    branch = neighbours.Neighbours(lent=lent, input=InputWeights(decay=0.1))

    scores = branch.scores(_in_order([0, 1], [3, 4], n_items=5)).toarray()

    scores[[0, 0, 1, 1], [0, 1, 3, 4]] = 0
    assert scores.argmax(axis=1).tolist() == [2, 0]


def test_lent_sums_the_lists_by_their_weights_from_source_to_destination() -> None:
    shoppers = _in_order([0, 1], n_items=2)
    alike = neighbours.cosine(shoppers.matrix(), shrink=0)
    follows = neighbours.transitions(shoppers, powers=(0, 0))

    lent = neighbours.lend(alike, (3.0, follows)).toarray()

    assert lent.tolist() == [[0, 4], [1, 0]]


def _listing(lent: list[list[float]]) -> neighbours.ItemLists:
    """The lists behind which row i lends `lent[i]`."""
    found = sparse.csr_array(np.array(lent, np.float32).T)
    return neighbours.ItemLists(
        indptr=found.indptr.astype(np.int64), indices=found.indices, scores=found.data
    )


def test_an_item_in_too_many_lists_lends_where_it_lends_most() -> None:
    lent = [[0, 0.1, 0.5, 0.3, 0.4], [0.6, 0, 0.7, 0, 0.1], *[[0.0] * 5] * 3]
    lists = _listing(lent)

    whole, cut = (neighbours.lend(lists, most=most).toarray() for most in (4, 3))

    assert whole == pytest.approx(np.array(lent, np.float32), abs=0)
    assert cut[0] == pytest.approx([0, 0, 0.5, 0.3, 0.4])
    assert cut[1:] == pytest.approx(whole[1:], abs=0)


def test_of_those_lent_as_much_the_lower_rows_are_kept() -> None:
    lists = _listing([[0, 0.2, 0.2, 0.7, 0.2], *[[0.0] * 5] * 4])

    lent = neighbours.lend(lists, most=3)

    assert lent.indices.tolist() == [1, 2, 3]
    assert lent.has_canonical_format


def test_what_an_item_lends_most_is_told_by_all_lists_together() -> None:
    one, other = (_listing([row, *[[0.0] * 3] * 2]) for row in ([0, 0.5, 0.4], [0, 0.0, 0.3]))

    assert neighbours.lend(one, (1.0, other), most=1).indices.tolist() == [2]


def test_a_shopper_is_lent_to_by_weight_over_the_norm() -> None:
    lent = neighbours.lend(neighbours.cosine(_histories([0, 1], [0, 2], n_items=3), shrink=0))
    branch = neighbours.Neighbours(lent=lent, input=InputWeights(decay=0.5), norm=1.0)

    scores = branch.scores(_in_order([1, 2], n_items=3)).toarray()

    assert scores[0, 0] == pytest.approx((0.5 + 1) / 1.5 / np.sqrt(2))
    assert branch.scores(_in_order([], n_items=3)).nnz == 0


def test_a_regression_is_the_ridge_on_the_candidates() -> None:
    dense = (np.random.default_rng(4).random((80, 7)) < 0.5).astype(np.float64)
    shoppers = sparse.csr_array(dense.astype(np.float32))

    lists = regressed(shoppers, neighbours.cosine(shoppers), penalty=3.0)

    others = np.arange(1, 7)
    gram = dense.T @ dense + 3.0 * np.eye(7)
    weights = np.linalg.solve(gram[np.ix_(others, others)], gram[others, 0])
    found = dict(zip(*(part.tolist() for part in lists.of(0)), strict=True))
    assert found == pytest.approx(
        {i: w for i, w in zip(range(1, 7), weights, strict=True) if w > 0}
    )
    assert (np.diff(lists.of(0)[1]) <= 0).all()


def test_a_large_catalogue_is_regressed_like_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    dense = np.random.default_rng(4).random((80, 12)) < 0.5
    shoppers = sparse.csr_array(dense.astype(np.float32))
    near = neighbours.cosine(shoppers, k=5)
    small = regressed(shoppers, near, penalty=3.0, user_power=0.5).matrix().toarray()

    monkeypatch.setattr("recsys.models.regressed._DENSE_LIMIT", 0)

    assert regressed(shoppers, near, penalty=3.0, user_power=0.5).matrix().toarray() == (
        pytest.approx(small, abs=1e-5)
    )


def test_a_regression_without_a_penalty_is_refused() -> None:
    shoppers = _histories([0, 1], n_items=2)

    with pytest.raises(ValueError, match="positive penalty"):
        regressed(shoppers, neighbours.cosine(shoppers), penalty=0)


def test_an_item_nobody_has_is_in_no_list() -> None:
    shoppers = _in_order([0, 1], [0, 1], n_items=3)
    alike = neighbours.cosine(shoppers.matrix())

    lent = neighbours.lend(
        alike,
        (1.0, neighbours.transitions(shoppers)),
        (1.0, regressed(shoppers.matrix(), alike, penalty=1.0)),
    ).toarray()

    assert np.isfinite(lent).all()
    assert lent[2].sum() + lent[:, 2].sum() == 0
