"""Intervals that hold at every look, however often a report is opened.

A 95 % interval of a textbook holds at one look that was fixed beforehand; who looks every day and
stops at the first that excludes zero is wrong far more than once in twenty. These are asymptotic
confidence sequences: with probability 1 - level they hold the truth at all looks at once
(Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2021, theorem 2.2). Turned round they are the
always-valid p of the mixture sequential test (Johari, Pekelis & Walsh 2017).

With n users in all, sigma the deviation of one user's share in the estimate, and rho set by the
number of users that was planned for (never by the data):

    estimate +- sigma sqrt(2 (n rho^2 + 1) / (n rho)^2 log(sqrt(n rho^2 + 1) / level))

One value a user: slates of one shopper are alike, shoppers are not. Asymptotic means that the
first users count little: below `LEAST_USERS` in an arm nothing is said.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

LEVEL = 0.05
LEAST_USERS = 100  # in each arm, before anything is said
LEAST_SEEN = 10  # users of an arm with anything but zero, before its own variance is believed
PLANNED_USERS = 10_000  # where the interval is narrowest, relative to what is possible
MISMATCH = 0.001  # a p below this says that the assignment is broken, not unlucky
_CONCENTRATION = 200.0  # of the prior over shares that a broken assignment may have

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate, the bounds that hold at every look, and the p that does against zero."""

    value: float
    low: float
    high: float
    p: float

    def scaled(self, factor: float) -> "Interval":
        """The same times a positive number that is known, such as a count of users."""
        return replace(
            self, value=self.value * factor, low=self.low * factor, high=self.high * factor
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One metric in one variant: its value over `n` users and one user's variance in it.

    `seen` counts users whose value is not zero.
    """

    n: int
    value: float
    variance: float
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is fixed before the first look: the level, and the users that were planned for."""

    level: float = LEVEL
    planned: int = PLANNED_USERS


def mean_of(values: Floats) -> Arm:
    """The mean of one number a user (N,)."""
    n = len(values)
    return Arm(
        n=n,
        value=float(values.mean()) if n else 0.0,
        variance=float(values.var(ddof=1)) if n > 1 else 0.0,
        seen=int(np.count_nonzero(values)),
    )


def ratio_of(numerators: Floats, denominators: Floats) -> Arm:
    """The ratio of two sums over users, such as clicks to impressions (N,), (N,).

    By the delta method one user's share in R = sum x / sum m is (x - R m) / mean(m), so that users
    with many impressions count as one user each and not as many independent ones
    (Deng, Knoblich & Lu 2018, "Applying the Delta Method in Metric Analytics").
    """
    n, total = len(numerators), float(denominators.sum())
    if total <= 0:
        return Arm(n=n, value=0.0, variance=0.0, seen=0)
    ratio = float(numerators.sum()) / total
    shares = (numerators - ratio * denominators) * (n / total)
    return Arm(
        n=n,
        value=ratio,
        variance=float(np.dot(shares, shares)) / (n - 1) if n > 1 else 0.0,
        seen=int(np.count_nonzero(numerators)),
    )


def alone(arm: Arm, look: Look = Look()) -> Interval | None:
    """The interval of one variant's own value; None while there is too little to say."""
    if arm.n < LEAST_USERS or arm.seen < LEAST_SEEN:
        return None
    return _interval(arm.value, math.sqrt(arm.variance), arm.n, look)


def difference(arm: Arm, base: Arm, look: Look = Look()) -> Interval | None:
    """How far `arm` lies above `base`; None while there is too little to say.

    With shares n_a / n and n_b / n of the users, one user's variance in the difference of means is
    n (s_a^2 / n_a + s_b^2 / n_b): the efficient influence function of a randomised comparison.
    """
    if not _speaks(arm, base):
        return None
    n = arm.n + base.n
    of_arm, of_base = _variances(arm, base)
    sigma = math.sqrt(n * (of_arm / arm.n + of_base / base.n))
    return _interval(arm.value - base.value, sigma, n, look)


def lift(arm: Arm, base: Arm, look: Look = Look()) -> Interval | None:
    """How far `arm` lies above `base` as a share of `base`, by the delta method on the quotient.

    None while there is too little to say, or while the base itself may be zero: a share of
    nothing has no bounds.
    """
    own = alone(base, look)
    if own is None or own.low <= 0 or not _speaks(arm, base):
        return None
    n = arm.n + base.n
    of_arm, of_base = _variances(arm, base)
    quotient = arm.value / base.value
    variance = (of_arm / arm.n + quotient**2 * of_base / base.n) / base.value**2
    return _interval(quotient - 1, math.sqrt(n * variance), n, look)


def adjusted(values: Floats, before: Floats) -> Floats:
    """Each user's value less what the user's own past foretold of it (N,), (N,) -> (N,).

    CUPED (Deng, Xu, Kohavi & Walker 2013): y - theta (x - mean x), theta = cov(x, y) / var(x). Of
    all variants together, so that every arm moves alike and no difference is made by it.
    """
    centred = before - before.mean() if len(before) else before
    spread = float(np.dot(centred, centred))
    if spread <= 0:
        return values
    theta = float(np.dot(centred, values - values.mean())) / spread
    return values - theta * centred


def mismatch(counts: Sequence[int], weights: Sequence[float]) -> float:
    """The p of a sample-ratio mismatch that holds at every look; below `MISMATCH` trust nothing.

    A Dirichlet mixture over the shares that users may come in, against the shares that were meant
    (Lindon & Malek 2022, "Anytime-Valid Inference For Multinomial Count Data"): with a = c w,

        p = prod w_j^n_j  B(a) / B(a + n)
    """
    n, w = np.asarray(counts, np.float64), np.asarray(weights, np.float64)
    if n.shape != w.shape or (n < 0).any() or (w < 0).any() or w.sum() <= 0:
        raise ValueError("counts and weights must be of the same variants, and not negative")
    w = w / w.sum()
    if (n[w == 0] > 0).any():
        return 0.0  # users where nobody can have been sent
    n, w = n[w > 0], w[w > 0]
    prior = _CONCENTRATION * w
    log_p = float(np.dot(n, np.log(w))) + _log_beta(prior) - _log_beta(prior + n)
    return float(min(1.0, math.exp(min(log_p, 0.0))))


def _log_beta(a: Floats) -> float:
    return float(special.gammaln(a).sum() - special.gammaln(a.sum()))


def _speaks(arm: Arm, base: Arm) -> bool:
    return min(arm.n, base.n) >= LEAST_USERS and max(arm.seen, base.seen) >= LEAST_SEEN


def _variances(arm: Arm, base: Arm) -> tuple[float, float]:
    """An arm in which nobody bought has no variance, which is no certainty: it takes the other's."""
    most = max(arm.variance, base.variance)
    return (
        most if arm.seen < LEAST_SEEN else arm.variance,
        most if base.seen < LEAST_SEEN else base.variance,
    )


def _interval(value: float, sigma: float, n: int, look: Look) -> Interval:
    inflated = n * _rho_squared(look) + 1  # n rho^2 + 1
    reach = sigma * math.sqrt(
        2 * inflated / (n * (inflated - 1)) * math.log(math.sqrt(inflated) / look.level)
    )
    return Interval(
        value=value, low=value - reach, high=value + reach, p=_p(value, sigma, n, inflated)
    )


def _p(value: float, sigma: float, n: int, inflated: float) -> float:
    """The level at which the interval just touches zero."""
    if sigma <= 0:
        return 1.0 if value == 0 else 0.0
    exponent = n * (inflated - 1) * (value / sigma) ** 2 / (2 * inflated)
    return min(1.0, math.exp(min(0.5 * math.log(inflated) - exponent, 0.0)))


def _rho_squared(look: Look) -> float:
    """Narrowest at `planned` users (Waudby-Smith et al. 2021, section 2.3, in closed form)."""
    twice = -2 * math.log(look.level)
    return (twice + math.log(twice + 1)) / look.planned
