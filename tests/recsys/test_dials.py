from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recsys.serving import dials
from recsys.types import Dials

THOROUGH = settings(max_examples=200, deadline=None, derandomize=True, database=None)
TURNS = {"novelty": "popularity", "price": "price", "margin": "margin"}
finite = st.floats(-1e6, 1e6, width=32)
coarse = st.integers(-3, 3).map(float)  # equal scores and equal traits are where proofs break
# Columns: scores, popularity, price, margin of up to 40 candidates.
shops = st.integers(1, 40).flatmap(
    lambda n: st.one_of(
        arrays.arrays(np.float64, (n, 4), elements=finite),
        arrays.arrays(np.float64, (n, 4), elements=coarse),
    )
)
turns = st.floats(-1, 1)


def traits_of(shop: np.ndarray) -> Callable[[str], np.ndarray]:
    return {"popularity": shop[:, 1], "price": shop[:, 2], "margin": shop[:, 3]}.__getitem__


def never(name: str) -> np.ndarray:
    raise AssertionError(name)


@THOROUGH
@given(scores=arrays.arrays(np.float32, st.integers(1, 60), elements=finite))
def test_relevance_spans_nought_to_one_in_the_order_of_the_scores(scores: np.ndarray) -> None:
    found = dials.relevance(scores)

    assert found.max() == 1
    assert found.min() == (0 if scores.min() < scores.max() else 1)
    ascending = np.argsort(scores, kind="stable")
    assert (np.diff(found[ascending]) >= 0).all()


def test_relevance_of_nothing_is_nothing() -> None:
    assert len(dials.relevance(np.zeros(0, np.float32))) == 0


def test_percentiles_count_ties_half_and_put_the_unknown_in_the_middle() -> None:
    values = np.array([5, 1, np.nan, 3, 3, 9], np.float32)

    found = dials.percentiles(values)

    assert found == pytest.approx([0.75, 0, 0.5, 0.375, 0.375, 1], abs=1e-7)


@pytest.mark.parametrize("values", [[], [7.0], [np.nan, 7.0], [np.nan, np.nan], [2.0, 2.0]])
def test_percentiles_of_what_cannot_be_compared_are_in_the_middle(values: list[float]) -> None:
    assert dials.percentiles(np.array(values)).tolist() == [0.5] * len(values)


def test_dials_at_nought_change_nothing_and_ask_for_nothing() -> None:
    relevance = np.array([1, 0.123456789, 0])

    assert dials.turned(relevance, never, Dials()) is relevance


def test_only_the_turned_dials_traits_are_asked_for() -> None:
    asked = []

    def traits(name: str) -> np.ndarray:
        asked.append(name)
        return np.arange(3.0)

    dials.turned(np.ones(3), traits, Dials(price=0.5, diversity=1, exploration=1))

    assert asked == ["price"]


@pytest.mark.parametrize(
    ("turn", "first"),
    [(Dials(novelty=1), 2), (Dials(novelty=-1), 0), (Dials(price=1), 1), (Dials(price=-1), 2)],
)
def test_a_dial_turned_fully_outweighs_equal_relevance(turn: Dials, first: int) -> None:
    shop = np.array([[1, 900, 5, 0], [1, 50, 80, 0], [1, 2, 1, 0]], np.float64)

    found = dials.turned(dials.relevance(shop[:, 0]), traits_of(shop), turn)

    assert dials.best(found, 1).tolist() == [first]


@THOROUGH
@given(
    shop=shops,
    k=st.integers(1, 20),
    dial=st.sampled_from(sorted(TURNS)),
    two=st.tuples(turns, turns),
    others=st.tuples(turns, turns, turns),
)
def test_turning_a_dial_up_never_lowers_that_trait_of_the_slate(
    shop: np.ndarray,
    k: int,
    dial: str,
    two: tuple[float, float],
    others: tuple[float, float, float],
) -> None:
    base = Dials(novelty=others[0], price=others[1], margin=others[2])
    trait = traits_of(shop)(TURNS[dial]) * (-1 if dial == "novelty" else 1)
    relevance = dials.relevance(shop[:, 0])

    less, more = (
        dials.best(dials.turned(relevance, traits_of(shop), replace(base, **{dial: weight})), k)
        for weight in sorted(two)
    )

    # Each order statistic, exactly: so the mean percentile and the mean in money too.
    assert (np.sort(trait[more]) >= np.sort(trait[less])).all()
    shares = dials.percentiles(trait)
    assert shares[more].sum() >= shares[less].sum()


@THOROUGH
@given(scores=arrays.arrays(np.float64, st.integers(1, 30), elements=coarse), k=st.integers(1, 40))
def test_the_best_are_sorted_and_ties_go_to_the_earlier(scores: np.ndarray, k: int) -> None:
    order = dials.best(scores, k)

    assert order.tolist() == sorted(range(len(scores)), key=lambda n: (-scores[n], n))[:k]


@THOROUGH
@given(
    scores=arrays.arrays(np.float64, st.integers(1, 30), elements=st.floats(0, 1)),
    k=st.integers(1, 30),
    seed=st.integers(),
)
def test_no_exploration_is_the_best_whatever_the_seed(
    scores: np.ndarray, k: int, seed: int
) -> None:
    order, chances = dials.explored(scores, k, 0.0, seed)

    assert order.tolist() == dials.best(scores, k).tolist()
    assert chances.tolist() == [1.0] * len(order)


@THOROUGH
@given(
    scores=arrays.arrays(np.float64, st.integers(1, 30), elements=st.floats(0, 1)),
    k=st.integers(1, 30),
    seed=st.integers(),
    two=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_for_each_seed_more_exploration_never_raises_the_slates_relevance(
    scores: np.ndarray, k: int, seed: int, two: tuple[float, float]
) -> None:
    less, more = (dials.explored(scores, k, share, seed)[0] for share in sorted(two))

    # Up to the last bit of noise: a score below 1e-16 beside it is none.
    assert scores[more].sum() <= scores[less].sum() + 1e-12


@THOROUGH
@given(
    scores=arrays.arrays(np.float64, st.integers(1, 30), elements=st.floats(-5, 5)),
    k=st.integers(1, 30),
    seed=st.integers(),
    exploration=st.floats(0, 1),
)
def test_what_is_drawn_is_distinct_and_has_a_chance(
    scores: np.ndarray, k: int, seed: int, exploration: float
) -> None:
    order, chances = dials.explored(scores, k, exploration, seed)

    assert len(set(order.tolist())) == min(k, len(scores)) == len(chances)
    assert ((chances > 0) & (chances <= 1)).all()


def test_the_same_seed_draws_the_same_slate_and_another_one_another() -> None:
    scores = np.linspace(1, 0, 200)

    first, again, other = (dials.explored(scores, 20, 0.5, seed)[0].tolist() for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_each_chance_is_that_of_the_slot_given_the_slots_above() -> None:
    scores, exploration = np.array([1.0, 0.8, 0.3, 0.0]), 0.6
    weight = np.exp(scores / (0.5 * exploration))

    order, chances = dials.explored(scores, 3, exploration, 5)

    by_hand = []
    left = weight.sum()
    for position in order:
        by_hand.append(weight[position] / left)
        left -= weight[position]
    assert chances == pytest.approx(by_hand)


def test_slates_come_as_often_as_their_chances_say() -> None:
    scores, exploration, n = np.array([1.0, 0.7, 0.6, 0.0]), 0.8, 8_000
    seen: dict[tuple[int, ...], int] = {}
    chance: dict[tuple[int, ...], float] = {}
    for seed in range(n):
        order, chances = dials.explored(scores, 2, exploration, seed)
        slate = tuple(order.tolist())
        seen[slate] = seen.get(slate, 0) + 1
        chance[slate] = float(chances.prod())

    assert len(seen) == 12
    assert sum(chance.values()) == pytest.approx(1)
    expected = np.array([chance[slate] * n for slate in seen])
    error = (np.array(list(seen.values())) - expected) / np.sqrt(expected)
    assert np.abs(error).max() < 4  # standard errors


def test_another_policy_can_be_asked_about_a_slate_it_did_not_draw() -> None:
    scores = np.array([0.2, 0.9, 0.9, 0.4])

    sure = dials.chances(scores, np.array([1, 3, 2]), 0.0)
    drawn, own = dials.explored(scores, 3, 0.4, 8)

    assert sure.tolist() == [1, 0, 1]
    assert dials.chances(scores, np.array([1, 2, 3, 0]), 0.0).tolist() == [1, 1, 1, 1]
    assert dials.chances(scores, drawn, 0.4).tolist() == own.tolist()
    assert dials.chances(-scores, drawn, 0.4).tolist() != own.tolist()


def test_slots_weighed_by_their_chance_estimate_what_showing_another_item_would_bring() -> None:
    """Inverse propensity scoring of the first slot, with known rewards."""
    scores, reward = np.array([1.0, 0.5, 0.2]), np.array([0.1, 0.9, 0.4])
    drawn = [dials.explored(scores, 1, 1.0, seed) for seed in range(8_000)]

    estimates = [
        np.mean([reward[item] / chances[0] * (order[0] == item) for order, chances in drawn])
        for item in range(3)
    ]

    assert estimates == pytest.approx(reward, rel=0.1)


def test_relevance_dealt_by_an_order_ranks_it_first_and_keeps_its_values() -> None:
    relevance = np.array([0.9, 0.1, 0.5, 1.0, 0.3])

    dealt = dials.arranged(np.array([2, 1]), relevance)

    assert dials.best(dealt, 5).tolist() == [2, 1, 3, 0, 4]
    assert sorted(dealt) == sorted(relevance)
