"""How like real shoppers made-up ones are, and whether one of them is a real one in disguise.

    R real and S made-up shoppers   I items   F features

What is normal is read off `reference`, other real shoppers still: those compared would know it better.

Likeness is measured against shoppers that the sampler never saw, and beside it stands what real
shoppers score against them: nothing made up can be expected to be liker than that. The leak check
compares each made-up shopper's nearest neighbour among the training shoppers with the nearest
neighbours of real unseen ones: nearer than chance means that histories were learnt by heart.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats

from recsys.learning.examining import evaluation
from recsys.learning.split import HoldOut
from recsys.models import linear, neighbours
from recsys.models.histories import Histories

TEACHERS = ("itemknn", "ease")

_PAIRED = 200  # best sellers whose pairs are compared
_LEAST = 5  # items of a history that two shoppers do not share by chance alone
_FOLDS = 5
_RIDGE = 1.0
_BLOCK = 512
_EASE_PENALTY, _EASE_RANK = 200.0, 128

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """Made-up against unseen real shoppers; the best value of each is in brackets."""

    popularity_correlation: float  # Spearman over items (1)
    popularity_gini: float  # of the made-up shoppers, beside `real_gini`
    real_gini: float
    length_ks: float  # largest distance of the two distributions of history lengths (0)
    pair_correlation: float  # of the phi coefficients of pairs of best sellers (1)
    category_distance: float | None  # total variation between shares of categories (0)
    classifier_auc: float  # of a logistic regression that tells them apart (.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Jaccard distances to the nearest training shopper, over shoppers of five items or more."""

    shoppers: int
    median: float
    unseen_median: float  # of real shoppers that the sampler never saw
    nearest: float  # the first percentile
    unseen_nearest: float
    copies: float  # share that equals a training shopper
    unseen_copies: float
    too_near: float  # share nearer than the unseen shoppers' first percentile; .01 by chance
    memorised: bool


def report(
    real: Histories,
    made: Histories,
    *,
    reference: Histories,
    seed: int,
    categories: NDArray[np.int64] | None = None,
) -> Likeness:
    """Compare; `categories` (I,) is each item's, where the shop has any."""
    counts, made_counts = (_counts(histories) for histories in (real, made))
    return Likeness(
        popularity_correlation=_correlation(stats.rankdata(counts), stats.rankdata(made_counts)),
        popularity_gini=gini(made_counts),
        real_gini=gini(counts),
        length_ks=float(stats.ks_2samp(real.sizes, made.sizes).statistic),
        pair_correlation=_pair_correlation(real, made, counts),
        category_distance=None
        if categories is None
        else _distance(counts, made_counts, categories),
        classifier_auc=told_apart(
            real, made, reference=reference, seed=seed, categories=categories
        ),
    )


def leak(train: Histories, unseen: Histories, made: Histories) -> Leak:
    """Whether made-up shoppers lie nearer to the training shoppers than unseen real ones do."""
    distances = [nearest(train, _long(histories)) for histories in (made, unseen)]
    mine, theirs = (found if len(found) else np.ones(1) for found in distances)
    bound = float(np.quantile(theirs, 0.01))
    too_near = float((mine < bound).mean())
    # By chance 1 % of each are nearer; four standard errors of both shares are allowed on top.
    slack = 4 * np.sqrt(0.01 * 0.99 * (1 / len(mine) + 1 / len(theirs)))
    copies, unseen_copies = float((mine == 0).mean()), float((theirs == 0).mean())
    return Leak(
        shoppers=len(distances[0]),
        median=float(np.median(mine)),
        unseen_median=float(np.median(theirs)),
        nearest=float(np.quantile(mine, 0.01)),
        unseen_nearest=bound,
        copies=copies,
        unseen_copies=unseen_copies,
        too_near=too_near,
        memorised=bool(too_near > 0.01 + slack or copies > unseen_copies + slack),
    )


def nearest(train: Histories, shoppers: Histories) -> Floats:
    """Jaccard distance of each shopper to the nearest in `train`; a block of them at a time."""
    of_train = train.matrix().astype(np.float32).T.tocsr()  # (I, R)
    sizes = train.sizes.astype(np.float32)
    found = []
    for start in range(0, len(shoppers), _BLOCK):
        block = shoppers.take(slice(start, start + _BLOCK))
        shared = sparse.coo_array(block.matrix() @ of_train)  # (B, R)
        union = block.sizes[shared.row] + sizes[shared.col] - shared.data
        best = np.zeros(len(block))
        np.maximum.at(best, shared.row, shared.data / union)
        found.append(1 - best)
    return np.concatenate([np.zeros(0), *found])


def told_apart(
    real: Histories,
    made: Histories,
    *,
    reference: Histories,
    seed: int,
    categories: NDArray[np.int64] | None = None,
) -> float:
    """AUC of a logistic regression on simple features, by cross-validation (Lopez-Paz, ICLR 2017).

    Worse than chance counts as chance: on a handful of shoppers a fold may err the other way.
    """
    features = np.concatenate([_features(h, reference, categories) for h in (real, made)])
    label = np.repeat([0.0, 1.0], [len(real), len(made)])
    weight = np.where(label > 0, 0.5 / max(len(made), 1), 0.5 / max(len(real), 1)) * len(label)
    fold = np.random.default_rng(seed).integers(_FOLDS, size=len(label))
    score = np.zeros(len(label))
    for number in range(_FOLDS):
        inside = fold != number
        if len(np.unique(label[inside])) < 2:  # noqa: PLR2004 both kinds
            return 0.5
        scale = features[inside].std(axis=0)
        scaled = (features - features[inside].mean(axis=0)) / np.where(scale > 0, scale, 1)
        scaled = np.concatenate([scaled, scaled**2, np.ones((len(label), 1))], axis=1)
        fitted = _logistic(scaled[inside], label[inside], weight[inside])
        score[~inside] = scaled[~inside] @ fitted
    return max(0.5, auc(score, label > 0))


def taught_by(train: Histories, exam: HoldOut) -> dict[str, float]:
    """NDCG@100 on real shoppers of what ItemKNN and EASE learn from `train`."""
    found = {}
    for teacher in TEACHERS:
        if teacher == "itemknn":
            score = evaluation.by_neighbours(neighbours.cosine(train.matrix()))
        elif train.n_items > linear.ITEM_LIMIT:
            continue
        else:
            branch = linear.ease(train, penalty=_EASE_PENALTY, rank=_EASE_RANK)
            score = _by_linear(branch)
        found[teacher] = evaluation.measure(score, exam)["ndcg@100"]
    return found


def as_row(name: str, *parts: Likeness | Leak | Mapping[str, float]) -> dict[str, Any]:
    """One line of the table."""
    row: dict[str, Any] = {"from": name}
    for part in parts:
        row |= asdict(part) if isinstance(part, Likeness | Leak) else dict(part)
    return row


def gini(counts: NDArray[Any]) -> float:
    """0 where all items sell alike, towards 1 where one sells alone."""
    total, n = counts.sum(), len(counts)
    if not total:
        return 0.0
    ranks = np.arange(1, n + 1)
    return float((2 * ranks - n - 1) @ np.sort(counts) / (n * total))


def auc(score: Floats, positive: NDArray[np.bool_]) -> float:
    """How often a positive scores above a negative; ties count half."""
    n = int(positive.sum())
    if n in {0, len(score)}:
        return 0.5
    ranks = stats.rankdata(score)
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(score) - n)))


def _features(
    histories: Histories, reference: Histories, categories: NDArray[np.int64] | None
) -> Floats:
    """What a shopkeeper sees of a shopper: how much, how common, how mixed, how coherent, (B, F)."""
    counts = _counts(reference)
    n = np.maximum(histories.sizes, 1)
    owners, items = histories.owners, histories.items
    rarity = -np.log((counts + 1) / (counts.sum() + len(counts)))[items]

    def mean(values: NDArray[Any]) -> Floats:
        return np.asarray(np.bincount(owners, values, minlength=len(histories)) / n)

    centre = mean(rarity)
    head = np.argsort(np.argsort(-counts)) < max(1, len(counts) // 10)
    tail = counts <= np.median(counts)
    columns = [np.log(n), centre, np.sqrt(mean((rarity - centre[owners]) ** 2))]
    columns += [mean(head[items]), mean(tail[items]), _coherence(histories, reference, counts)]
    if categories is not None:
        common = np.argsort(-np.bincount(categories, counts))[:10]
        columns += [mean(categories[items] == category) for category in common]
    return np.stack(columns, axis=1)


def _coherence(histories: Histories, reference: Histories, counts: Floats) -> Floats:
    """How much the best sellers of a history sell together: their mean phi in the reference."""
    best = np.argsort(-counts, kind="stable")[:_PAIRED]
    phi = _phi(reference, best)
    chosen = sparse.csr_array(histories.matrix())[:, best]
    n = np.asarray(chosen.sum(axis=1), np.float64).ravel()
    shared = np.asarray((chosen @ phi * chosen.toarray()).sum(axis=1))
    return np.asarray(shared / np.maximum(n * (n - 1), 1))


def _phi(histories: Histories, items: NDArray[np.int64]) -> Floats:
    """Correlations of items over shoppers, the diagonal 0."""
    chosen = sparse.csr_array(histories.matrix()).astype(np.float64)[:, items]
    n = max(len(histories), 1)
    mean = np.asarray(chosen.sum(axis=0)).ravel() / n
    covariance = (chosen.T @ chosen).toarray() / n - np.outer(mean, mean)
    deviation = np.sqrt(np.maximum(mean * (1 - mean), 0))
    scale = np.outer(deviation, deviation)
    phi = np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 0)
    np.fill_diagonal(phi, 0)
    return np.asarray(phi)


def _pair_correlation(real: Histories, made: Histories, counts: Floats) -> float:
    best = np.argsort(-counts, kind="stable")[:_PAIRED]
    above = np.triu_indices(len(best), 1)
    return _correlation(_phi(real, best)[above], _phi(made, best)[above])


def _correlation(x: Floats, y: Floats) -> float:
    if len(x) < 2 or not (x.std() and y.std()):  # noqa: PLR2004 two points make a line
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])


def _distance(counts: Floats, made: Floats, categories: NDArray[np.int64]) -> float:
    shares = [np.bincount(categories, c) / max(c.sum(), 1) for c in (counts, made)]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def _logistic(x: Floats, label: Floats, weight: Floats) -> Floats:
    """Ridge logistic regression by Newton's method."""
    beta = np.zeros(x.shape[1])
    for _ in range(15):
        chance = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        slope = x.T @ (weight * (label - chance)) - _RIDGE * beta
        curve = (x * (weight * chance * (1 - chance))[:, None]).T @ x + _RIDGE * np.eye(len(beta))
        beta += np.linalg.solve(curve, slope)
    return beta


def _by_linear(branch: linear.Linear) -> evaluation.Score:
    return lambda histories: branch.users(histories) @ branch.items.T


def _counts(histories: Histories) -> Floats:
    return np.bincount(histories.items, minlength=histories.n_items).astype(np.float64)


def _long(histories: Histories) -> Histories:
    return histories.take(np.flatnonzero(histories.sizes >= _LEAST))
