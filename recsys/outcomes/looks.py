"""What came of looks that were drawn by chance: counts to draw by, and whether drawing so was worth it.

    T trials: slates whose leading items all wore the look that was drawn

A trial is won where any of those items was clicked. What leads is compared and not the whole slate,
since the first banners of a new look are made for what leads: further down its slates would show
fewer of them than those of an old look.

Chances change with what was seen, so plain rates of two looks are not alike in their errors. Each
slate is therefore weighed by its own chance (Horvitz & Thompson 1952), which keeps every estimate
right whatever the chances followed; intervals count shoppers and hold at every look (`sequential`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from recsys.outcomes import attribution, estimators, sequential
from recsys.outcomes.attribution import CLICK, USUAL, Floats, Ints, Rule
from recsys.outcomes.estimators import Logged, Structure, Value
from recsys.outcomes.reading import Log, Look
from recsys.outcomes.sequential import Interval

LEADING = 3  # items of a slate
_PRIOR = 20.0  # slates that a cell's own mean is drawn towards its look's by
_SEED = 98765  # of the two halves: the same values at every call


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """Columns of trials; users nobody knows are each their own."""

    looks: Ints  # (T,) into names
    won: Floats  # (T,) 0 or 1
    chances: Floats  # (T,)
    users: Ints  # (T,)
    names: tuple[Look, ...]

    def of_size(self, size: str) -> "Trials":
        wanted = np.array([name.size == size for name in self.names], np.bool_)
        return self.where(wanted[self.looks])

    def where(self, keep: Any) -> "Trials":
        return Trials(
            looks=self.looks[keep],
            won=self.won[keep],
            chances=self.chances[keep],
            users=self.users[keep],
            names=self.names,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """One size: what was drawn, against what an even choice would have earned of the same slates.

    Values are clicked slates of all; `gain` and the looks' `value` hold at every look, the
    estimates at one. None where there is too little to say.
    """

    size: str
    slates: int
    shoppers: int
    drawn: float
    even: tuple[Value, ...]
    gain: Interval | None  # of what was drawn over an even choice
    looks: tuple["OneLook", ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneLook:
    """What this look alone would have earned wherever it could be drawn."""

    variant: str
    slates: int
    clicked: int
    value: Interval | None


def trials(log: Log, *, until: float = np.inf, rule: Rule = USUAL) -> Trials:
    """Trials before `until`; later slates of the log only keep deeds that are theirs."""
    answers, deeds = log.answers, log.deeds
    n_slates = len(answers.at)
    credit = attribution.credit(answers.shown(), deeds, rule)
    clicked = credit.counts(deeds.kinds, CLICK, len(answers.slates)) > 0
    leading = clicked & (answers.positions < LEADING)
    won = np.bincount(answers.slates[leading], minlength=n_slates) > 0
    length = np.bincount(answers.slates, minlength=n_slates)
    whole = (length > 0) & (answers.ready >= np.minimum(length, LEADING))
    kept = np.flatnonzero((answers.draws >= 0) & whole & (answers.at < until))
    users = np.where(answers.users[kept] >= 0, answers.users[kept], log.n_users + kept)
    return Trials(
        looks=answers.draws[kept],
        won=won[kept].astype(np.float64),
        chances=answers.chances[kept],
        users=users,
        names=answers.draw_names,
    )


def tallies(found: Trials) -> Mapping[tuple[str, str, str], tuple[int, int]]:
    """Slates, and those that were clicked, by size, persona and look."""
    counted: dict[tuple[str, str, str], tuple[int, int]] = {}
    n = len(found.names)
    shown = np.bincount(found.looks, minlength=n)
    won = np.bincount(found.looks, weights=found.won, minlength=n).astype(np.int64)
    for name, slates, clicks in zip(found.names, shown.tolist(), won.tolist(), strict=True):
        if slates:  # one look may have been drawn among several sets
            before = counted.get(name[:3], (0, 0))
            counted[name[:3]] = (before[0] + slates, before[1] + clicks)
    return counted


def worth(found: Trials) -> list[Worth]:
    """What the draws were worth, by size."""
    used = {found.names[row].size for row in np.unique(found.looks)}
    return [_worth(size, found.of_size(size)) for size in sorted(used)]


def even(found: Trials) -> tuple[Value, ...]:
    """An even choice among what each slate was drawn among: IPS, SNIPS and doubly robust.

    The last foretells clicks by persona and look, each half of the shoppers from the other half.
    """
    names = found.names
    fewer = np.array([1 / len(name.among) for name in names])
    predicted, expected = np.zeros(len(found.won)), np.zeros(len(found.won))
    _, users = np.unique(found.users, return_inverse=True)
    count = int(users.max(initial=-1)) + 1
    odd = np.random.default_rng(_SEED).permutation(count)[users] % 2 == 1
    for half in (odd, ~odd):
        foretold = _Foretold(found.where(~half))
        own = np.array([foretold(name.persona, name.variant) for name in names])
        mean = np.array(
            [np.mean([foretold(name.persona, other) for other in name.among]) for name in names]
        )
        predicted[half], expected[half] = own[found.looks[half]], mean[found.looks[half]]
    logged = Logged(
        rewards=found.won[:, None],
        p=found.chances[:, None],
        q=fewer[found.looks][:, None],
        clusters=users.astype(np.int64),
    )
    kind = Structure.INDEPENDENT
    return (
        estimators.ips(logged, kind),
        estimators.snips(logged, kind),
        estimators.doubly_robust(
            logged, kind, predicted=predicted[:, None], expected=expected[:, None]
        ),
    )


def _worth(size: str, found: Trials) -> Worth:
    names = found.names
    fewer = np.array([1 / len(name.among) for name in names])
    weights = fewer[found.looks] / found.chances
    mean = float(found.won.mean())
    # The mean weight is 1 whatever came of it, so a constant less costs nothing and steadies much.
    gains = (1 - weights) * (found.won - mean)
    variants = sorted({names[row].variant for row in np.unique(found.looks)})
    return Worth(
        size=size,
        slates=len(found.won),
        shoppers=len(np.unique(found.users)),
        drawn=mean,
        even=even(found),
        gain=_by_user(gains, found),
        looks=tuple(_one(found, variant) for variant in variants),
    )


def _one(found: Trials, variant: str) -> OneLook:
    names = found.names
    could = np.array([variant in name.among for name in names], np.bool_)
    is_it = np.array([name.variant == variant for name in names], np.bool_)
    open_to = found.where(could[found.looks])
    worn = is_it[open_to.looks]
    shown = int(worn.sum())
    mean = float(open_to.won[worn].mean()) if shown else 0.0
    values = mean + np.where(worn, (open_to.won - mean) / open_to.chances, 0.0)
    return OneLook(
        variant=variant,
        slates=shown,
        clicked=int(open_to.won[worn].sum()),
        value=_by_user(values, open_to),
    )


def _by_user(values: Floats, found: Trials) -> Interval | None:
    """The mean of one value a slate, with the error of shoppers drawn, not of slates."""
    if found.won.sum() < sequential.LEAST_SEEN:
        return None
    _, rows = np.unique(found.users, return_inverse=True)
    slates = np.bincount(rows).astype(np.float64)
    sums = np.bincount(rows, weights=values).astype(np.float64)
    return sequential.alone(sequential.ratio_of(sums, slates))


class _Foretold:
    """Mean wins by persona and look, drawn towards the look's own mean, and that to all."""

    def __init__(self, found: Trials) -> None:
        cells = tallies(found)
        self._cells: dict[tuple[str, str], tuple[int, int]] = {}
        self._looks: dict[str, tuple[int, int]] = {}
        for (_, persona, variant), (shown, won) in cells.items():
            self._cells[persona, variant] = (shown, won)
            before = self._looks.get(variant, (0, 0))
            self._looks[variant] = (before[0] + shown, before[1] + won)
        self._all = float(found.won.mean()) if len(found.won) else 0.0

    def __call__(self, persona: str, variant: str) -> float:
        usual = _drawn_to(self._looks.get(variant, (0, 0)), self._all)
        return _drawn_to(self._cells.get((persona, variant), (0, 0)), usual)


def _drawn_to(seen: Sequence[int], mean: float) -> float:
    shown, won = seen
    return (won + _PRIOR * mean) / (shown + _PRIOR)
