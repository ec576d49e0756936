"""Fit the linear and the neighbour branch beside a dense one, and weigh the three on validation.

The branches are fitted apart and fused by a scalar each: trained together they hurt one another
(a linear part inside the softmax lost .013 NDCG@100 on ML-1M). One setting at a time is moved, in
the order of what it gained on public data, and kept if the panel's NDCG of the fused score rises.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.learning.blending import panel as panels
from recsys.learning.blending.fits import Dense, Fits
from recsys.learning.blending.panel import Panel, Piece
from recsys.learning.blending.tuning import (
    LINEAR_GRID,
    NEIGHBOUR_GRID,
    Grid,
    LinearSettings,
    NeighbourSettings,
    OnProgress,
    Search,
)
from recsys.learning.split import HoldOut
from recsys.models import linear as linears
from recsys.models.fusion import Fused
from recsys.models.histories import Histories

Floats = NDArray[np.float32]

_SAMPLE = 256  # shoppers that set the scale where nobody validates


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchOptions:
    """What is tried; an empty grid takes the settings as they are."""

    linear: LinearSettings | None = LinearSettings()  # None: leave the branch out
    neighbours: NeighbourSettings | None = NeighbourSettings()
    linear_grid: Grid = LINEAR_GRID
    neighbour_grid: Grid = NEIGHBOUR_GRID
    item_limit: int = linears.ITEM_LIMIT  # of EASE
    at: int = 100  # the depth of the NDCG that chooses
    cells: int = 25_000_000  # shoppers x items of the panel: 100 MB a branch
    worth: float = 0.002  # a branch that adds a smaller share of the NDCG is dropped
    max_seconds: float = math.inf  # then what is best so far is taken
    seed: int = 0


def grow(
    train: Histories,
    fitted: Dense | None,
    validation: HoldOut,
    *,
    options: BranchOptions = BranchOptions(),
    trend: Floats | None = None,
    on_progress: OnProgress = lambda _progress: True,
) -> tuple[Fused, dict[str, Any]]:
    """Fit what the dense model lacks and weigh all; the report says what each is worth alone.

    Args:
        train: The histories that the dense model learnt from.
        fitted: The dense model, or None to do without.
        validation: Who chooses; with nobody in it the settings stand as they are, and the
            branches weigh so that their scores are spread alike.
        options: What is tried, and for how long.
        trend: What sells now beside what always sold (I,), in logits: the bias's seasons.
        on_progress: Told the progress; an answer of no stops the search.

    Raises:
        Cancelled: `on_progress` said to stop.
    """
    panel = panels.draw(validation, at=options.at, cells=options.cells, seed=options.seed)
    judged = len(panel) > 0
    if not judged:
        panel = _unjudged(train, options)
        options = replace(options, linear_grid=(), neighbour_grid=())
    search = Search(
        train,
        panel,
        item_limit=options.item_limit,
        max_seconds=options.max_seconds,
        on_progress=on_progress,
    )
    fits = Fits(
        train=train,
        shoppers=panel.holdout.fold_in,
        fitted=fitted if fitted is not None and fitted.finite else None,
        trend=trend,
    )
    chosen, pieces, weights = _chosen(fits, search, options)
    search.report(0.9)
    if judged:
        weights, figures = _weighed(panel, pieces, weights, worth=options.worth)
    else:
        weights, figures = _evenly(pieces), {}
    search.report(1.0)
    report = {
        "at": options.at,
        "shoppers": len(panel) if judged else 0,
        "ndcg": figures,
        "weights": weights,
        "linear": asdict(chosen["linear"]) if weights.get("linear") else None,
        "neighbours": asdict(chosen["neighbours"]) if weights.get("neighbours") else None,
        "tried": search.tried,
        "seconds": round(search.seconds, 2),
    }
    return fits.fused(chosen, weights), report


def _unjudged(train: Histories, options: BranchOptions) -> Panel:
    """Some who learnt, to see how far the scores of each branch are spread."""
    sample = train.take(slice(0, _SAMPLE))
    return Panel(holdout=HoldOut(fold_in=sample, targets=sample.matrix()), at=options.at)


def _chosen(
    fits: Fits, search: Search, options: BranchOptions
) -> tuple[dict[str, Any], dict[str, Piece], dict[str, float]]:
    """Each branch's settings, chosen upon those before it; its scores; its first weight."""
    chosen: dict[str, Any] = {}
    pieces: dict[str, Piece] = {}
    weights: dict[str, float] = {}
    dense = fits.dense()
    if dense is not None:
        pieces["dense"], weights["dense"] = dense, 1.0
    tried: tuple[tuple[str, Any, Grid, Callable[[Any], Piece], tuple[float, float]], ...] = (
        ("linear", options.linear, options.linear_grid, fits.linear_piece, (0.0, 0.4)),
        (
            "neighbours",
            options.neighbours,
            options.neighbour_grid,
            fits.neighbour_piece,
            (0.4, 0.9),
        ),
    )
    for name, settings, grid, piece, until in tried:
        if settings is not None:
            base = _sum(pieces, weights)
            found = search.tune(settings, grid, base=base, piece=piece, until=until)
            chosen[name], weights[name] = found
            pieces[name] = piece(chosen[name])
    for name, values in fits.biases().items():
        base = _sum(pieces, weights)
        pieces[name] = np.repeat(values[None, :], len(fits.shoppers), axis=0)
        weights[name], _ = panels.best_weight(search.panel, base, pieces[name])
    return chosen, pieces, weights


def _weighed(
    panel: Panel, pieces: Mapping[str, Piece], weights: dict[str, float], *, worth: float
) -> tuple[dict[str, float], dict[str, float]]:
    """The weights that validation likes best, and the NDCG of each piece alone and of all fused."""
    figures = {name: panel.ndcg([piece], [1.0]) for name, piece in pieces.items()}
    weights, fused = panels.balance(panel, pieces, weights, worth=worth)
    weights, figures["fused"] = _at_least_the_best(figures, weights, fused)
    return weights, figures


def _at_least_the_best(
    alone: Mapping[str, float], weights: dict[str, float], fused: float
) -> tuple[dict[str, float], float]:
    """The fused weights, or the one branch that does as well without the others."""
    branches = [name for name in ("dense", "linear", "neighbours") if name in alone]
    best = max(branches, key=lambda name: alone[name], default=None)
    if best is None or alone[best] < fused:
        return weights, fused
    return {name: float(name == best) for name in weights}, alone[best]


def _sum(pieces: Mapping[str, Piece], weights: Mapping[str, float]) -> Piece | None:
    found: Piece | None = None
    for name, piece in pieces.items():
        part = piece * np.float32(weights[name])
        found = part if found is None else found + part
    return found


def _evenly(pieces: Mapping[str, Piece]) -> dict[str, float]:
    """Nobody validates: every branch is spread like the first, and the bias stays as it was."""
    spreads = {name: panels.spread(piece) for name, piece in pieces.items()}
    first = next((value for value in spreads.values() if value > 0), 1.0)
    branches = ("dense", "linear", "neighbours")
    return {
        name: first / value if name in branches and value > 0 else 0.0
        for name, value in spreads.items()
    }
