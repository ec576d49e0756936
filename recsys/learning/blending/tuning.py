"""One setting at a time, from the best so far, each judged by what it adds to the score it joins.

What may be tried of a branch stands in its settings and its grid; what these histories cannot tell
(no clock, one kind of deed, too many items for EASE) is not tried.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from recsys.errors import Cancelled
from recsys.learning.blending import panel as panels
from recsys.learning.blending.panel import Panel, Piece
from recsys.models.histories import Histories, InputWeights

OnProgress = Callable[[float], bool]  # 0..1 -> go on?
Grid = tuple[tuple[str, tuple[Any, ...]], ...]  # of each setting, in order, what is tried
Settings = TypeVar("Settings", "LinearSettings", "NeighbourSettings")

_OF_TIME = ("decay", "transition", "horizon", "ended_power", "began_power")
_KIND_FACTORS = (0.3, 3.0)
_UNREAD = {"ease": ("popularity_power", "user_power", "item_power"), "svd": ("penalty",)}
_ALL = (1.0,) * len(InputWeights().kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearSettings:
    """`method` is ease or svd; each reads its own of the settings that follow."""

    method: str = "svd"
    rank: int = 128
    penalty: float = 400.0  # EASE's: the more, the less is believed of rare pairs
    popularity_power: float = 0.4
    user_power: float = 0.25
    item_power: float | None = None
    decay: float = 1.0
    norm: float = 0.0
    kinds: tuple[float, ...] = _ALL

    @property
    def input(self) -> InputWeights:
        return InputWeights(decay=self.decay, kinds=self.kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourSettings:
    """How alike two items are, and how the histories are read; the transitions join by weight."""

    k: int = 100
    shrink: float = 1.0
    own_power: float = 0.5  # of the item that is recommended
    their_power: float = 0.5  # of the one in the history
    user_power: float = 0.5
    regressed: float = 3.0  # how much the regression's lists weigh beside the counted ones,
    penalty: float = 50.0
    transition: float = 0.0  # and what came after what: each by its mean
    horizon: int = 5
    ended_power: float = 0.0  # of what ended in the later item of a transition,
    began_power: float = 0.5  # and of what began in the earlier
    decay: float = 1.0
    norm: float = 0.0
    kinds: tuple[float, ...] = _ALL

    @property
    def input(self) -> InputWeights:
        return InputWeights(decay=self.decay, kinds=self.kinds)


LINEAR_GRID: Grid = (
    ("method", ("ease",)),
    ("penalty", (100.0, 1600.0)),
    ("popularity_power", (0.25, 0.5)),
    ("user_power", (0.0, 0.5)),
    ("decay", (0.95, 0.8)),
    ("norm", (0.5,)),
)
NEIGHBOUR_GRID: Grid = (
    ("transition", (0.3, 1.0, 3.0)),
    ("ended_power", (0.3,)),
    ("decay", (0.95, 0.85, 0.7)),
    ("regressed", (1.0, 10.0, 0.0)),
    ("penalty", (150.0, 15.0, 5.0)),
    ("own_power", (0.3, 0.7)),
    ("their_power", (0.3, 0.7)),
    ("user_power", (0.0, 1.0)),
    ("shrink", (0.0, 10.0)),
    ("norm", (0.5,)),
)


class Search:
    """A panel, a clock, and a count of what was tried."""

    def __init__(
        self,
        train: Histories,
        panel: Panel,
        *,
        item_limit: int,
        max_seconds: float,
        on_progress: OnProgress,
    ) -> None:
        self.panel = panel
        self.tried = 0
        self._began = time.monotonic()
        self._max_seconds = max_seconds
        self._on_progress = on_progress
        self._too_large = ("ease",) if train.n_items > item_limit else ()
        self._timed = bool(train.ages.any()) and bool(panel.holdout.fold_in.ages.any())
        counts = np.bincount(train.kinds, minlength=len(_ALL))
        kinds = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
        self._kinds = tuple(int(kind) for kind in kinds) if len(kinds) > 1 else ()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def report(self, progress: float) -> None:
        """Raises Cancelled where the listener says to stop."""
        if not self._on_progress(progress):
            raise Cancelled("stopped while the branches were weighed; nothing was published")

    def tune(
        self,
        settings: Settings,
        grid: Grid,
        *,
        base: Piece | None,
        piece: Callable[[Settings], Piece],
        until: tuple[float, float],
    ) -> tuple[Settings, float]:
        """The best settings found and the branch's weight upon `base`; progress runs over `until`."""
        scores = piece(settings)
        weight, best = panels.best_weight(self.panel, base, scores)
        near = weight / panels.unit(base, scores)
        trials = [(name, value) for name, values in self._told(grid) for value in values]
        for done, (name, value) in enumerate(trials):
            self.report(until[0] + (until[1] - until[0]) * done / len(trials))
            if self.seconds > self._max_seconds:
                break
            trial = self._moved(settings, name, value)
            if trial is None:
                continue
            self.tried += 1
            scores = piece(trial)
            found, ndcg = panels.best_weight(self.panel, base, scores, near=near)
            if ndcg > best:
                settings, weight, best = trial, found, ndcg
                near = weight / panels.unit(base, scores)
        return settings, weight

    def _told(self, grid: Grid) -> Grid:
        """Without what these data cannot tell; with the kinds of deed, where there are several."""
        found = tuple(tried for tried in grid if self._timed or tried[0] not in _OF_TIME)
        if grid and self._kinds:
            moves = tuple((kind, by) for kind in self._kinds for by in _KIND_FACTORS)
            found = (*found, ("kinds", moves))
        return found

    def _moved(self, settings: Settings, name: str, value: Any) -> Settings | None:
        """The settings with one of them moved; None where that would change nothing."""
        if name == "kinds":
            kind, factor = value
            kinds = list(settings.kinds)
            kinds[kind] *= factor
            return replace(settings, kinds=tuple(kinds))
        if isinstance(settings, LinearSettings):
            method = value if name == "method" else settings.method
            if method in self._too_large or name in _UNREAD[method]:
                return None
        return None if getattr(settings, name) == value else replace(settings, **{name: value})
