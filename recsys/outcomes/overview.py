"""What became of all answers: by placement and strategy, by position, by creative.

Rates here are of what was owed to slates (`attribution`), seen and not caused: placements are not
drawn by chance, so one is not to be compared with another. Against a hold-out, `report` compares.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.outcomes import attribution, sequential
from recsys.outcomes.attribution import (
    CART,
    CLICK,
    NOTHING,
    PURCHASE,
    USUAL,
    Credit,
    Floats,
    Ints,
    Rule,
)
from recsys.outcomes.measures import Bools
from recsys.outcomes.reading import Log
from recsys.outcomes.sequential import Interval

MOST_CREATIVES = 50
MOST_POSITIONS = 20
_PLACES = tuple(str(place + 1) for place in range(MOST_POSITIONS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One placement under one strategy; `ctr_interval` counts users, not impressions."""

    placement: str
    strategy: str
    answers: int
    impressions: int
    clicks: int  # impressions that were clicked
    ctr: float
    ctr_interval: Interval | None
    carts: int
    purchases: int
    touched: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A position (from 1) or a creative's key; `touched` is what was bought through it."""

    name: str
    impressions: int
    clicks: int
    ctr: float
    carts: int
    purchases: int
    touched: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    rows: tuple[Row, ...]
    positions: tuple[Cell, ...]
    creatives: tuple[Cell, ...]  # the most shown
    answers: int
    deeds: int
    owed: int  # deeds that were owed to a slate
    named: int  # of these by its id
    revenue: float  # all that was bought
    touched: float
    currency: str
    unpriced: int  # purchases without a price in that currency: they count as no money
    odd_prices: int  # that say ten times what the catalogue asks today, or a tenth

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def overview(log: Log, rule: Rule = USUAL) -> Overview:
    """Every answer of the log, whoever it was for."""
    answers, deeds = log.answers, log.deeds
    credit = attribution.credit(answers.shown(), deeds, rule)
    owed, tally = credit.impressions >= 0, _tally(log, credit)
    most_shown = _most_shown(answers.creatives)[:MOST_CREATIVES]
    return Overview(
        rows=tuple(_rows(log, tally)),
        positions=_cells(answers.positions, tally, _PLACES, range(MOST_POSITIONS)),
        creatives=_cells(answers.creatives, tally, answers.creative_keys, most_shown),
        answers=len(answers.at),
        deeds=len(deeds.at),
        owed=int(owed.sum()),
        named=int(credit.named.sum()),
        revenue=float(log.revenue.sum()),
        touched=float(log.revenue[owed].sum()),
        currency=log.currency,
        unpriced=log.unpriced,
        odd_prices=log.odd_prices,
    )


def of_creatives(log: Log, made_at: Mapping[str, float], rule: Rule = USUAL) -> tuple[Cell, ...]:
    """These creatives as far as they were shown, the most shown first.

    Under its key stand plain words until a creative is made: what was shown before (seconds since
    the epoch) is not its own.
    """
    answers = log.answers
    credit = attribution.credit(answers.shown(), log.deeds, rule)
    made = np.array([made_at.get(key, np.inf) for key in answers.creative_keys] + [np.inf])
    # answers are of a whole second; a row of -1 takes the last, which never was
    its_own = answers.at[answers.slates] >= np.floor(made)[answers.creatives]
    rows = np.where(its_own, answers.creatives, NOTHING)
    return _cells(rows, _tally(log, credit), answers.creative_keys, _most_shown(rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tally:
    """What each impression (I,) is owed."""

    clicked: Bools
    carts: Ints
    purchases: Ints
    touched: Floats


def _tally(log: Log, credit: Credit) -> _Tally:
    n, kinds, owed = len(log.answers.slates), log.deeds.kinds, credit.impressions >= 0
    return _Tally(
        clicked=credit.counts(kinds, CLICK, n) > 0,
        carts=credit.counts(kinds, CART, n),
        purchases=credit.counts(kinds, PURCHASE, n),
        touched=np.bincount(
            credit.impressions[owed], weights=log.revenue[owed], minlength=n
        ).astype(np.float64),
    )


def _rows(log: Log, tally: _Tally) -> list[Row]:
    answers, clicked = log.answers, tally.clicked
    width = len(answers.strategy_names) or 1
    cells = answers.placements * width + answers.strategies  # (S,)
    of_impression = cells[answers.slates]  # (I,)
    found = []
    for cell in np.unique(cells):
        here = of_impression == cell
        placement, strategy = divmod(int(cell), width)
        impressions, clicks = int(here.sum()), int(clicked[here].sum())
        found.append(
            Row(
                placement=answers.placement_names[placement],
                strategy=answers.strategy_names[strategy],
                answers=int((cells == cell).sum()),
                impressions=impressions,
                clicks=clicks,
                ctr=clicks / impressions if impressions else 0.0,
                ctr_interval=_interval(answers.users[answers.slates[here]], clicked[here]),
                carts=int(tally.carts[here].sum()),
                purchases=int(tally.purchases[here].sum()),
                touched=float(tally.touched[here].sum()),
            )
        )
    return sorted(found, key=lambda row: (row.placement, row.strategy))


def _interval(users: Ints, clicked: Bools) -> Interval | None:
    """Of those whose user is known; nobody's visits cannot be told apart."""
    known = users >= 0
    if not known.any():
        return None
    _, rows = np.unique(users[known], return_inverse=True)
    impressions: Floats = np.bincount(rows).astype(np.float64)
    clicks: Floats = np.bincount(rows, weights=clicked[known]).astype(np.float64)
    return sequential.alone(sequential.ratio_of(clicks, impressions))


def _cells(
    rows: Ints, tally: _Tally, names: Sequence[str], order: Sequence[int]
) -> tuple[Cell, ...]:
    """What was shown at all of `order`, which says which rows are told and when."""
    kept = (rows >= 0) & (rows < len(names))

    def of_each(worth: NDArray[Any]) -> Floats:
        return np.bincount(rows[kept], weights=worth[kept], minlength=len(names)).astype(np.float64)

    impressions, clicks = of_each(np.ones(len(rows))), of_each(tally.clicked)
    carts, purchases, touched = map(of_each, (tally.carts, tally.purchases, tally.touched))
    return tuple(
        Cell(
            name=names[row],
            impressions=int(impressions[row]),
            clicks=int(clicks[row]),
            ctr=float(clicks[row] / impressions[row]),
            carts=int(carts[row]),
            purchases=int(purchases[row]),
            touched=float(touched[row]),
        )
        for row in order
        if impressions[row]
    )


def _most_shown(rows: Ints) -> list[int]:
    impressions = np.bincount(rows[rows >= 0])
    return [int(row) for row in np.argsort(-impressions, kind="stable")]
