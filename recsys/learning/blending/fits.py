"""From a branch's settings to its fit and its scores, each fitted once while its reading is tuned."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recsys.learning.blending.panel import Piece
from recsys.learning.blending.tuning import LinearSettings, NeighbourSettings
from recsys.models import linear as linears
from recsys.models import neighbours as lists
from recsys.models.encoder import Encoder, user_vectors
from recsys.models.fusion import Fused
from recsys.models.histories import Histories
from recsys.models.linear import Linear
from recsys.models.neighbours import ItemLists, Neighbours
from recsys.models.regressed import regressed

Floats = NDArray[np.float32]

_KEPT = 6  # fits held at a time: a few hundred MB at 100k items


class Dense(Protocol):
    """What is read of a fitted dense model (`training.Fitted`): this page needs no torch."""

    @property
    def encoder(self) -> Encoder: ...

    @property
    def vectors(self) -> Floats: ...

    @property
    def finite(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
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
        powers = (settings.ended_power, settings.began_power)
        made: ItemLists = self._kept(
            ("follows", settings.k, settings.horizon, powers),
            lambda: lists.transitions(
                self.train, k=settings.k, horizon=settings.horizon, powers=powers
            ),
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


def _mean(of: ItemLists) -> float:
    return float(of.scores.mean()) if len(of.scores) else 1.0
