"""What is counted rather than fitted, for the model's items: bestsellers, neighbours, baskets."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.learning import split
from recsys.learning.examining import evaluation
from recsys.learning.examining.evaluation import Score
from recsys.learning.split import Split
from recsys.models import neighbours, popularity, trends
from recsys.models.encoder import Floats
from recsys.models.neighbours import ItemLists
from recsys.types import EventLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    popularity: NDArray[np.float32]
    trends: NDArray[np.float32]
    neighbours: ItemLists
    together: ItemLists


def count(log: EventLog, cut: Split, wanted: NDArray[np.bool_]) -> Signals:
    """Popularity, trends, cosine neighbours and shared baskets of the model's items, in these events."""
    row_of = np.full(len(log.item_ids), -1, np.int32)
    row_of[cut.item_rows] = np.arange(len(cut.item_rows), dtype=np.int32)
    wanted = wanted & (row_of[log.item_rows] >= 0)
    users, items, at = log.user_rows[wanted], row_of[log.item_rows[wanted]], log.at[wanted]
    orders = log.order_rows[wanted]
    n_items = len(cut.item_rows)
    histories = split.matrix(users, items, shape=(len(log.user_ids), n_items))
    in_order = orders >= 0
    n_orders = int(orders.max(initial=-1)) + 1
    baskets = split.matrix(orders[in_order], items[in_order], shape=(n_orders, n_items))
    return Signals(
        popularity=popularity.decayed_counts(users, items, at, n_items=n_items),
        trends=trends.scores(users, items, at, n_items=n_items),
        neighbours=neighbours.cosine(histories),
        together=neighbours.together(baskets),
    )


def trend(signals: Signals, cut: Split) -> Floats:
    """What sells now beside what always sold (I,), in logits: a season moves the bias by it."""
    always = np.bincount(cut.train.items, minlength=len(cut.item_rows)).astype(np.float32)
    return popularity.trend(signals.popularity, always)


def scorers(signals: Signals) -> dict[str, Score]:
    """The plain counts that a model must beat."""
    return {
        "popularity": evaluation.by_counts(signals.popularity),
        "itemknn": evaluation.by_neighbours(signals.neighbours),
    }
