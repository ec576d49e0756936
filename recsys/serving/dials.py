"""What a request turns: little known or known, dear or cheap, rich or thin margin, sure or curious.

    C candidates   k shown

Relevance and each trait lie in [0, 1]; a dial is the weight of its trait beside relevance, so at 1
the two count the same. The k best of `relevance + dial * trait` never lose trait as the dial goes
up: such sums are lines in the dial, and where two lines cross, the steeper one enters. Hence every
order statistic of the slate's trait, and the mean of anything that rises with it (such as the price
in money), only ever goes up. To keep rounding from breaking that, the terms are laid on a grid so
fine that it does not matter and so coarse that float64 adds them exactly: keep the sum in float64
until it is sorted, and break ties by position (`best`).

Exploration is the same argument with luck as the trait: perturbing scores by Gumbel noise and
sorting draws from the Plackett-Luce model (Yellott 1977; Kool et al., ICML 2019), and for each
seed the slate's relevance never rises with the temperature.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from recsys.serving import kernels
from recsys.types import Dials

Floats = NDArray[np.float64]
Order = NDArray[np.int64]
# "popularity", "price" or "margin" -> (C,), NaN where unknown; asked only of dials that are turned.
Traits = Callable[[str], NDArray[np.floating]]

_FINE = 2.0**24  # steps of relevance in a span; a trait has as many
_WEIGHTS = 2.0**12  # steps of a dial from 0 to 1
_WARMEST = 0.5  # the temperature, in spans of relevance, of exploration 1
_LEAST_EXPLORATION = 1e-4
_UNSIGNED = 2**64 - 1


def relevance(scores: NDArray[np.floating]) -> Floats:
    """Finite scores (C,) -> [0, 1], best 1 and worst 0, in the same order; all 1 where all are equal."""
    exact = np.asarray(scores, np.float64)
    if not len(exact):
        return exact
    least = exact.min()
    span = exact.max() - least
    return np.asarray((exact - least) / span) if span > 0 else np.ones(len(exact))


def percentiles(values: NDArray[np.floating]) -> Floats:
    """The share of the other values that lie below, ties counted half; NaN is in the middle."""
    shares = np.empty(len(values))
    kernels.percentiles(np.ascontiguousarray(values, np.float64), _FINE, shares)
    return shares


def turned(relevance: NDArray[np.floating], traits: Traits, dials: Dials) -> Floats:
    """Relevance (C,) plus what the turned dials add; untouched where all are 0.

    Novelty counts against popularity. The result leaves [0, 1]: only its order means something.
    """
    total = np.asarray(relevance, np.float64)
    turns = [
        (name, weight)
        for name, weight in (
            ("popularity", -dials.novelty),
            ("price", dials.price),
            ("margin", dials.margin),
        )
        if weight
    ]
    if turns:
        total = _on_grid(total, _FINE)
    for name, weight in turns:
        total = total + round(weight * _WEIGHTS) / _WEIGHTS * percentiles(traits(name))
    return total


def best(scores: NDArray[np.floating], k: int) -> Order:
    """The positions of the k highest, best first; equal scores go to the earlier position."""
    return np.asarray((-scores).argsort(kind="stable")[:k])


def explored(
    scores: NDArray[np.floating], k: int, exploration: float, seed: int
) -> tuple[Order, Floats]:
    """Draw k of the candidates, likelier the better they are; 0 takes the best, 1 nearly any.

    `scores` (C,) are finite and in spans of relevance.

    Returns:
        The positions (k,) in order and, for each, the exact probability that it was drawn at its
        slot given the slots above it: what sequential inverse propensity scoring asks for
        (McInerney et al., KDD 2020). Their product is the probability of the whole ordered slate;
        the first is also the marginal one.
    """
    if exploration < _LEAST_EXPLORATION:
        order = best(scores, k)
        return order, np.ones(len(order))
    draw = np.random.default_rng(seed & _UNSIGNED)
    luck = exploration * _WARMEST * draw.gumbel(size=len(scores))
    order = best(scores + luck, k)
    return order, chances(scores, order, exploration)


def chances(scores: NDArray[np.floating], order: Order, exploration: float) -> Floats:
    """How likely `explored` is to draw each position of `order` (k,) at its slot, given those above.

    Of any order: so another policy, with other scores, can be asked about a slate that was shown.
    """
    left = np.ones(len(scores), np.bool_)
    left[order] = False
    exact = np.asarray(scores, np.float64)
    if exploration < _LEAST_EXPLORATION:
        # Sure where nothing that is left comes before it, and never drawn elsewhere.
        rank = np.empty(len(exact), np.int64)
        rank[best(exact, len(exact))] = np.arange(len(exact))
        behind = np.append(rank[order], rank[left].min(initial=len(exact)))[::-1]
        return np.asarray(rank[order] == np.minimum.accumulate(behind)[:0:-1], np.float64)
    logits = exact / (exploration * _WARMEST)
    drawn = logits[order]
    start = np.logaddexp.reduce(logits[left]) if left.any() else -np.inf
    remaining = np.logaddexp.accumulate(np.append(drawn, start)[::-1])[:0:-1]
    return np.asarray(np.exp(drawn - remaining))


def chances_among(
    scores: NDArray[np.floating], order: Order, possible: NDArray[np.bool_], exploration: float
) -> Floats:
    """As `chances`, where only those of `possible` (k, C) can follow the slots above."""
    if exploration < _LEAST_EXPLORATION:
        return np.ones(len(order))
    logits = np.asarray(scores, np.float64) / (exploration * _WARMEST)
    among = np.logaddexp.reduce(np.where(possible, logits, -np.inf), axis=1)
    return np.asarray(np.exp(logits[order] - among))


def arranged(order: Order, relevance: NDArray[np.floating]) -> Floats:
    """Relevance (C,) dealt out anew: highest to the items of `order`, then to the rest by their own.

    So that what comes after (rules, exploration) respects a slate without being bound to it.
    """
    rest = np.ones(len(relevance), np.bool_)
    rest[order] = False
    ranked = best(relevance, len(relevance))
    dealt = np.empty(len(relevance))
    dealt[np.concatenate([order, ranked[rest[ranked]]])] = relevance[ranked]
    return dealt


def _on_grid(values: NDArray[np.floating], steps: float) -> Floats:
    return np.asarray(np.rint(np.asarray(values, np.float64) * steps) / steps)
