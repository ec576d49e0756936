"""The model of a shop that nobody has visited yet: items lie where their words say."""

import hashlib
from datetime import UTC, datetime

import numpy as np

from recsys.catalogue.text_vectors import ItemVectors
from recsys.learning import bundle as bundles
from recsys.learning import texts
from recsys.learning.plan import Outcome
from recsys.models import neighbours as lists


def by_words(vectors: ItemVectors | None, now: datetime) -> Outcome | None:
    """A first model from words alone; None where too few items have any."""
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
        popularity=np.zeros(n_items, np.float32),
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
