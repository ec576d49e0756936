"""What a training needs, read from the database: the log, the categories, what words mean [SQL]."""

import math
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine

from recsys.behaviour import events
from recsys.catalogue import items
from recsys.config import RecsysConfig
from recsys.database import reading
from recsys.learning import embedding
from recsys.learning.plan import Plan
from recsys.types import EventLog

CHECKPOINT = ".training"  # beside the versions, which it can never be taken for


def gather(
    engine: Engine,
    config: RecsysConfig,
    *,
    text_seconds: float = math.inf,
    go_on: Callable[[], bool] = lambda: True,
) -> tuple[EventLog, Plan]:
    """The log and the plan of a training.

    Args:
        engine: Where the shop is kept.
        config: Names the text encoder and the folder of the checkpoint.
        text_seconds: How long items whose words nobody has read yet are waited for. What is left
            then takes part in the next training, and can be placed by this one's map meanwhile.
        go_on: Asked between chunks of items; an answer of no leaves the rest for later.
    """
    with reading(engine) as session:
        log = events.log(session)
        paths, prices = items.categories(session), items.prices(session)
    until = time.monotonic() + text_seconds
    encoder = embedding.open_encoder(config.text_encoder)
    vectors = None
    if encoder is not None:
        vectors = embedding.collect(
            engine, encoder, on_progress=lambda _done: go_on() and time.monotonic() < until
        )
    plan = Plan(paths=paths, prices=prices, vectors=vectors, checkpoint=checkpoint_of(config))
    return log, plan


def checkpoint_of(config: RecsysConfig) -> Path:
    """Where a fit leaves what a killed one goes on from; it knows itself which fit it is of."""
    return config.artifacts_dir / CHECKPOINT / "fit.pt"


def tidy(config: RecsysConfig) -> None:
    """A training that came to its end leaves nothing to go on from."""
    path = checkpoint_of(config)
    for left in path.parent.glob(f"{path.name}*"):  # one a seed, and what a kill left half-written
        left.unlink(missing_ok=True)
