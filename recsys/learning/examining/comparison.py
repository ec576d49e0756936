"""Two models on the same shoppers: differences in pairs, and the gate that rests on them.

Shoppers differ far more from each other than models do, so the difference is taken shopper by
shopper first: on ML-1M that makes a standard error of .002 where each mean alone has .0056.

The gate's rule. A candidate is kept from going live where one of these holds:
 1. Coverage: it shows less of the catalogue than the floor.
 2. Overall: its mean NDCG@20 is below `ratio` of the live model's, and a one-sided paired t-test
    of candidate - ratio * live says so at 5 %. With fewer than 30 shoppers a test can say nothing,
    so there the two means alone decide.
 3. A segment: of those with 50 shoppers or more, in one it is below (ratio - .1) of the live model,
    by more than .005, and the same test says so at 5 % / (number of such segments). Dividing is
    Bonferroni's correction: among many segments one looks bad by chance, and a candidate that is
    good everywhere shall be refused by all of them together at most once in twenty retrains. (To
    ask whether any segment is bad, Holm's sharper procedure gives the same answer.)
A ratio of 0 lets everything through, as it always has.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from recsys.learning.examining.evaluation import Examination
from recsys.learning.examining.segments import Measured

METRIC = "ndcg@20"
_SAID = METRIC.upper()
LEVEL = 0.05
LEAST_SHOPPERS = 30  # below, the means alone decide overall
LEAST_IN_SEGMENT = 50
TOLERANCE = 0.10  # of the live model's figure: what a segment may lose where others gain
SMALL = 0.005  # a loss of less NDCG than this in one segment is nobody's reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """What `mine` is worth beside `theirs` on the same `n` shoppers; low and high bound 95 %."""

    family: str
    name: str
    metric: str
    n: int
    mine: float
    theirs: float
    difference: float
    se: float
    low: float
    high: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    passed: bool
    sentence: str
    tested: int = 0  # segments that were large enough to have a say
    refused_by: tuple[str, ...] = ()


def pair(
    mine: NDArray[np.float64],
    theirs: NDArray[np.float64],
    *,
    family: str = "all",
    name: str = "everybody",
    metric: str = METRIC,
) -> Paired:
    """Compare shopper by shopper; both arrays in the same order. Those with a NaN are left out.

    Raises:
        ValueError: The two do not speak of the same shoppers.
    """
    mine, theirs = _together(mine, theirs)
    n = len(mine)
    mean, se = _mean_and_se(mine - theirs)
    reach = float(special.stdtrit(n - 1, 1 - LEVEL / 2)) * se if n > 1 else 0.0
    return Paired(
        family=family,
        name=name,
        metric=metric,
        n=n,
        mine=float(mine.mean()) if n else 0.0,
        theirs=float(theirs.mean()) if n else 0.0,
        difference=mean,
        se=se,
        low=mean - reach,
        high=mean + reach,
    )


def everybody(
    mine: Examination, theirs: Examination, names: Iterable[str] = (METRIC,)
) -> list[Paired]:
    """The two over all shoppers, one line a metric."""
    return [pair(mine.values[name], theirs.values[name], metric=name) for name in names]


def in_segments(mine: Sequence[Measured], theirs: Sequence[Measured]) -> list[Paired]:
    """The two in each segment; both must have been measured in the same ones."""
    return [
        pair(
            one.values[METRIC],
            other.values[METRIC],
            family=one.segment.family,
            name=one.segment.name,
        )
        for one, other in zip(mine, theirs, strict=True)
    ]


def worse(mine: NDArray[np.float64], bar: NDArray[np.float64]) -> float:
    """One-sided p of a paired t-test: how likely so low a difference is where `mine` reaches `bar`."""
    mine, bar = _together(mine, bar)
    mean, se = _mean_and_se(mine - bar)
    if len(mine) < 2:  # noqa: PLR2004 one shopper proves nothing
        return 1.0
    if se == 0:
        return 0.0 if mean < 0 else 1.0
    return float(special.stdtr(len(mine) - 1, mean / se))


def judge(
    mine: Examination,
    theirs: Examination,
    *,
    ratio: float,
    segments: tuple[Sequence[Measured], Sequence[Measured]] = ((), ()),
) -> Verdict:
    """The module's rules 2 and 3."""
    overall = pair(mine.values[METRIC], theirs.values[METRIC])
    beside = f"{overall.mine:.4f} against the live model's {overall.theirs:.4f}"
    paired = f"{overall.difference:+.4f} ± {overall.se:.4f} in pairs"
    if _falls_short(overall, mine.values[METRIC], theirs.values[METRIC], ratio):
        sentence = f"{_SAID} {beside} ({paired}): below {ratio:g} of it"
        return Verdict(passed=False, sentence=sentence, refused_by=("everybody",))
    large = [
        both for both in zip(*segments, strict=True) if len(both[0].segment) >= LEAST_IN_SEGMENT
    ]
    broken = [
        one for one, other in large if _breaks(one, other, ratio=ratio, level=LEVEL / len(large))
    ]
    if not broken:
        told = f"; none of {len(large)} segments is worse beyond {TOLERANCE:.0%}" if large else ""
        return Verdict(
            passed=True, sentence=f"{_SAID} {beside} ({paired}){told}", tested=len(large)
        )
    worst = [
        found for found in in_segments(*segments) if found.name in {b.segment.name for b in broken}
    ]
    worst.sort(key=lambda found: found.difference)
    named = "; ".join(
        f"{found.name} {found.mine:.4f} against {found.theirs:.4f} ({found.n} shoppers)"
        for found in worst
    )
    return Verdict(
        passed=False,
        sentence=f"{_SAID} {beside}, but worse for some: {named}",
        tested=len(large),
        refused_by=tuple(found.name for found in worst),
    )


def _falls_short(
    overall: Paired, mine: NDArray[np.float64], theirs: NDArray[np.float64], ratio: float
) -> bool:
    if overall.mine >= ratio * overall.theirs:
        return False
    return overall.n < LEAST_SHOPPERS or worse(mine, ratio * theirs) < LEVEL


def _breaks(mine: Measured, theirs: Measured, *, ratio: float, level: float) -> bool:
    ours, live = mine.values[METRIC], theirs.values[METRIC]
    bar = max(ratio - TOLERANCE, 0.0) * live
    lost = float(live.mean() - ours.mean())
    return lost > SMALL and worse(ours, bar) < level


def _together(
    mine: NDArray[np.float64], theirs: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if mine.shape != theirs.shape:
        raise ValueError(f"{len(mine)} shoppers cannot be paired with {len(theirs)}")
    there = ~(np.isnan(mine) | np.isnan(theirs))
    return mine[there], theirs[there]


def _mean_and_se(differences: NDArray[np.float64]) -> tuple[float, float]:
    n = len(differences)
    if n == 0:
        return 0.0, 0.0
    se = float(differences.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
    return float(differences.mean()), se


def as_rows(pairs: Iterable[Paired]) -> list[Mapping[str, Any]]:
    """For a manifest: plain values."""
    return [found.as_dict() for found in pairs]
