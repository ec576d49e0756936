"""Join what is written of items to what is done with them, and place items nobody has touched.

    B shoppers of the panel   I items   T text width   r text columns   d width of `Fused.items()`

The text columns help known items too where shoppers are few (on 3,459 office products, 21,000
deeds: Recall@20 .122 to .158), so their weight is chosen on validation like any branch's; zero
leaves the known items as they were. How newcomers are weighed is chosen by hiding: a fifth of the
items is ranked by their words alone, among all others, as newcomers will be.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.catalogue.text_vectors import ItemVectors
from recsys.learning import panel as panels
from recsys.learning.panel import Panel
from recsys.learning.split import HoldOut
from recsys.models import text as maps
from recsys.models.fusion import Fused
from recsys.models.histories import Histories, InputWeights
from recsys.models.linear import Linear
from recsys.models.text import TextMap

LEAST_TEXTS = 2

_FOLDS, _FOLDS_TRIED = 5, 2
_PENALTIES = (10.0, 100.0)
_TIMES = (0.5, 1.0, 2.0, 4.0)  # of the known items' own weight, or of the scores' spread

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextOptions:
    rank: int = maps.RANK
    at: int = 20  # the depth of the NDCG that chooses
    cells: int = 25_000_000  # shoppers x items of the panel
    worth: float = 0.002  # the columns weigh nothing for known items if they gain less than this
    seed: int = 0


def join(
    fused: Fused,
    vectors: ItemVectors | None,
    *,
    item_ids: Sequence[str],
    train: Histories,
    validation: HoldOut,
    options: TextOptions = TextOptions(),
) -> tuple[Fused, TextMap | None, dict[str, Any]]:
    """The model with text columns, the map that places newcomers, and what was chosen and why.

    Without texts the model comes back as it was, with no map.
    """
    aligned = _aligned(vectors, item_ids)
    has_text = np.abs(aligned).max(axis=1, initial=0) > 0
    if vectors is None or np.count_nonzero(has_text) < LEAST_TEXTS:
        return fused, None, {"items": int(np.count_nonzero(has_text))}
    mean = maps.mean_of(aligned)
    features = maps.centred(aligned, mean)  # (I, T)
    columns = maps.directions(features[has_text], options.rank)
    shop = _Shop.of(fused, features, features @ columns, train)
    panel = panels.draw(validation, at=options.at, cells=options.cells, seed=options.seed)
    chosen = _chosen(shop, panel, options)
    joined = _joined(fused, shop.texts, chosen) if chosen.uses_columns else fused
    text_map = TextMap(
        encoder=vectors.encoder,
        mean=mean,
        columns=columns,
        weight=_map(shop, fused, columns, chosen),
        known=shop.texts.items,
    )
    report = {
        "encoder": vectors.encoder,
        "items": int(np.count_nonzero(has_text)),
        "shoppers": len(panel),
        "at": options.at,
        "weight": chosen.weight,
        "newcomer_weight": chosen.newcomer_weight,
        "penalty": chosen.penalty,
        "ndcg": chosen.ndcg,
    }
    return joined, text_map, report


def alone(
    vectors: ItemVectors, *, options: TextOptions = TextOptions()
) -> tuple[Fused, TextMap] | None:
    """A model of what is written and nothing else, for a shop that nobody has visited yet.

    Its items are `vectors.item_ids`; None where too few of them say anything.
    """
    has_text = np.abs(vectors.vectors).max(axis=1, initial=0) > 0
    if np.count_nonzero(has_text) < LEAST_TEXTS:
        return None
    mean = maps.mean_of(vectors.vectors)
    features = maps.centred(vectors.vectors, mean)
    columns = maps.directions(features[has_text], options.rank)
    texts = features @ columns  # (I, r)
    linear = Linear(project=texts, items=texts, norm=0.5)
    no_bias = np.zeros((len(mean), 1), np.float32)
    weight = np.concatenate([columns, no_bias], axis=1)  # (T, r + 1)
    text_map = TextMap(
        encoder=vectors.encoder,
        mean=mean,
        columns=columns,
        weight=np.concatenate([weight, np.zeros((1, weight.shape[1]), np.float32)]),
        known=texts,
    )
    return Fused(bias=np.zeros(len(texts), np.float32), linear=linear), text_map


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shop:
    """The model as it is, and the branch that would join it."""

    fused: Fused
    features: Floats  # (I, T)
    texts: Linear  # both sides are the texts (I, r), read as the linear branch reads a history
    counts: Floats  # (I,)

    @classmethod
    def of(cls, fused: Fused, features: Floats, texts: Floats, train: Histories) -> "_Shop":
        linear = fused.linear if fused.linear_weight else None
        counts = np.bincount(train.items, minlength=fused.n_items).astype(np.float32)
        return cls(
            fused=fused,
            features=features,
            texts=Linear(
                project=texts,
                items=texts,
                input=linear.input if linear else InputWeights(),
                norm=linear.norm if linear else 0.5,
            ),
            counts=counts,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    weight: float  # of the text columns for known items, in scores
    newcomer_weight: float
    penalty: float
    ndcg: dict[str, float]

    @property
    def uses_columns(self) -> bool:
        """Columns that weigh nothing for anybody would only make the search slower."""
        return self.weight != 0 or self.newcomer_weight != 0


def _chosen(shop: _Shop, panel: Panel, options: TextOptions) -> _Choice:
    if not len(panel):
        return _Choice(weight=0.0, newcomer_weight=1.0, penalty=_PENALTIES[-1], ndcg={})
    shoppers = panel.holdout.fold_in
    base = shop.fused.scores(shoppers)  # (B, I)
    texts = np.asarray(shop.texts.users(shoppers) @ shop.texts.items.T, np.float32)
    before = panel.ndcg([base], [1.0])
    weight, after = panels.best_weight(panel, base, texts)
    if after < before * (1 + options.worth):
        weight, after = 0.0, before
    known = base + np.float32(weight) * texts
    unit = weight or panels.spread(base) / max(panels.spread(texts), 1e-12)
    queries = shop.fused.users(shoppers)
    hidden = np.random.default_rng(options.seed).integers(_FOLDS, size=shop.fused.n_items)
    tried: dict[tuple[float, float], float] = {}
    for penalty in _PENALTIES:
        for fold in range(_FOLDS_TRIED):
            away = hidden == fold
            placed = queries @ _placed(shop, away, penalty).T  # (B, hidden)
            mixed, added = known.copy(), np.zeros_like(texts)
            mixed[:, away], added[:, away] = placed, texts[:, away]
            for times in (0.0, *_TIMES):
                value = panel.ndcg([mixed, added], [1.0, times * unit])
                key = (penalty, times)
                tried[key] = tried.get(key, 0.0) + value / _FOLDS_TRIED
    penalty, times = max(tried, key=lambda key: tried[key])
    figures = {
        "without": before,
        "with": after,
        "fifth_hidden": tried[penalty, times],
        "fifth_hidden_map_alone": max(tried[key] for key in tried if key[1] == 0),
    }
    return _Choice(
        weight=float(weight), newcomer_weight=float(times * unit), penalty=penalty, ndcg=figures
    )


def _placed(shop: _Shop, away: NDArray[np.bool_], penalty: float) -> Floats:
    """Where the map, taught by the other items, puts those that are away: (hidden, d)."""
    weight = _ridge(shop, ~away, penalty)
    features = shop.features[away]
    return np.asarray(features @ weight[:-1] + weight[-1], np.float32)


def _ridge(shop: _Shop, taught: NDArray[np.bool_], penalty: float) -> Floats:
    met = np.flatnonzero(taught & (shop.counts > 0))
    return maps.fit_map(
        shop.features[met], shop.fused.items()[met], shop.counts[met], penalty=penalty
    )


def _map(shop: _Shop, fused: Fused, columns: Floats, chosen: _Choice) -> Floats:
    """Text to a row of the joined model: the ridge, and the text columns before the bias."""
    ridge = _ridge(shop, np.ones(fused.n_items, np.bool_), chosen.penalty)  # (T + 1, d)
    if not chosen.uses_columns:
        return ridge
    scale = np.float32(chosen.newcomer_weight / _branch_weight(fused))
    of_text = np.concatenate([columns * scale, np.zeros((1, columns.shape[1]), np.float32)])
    return np.concatenate([ridge[:, :-1], of_text, ridge[:, -1:]], axis=1)


def _joined(fused: Fused, texts: Linear, chosen: _Choice) -> Fused:
    """The text columns beside the linear branch's own, or in its place."""
    items = texts.items * np.float32(chosen.weight / _branch_weight(fused))
    linear = fused.linear if fused.linear_weight else None
    if linear is None:
        return replace(fused, linear=replace(texts, items=items), linear_weight=1.0)
    wider = replace(
        linear,
        project=np.concatenate([linear.project, texts.project], axis=1),
        items=np.concatenate([linear.items, items], axis=1),
    )
    return replace(fused, linear=wider)


def _branch_weight(fused: Fused) -> float:
    """What the query multiplies the linear branch by."""
    return fused.linear_weight if fused.linear is not None and fused.linear_weight else 1.0


def _aligned(vectors: ItemVectors | None, item_ids: Sequence[str]) -> Floats:
    """Text vectors in the model's order (I, T); zeros where an item has none."""
    if vectors is None:
        return np.zeros((len(item_ids), 1), np.float32)
    rows = {item_id: row for row, item_id in enumerate(vectors.item_ids)}
    at = np.array([rows.get(item_id, -1) for item_id in item_ids], np.int64)
    found = np.zeros((len(item_ids), vectors.vectors.shape[1]), np.float32)
    found[at >= 0] = vectors.vectors[at[at >= 0]]
    return found
