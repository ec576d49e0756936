import numpy as np
import pytest
from scipy import sparse

from recsys.models import histories, linear
from recsys.models.histories import Histories, InputWeights


def _of(dense: np.ndarray) -> Histories:
    return histories.from_matrix(sparse.csr_array(dense.astype(np.float32)))


def _world(*, n_users: int = 60, n_items: int = 12, seed: int = 3) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return (draw.random((n_users, n_items)) < 0.4).astype(np.float32)


def _colours(n_users: int = 80, n_items: int = 20, deeds: int = 6, seed: int = 1) -> np.ndarray:
    """Even shoppers take even items, odd ones odd items."""
    draw = np.random.default_rng(seed)
    dense = np.zeros((n_users, n_items), np.float32)
    for user in range(n_users):
        own = draw.choice(n_items // 2, deeds, replace=False) * 2 + user % 2
        dense[user, own] = 1
    return dense


def test_ease_of_full_rank_is_the_closed_form_off_the_diagonal() -> None:
    dense = _world()

    made = linear.ease(_of(dense), penalty=5.0, rank=12)

    inverse = np.linalg.inv(dense.T.astype(np.float64) @ dense + 5.0 * np.eye(12))
    expected = -inverse / np.diag(inverse)[None, :]
    off = ~np.eye(12, dtype=bool)
    assert (made.project @ made.items.T)[off] == pytest.approx(expected[off], abs=1e-4)


def test_ease_that_frees_the_diagonal_is_nearer_than_one_that_does_not() -> None:
    dense = _world(n_items=20)
    inverse = np.linalg.inv(dense.T.astype(np.float64) @ dense + 5.0 * np.eye(20))
    expected = -inverse / np.diag(inverse)[None, :]
    off = ~np.eye(20, dtype=bool)

    missed = [
        np.square((made.project @ made.items.T - expected)[off]).sum()
        for made in (linear.ease(_of(dense), penalty=5.0, rank=4, rounds=n) for n in (1, 2))
    ]

    assert missed[1] < missed[0]


def test_svd_without_powers_projects_on_the_leading_directions() -> None:
    dense = _world()

    made = linear.svd(_of(dense), rank=3, popularity_power=0.0)

    rows = np.linalg.svd(dense)[2][:3]
    assert made.project @ made.items.T == pytest.approx(rows.T @ rows, abs=1e-3)


def test_svd_undoes_on_the_way_out_the_scaling_of_the_way_in() -> None:
    dense = _world()

    made = linear.svd(_of(dense), rank=12, popularity_power=0.5, user_power=0.5)

    assert made.project @ made.items.T == pytest.approx(np.eye(12), abs=1e-3)


@pytest.mark.parametrize("method", ["ease", "svd"])
def test_a_checkerboard_is_learnt(method: str) -> None:
    shoppers = _of(_colours())
    if method == "ease":
        made = linear.ease(shoppers, penalty=5.0, rank=8)
    else:
        made = linear.svd(shoppers, rank=2, popularity_power=0.4)

    scores = made.users(_of(np.eye(20))) @ made.items.T

    np.fill_diagonal(scores, -np.inf)
    assert (scores.argmax(axis=1) % 2 == np.arange(20) % 2).all()


@pytest.mark.parametrize("method", ["ease", "svd"])
def test_the_same_seed_makes_the_same_model(method: str) -> None:
    shoppers = _of(_world())

    first, second = (
        linear.ease(shoppers, penalty=5.0, rank=4)
        if method == "ease"
        else linear.svd(shoppers, rank=4, popularity_power=0.4)
        for _ in range(2)
    )

    assert first.project.tobytes() == second.project.tobytes()
    assert first.items.tobytes() == second.items.tobytes()


def test_a_shopper_is_the_weighted_sum_of_its_items_scaled_by_the_norm() -> None:
    project = np.arange(6, dtype=np.float32).reshape(3, 2)
    made = linear.Linear(project=project, items=project, input=InputWeights(decay=0.5), norm=0.5)
    shopper = Histories(
        indptr=np.array([0, 2], np.int64),
        items=np.array([2, 0], np.int32),
        ages=np.array([1, 0], np.int32),
        kinds=np.full(2, 2, np.int8),
        n_items=3,
    )

    found = made.users(shopper)

    assert found[0] == pytest.approx((0.5 * project[2] + project[0]) / np.sqrt(1.5))


def test_a_shopper_without_a_history_is_nothing() -> None:
    made = linear.svd(_of(_world()), rank=2, popularity_power=0.4)

    found = linear.Linear(project=made.project, items=made.items, norm=1.0).users(
        _of(np.zeros((1, 12)))
    )

    assert found.tolist() == [[0.0, 0.0]]


def test_ease_refuses_more_items_than_its_limit() -> None:
    with pytest.raises(ValueError, match="the limit is 11"):
        linear.ease(_of(_world()), penalty=5.0, rank=4, item_limit=11)


def test_ease_refuses_a_penalty_that_leaves_no_inverse() -> None:
    with pytest.raises(ValueError, match="penalty"):
        linear.ease(_of(np.ones((5, 4))), penalty=0.0, rank=2)


@pytest.mark.parametrize("method", ["ease", "svd"])
@pytest.mark.parametrize("world", ["an item nobody has", "all rows equal", "one huge history"])
def test_hostile_histories_give_finite_scores(method: str, world: str) -> None:
    dense = _world()
    if world == "an item nobody has":
        dense[:, 5] = 0
    elif world == "all rows equal":
        dense[:] = dense[0]
    else:
        dense[:] = 0
        dense[0] = 1
    shoppers = _of(dense)

    made = (
        linear.ease(shoppers, penalty=5.0, rank=4)
        if method == "ease"
        else linear.svd(shoppers, rank=4, popularity_power=0.4, user_power=0.25)
    )

    assert np.isfinite(made.users(shoppers) @ made.items.T).all()


def test_a_rank_beyond_the_catalogue_is_the_catalogue() -> None:
    made = linear.ease(_of(_world()), penalty=5.0, rank=500)

    assert made.rank == 12
