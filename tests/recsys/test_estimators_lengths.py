"""Off-policy values of policies whose slates are shorter than those that were shown.

Items 0 and 1 stood first as often as one another, items 2 and 3 second, and whatever was shown was
clicked: so a slate earns its length, and every slate of two was shown equally often.
"""

import numpy as np
import pytest

from recsys.outcomes import estimators
from recsys.outcomes.estimators import Logged, Value

N = 1_600
NOTHING = -2
SHOWN = np.array([(0, 2), (0, 3), (1, 2), (1, 3)] * (N // 4))  # (N, 2)


def values(other: np.ndarray) -> dict[str, Value]:
    """What each estimator says of a policy that shows these (N, 2)."""
    logged = Logged(
        rewards=np.ones((N, 2)), p=np.full((N, 2), 0.5), q=estimators.certain(SHOWN, other)
    )
    return {one.estimator: one for one in estimators.estimates(logged, SHOWN, other)}


def sometimes_short(one_in: int) -> np.ndarray:
    """Items 0 and 2, of every so many slates item 0 alone (N, 2)."""
    other = np.tile([0, 2], (N, 1))
    other[np.arange(N) // 4 % one_in == 0, 1] = NOTHING
    return other


@pytest.mark.parametrize("estimator", ["ips", "snips", "dr"])
@pytest.mark.parametrize(("one_in", "length"), [(1, 1.0), (2, 1.5), (4, 1.75)])
def test_what_is_not_shown_earns_nothing(estimator: str, one_in: int, length: float) -> None:
    assert values(sometimes_short(one_in))[estimator].value == pytest.approx(length)


def test_an_empty_slate_earns_nothing() -> None:
    found = values(np.full((N, 2), NOTHING))

    assert [one.value for one in found.values()] == [0.0, 0.0, 0.0]


def test_short_slates_are_no_lack_of_overlap() -> None:
    assert values(sometimes_short(1))["ips"].diagnostics.warnings == ()


def test_the_mean_weight_is_of_slates_that_both_fill() -> None:
    assert values(sometimes_short(2))["ips"].diagnostics.mean_weight == pytest.approx(1)


def test_snips_knows_its_error_where_lengths_differ_by_chance() -> None:
    """Half of the slates are drawn to be short, so the mean length itself has an error."""
    random, held = np.random.default_rng(3), 0
    for _ in range(300):
        other = np.tile([0, 2], (N, 1))
        other[random.random(N) < 0.5, 1] = NOTHING
        value = values(other)["snips"]
        held += value.low <= 1.5 <= value.high

    assert 0.91 < held / 300 < 0.985
