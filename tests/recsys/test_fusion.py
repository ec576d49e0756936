from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from recsys.models import fusion, histories
from recsys.models.encoder import Encoder
from recsys.models.fusion import Fused
from recsys.models.histories import Histories, InputWeights
from recsys.models.linear import Linear
from recsys.models.neighbours import Neighbours

N_ITEMS, HIDDEN, LATENT, RANK = 40, 6, 4, 3


@pytest.fixture(scope="module")
def fused() -> Fused:
    draw = np.random.default_rng(5)

    def normal(*shape: int) -> np.ndarray:
        return draw.standard_normal(shape).astype(np.float32)

    lent = sparse.random_array((N_ITEMS, N_ITEMS), density=0.1, rng=draw, dtype=np.float32)
    return Fused(
        bias=normal(N_ITEMS),
        encoder=Encoder(
            embedding=normal(N_ITEMS, HIDDEN),
            input_bias=normal(HIDDEN),
            blocks=((normal(HIDDEN, HIDDEN), normal(HIDDEN)),),
            norms=((normal(HIDDEN), normal(HIDDEN)), (normal(HIDDEN), normal(HIDDEN))),
            mean_weight=normal(LATENT, HIDDEN),
            mean_bias=normal(LATENT),
        ),
        vectors=normal(N_ITEMS, LATENT + 1),
        linear=Linear(
            project=normal(N_ITEMS, RANK),
            items=normal(N_ITEMS, RANK),
            input=InputWeights(decay=0.9),
            norm=0.5,
        ),
        neighbours=Neighbours(lent=sparse.csr_array(lent), input=InputWeights(decay=0.7)),
        dense_weight=0.8,
        linear_weight=1.7,
        neighbour_weight=2.5,
    )


@pytest.fixture(scope="module")
def shoppers() -> Histories:
    draw = np.random.default_rng(6)
    n, each = 30, 5
    items = np.concatenate([draw.choice(N_ITEMS, each, replace=False) for _ in range(n)])
    return histories.from_deeds(
        np.repeat(np.arange(n), each), items, np.full(n * each, 2), n_users=n, n_items=N_ITEMS
    )


def test_the_inner_product_is_the_weighted_sum_of_the_branches(
    fused: Fused, shoppers: Histories
) -> None:
    searched = fused.users(shoppers) @ fused.items().T

    assert fused.encoder is not None
    assert fused.vectors is not None
    assert fused.linear is not None
    mean = fused.encoder.encode_weighted(shoppers)
    dense = mean @ fused.vectors[:, :-1].T + fused.vectors[:, -1]
    linear = fused.linear.users(shoppers) @ fused.linear.items.T
    assert searched == pytest.approx(0.8 * dense + 1.7 * linear + fused.bias, abs=1e-4)


def test_the_scores_add_the_neighbours(fused: Fused, shoppers: Histories) -> None:
    searched = fused.users(shoppers) @ fused.items().T

    assert fused.neighbours is not None
    added = fused.neighbours.scores(shoppers).toarray()
    assert fused.scores(shoppers) == pytest.approx(searched + 2.5 * added, abs=1e-4)


@pytest.mark.parametrize(
    ("weight", "left"),
    [
        ("dense_weight", RANK + 1),
        ("linear_weight", LATENT + 1),
        ("neighbour_weight", LATENT + RANK + 1),
    ],
)
def test_a_branch_of_weight_zero_costs_no_column(
    fused: Fused, shoppers: Histories, weight: str, left: int
) -> None:
    without = replace(fused, **{weight: 0.0})

    assert without.width == without.users(shoppers).shape[1] == without.items().shape[1] == left
    if weight == "neighbour_weight":
        assert without.sparse(shoppers).nnz == 0


def test_no_branch_at_all_leaves_the_bias(fused: Fused, shoppers: Histories) -> None:
    bare = Fused(bias=fused.bias)

    assert bare.scores(shoppers)[3].tolist() == fused.bias.tolist()


def test_a_shopper_alone_is_scored_as_in_a_batch(fused: Fused, shoppers: Histories) -> None:
    alone = fused.scores(shoppers.take([7]))

    assert alone[0] == pytest.approx(fused.scores(shoppers)[7], abs=1e-5)


def test_nobody_is_scored_as_nobody(fused: Fused, shoppers: Histories) -> None:
    assert fused.scores(shoppers.take([])).shape == (0, N_ITEMS)


def test_saved_and_loaded_is_bit_equal(fused: Fused, shoppers: Histories) -> None:
    again = fusion.from_arrays(fused.arrays())

    assert {name: a.tobytes() for name, a in again.arrays().items()} == {
        name: a.tobytes() for name, a in fused.arrays().items()
    }
    assert again.scores(shoppers).tobytes() == fused.scores(shoppers).tobytes()


@pytest.mark.parametrize("gone", ["encoder", "linear", "neighbours"])
def test_an_absent_branch_stays_absent(fused: Fused, shoppers: Histories, gone: str) -> None:
    without = replace(fused, **{gone: None}, vectors=None if gone == "encoder" else fused.vectors)

    again = fusion.from_arrays(without.arrays())

    assert getattr(again, gone) is None
    assert again.scores(shoppers).tobytes() == without.scores(shoppers).tobytes()


@pytest.mark.parametrize(
    ("name", "spoil", "said"),
    [
        ("bias", lambda a: a[:-1], "vectors"),
        ("vectors", lambda a: a * np.float32(np.nan), "not finite"),
        ("linear_project", lambda a: a[:, :-1], "linear_items"),
        ("linear_items", lambda a: a.astype(np.float64), "float64"),
        ("neighbours_indices", lambda a: a + np.int32(1_000), "outside"),
        ("neighbours_data", lambda a: -a, "negative"),
        ("weights", lambda a: -a, "negative"),
        ("neighbours_input", lambda a: a[:-1], "neighbours_input"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    fused: Fused, name: str, spoil: object, said: str
) -> None:
    named = fused.arrays()

    with pytest.raises(ValueError, match=said):
        fusion.from_arrays({**named, name: spoil(named[name])})  # type: ignore[operator]


def test_a_foreign_or_missing_array_is_refused(fused: Fused) -> None:
    named = fused.arrays()

    with pytest.raises(ValueError, match="do not belong"):
        fusion.from_arrays({**named, "stranger": named["bias"]})
    with pytest.raises(ValueError, match="linear_items is missing"):
        fusion.from_arrays({n: a for n, a in named.items() if n != "linear_items"})
