import numpy as np
import pytest
from scipy import sparse

from recsys.learning.examining import comparison
from recsys.learning.examining.comparison import Verdict, judge, pair
from recsys.learning.examining.evaluation import Examination
from recsys.learning.examining.segments import Measured, Segment


def _examined(values: np.ndarray) -> Examination:
    nobody = np.zeros((len(values), 0), np.int64)
    return Examination(
        shoppers=np.arange(len(values)), ranked=nobody, values={"ndcg@20": values}, figures={}
    )


def _measured(name: str, values: np.ndarray) -> Measured:
    targets = sparse.csr_array((len(values), 1))
    segment = Segment(family="knows", name=name, shoppers=np.arange(len(values)), targets=targets)
    return Measured(segment=segment, values={"ndcg@20": values}, figures={})


def _judged(mine: np.ndarray, theirs: np.ndarray, ratio: float = 0.98, **parts) -> Verdict:
    segments = (
        [_measured(name, ours) for name, (ours, _) in parts.items()],
        [_measured(name, live) for name, (_, live) in parts.items()],
    )
    return judge(_examined(mine), _examined(theirs), ratio=ratio, segments=segments)


@pytest.fixture
def live() -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 0.5, 400)


def test_the_error_of_a_difference_is_that_of_its_pairs(live: np.ndarray) -> None:
    noise = np.tile([0.01, 0.03], 200)

    found = pair(live + noise, live)

    assert found.difference == pytest.approx(0.02)
    assert found.se == pytest.approx(0.01 / np.sqrt(399))
    assert found.low == pytest.approx(0.02 - 1.9659 * found.se, abs=1e-6)  # t, 399 degrees


def test_shoppers_of_whom_one_of_the_two_says_nothing_are_left_out() -> None:
    found = pair(np.array([0.5, np.nan, 0.1]), np.array([0.4, 0.9, np.nan]))

    assert (found.n, found.difference) == (1, pytest.approx(0.1))
    assert found.low == found.high == found.difference  # one shopper has no error bar


def test_nobody_makes_a_difference_of_nothing() -> None:
    found = pair(np.zeros(0), np.zeros(0))

    assert (found.n, found.difference, found.se) == (0, 0.0, 0.0)


def test_other_shoppers_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        pair(np.zeros(3), np.zeros(4))


def test_p_is_that_of_the_one_sided_t_test() -> None:
    mine, bar = np.array([1.0, 2.0, 3.0, 2.0]), np.array([2.0, 2.0, 4.0, 4.0])

    # differences -1, 0, -1, -2: t = -1 / (.8165 / 2) = -2.4495 with 3 degrees of freedom
    assert comparison.worse(mine, bar) == pytest.approx(0.04586, abs=1e-5)
    assert comparison.worse(bar, mine) == pytest.approx(1 - 0.04586, abs=1e-5)


def test_equal_numbers_are_never_worse(live: np.ndarray) -> None:
    assert comparison.worse(live, live) == 1.0
    assert comparison.worse(live - 0.1, live) < 1e-9


def test_an_equal_candidate_passes(live: np.ndarray) -> None:
    verdict = _judged(live, live, everyone=(live, live))

    assert verdict.passed
    assert "none of 1 segments" in verdict.sentence


def test_chance_alone_refuses_few_equal_candidates(live: np.ndarray) -> None:
    draw = np.random.default_rng(5)
    noisy = [live + draw.normal(0, 0.2, len(live)) for _ in range(200)]

    refused = sum(not _judged(mine, live, ratio=1.0).passed for mine in noisy)

    assert refused <= 20  # 5 % of 200 is 10


def test_a_clearly_worse_candidate_is_refused(live: np.ndarray) -> None:
    verdict = _judged(0.9 * live, live)

    assert not verdict.passed
    assert verdict.refused_by == ("everybody",)
    assert "below 0.98" in verdict.sentence


def test_a_loss_within_the_ratio_passes(live: np.ndarray) -> None:
    assert _judged(0.985 * live, live).passed
    assert not _judged(0.985 * live, live, ratio=1.0).passed


def test_a_ratio_of_nothing_lets_everything_through(live: np.ndarray) -> None:
    assert _judged(0 * live, live, ratio=0.0, everyone=(0 * live, live)).passed


def test_with_few_shoppers_the_means_decide(live: np.ndarray) -> None:
    few = live[:10]
    unsure = few + np.tile([-0.3, 0.28], 5)  # -.01 in the mean, and far from significant

    assert comparison.worse(unsure, 0.98 * few) > 0.05
    assert not _judged(unsure, few).passed


def test_better_overall_but_broken_for_newcomers_is_refused_by_name(live: np.ndarray) -> None:
    verdict = _judged(
        live + 0.05,
        live,
        **{
            "told only the newest item": (0.4 * live, live),
            "told only the newest 5 items": (live + 0.02, live),
        },
    )

    assert not verdict.passed
    assert verdict.refused_by == ("told only the newest item",)
    assert "told only the newest item 0.09" in verdict.sentence


def test_a_small_segment_has_no_say(live: np.ndarray) -> None:
    verdict = _judged(live, live, handful=(0.1 * live[:40], live[:40]))

    assert verdict.passed
    assert verdict.tested == 0


def test_a_loss_that_nobody_would_feel_has_no_say(live: np.ndarray) -> None:
    faint = live / 100  # .0025 on average, all of it lost

    assert _judged(live, live, tail=(0 * faint, faint)).passed


def test_among_many_equal_segments_chance_refuses_few_candidates(live: np.ndarray) -> None:
    draw = np.random.default_rng(8)
    at_the_bar = 0.88 * live  # the worst that is still allowed: where chance hits hardest

    def chance(_: int) -> bool:
        parts = {f"s{n}": (at_the_bar + draw.normal(0, 0.15, len(live)), live) for n in range(20)}
        return _judged(live, live, **parts).passed

    assert sum(not chance(n) for n in range(60)) <= 8  # 5 % are 3; without the correction 38
