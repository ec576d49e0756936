"""Which of several approved looks a slate wears: Thompson sampling with a floor for exploration.

    n variants of one slot: a size, and a persona or everyone   a, b of Beta(a, b)

One draw a slate, one trial a draw: was anything of what leads the slate clicked? A variant is drawn
as likely as it is to be the best (Thompson 1933), worked out exactly and not by sampling, so the
same counts give the same chances in every process; a share of all draws is even, so that no variant
is ever judged by nothing, and whatever was drawn can be weighed afterwards by its chance.

What is unlikely to be the best rests once enough is known. A persona of which little is known leans
on what the others made of the same size.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from generative.banner.templates import NAMES

EXPLORATION = 0.1  # share of draws that are even among the variants
LEAST_SHOWN = 200  # slates before a variant may rest
RETIRED_BELOW = 0.01  # chance of being the best
EVERYONE = ""  # the persona of whoever has none of their own
_USUAL_RATE, _USUAL_SLATES = 0.05, 20.0  # what is thought of a slot before anything is seen
_LENT = 100.0  # slates that the other personas' results count for at most
_BOUNDS = (0.025, 0.975)

_TAILS = frozenset(("light", "dark", "mirrored"))  # what may follow a template's name

Floats = NDArray[np.float64]

# In deviations from a posterior's mean: close where its mass is, further out where its tail may be.
_AROUND = np.concatenate([np.linspace(-5, 5, 81), [6.0, 7.0, 8.0, 10.0, 14.0]])
_NEAR_NOTHING = np.array([0.0, *np.geomspace(1e-9, 0.1, 48), 1.0])  # where a < 1 piles up


class Tally(NamedTuple):
    """Slates that wore a variant, and those of which something was clicked; old ones count less."""

    shown: float = 0.0
    clicked: float = 0.0

    def plus(self, other: "Tally") -> "Tally":
        return Tally(self.shown + other.shown, self.clicked + other.clicked)

    def less(self, other: "Tally") -> "Tally":
        return Tally(max(0.0, self.shown - other.shown), max(0.0, self.clicked - other.clicked))


class Cell(NamedTuple):
    """What is counted: one variant, at one size, for one persona's label."""

    size: str
    persona: str
    variant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One variant of a slot. `low` and `high` hold its click rate with 95 % of the posterior."""

    variant: str
    chance: float  # of being drawn; 0 where it rests
    best: float  # of being the best
    rate: float  # clicked slates, in the posterior's mean
    low: float
    high: float
    shown: float
    clicked: float
    retired: bool = False


Table = Mapping[str, Mapping[str, tuple[Share, ...]]]  # by size, then persona


class Draw(NamedTuple):
    variant: str
    chance: float
    among: tuple[str, ...]  # what it was drawn among, itself too


class Choices:
    """A table as it is drawn from: a look-up and a handful of comparisons a slate."""

    def __init__(self, table: Table) -> None:
        self._slots = {
            size: {persona: _steps(shares) for persona, shares in by_persona.items()}
            for size, by_persona in table.items()
        }

    def draw(self, size: str, persona: str, luck: float) -> Draw | None:
        """What a slate wears, `luck` being even in [0, 1); None where there is nothing to choose."""
        slots = self._slots.get(size)
        if slots is None:
            return None
        steps = slots.get(persona) or slots[EVERYONE]
        for until, draw in steps:
            if luck < until:
                return draw
        return steps[-1][1]

    def __bool__(self) -> bool:
        return bool(self._slots)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How draws are made from what is known."""

    exploration: float = EXPLORATION
    least_shown: float = LEAST_SHOWN
    retired_below: float = RETIRED_BELOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What was counted, what may be shown, and what rests."""

    tallies: Mapping[Cell, Tally] = field(default_factory=dict)
    approved: Mapping[str, Sequence[str]] = field(default_factory=dict)  # by size
    retired: Collection[Cell] = ()


def is_name(variant: str) -> bool:
    """Whether a look goes by this name: a template's, and what of it is settled: `bold-dark`."""
    template, *rest = variant.split("-")
    settled = len(rest) == len(set(rest)) and not {"light", "dark"} <= set(rest)
    return template in NAMES and settled and set(rest) <= _TAILS


def table(known: Known, rules: Rules = Rules()) -> Table:
    """The chances of every slot; a size with nothing approved has none, and a lone look is always worn."""
    found: dict[str, dict[str, tuple[Share, ...]]] = {}
    for size, names in sorted(known.approved.items()):
        variants = tuple(sorted(set(names)))
        everyone = {name: Tally() for name in variants}
        own: dict[str, dict[str, Tally]] = {}
        for cell, tally in known.tallies.items():
            if cell.size == size and cell.variant in everyone:
                everyone[cell.variant] = everyone[cell.variant].plus(tally)
                own.setdefault(cell.persona, {})[cell.variant] = tally
        rested = {(cell.persona, cell.variant) for cell in known.retired if cell.size == size}
        slots = found[size] = {}
        for persona in sorted({EVERYONE, *own}):
            resting = frozenset(name for who, name in rested if who == persona)
            if persona == EVERYONE:
                seen, lent = everyone, {name: Tally() for name in variants}
            else:
                seen = {name: own[persona].get(name, Tally()) for name in variants}
                lent = {name: everyone[name].less(seen[name]) for name in variants}
            slots[persona] = choose(seen, lent, resting, rules)
    return found


def choose(
    seen: Mapping[str, Tally],
    lent: Mapping[str, Tally],
    resting: Collection[str] = (),
    rules: Rules = Rules(),
) -> tuple[Share, ...]:
    """The chances of one slot's variants, which `seen` names; `lent` is what other personas made of them.

    One that rests goes on resting until what was known of it has faded to half of what it takes.
    """
    names = tuple(seen)
    a, b = _posterior([seen[name] for name in names], [lent[name] for name in names])
    likely = best(a, b)
    shown = np.array([seen[name].shown for name in names])
    was = np.array([name in resting for name in names])
    rests = (likely < rules.retired_below) & (
        (shown >= rules.least_shown) | (was & (shown >= rules.least_shown / 2))
    )
    rests[int(likely.argmax())] = False
    chances = np.zeros(len(names))
    active = ~rests
    even = rules.exploration / int(active.sum())
    chances[active] = (1 - rules.exploration) * best(a[active], b[active]) + even
    low, high = (special.betaincinv(a, b, bound) for bound in _BOUNDS)
    return tuple(
        Share(
            variant=name,
            chance=float(chances[row]),
            best=float(likely[row]),
            rate=float(a[row] / (a[row] + b[row])),
            low=float(low[row]),
            high=float(high[row]),
            shown=float(seen[name].shown),
            clicked=float(seen[name].clicked),
            retired=bool(rests[row]),
        )
        for row, name in enumerate(names)
    )


def best(a: Floats, b: Floats) -> Floats:
    """How likely each of n Beta(a, b) is the largest: the integral of f_i prod_{j != i} F_j, (n,).

    On points around the means of all of them, so that a narrow one beside a wide one is not missed.
    """
    if len(a) == 1:
        return np.ones(1)
    mean = a / (a + b)
    deviation = np.sqrt(mean * (1 - mean) / (a + b + 1))
    around = mean[:, None] + deviation[:, None] * _AROUND[None, :]
    x = np.unique(np.concatenate([_NEAR_NOTHING, np.clip(around.ravel(), 0.0, 1.0)]))  # (P,)
    below = special.betainc(a[:, None], b[:, None], x[None, :])  # (n, P)
    found = np.empty(len(a))
    for row in range(len(a)):
        others = np.delete(below, row, axis=0).prod(axis=0)  # (P,)
        found[row] = np.dot(np.diff(below[row]), (others[1:] + others[:-1]) / 2)
    return np.asarray(found / found.sum(), np.float64)


def retired(table: Table) -> frozenset[Cell]:
    return frozenset(
        Cell(size, persona, share.variant)
        for size, slots in table.items()
        for persona, shares in slots.items()
        for share in shares
        if share.retired
    )


def report(known: Known, chosen: Table) -> list[dict[str, Any]]:
    """Every approved variant of every slot, shares of a slot together."""
    return [
        {"size": size, "persona": persona, **_plain(share)}
        for size in sorted(known.approved)
        for persona, shares in chosen.get(size, {}).items()
        for share in shares
    ]


def to_json(chosen: Table) -> dict[str, Any]:
    return {
        size: {persona: [_plain(share) for share in shares] for persona, shares in slots.items()}
        for size, slots in chosen.items()
    }


def from_json(payload: Mapping[str, Any]) -> Table:
    """The table that `to_json` wrote.

    Raises:
        TypeError: It is none, or of another release.
    """
    return {
        size: {persona: tuple(Share(**one) for one in shares) for persona, shares in slots.items()}
        for size, slots in payload.items()
    }


def _plain(share: Share) -> dict[str, Any]:
    return {name: getattr(share, name) for name in Share.__slots__}


def _steps(shares: Sequence[Share]) -> tuple[tuple[float, Draw], ...]:
    """Where each variant's part of [0, 1) ends; the likeliest first, as they are looked through."""
    drawn = sorted((share for share in shares if share.chance > 0), key=lambda one: -one.chance)
    ends = accumulate(share.chance for share in drawn)
    among = tuple(sorted(share.variant for share in drawn))
    return tuple(
        (end, Draw(share.variant, share.chance, among))
        for end, share in zip(ends, drawn, strict=True)
    )


def _posterior(seen: Sequence[Tally], lent: Sequence[Tally]) -> tuple[Floats, Floats]:
    """Of n variants, the two parameters of each.

    The prior is worth at most `_LENT` slates of the other personas, drawn towards one rate that all
    variants share; so it favours none of which nothing is known.
    """
    shown, clicked = (np.array(column) for column in zip(*seen, strict=True))
    lent_shown, lent_clicked = (np.array(column) for column in zip(*lent, strict=True))
    in_all = shown.sum() + lent_shown.sum() + _USUAL_SLATES
    usual = (clicked.sum() + lent_clicked.sum() + _USUAL_RATE * _USUAL_SLATES) / in_all
    rate = (lent_clicked + usual * _USUAL_SLATES) / (lent_shown + _USUAL_SLATES)
    worth = _USUAL_SLATES + np.minimum(lent_shown, _LENT)
    return (
        np.asarray(rate * worth + clicked, np.float64),
        np.asarray((1 - rate) * worth + np.maximum(shown - clicked, 0.0), np.float64),
    )
