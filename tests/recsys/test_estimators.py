"""Off-policy values where the truth is known: two rankers, four items, every slate of two computed.

The shop: item i is clicked with chance LIKED[i], halved in the second place; in the cascade also
halved again under an item that satisfied (item 0). Rankers draw slates by Plackett-Luce.
"""

from itertools import permutations

import numpy as np
import pytest

from recsys.outcomes import estimators
from recsys.outcomes.estimators import Logged, Structure, Value

LIKED = np.array([0.5, 0.3, 0.2, 0.05])
PLACES = np.array([1.0, 0.5])
SLATES = np.array(list(permutations(range(4), 2)))  # (12, 2)
LOGGING = np.array([0.4, 0.3, 0.2, 0.1])
OTHER = np.array([0.1, 0.2, 0.3, 0.4])
N = 4_000


def chances(strengths: np.ndarray) -> np.ndarray:
    """(12,) how likely Plackett-Luce draws each slate."""
    first, second = SLATES.T
    return strengths[first] * strengths[second] / (1 - strengths[first])


def conditional(strengths: np.ndarray) -> np.ndarray:
    """(12, 2) how likely each item is at its place, given what stands above."""
    first, second = SLATES.T
    return np.stack([strengths[first], strengths[second] / (1 - strengths[first])], axis=1)


def marginal(strengths: np.ndarray) -> np.ndarray:
    """(12, 2) how likely each item is at its place."""
    drawn = chances(strengths)
    at = [[drawn[SLATES[:, k] == item].sum() for item in range(4)] for k in range(2)]
    return np.stack([np.array(at[k])[SLATES[:, k]] for k in range(2)], axis=1)


def clicked(*, cascade: bool) -> np.ndarray:
    """(12, 2) the true chance of a click."""
    rate = LIKED[SLATES] * PLACES
    if cascade:
        rate[SLATES[:, 0] == 0, 1] /= 2
    return rate


def truth(strengths: np.ndarray, *, cascade: bool) -> float:
    return float(chances(strengths) @ clicked(cascade=cascade).sum(axis=1))


def logged(
    seed: int,
    *,
    cascade: bool = False,
    n: int = N,
    by: np.ndarray = LOGGING,
    other: np.ndarray = OTHER,
) -> tuple[Logged, np.ndarray]:
    random = np.random.default_rng(seed)
    rows = random.choice(len(SLATES), n, p=chances(by))
    rewards = (random.random((n, 2)) < clicked(cascade=cascade)[rows]).astype(float)
    of = conditional if cascade else marginal
    return Logged(rewards=rewards, p=of(by)[rows], q=of(other)[rows]), rows


def structure(*, cascade: bool) -> Structure:
    return Structure.CASCADE if cascade else Structure.INDEPENDENT


def robust(
    found: Logged,
    rows: np.ndarray,
    *,
    cascade: bool,
    wrong: float = 1.0,
    other: np.ndarray = OTHER,
) -> Value:
    """Doubly robust, with the true model of clicks times `wrong`."""
    rate = clicked(cascade=cascade) * wrong
    p = chances(other)
    expected = np.empty_like(rate)
    expected[:, 0] = [p @ rate[:, 0]] * len(SLATES)
    for row, (first, _) in enumerate(SLATES):
        same = SLATES[:, 0] == first
        given_first = p[same] @ rate[same, 1] / p[same].sum()
        expected[row, 1] = given_first if cascade else p @ rate[:, 1]
    kind = structure(cascade=cascade)
    return estimators.doubly_robust(found, kind, predicted=rate[rows], expected=expected[rows])


@pytest.mark.parametrize("cascade", [False, True])
@pytest.mark.parametrize("estimator", ["ips", "snips", "dr", "dr with a wrong model"])
def test_the_mean_of_many_estimates_is_the_truth(estimator: str, *, cascade: bool) -> None:
    wanted = truth(OTHER, cascade=cascade)
    values = []
    for seed in range(200):
        found, rows = logged(seed, cascade=cascade)
        made = {
            "ips": lambda f=found: estimators.ips(f, structure(cascade=cascade)),
            "snips": lambda f=found: estimators.snips(f, structure(cascade=cascade)),
            "dr": lambda f=found, r=rows: robust(f, r, cascade=cascade),
            "dr with a wrong model": lambda f=found, r=rows: robust(
                f, r, cascade=cascade, wrong=0.4
            ),
        }
        values.append(made[estimator]().value)

    error = np.std(values) / np.sqrt(len(values))
    bias = 0.002 if estimator == "snips" else 0.0  # of the order of 1 / N
    assert abs(np.mean(values) - wanted) < 4 * error + bias
    assert abs(truth(LOGGING, cascade=cascade) - wanted) > 0.1  # the policies do differ


@pytest.mark.parametrize("cascade", [False, True])
def test_the_interval_holds_the_truth_as_often_as_it_says(*, cascade: bool) -> None:
    wanted = truth(OTHER, cascade=cascade)
    held = {"ips": 0, "snips": 0, "dr": 0}
    for seed in range(300):
        found, rows = logged(seed, cascade=cascade)
        kind = structure(cascade=cascade)
        for value in (
            estimators.ips(found, kind),
            estimators.snips(found, kind),
            robust(found, rows, cascade=cascade),
        ):
            held[value.estimator] += value.low <= wanted <= value.high

    for n in held.values():
        assert 0.91 < n / 300 < 0.985


@pytest.mark.parametrize("cascade", [False, True])
def test_doubly_robust_is_sharper_than_ips(*, cascade: bool) -> None:
    better = logged(1, cascade=cascade, by=OTHER, other=LOGGING)  # what is liked was rarely shown

    plain = estimators.ips(better[0], structure(cascade=cascade))

    assert robust(*better, cascade=cascade, other=LOGGING).se < 0.9 * plain.se


def test_to_weigh_whole_slates_is_right_and_wide() -> None:
    found, rows = logged(2, cascade=True)

    whole = estimators.ips(found, Structure.WHOLE)
    cascade = estimators.ips(found, Structure.CASCADE)

    assert whole.low < truth(OTHER, cascade=True) < whole.high
    assert whole.se > cascade.se
    assert len(rows) == whole.diagnostics.slates


def test_independence_assumed_where_there_is_a_cascade_is_wrong() -> None:
    random = np.random.default_rng(3)
    rows = random.choice(len(SLATES), 200_000, p=chances(LOGGING))
    rewards = clicked(cascade=True)[rows]
    found = Logged(rewards=rewards, p=marginal(LOGGING)[rows], q=marginal(OTHER)[rows])

    value = estimators.ips(found, Structure.INDEPENDENT)

    assert not value.low <= truth(OTHER, cascade=True) <= value.high


def test_the_logged_policy_itself_is_its_own_mean() -> None:
    found, _ = logged(4)
    same = Logged(rewards=found.rewards, p=found.p, q=found.p)
    mean = found.rewards.sum(axis=1).mean()

    for kind in Structure:
        for estimator in (estimators.ips, estimators.snips):
            value = estimator(same, kind)
            assert value.value == pytest.approx(mean)
            assert value.diagnostics.warnings == ()
            assert value.diagnostics.effective == pytest.approx(N)
            assert value.diagnostics.mean_weight == pytest.approx(1)


def test_a_policy_that_was_never_seen_is_warned_of() -> None:
    found, rows = logged(5)
    never = np.where(SLATES[rows] == 3, 0.0, found.p)  # the other one shows item 3 alone
    value = estimators.ips(Logged(rewards=found.rewards, p=found.p, q=never), Structure.INDEPENDENT)

    assert "poor_overlap" in value.diagnostics.warnings
    assert value.diagnostics.mean_weight < 0.95


def test_a_single_heavy_slate_is_warned_of() -> None:
    p, q = np.full((500, 1), 0.9), np.full((500, 1), 0.5)
    p[0], q[0] = 0.001, 0.9
    found = Logged(rewards=np.ones((500, 1)), p=p, q=q)

    plain = estimators.ips(found, Structure.INDEPENDENT)
    cut = estimators.ips(found, Structure.INDEPENDENT, clip=10.0)

    assert {"heavy_weight", "few_effective"} <= set(plain.diagnostics.warnings)
    assert plain.diagnostics.max_weight == pytest.approx(900)
    assert plain.diagnostics.effective < 3
    assert cut.diagnostics.clipped == pytest.approx(1 / 500)
    assert cut.se < plain.se / 10


def test_snips_stays_within_the_rewards() -> None:
    p, q = np.full((50, 1), 0.05), np.full((50, 1), 1.0)
    found = Logged(rewards=np.ones((50, 1)), p=p, q=q)

    assert estimators.ips(found, Structure.INDEPENDENT).value == pytest.approx(20)
    assert estimators.snips(found, Structure.INDEPENDENT).value == pytest.approx(1)


def test_slates_of_one_user_count_as_one() -> None:
    found, _ = logged(6, n=300)
    copied = Logged(
        rewards=np.repeat(found.rewards, 10, axis=0),
        p=np.repeat(found.p, 10, axis=0),
        q=np.repeat(found.q, 10, axis=0),
        clusters=np.repeat(np.arange(300), 10),
    )

    once = estimators.ips(found, Structure.INDEPENDENT)
    ten = estimators.ips(copied, Structure.INDEPENDENT)

    assert ten.value == pytest.approx(once.value)
    assert ten.se == pytest.approx(once.se)


def test_short_slates_leave_the_rest_of_the_row_out() -> None:
    rewards = np.array([[1.0, 0.0], [0.0, 1.0]] * 200)
    p = np.array([[0.5, 0.0], [0.5, 0.25]] * 200)
    q = np.array([[0.25, 0.9], [0.5, 0.25]] * 200)

    for kind in (Structure.INDEPENDENT, Structure.CASCADE):
        value = estimators.ips(Logged(rewards=rewards, p=p, q=q), kind)
        assert value.value == pytest.approx((0.5 + 1) / 2)


def test_the_plain_model_knows_groups_and_draws_rare_ones_to_the_middle() -> None:
    groups = np.array([[0], [0], [1]] * 100)
    rewards = np.array([[1.0], [1.0], [0.0]] * 100)
    predict = estimators.foretold(rewards, groups, np.ones((300, 1), bool), prior=20)

    found = predict(np.array([[0], [1], [9], [-1]]))

    assert found[0, 0] == pytest.approx((200 + 20 * 2 / 3) / 220)
    assert found[1, 0] == pytest.approx((20 * 2 / 3) / 120)
    assert found[2, 0] == found[3, 0] == pytest.approx(2 / 3)


def test_a_policy_without_chance_is_valued_by_all_three() -> None:
    best = np.array([0, 1])  # what the other one always shows
    wanted = clicked(cascade=True)[(best == SLATES).all(axis=1)].sum()
    held = {"ips": 0, "snips": 0, "dr": 0}
    for seed in range(100):
        found, rows = logged(seed, cascade=True)
        shown, other = SLATES[rows], np.broadcast_to(best, (N, 2))
        q = estimators.certain(shown, other)
        for value in estimators.estimates(
            Logged(rewards=found.rewards, p=found.p, q=q), shown, other
        ):
            held[value.estimator] += value.low <= wanted <= value.high

    assert min(held.values()) >= 88  # 95 expected, 3 standard errors


def test_without_chance_is_certain_until_the_first_difference() -> None:
    shown, other = np.array([[1, 2, 3], [2, 1, 3]]), np.array([[1, 9, 3], [2, 1, 3]])

    assert estimators.certain(shown, other).tolist() == [[1, 0, 0], [1, 1, 1]]


@pytest.mark.parametrize(
    ("rewards", "p", "q"),
    [
        ([[1.0]], [[0.0]], [[1.0]]),
        ([[1.0]], [[1.5]], [[1.0]]),
        ([[1.0]], [[0.5]], [[-0.1]]),
        ([[float("nan")]], [[0.5]], [[0.5]]),
        ([[1.0]], [[float("nan")]], [[0.5]]),
        ([[1.0, 0.0]], [[0.5]], [[0.5]]),
        ([1.0], [0.5], [0.5]),
    ],
)
def test_what_makes_no_sense_is_refused(rewards: list, p: list, q: list) -> None:
    found = Logged(rewards=np.array(rewards), p=np.array(p), q=np.array(q))

    with pytest.raises(ValueError, match=r"rewards|propensity|alike"):
        estimators.ips(found, Structure.INDEPENDENT)


def test_tiny_propensities_end_in_a_warning_not_in_infinity() -> None:
    p, q = np.full((10, 40), 1e-300), np.ones((10, 40))

    value = estimators.ips(Logged(rewards=np.ones((10, 40)), p=p, q=q), Structure.CASCADE)

    assert np.isfinite(value.value)
    assert "poor_overlap" in value.diagnostics.warnings


def test_no_slate_at_all_has_no_value_to_believe() -> None:
    nothing = np.zeros((0, 3))

    value = estimators.snips(Logged(rewards=nothing, p=nothing, q=nothing), Structure.CASCADE)

    assert value.value == 0
    assert value.se == float("inf")
