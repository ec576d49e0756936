"""Fit the linear and the neighbour branch beside a dense one, and weigh the three on validation.

The branches are fitted apart and fused by a scalar each: trained together they hurt one another
(a linear part inside the softmax lost .013 NDCG@100 on ML-1M). One setting at a time is moved, in
the order of what it gained on public data, and kept if the panel's NDCG of the fused score rises.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recsys.learning import panel as panels
from recsys.learning.panel import Panel, Piece
from recsys.learning.split import HoldOut
from recsys.learning.tuning import (
    LINEAR_GRID,
    NEIGHBOUR_GRID,
    Grid,
    LinearSettings,
    NeighbourSettings,
    OnProgress,
    Search,
)
from recsys.models import linear as linears
from recsys.models import neighbours as lists
from recsys.models.encoder import Encoder, user_vectors
from recsys.models.fusion import Fused
from recsys.models.histories import Histories
from recsys.models.linear import Linear
from recsys.models.neighbours import ItemLists, Neighbours
from recsys.models.regressed import regressed

Floats = NDArray[np.float32]

_KEPT = 6  # fits held while their reading is tuned: a few hundred MB at 100k items
_SAMPLE = 256  # shoppers that set the scale where nobody validates


class Dense(Protocol):
    """What is read of a fitted dense model (`training.Fitted`): this page needs no torch."""

    @property
    def encoder(self) -> Encoder: ...

    @property
    def vectors(self) -> Floats: ...

    @property
    def finite(self) -> bool: ...


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
        sample = train.take(slice(0, _SAMPLE))
        panel = Panel(holdout=HoldOut(fold_in=sample, targets=sample.matrix()), at=options.at)
        options = replace(options, linear_grid=(), neighbour_grid=())
    search = Search(
        train,
        panel,
        item_limit=options.item_limit,
        max_seconds=options.max_seconds,
        on_progress=on_progress,
    )
    shop = _Shop(train, panel.holdout.fold_in, fitted if fitted and fitted.finite else None, trend)
    chosen, pieces, weights = _chosen(shop, search, options)
    search.report(0.9)
    if judged:
        figures = {name: panel.ndcg([piece], [1.0]) for name, piece in pieces.items()}
        weights, figures["fused"] = panels.balance(panel, pieces, weights, worth=options.worth)
    else:
        figures = {}
        weights = _evenly(pieces)
    fused = shop.fused(chosen, weights)
    report = {
        "at": options.at,
        "shoppers": len(panel) if judged else 0,
        "ndcg": figures,
        "weights": weights,
        "linear": _said(chosen.get("linear"), weights.get("linear", 0.0)),
        "neighbours": _said(chosen.get("neighbours"), weights.get("neighbours", 0.0)),
        "tried": search.tried,
        "seconds": round(search.seconds, 2),
    }
    search.report(1.0)
    return fused, report


@dataclass(frozen=True, slots=True)
class _Shop:
    """Who taught, who judges, and how a branch's settings become scores for them."""

    train: Histories
    shoppers: Histories
    fitted: Dense | None
    trend: Floats | None
    kept: dict[Any, Any] = field(
        default_factory=dict
    )  # the last fits, by what they were fitted with

    def dense(self) -> Piece | None:
        if self.fitted is None:
            return None
        means = self.fitted.encoder.encode_weighted(self.shoppers)
        return np.asarray(user_vectors(means) @ self.fitted.vectors.T, np.float32)

    def linear_piece(self, settings: LinearSettings) -> Piece:
        made = self.linear(settings)
        return np.asarray(made.users(self.shoppers) @ made.items.T, np.float32)

    def neighbour_piece(self, settings: NeighbourSettings) -> Piece:
        return np.asarray(self.neighbours(settings).scores(self.shoppers).toarray(), np.float32)

    def biases(self) -> dict[str, Floats]:
        counts = np.bincount(self.train.items, minlength=self.train.n_items)
        found = {"popularity": np.log1p(counts).astype(np.float32)}
        return found if self.trend is None else {**found, "trend": self.trend.astype(np.float32)}

    def linear(self, settings: LinearSettings) -> Linear:
        fit = replace(settings, decay=1.0, norm=0.0, kinds=LinearSettings().kinds)
        made: Linear = self._kept(fit, lambda: self._linear(fit))
        return replace(made, input=settings.input, norm=settings.norm)

    def _linear(self, fit: LinearSettings) -> Linear:
        if fit.method == "ease":
            return linears.ease(
                self.train, penalty=fit.penalty, rank=fit.rank, item_limit=self.train.n_items
            )
        return linears.svd(
            self.train,
            rank=fit.rank,
            popularity_power=fit.popularity_power,
            user_power=fit.user_power,
            item_power=fit.item_power,
        )

    def neighbours(self, settings: NeighbourSettings) -> Neighbours:
        alike = self._alike(settings)
        others = [
            (share * _mean(alike) / _mean(other), other)
            for share, other in (
                (settings.regressed, self._regressed(settings) if settings.regressed else None),
                (settings.transition, self._follows(settings) if settings.transition else None),
            )
            if other is not None
        ]
        return Neighbours(lent=lists.lend(alike, *others), input=settings.input, norm=settings.norm)

    def _alike(self, settings: NeighbourSettings) -> ItemLists:
        powers = (settings.own_power, settings.their_power)
        made: ItemLists = self._kept(
            ("alike", settings.k, settings.shrink, powers, settings.user_power),
            lambda: lists.cosine(
                self.train.matrix(),
                k=settings.k,
                shrink=settings.shrink,
                powers=powers,
                user_power=settings.user_power,
            ),
        )
        return made

    def _regressed(self, settings: NeighbourSettings) -> ItemLists:
        """On the candidates of plain settings: they need not be found again for every other."""
        made: ItemLists = self._kept(
            ("regressed", settings.k, settings.penalty),
            lambda: regressed(
                self.train.matrix(),
                self._alike(NeighbourSettings(k=settings.k)),
                penalty=settings.penalty,
            ),
        )
        return made

    def _follows(self, settings: NeighbourSettings) -> ItemLists:
        made: ItemLists = self._kept(
            ("follows", settings.k, settings.horizon),
            lambda: lists.transitions(self.train, k=settings.k, horizon=settings.horizon),
        )
        return made

    def fused(self, chosen: Mapping[str, Any], weights: Mapping[str, float]) -> Fused:
        bias = np.zeros(self.train.n_items, np.float32)
        for name, values in self.biases().items():
            bias += np.float32(weights.get(name, 0.0)) * values
        of = {name: float(weights.get(name, 0.0)) for name in ("dense", "linear", "neighbours")}
        fitted = self.fitted if of["dense"] else None
        return Fused(
            bias=bias,
            encoder=fitted.encoder if fitted else None,
            vectors=fitted.vectors if fitted else None,
            linear=self.linear(chosen["linear"]) if of["linear"] else None,
            neighbours=self.neighbours(chosen["neighbours"]) if of["neighbours"] else None,
            dense_weight=of["dense"],
            linear_weight=of["linear"],
            neighbour_weight=of["neighbours"],
        )

    def _kept(self, key: Any, make: Callable[[], Any]) -> Any:
        if key not in self.kept:
            if len(self.kept) >= _KEPT:
                self.kept.pop(next(iter(self.kept)))
            self.kept[key] = make()
        return self.kept[key]


def _chosen(
    shop: _Shop, search: Search, options: BranchOptions
) -> tuple[dict[str, Any], dict[str, Piece], dict[str, float]]:
    """Each branch's settings, chosen upon those before it; its scores; its first weight."""
    chosen: dict[str, Any] = {}
    pieces: dict[str, Piece] = {}
    weights: dict[str, float] = {}
    dense = shop.dense()
    if dense is not None:
        pieces["dense"], weights["dense"] = dense, 1.0
    if options.linear is not None:
        chosen["linear"], weights["linear"] = search.tune(
            options.linear,
            options.linear_grid,
            base=_sum(pieces, weights),
            piece=shop.linear_piece,
            until=(0.0, 0.4),
        )
        pieces["linear"] = shop.linear_piece(chosen["linear"])
    if options.neighbours is not None:
        chosen["neighbours"], weights["neighbours"] = search.tune(
            options.neighbours,
            options.neighbour_grid,
            base=_sum(pieces, weights),
            piece=shop.neighbour_piece,
            until=(0.4, 0.9),
        )
        pieces["neighbours"] = shop.neighbour_piece(chosen["neighbours"])
    for name, values in shop.biases().items():
        base = _sum(pieces, weights)
        pieces[name] = np.repeat(values[None, :], len(shop.shoppers), axis=0)
        weights[name], _ = panels.best_weight(search.panel, base, pieces[name])
    return chosen, pieces, weights


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


def _mean(of: ItemLists) -> float:
    return float(of.scores.mean()) if len(of.scores) else 1.0


def _said(settings: Any, weight: float) -> dict[str, Any] | None:
    return asdict(settings) if settings is not None and weight else None
