"""What another way to fill slates would have earned, from the slates that were shown.

    N slates   K positions   r rewards   p logged propensities   q the other policy's   w weights

Everything rests on propensities: how likely the logged policy was to show at a position what it
showed, and how likely the other would have been. Where the logged one never showed what the other
would, no formula helps; `Diagnostics` says so. How far positions influence one another is an
assumption, and the caller's:

- `INDEPENDENT`: a reward depends on the item and its position alone. p and q are the chances that
  the item stands at the position; w_k = q_k / p_k (Li, Abbasi-Yadkori, Kveton, Muthukrishnan,
  Vinay & Wen 2018, the item-position model).
- `CASCADE`: shoppers read from the top, and a reward depends on what stands above as well. p and q
  are given what stands above; w_k = prod_{j <= k} q_j / p_j (McInerney, Brost, Chandar, Mehrotra
  & Carterette 2020, "reward interaction").
- `WHOLE`: a reward depends on the whole slate; w_k = prod_j q_j / p_j. Right without assumption,
  and useless beyond a few positions.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

LEVEL = 0.05
FEW_EFFECTIVE = 100.0  # slates
HEAVY = 0.05  # of all weight, on one slate
MUCH_CLIPPED = 0.01  # of all weights
OVERLAP = 0.1  # how far the mean weight may lie from 1
_SEED = 98765  # of the two halves: the same values at every call
_LARGEST = 1e15  # no weight is above: its square is still a number


class Structure(StrEnum):
    INDEPENDENT = "independent"
    CASCADE = "cascade"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """Slates as they were shown, (N, K) each; `p` is 0 where a slate is shorter than K.

    `fills` says where the other policy shows anything, which else is everywhere: beyond its own
    slate nothing is earned, and no weight is missed.
    """

    rewards: Floats
    p: Floats
    q: Floats
    fills: NDArray[np.bool_] | None = None
    clusters: NDArray[np.int64] | None = None  # (N,) whose slate: those of one user go together


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics:
    """Whether the answer can be believed. All of the position where it looks worst."""

    slates: int
    effective: float  # sample size: (sum w)^2 / sum w^2
    heaviest: float  # the largest weight's share of all
    max_weight: float  # before clipping
    mean_weight: float  # 1 where the logged policy covers the other one
    clipped: float  # share of weights that were cut
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """Reward a slate, with the bounds of an ordinary 95 % interval: for one look."""

    estimator: str
    value: float
    se: float
    low: float
    high: float
    diagnostics: Diagnostics


def ips(logged: Logged, structure: Structure, *, clip: float = np.inf) -> Value:
    """Inverse propensity scoring (Horvitz & Thompson 1952): 1/N sum_i sum_k w_ik r_ik.

    Unbiased where the assumption holds and p > 0 wherever q > 0; clipping trades bias (downwards,
    for rewards above 0) for variance.
    """
    weights, diagnostics = _weighed(logged, structure, clip)
    values = (weights * logged.rewards).sum(axis=1)  # (N,)
    return _value("ips", values, logged, diagnostics)


def snips(logged: Logged, structure: Structure, *, clip: float = np.inf) -> Value:
    """Self-normalised IPS (Swaminathan & Joachims 2015): sum_k n_k/N (sum_i w_ik r_ik / sum_i w_ik).

    n_k slates reach position k, and so do the other policy's. A little biased, never above the
    largest reward, and unmoved by a constant added to all rewards. Its variance is by the delta
    method.
    """
    weights, diagnostics = _weighed(logged, structure, clip)
    n = max(len(weights), 1)
    reached = _reached(logged)
    reach = reached.sum(axis=0) / n  # (K,)
    total = weights.sum(axis=0) / n
    safe = np.where(total > 0, total, 1.0)
    means = (weights * logged.rewards).sum(axis=0) / n / safe
    shares = means * reached + reach / safe * weights * (logged.rewards - means)  # (N, K)
    return _value("snips", shares.sum(axis=1), logged, diagnostics)


def doubly_robust(
    logged: Logged,
    structure: Structure,
    *,
    predicted: Floats,
    expected: Floats,
    clip: float = np.inf,
) -> Value:
    """Doubly robust (Dudik, Langford & Li 2011): 1/N sum_i sum_k v_ik + w_ik (r_ik - u_ik).

    `predicted` u (N, K) is what a model foretells for the item that was shown, `expected` v (N, K)
    what it foretells on average over the items that the other policy would put there. Right
    where either the propensities or the model are, and of lower variance than IPS where the model
    is good. In a cascade v is given what stands above and weighs as much as that:
    w_i,k-1 v_ik + w_ik (r_ik - u_ik) (Kiyohara, Saito, Matsuhiro, Narita, Shimizu & Yamamoto 2022,
    position by position). For `WHOLE` v must be over the other policy's whole slates.
    """
    weights, diagnostics = _weighed(logged, structure, clip)
    above = np.ones_like(weights)
    if structure is Structure.CASCADE:
        above[:, 1:] = weights[:, :-1]
    corrections = weights * (logged.rewards - predicted)
    values = (np.where(_reached(logged), above * expected, 0.0) + corrections).sum(axis=1)
    return _value("dr", values, logged, diagnostics)


def foretold(
    rewards: Floats, groups: NDArray[np.int64], shown: NDArray[np.bool_], *, prior: float = 20.0
) -> Callable[[NDArray[np.int64]], Floats]:
    """A plain reward model for `doubly_robust`: the mean of each group (N, K) at each position.

    A group is whatever foretells a reward, such as an item. Each mean is drawn towards its
    position's by `prior` slates; groups never seen have the position's mean alone. Fit it on
    other slates than those that are judged, else it has seen the answers.
    """
    n_groups, k = int(groups.max(initial=-1)) + 1, rewards.shape[1]
    of_position = rewards.sum(axis=0) / np.maximum(shown.sum(axis=0), 1)  # (K,)
    cells = (groups * k + np.arange(k))[shown]
    counts = np.bincount(cells, minlength=n_groups * k).reshape(n_groups, k)
    sums = np.bincount(cells, weights=rewards[shown], minlength=n_groups * k).reshape(n_groups, k)
    means = (sums + prior * of_position) / (counts + prior)
    table = np.vstack([means, of_position])  # the last row is of everything else

    def predict(asked: NDArray[np.int64]) -> Floats:
        """(N, K) groups -> (N, K) rewards; a negative group is an unknown one."""
        rows = np.where((asked >= 0) & (asked < n_groups), asked, n_groups)
        return np.asarray(table[rows, np.arange(asked.shape[1])], np.float64)

    return predict


def certain(shown: NDArray[np.int64], other: NDArray[np.int64]) -> Floats:
    """The propensities q (N, K) of a policy without chance, given what stands above.

    `shown` and `other` (N, K) are the items that stood there and those that it would put there;
    below 0, and unlike one another, where there is none.
    """
    return np.logical_and.accumulate(shown == other, axis=1).astype(np.float64)


def estimates(
    logged: Logged, shown: NDArray[np.int64], other: NDArray[np.int64], *, clip: float = np.inf
) -> tuple[Value, ...]:
    """All three, in a cascade, of a policy without chance; see `certain`, which gives its q.

    The doubly robust one foretells rewards by item and position, each half of the slates from the
    other half (cross-fitting: Chernozhukov et al. 2018), so that no slate foretells itself.
    """
    kind, logged = Structure.CASCADE, replace(logged, fills=other >= 0)
    predicted, expected = np.zeros_like(logged.p), np.zeros_like(logged.p)
    clusters = np.arange(len(shown)) if logged.clusters is None else logged.clusters
    names, rows = np.unique(clusters, return_inverse=True)
    odd = np.random.default_rng(_SEED).permutation(len(names))[rows] % 2 == 1
    for half in (odd, ~odd):
        predict = foretold(logged.rewards[~half], shown[~half], logged.p[~half] > 0)
        predicted[half], expected[half] = predict(shown[half]), predict(other[half])
    return (
        ips(logged, kind, clip=clip),
        snips(logged, kind, clip=clip),
        doubly_robust(logged, kind, predicted=predicted, expected=expected, clip=clip),
    )


def _weighed(logged: Logged, structure: Structure, clip: float) -> tuple[Floats, Diagnostics]:
    _check(logged)
    shown = logged.p > 0
    with np.errstate(over="ignore"):  # a product of tiny propensities; cut below
        ratios: Floats = np.divide(logged.q, logged.p, out=np.ones_like(logged.p), where=shown)
        if structure is Structure.CASCADE:
            ratios = np.multiply.accumulate(ratios, axis=1)
        elif structure is Structure.WHOLE:
            ratios = np.repeat(ratios.prod(axis=1, keepdims=True), ratios.shape[1], axis=1)
    ratios = np.where(shown, np.minimum(ratios, _LARGEST), 0.0)
    return np.minimum(ratios, clip), _diagnosed(ratios, _reached(logged), clip)


def _reached(logged: Logged) -> NDArray[np.bool_]:
    """(N, K) where something was shown, and the other policy shows something too."""
    shown = logged.p > 0
    return shown if logged.fills is None else shown & logged.fills


def _diagnosed(ratios: Floats, reached: NDArray[np.bool_], clip: float) -> Diagnostics:
    anywhere = reached.any(axis=0)
    used, seen = np.minimum(ratios, clip)[:, anywhere], reached[:, anywhere]
    totals = used.sum(axis=0)
    squares = (used**2).sum(axis=0)
    safe = np.where(totals > 0, totals, 1.0)
    effective = np.where(squares > 0, totals**2 / np.where(squares > 0, squares, 1.0), 0.0)
    heaviest = used.max(axis=0, initial=0.0) / safe
    means = ratios[:, anywhere].sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    worst_mean = float(means[np.abs(means - 1).argmax()]) if means.size else 0.0
    clipped = float((ratios > clip).sum() / max(int(reached.sum()), 1))
    found = {
        "few_effective": bool(effective.min(initial=np.inf) < FEW_EFFECTIVE),
        "heavy_weight": bool(heaviest.max(initial=0.0) > HEAVY),
        "poor_overlap": abs(worst_mean - 1) > OVERLAP,
        "much_clipped": clipped > MUCH_CLIPPED,
    }
    return Diagnostics(
        slates=len(ratios),
        effective=float(effective.min(initial=len(ratios))) if means.size else 0.0,
        heaviest=float(heaviest.max(initial=0.0)),
        max_weight=float(ratios.max(initial=0.0)),
        mean_weight=worst_mean,
        clipped=clipped,
        warnings=tuple(name for name, holds in found.items() if holds),
    )


def _value(name: str, values: Floats, logged: Logged, diagnostics: Diagnostics) -> Value:
    """The mean of one value a slate, with the error of users drawn, not of slates."""
    n = len(values)
    mean = float(values.mean()) if n else 0.0
    left = values - mean
    if logged.clusters is not None:
        _, rows = np.unique(logged.clusters, return_inverse=True)
        left = np.bincount(rows, weights=left).astype(np.float64)
    groups = len(left)
    squares = float(np.dot(left, left)) * groups / max(groups - 1, 1)
    se = float(np.sqrt(squares)) / n if groups > 1 else float("inf")
    reach = float(special.ndtri(1 - LEVEL / 2)) * se
    return Value(
        estimator=name,
        value=mean,
        se=se,
        low=mean - reach,
        high=mean + reach,
        diagnostics=diagnostics,
    )


def _check(logged: Logged) -> None:
    """Refuse what would give a number and no sense."""
    shapes = {logged.rewards.shape, logged.p.shape, logged.q.shape}
    if len(shapes) != 1 or logged.p.ndim != 2:  # noqa: PLR2004 slates by positions
        raise ValueError(f"rewards, p and q must be (N, K) alike, not {shapes}")
    for name, values in (("p", logged.p), ("q", logged.q)):
        if not np.isfinite(values).all() or (values < 0).any() or (values > 1).any():
            raise ValueError(f"{name}: a propensity lies between 0 and 1")
    if not np.isfinite(logged.rewards).all():
        raise ValueError("rewards must be finite")
    if (logged.rewards[logged.p == 0] != 0).any():
        raise ValueError("a reward where nothing can have been shown: its propensity is 0")
