"""How a training is asked for, and what comes out of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from recsys.catalogue.text_vectors import ItemVectors
from recsys.learning.blending.branches import BranchOptions
from recsys.learning.bundle import ModelBundle
from recsys.learning.examining.market import Paths
from recsys.learning.fitting.training import TrainingOptions

Curves = dict[str, list[float]]
OnProgress = Callable[[str, float, Curves], bool]  # stage, 0..1, curves -> go on?


class SplitBy(StrEnum):
    """What the hold-out is made of: see `split`."""

    TIME = "time"
    USERS = "users"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to train, beside the settings: what is left out keeps its default."""

    options: TrainingOptions = field(default_factory=TrainingOptions)
    branches: BranchOptions = field(default_factory=BranchOptions)
    split_by: SplitBy = SplitBy.TIME
    paths: Paths | None = None  # the catalogue's categories, for segments and diversity
    prices: Mapping[str, float] = field(default_factory=dict)  # to tell what is dear, for personas
    vectors: ItemVectors | None = None  # what the items' words mean, to place newcomers by
    checkpoint: Path | None = None  # of the fit: where it is, a killed one goes on
    log_dir: Path | None = None  # for TensorBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A candidate and its examination; `verdict` says in one sentence why it passed or did not."""

    bundle: ModelBundle
    metrics: Mapping[str, Any]
    curves: Curves
    passed: bool
    verdict: str
