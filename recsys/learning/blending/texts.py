"""Join what is written of items to what is done with them, and place items nobody has touched.

    B shoppers of the panel   I items   T text width   r text columns   d width of `Fused.items()`

The text columns help known items too where shoppers are few (`bench/newcomers.py`: on 3,459 office
products, 21,000 deeds, Recall@20 .171 to .191 by hashed words), so their weight is chosen on validation like any branch's; zero
leaves the known items as they were. How newcomers are weighed is chosen by hiding: a fifth of the
items is ranked by their words alone, among all others, as newcomers will be. They are given as much
weight as finds most of them, while it costs all targets together no more than a stated price.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.catalogue.text_vectors import ItemVectors
from recsys.learning.blending import panel as panels
from recsys.learning.blending.panel import Panel
from recsys.learning.split import HoldOut
from recsys.models import text as maps
from recsys.models.fusion import Fused
from recsys.models.histories import Histories, InputWeights
from recsys.models.linear import Linear
from recsys.models.text import TextMap

LEAST_TEXTS = 2

_FOLDS, _FOLDS_TRIED = 5, 2
_PENALTIES = (10.0, 100.0, 1_000.0)
# Of the weight of the known items, or of the spread of the scores.
_TIMES = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextOptions:
    rank: int = maps.RANK
    at: int = 20  # the depth of the NDCG that chooses
    shoppers: int = 600  # of the panel, and
    cells: int = 25_000_000  # shoppers x items at most
    worth: float = 0.002  # the columns weigh nothing for known items if they gain less than this
    price: float = 0.01  # of the NDCG of all may go into showing newcomers more
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
    cells = min(options.cells, options.shoppers * fused.n_items)
    panel = panels.draw(validation, at=options.at, cells=cells, seed=options.seed)
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
    trial = _Trial.of(shop, panel, base + np.float32(weight) * texts, texts, options)
    penalty = max(_PENALTIES, key=lambda value: trial.apart(value, 0.0))
    unit = weight or panels.spread(base) / max(panels.spread(texts), 1e-12)
    tried = {times * unit: trial.worth(penalty, times * unit) for times in _TIMES}
    enough = (1 - options.price) * max(overall for overall, _ in tried.values())
    fair = [value for value, (overall, _) in tried.items() if overall >= enough]
    # Where known items leave newcomers no room, their order among themselves decides.
    newcomer_weight = max(fair, key=lambda value: (tried[value][1], trial.apart(penalty, value)))
    overall, hidden = tried[newcomer_weight]
    figures = {"without": before, "with": after, "fifth_hidden": overall, "of_hidden": hidden}
    figures["of_hidden_apart"] = trial.apart(penalty, newcomer_weight)
    return _Choice(
        weight=float(weight),
        newcomer_weight=float(newcomer_weight),
        penalty=penalty,
        ndcg=figures,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """Some items hidden: which, whose targets are among them, and the panel of those shoppers."""

    shop: _Shop
    panel: Panel
    queries: Floats  # (B, d)
    known: Floats  # (B, I)
    texts: Floats  # (B, I)
    folds: tuple[tuple[NDArray[np.bool_], NDArray[np.int64], Panel], ...]

    @classmethod
    def of(
        cls, shop: _Shop, panel: Panel, known: Floats, texts: Floats, options: TextOptions
    ) -> "_Trial":
        drawn = np.random.default_rng(options.seed).integers(_FOLDS, size=shop.fused.n_items)
        folds = []
        for fold in range(_FOLDS_TRIED):
            away = drawn == fold
            asked = sparse.csr_array(panel.holdout.targets @ sparse.diags_array(away.astype(float)))
            asked.eliminate_zeros()
            ask = np.flatnonzero(np.diff(asked.indptr) > 0)
            masked = panel.holdout.masked
            some = HoldOut(
                fold_in=panel.holdout.fold_in.take(ask),
                targets=asked[ask],
                masked=None if masked is None else masked[ask],
            )
            folds.append((away, ask, replace(panel, holdout=some)))
        return cls(
            shop=shop,
            panel=panel,
            queries=shop.fused.users(panel.holdout.fold_in),
            known=known,
            texts=texts,
            folds=tuple(folds),
        )

    def worth(self, penalty: float, weight: float) -> tuple[float, float]:
        """NDCG of all targets and of the hidden ones, hidden items ranked by their words."""
        overall, of_hidden = 0.0, 0.0
        for away, ask, asked in self.folds:
            mixed = self.known.copy()
            placed = self.queries @ _placed(self.shop, away, penalty).T  # (B, hidden)
            mixed[:, away] = placed + np.float32(weight) * self.texts[:, away]
            overall += self.panel.ndcg([mixed], [1.0]) / len(self.folds)
            of_hidden += asked.ndcg([mixed[ask]], [1.0]) / len(self.folds)
        return overall, of_hidden

    def apart(self, penalty: float, weight: float) -> float:
        """NDCG of the hidden targets where only hidden items compete."""
        found = 0.0
        for away, ask, asked in self.folds:
            mixed = np.full((len(ask), len(away)), -np.inf, np.float32)
            placed = self.queries[ask] @ _placed(self.shop, away, penalty).T  # (B, hidden)
            mixed[:, away] = placed + np.float32(weight) * self.texts[np.ix_(ask, away)]
            found += asked.ndcg([mixed], [1.0]) / len(self.folds)
        return found


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
