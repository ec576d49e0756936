import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recsys.serving import dials, diversity

THOROUGH = settings(max_examples=150, deadline=None, derandomize=True, database=None)
coarse = st.integers(-2, 2).map(float)
shops = st.tuples(st.integers(1, 40), st.integers(1, 6)).flatmap(
    lambda shape: st.tuples(
        arrays.arrays(np.float64, shape[0], elements=st.one_of(coarse, st.floats(-10, 10))),
        arrays.arrays(np.float32, shape, elements=st.one_of(coarse, st.floats(-9, 9, width=16))),
    )
)
Shop = tuple[np.ndarray, np.ndarray]


def likeness(slate: np.ndarray, vectors: np.ndarray) -> float:
    """Mean cosine of the slate's pairs, in double precision."""
    rows = vectors[slate].astype(np.float64)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = unit @ unit.T
    n = len(slate)
    return float((cosines.sum() - np.trace(cosines)) / (n * (n - 1)))


def themed(seed: int, *, n: int = 200, d: int = 64, themes: int = 8) -> Shop:
    """Items of a few themes, one of which holds most of the best."""
    draw = np.random.default_rng(seed)
    theme = draw.integers(themes, size=n)
    vectors = draw.normal(size=(themes, d))[theme] + 0.4 * draw.normal(size=(n, d))
    scores = 4 * (theme == 0) + draw.gumbel(size=n)
    return scores, vectors.astype(np.float32)


@THOROUGH
@given(shop=shops, k=st.integers(1, 50), seed=st.integers(0, 99))
def test_no_diversity_is_the_best_in_order(shop: Shop, k: int, seed: int) -> None:
    scores, vectors = shop

    slate = diversity.diversified(scores, vectors, k, (seed % 100) / 1_000)  # below a tenth

    assert slate.tolist() == dials.best(scores, k).tolist()


@THOROUGH
@given(shop=shops, k=st.integers(1, 50), share=st.floats(0, 1))
def test_a_slate_is_distinct_full_and_led_by_the_best(shop: Shop, k: int, share: float) -> None:
    scores, vectors = shop

    slate = diversity.diversified(scores, vectors, k, share).tolist()

    assert len(set(slate)) == min(k, len(scores)) == len(slate)
    assert slate[0] == dials.best(scores, 1)[0]


@THOROUGH
@given(shop=shops, k=st.integers(2, 20))
def test_more_diversity_never_makes_a_slate_more_alike(shop: Shop, k: int) -> None:
    scores, vectors = shop
    vectors = vectors + 10 * (np.abs(vectors).max(axis=1, keepdims=True) == 0)  # none is blank

    alike = [
        likeness(diversity.diversified(scores, vectors, k, share), vectors)
        for share in np.linspace(0, 1, 21)
        if len(scores) > 1
    ]

    assert (np.diff(alike) <= 0).all()


@pytest.mark.parametrize("seed", range(10))
def test_more_diversity_never_makes_a_real_sized_slate_more_alike(seed: int) -> None:
    scores, vectors = themed(seed)

    alike = [
        likeness(diversity.diversified(scores, vectors, 20, share), vectors)
        for share in np.linspace(0, 1, 11)
    ]

    assert (np.diff(alike) <= 0).all()
    assert alike[10] < alike[0] / 2


def test_the_greedy_rule_alone_would_not_be_monotone() -> None:
    """Why slates of all levels are compared: on some shops a higher level is more alike."""
    rises = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        scores, vectors = draw.random(12), draw.normal(size=(12, 3)).astype(np.float32)
        slates = diversity._grown(
            dials.relevance(scores), diversity.similarities(vectors), 4, diversity.LEVELS
        )
        rises += bool((np.diff([likeness(slate, vectors) for slate in slates]) > 1e-5).any())

    assert rises > 20


def test_growth_is_maximal_marginal_relevance() -> None:
    """Each level against the definition, written out."""
    scores, vectors = themed(3, n=30, d=5)
    relevance = dials.relevance(scores)
    order = dials.best(relevance, 30)
    relevance, vectors = relevance[order], vectors[order]
    alike = diversity.similarities(vectors)

    grown = diversity._grown(relevance, alike.copy(), 8, diversity.LEVELS)

    for level, slate in enumerate(grown, start=1):
        share = level / diversity.LEVELS
        by_hand = [0]
        while len(by_hand) < 8:
            worth = (1 - share) * relevance - share * alike[by_hand].max(axis=0)
            worth[by_hand] = -np.inf
            by_hand.append(int(worth.argmax()))
        assert slate.tolist() == by_hand


def test_one_of_each_theme_comes_before_a_second_of_any() -> None:
    vectors = np.repeat(np.eye(4, dtype=np.float32), 3, axis=0)
    scores = np.arange(12, 0, -1.0)

    slate = diversity.diversified(scores, vectors, 4, 1.0)

    assert sorted((slate // 3).tolist()) == [0, 1, 2, 3]


def test_none_comes_from_far_below_the_best() -> None:
    scores, vectors = themed(1)

    slate = diversity.diversified(scores, vectors, 5, 1.0)

    assert set(slate.tolist()) <= set(dials.best(scores, diversity.POOL * 5).tolist())


def test_an_item_without_a_vector_is_as_like_others_as_others_are() -> None:
    vectors = np.array([[1, 0], [0, 0], [1, 1], [0, 1]], np.float32)

    alike = diversity.similarities(vectors)

    usual = np.sqrt(2) / 3
    assert alike[1] == pytest.approx([usual, 1, usual, usual])
    assert alike[0] == pytest.approx([1, usual, np.sqrt(0.5), 0])


def test_without_any_vector_the_best_stay() -> None:
    slate = diversity.diversified(np.arange(9.0), np.zeros((9, 4), np.float32), 3, 1.0)

    assert slate.tolist() == [8, 7, 6]
