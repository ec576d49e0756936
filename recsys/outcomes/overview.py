"""What became of all answers: by placement and strategy, by position, by creative.

Rates here are of what was owed to slates (`attribution`), seen and not caused: placements are not
drawn by chance, so one is not to be compared with another. Against a hold-out, `report` compares.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from recsys.outcomes import attribution, sequential
from recsys.outcomes.attribution import CART, CLICK, PURCHASE, USUAL, Credit, Floats, Ints, Rule
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
    """A position (from 1) or a creative's key."""

    name: str
    impressions: int
    clicks: int
    ctr: float


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

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def overview(log: Log, rule: Rule = USUAL) -> Overview:
    """Every answer of the log, whoever it was for."""
    credit = attribution.credit(log.answers.shown(), log.deeds, rule)
    answers, deeds = log.answers, log.deeds
    n = len(answers.slates)
    clicked = credit.counts(deeds.kinds, CLICK, n) > 0
    owed = credit.impressions >= 0
    return Overview(
        rows=tuple(_rows(log, credit, clicked)),
        positions=_cells(answers.positions, clicked, _PLACES, range(MOST_POSITIONS)),
        creatives=_cells(
            answers.creatives, clicked, answers.creative_keys, _most_shown(answers.creatives)
        ),
        answers=len(answers.at),
        deeds=len(deeds.at),
        owed=int(owed.sum()),
        named=int(credit.named.sum()),
        revenue=float(log.revenue.sum()),
        touched=float(log.revenue[owed].sum()),
        currency=log.currency,
        unpriced=log.unpriced,
    )


def _rows(log: Log, credit: Credit, clicked: Bools) -> list[Row]:
    answers, deeds = log.answers, log.deeds
    n = len(answers.slates)
    width = len(answers.strategy_names) or 1
    cells = answers.placements * width + answers.strategies  # (S,)
    of_impression = cells[answers.slates]  # (I,)
    carts = credit.counts(deeds.kinds, CART, n)
    purchases = credit.counts(deeds.kinds, PURCHASE, n)
    owed = credit.impressions >= 0
    touched = np.bincount(credit.impressions[owed], weights=log.revenue[owed], minlength=n)
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
                carts=int(carts[here].sum()),
                purchases=int(purchases[here].sum()),
                touched=float(touched[here].sum()),
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
    rows: Ints, clicked: Bools, names: Sequence[str], order: Sequence[int]
) -> tuple[Cell, ...]:
    """What was shown at all of `order`, which says which rows are told and when."""
    kept = (rows >= 0) & (rows < len(names))
    impressions = np.bincount(rows[kept], minlength=len(names))
    clicks = np.bincount(rows[kept & clicked], minlength=len(names))
    return tuple(
        Cell(
            name=names[row],
            impressions=int(impressions[row]),
            clicks=int(clicks[row]),
            ctr=float(clicks[row] / impressions[row]),
        )
        for row in order
        if impressions[row]
    )


def _most_shown(rows: Ints) -> list[int]:
    impressions = np.bincount(rows[rows >= 0])
    return [int(row) for row in np.argsort(-impressions, kind="stable")[:MOST_CREATIVES]]
