"""The model of a shop that nobody has visited yet: items lie where their words say."""

import hashlib
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from recsys.catalogue.text_vectors import ItemVectors
from recsys.learning import bundle as bundles
from recsys.learning import split
from recsys.learning.blending import texts
from recsys.learning.bundle import ModelBundle
from recsys.learning.plan import Outcome
from recsys.models import neighbours as lists
from recsys.models import popularity
from recsys.types import EventLog


def by_words(
    vectors: ItemVectors | None, now: datetime, *, log: EventLog | None = None
) -> Outcome | None:
    """A first model from words alone; None where too few items have any.

    The few deeds of a `log` that is too short to learn from still say what is popular.
    """
    made = texts.alone(vectors) if vectors is not None else None
    if made is None or vectors is None:
        return None
    fused, text = made
    n_items = fused.n_items
    verdict = "nobody has come yet: items are known by their words alone"
    metrics = {
        "candidate": None,
        "live": None,
        "live_version": None,
        "holdout_users": 0,
        "text": {"items": n_items},
        "passed": True,
        "verdict": verdict,
    }
    digest = hashlib.sha256(fused.items().tobytes()).hexdigest()
    bundle = bundles.assemble(
        version=f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest[:6]}",
        fused=fused,
        item_ids=vectors.item_ids,
        popularity=_popularity(log, vectors.item_ids),
        neighbours=lists.empty(n_items),
        together=lists.empty(n_items),
        text=text,
        manifest={
            "created_at": now.isoformat(timespec="seconds"),
            "metrics": metrics,
            "data": {"cut_at": 0, "users": 0, "items": n_items, "interactions": 0},
        },
    )
    return Outcome(bundle=bundle, metrics=metrics, curves={}, passed=True, verdict=verdict)


def is_unvisited(bundle: ModelBundle) -> bool:
    """Whether a model is one of words alone: it has learnt from nobody."""
    return bool(bundle.item_ids) and bundle.manifest.get("data", {}).get("users") == 0


def _popularity(log: EventLog | None, item_ids: tuple[str, ...]) -> NDArray[np.float32]:
    if log is None or not len(log):
        return np.zeros(len(item_ids), np.float32)
    rows = {item_id: row for row, item_id in enumerate(item_ids)}
    row_of = np.array([rows.get(item_id, -1) for item_id in log.item_ids], np.int32)
    wanted = split.positive(log) & (row_of[log.item_rows] >= 0)
    return popularity.decayed_counts(
        log.user_rows[wanted],
        row_of[log.item_rows[wanted]],
        log.at[wanted],
        n_items=len(item_ids),
    )
