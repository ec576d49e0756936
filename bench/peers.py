"""The named peers, each tuned on validation alone: what a cheap or a classic method reaches.

Each stands as it was published. Where the data know time or kinds of deed, a `<peer>_timed` stands
beside it that was offered what ours are offered: older deeds and views count less in the input, and
the scores move with the season. So it shows what a gain of ours owes to the clock alone.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from bench import classics, reading
from bench.protocols import Clock, Protocol
from recsys.learning.examining import evaluation
from recsys.learning.examining.evaluation import Score
from recsys.models import popularity
from recsys.models.histories import Histories, InputWeights
from recsys.types import EventKind

MANY = 500_000  # interactions past which the grids are coarser: each offer takes a minute
EASE_ITEMS = 13_000  # items squared in float32: 0.7 GB, three times over
TIMED = "_timed"
NAMES = ("popularity", "itemknn", "rp3beta", "ials", "ease", "svd")
RANKS = (32, 64, 128, 256, 512)
HALF_LIVES_DAYS = (7.0, 14.0, 30.0, 60.0)
DECAYS = (0.95, 0.9, 0.8, 0.7, 0.6)
VIEW_WEIGHTS = (0.5, 0.25, 0.1)
SEASONS = (0.003, 0.01, 0.03, 0.1, 0.2, 0.4)  # of a shopper's best score, for a logit of trend

Settings = dict[str, Any]
Grid = Iterator[tuple[Settings, Any]]  # settings and the model they gave


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A ranker as validation chose it; `score` None says why in `settings`."""

    name: str
    settings: str
    scores: tuple[Score, ...]  # one, or one a seed
    validation: dict[str, float]
    cpu_seconds: float  # of fitting the chosen setting once


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    grid: Callable[[Protocol], Grid]
    fit: Callable[[Histories, Clock | None, Settings], Any]
    score: Callable[[Any, InputWeights], Score]


def choose(name: str, protocol: Protocol) -> Iterator[Chosen]:
    """Tune one peer on validation, then fit it on what its table lets it learn from."""
    if name == "ease" and protocol.train.n_items > EASE_ITEMS:
        reason = f"not run: {protocol.train.n_items} items squared are too many"
        yield Chosen(name=name, settings=reason, scores=(), validation={}, cpu_seconds=0.0)
        return
    peer, best, tried = PEERS[name], -1.0, 0
    settings: Settings = {}
    model: Any = None
    for offered, fitted in peer.grid(protocol):
        found = _validated(protocol, peer.score(fitted, InputWeights()))
        print(f"  {protocol.name} {name} {_said(offered)} {found:.5f}", flush=True)
        tried += 1
        if found > best:
            best, settings, model = found, offered, fitted
    final, spent = model, 0.0
    if protocol.refitted or name != "popularity":
        began = time.process_time()  # of one fit, from the beginning
        final = peer.fit(protocol.final, protocol.final_clock, settings)
        spent = time.process_time() - began

    def chosen(name: str, weights: InputWeights, season: float, tried: int) -> Chosen:
        by = peer.score(model, weights)
        tested = peer.score(final, weights)
        return Chosen(
            name=name,
            settings=f"{_said(settings, weights, season)} (of {tried})",
            scores=(_moved(tested, season, protocol.final, protocol.final_clock),),
            validation=_all_validated(protocol, _moved(by, season, protocol.train, protocol.clock)),
            cpu_seconds=spent,
        )

    yield chosen(name, InputWeights(), 0.0, tried)
    if name == "popularity":
        return
    weights, best, weighed = _weighed(protocol, peer, model, best)
    season, seasoned = _seasoned(protocol, peer.score(model, weights), best)
    if weights != InputWeights() or season:
        yield chosen(f"{name}{TIMED}", weights, season, tried + weighed + seasoned)


def _all_validated(protocol: Protocol, score: Score) -> dict[str, float]:
    users = reading.per_user(
        score,
        protocol.validation,
        names=protocol.metrics,
        plain_recall=protocol.plain_recall,
    )
    return reading.means(users)


def _validated(protocol: Protocol, score: Score) -> float:
    users = reading.per_user(
        score,
        protocol.validation,
        names=(protocol.chosen_by,),
        plain_recall=protocol.plain_recall,
    )
    return float(users[protocol.chosen_by].mean())


def _weighed(
    protocol: Protocol, peer: Peer, model: Any, best: float
) -> tuple[InputWeights, float, int]:
    """How fast a deed is forgotten, then what a view says beside a purchase."""
    weights = InputWeights()
    offers: list[Settings] = []
    if protocol.ordered:
        offers += [{"decay": decay} for decay in DECAYS]
    if protocol.deeds:
        view = tuple(EventKind).index(EventKind.VIEW)
        for share in VIEW_WEIGHTS:
            kinds = [1.0] * len(EventKind)
            kinds[view] = share
            offers.append({"kinds": tuple(kinds)})
    for offer in offers:
        offered = replace(weights, **offer)
        found = _validated(protocol, peer.score(model, offered))
        if found > best:
            weights, best = offered, found
    return weights, best, len(offers)


def _seasoned(protocol: Protocol, score: Score, best: float) -> tuple[float, int]:
    season = 0.0
    offers = SEASONS if protocol.clock is not None else ()
    for offered in offers:
        found = _validated(protocol, _moved(score, offered, protocol.train, protocol.clock))
        if found > best:
            season, best = offered, found
    return season, len(offers)


def _moved(score: Score, season: float, taught: Histories, clock: Clock | None) -> Score:
    """Scores moved towards what sells now, in shares of each shopper's best score."""
    if season == 0 or clock is None:
        return score
    overall = np.bincount(taught.items, minlength=taught.n_items).astype(np.float32)
    trend = popularity.trend(_recent(clock, taught.n_items, popularity.HALF_LIFE_DAYS), overall)

    def moved(histories: Histories) -> NDArray[np.float32]:
        scores = score(histories)
        best = np.abs(scores).max(axis=1, keepdims=True)
        return np.asarray(scores + np.float32(season) * best * trend[None, :])

    return moved


def _recent(clock: Clock, n_items: int, half_life_days: float) -> NDArray[np.float32]:
    return popularity.decayed_counts(
        clock.user_rows,
        clock.item_rows,
        clock.at,
        n_items=n_items,
        half_life_days=half_life_days,
    )


def _counts(taught: Histories, clock: Clock | None, settings: Settings) -> NDArray[np.float32]:
    if settings["half_life_days"] is not None and clock is not None:
        return _recent(clock, taught.n_items, settings["half_life_days"])
    kept = np.isin(taught.kinds, settings["kinds"]) if settings["kinds"] else slice(None)
    return np.bincount(taught.items[kept], minlength=taught.n_items).astype(np.float32)


def _counts_grid(protocol: Protocol) -> Grid:
    kinds = tuple(EventKind)
    bought = (kinds.index(EventKind.PURCHASE),)
    offers: list[Settings] = [{"half_life_days": None, "kinds": ()}]
    if protocol.deeds:
        offers.append({"half_life_days": None, "kinds": bought})
    if protocol.clock is not None:
        offers += [{"half_life_days": days, "kinds": ()} for days in HALF_LIVES_DAYS]
    for offer in offers:
        yield offer, _counts(protocol.train, protocol.clock, offer)


def _itemknn_grid(protocol: Protocol) -> Grid:
    walks = classics.Walks(protocol.train.matrix())
    many = len(protocol.train.items) > MANY
    shrinks = (0.0, 10.0) if many else (0.0, 3.0, 10.0, 30.0)
    for k, shrink in itertools.product((50, 200) if many else (50, 100, 200, 400), shrinks):
        settings = {"k": k, "shrink": shrink}
        yield settings, classics.cosine(walks, **settings)


def _rp3beta_grid(protocol: Protocol) -> Grid:
    walks = classics.Walks(protocol.train.matrix())
    many = len(protocol.train.items) > MANY
    betas = (0.3, 0.5) if many else (0.1, 0.3, 0.5, 0.7)
    ks = (300,) if many else (100, 300)
    for alpha, beta, k in itertools.product((0.4, 0.7, 1.0), betas, ks):
        settings = {"alpha": alpha, "beta": beta, "k": k}
        yield settings, classics.rp3beta(walks, **settings)


def _ials_grid(protocol: Protocol) -> Grid:
    """Regularisation and confidence at 64 factors, then other widths at the best of them."""
    matrix = protocol.train.matrix()
    many = len(protocol.train.items) > MANY
    penalties = (1.0, 10.0, 50.0) if many else (0.1, 1.0, 10.0, 50.0, 150.0)
    alphas = (4.0, 16.0) if many else (1.0, 4.0, 16.0)
    best, chosen = -1.0, (1.0, 1.0)
    with threadpool_limits(1, "blas"):  # as its authors ask: its own threads and BLAS's collide
        for penalty, alpha in itertools.product(penalties, alphas):
            settings = {"factors": 64, "regularisation": penalty, "alpha": alpha}
            model = classics.ials(matrix, **settings)
            found = _validated(protocol, _ials_score(model, InputWeights()))
            if found > best:
                best, chosen = found, (penalty, alpha)
            yield settings, model
        for factors in (256,) if many else (32, 128, 256):
            settings = {"factors": factors, "regularisation": chosen[0], "alpha": chosen[1]}
            yield settings, classics.ials(matrix, **settings)


def _ials_score(model: Any, weights: InputWeights) -> Score:
    def scores(histories: Histories) -> NDArray[np.float32]:
        folded = sparse.csr_matrix(histories.matrix(weights))
        with threadpool_limits(1, "blas"):
            users = model.recalculate_user(np.arange(folded.shape[0]), folded)
        return np.asarray(users @ model.item_factors.T)

    return scores


def _ease_grid(protocol: Protocol) -> Grid:
    matrix = protocol.train.matrix()
    for penalty in (25.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1600.0):
        density = len(protocol.train.items) / protocol.train.n_items
        if not density / 2 <= penalty <= 20 * density:
            continue  # far from where an item of so many shoppers has its best
        yield {"penalty": penalty}, classics.ease(matrix, penalty=penalty)


def _svd_grid(protocol: Protocol) -> Grid:
    matrix = protocol.train.matrix()
    half = min(matrix.shape) // 2
    many = len(protocol.train.items) > MANY
    ranks = [rank for rank in (RANKS[2:] if many else RANKS) if rank < half]
    item_powers = (0.25, 0.5) if many else (0.0, 0.25, 0.4, 0.5)
    for item_power, user_power in itertools.product(item_powers, (0.0, 0.5)):
        powers = {"item_power": item_power, "user_power": user_power}
        project, items = classics.svd(matrix, rank=ranks[-1], **powers)
        for rank in ranks:  # the first columns are the lower rank's
            yield {"rank": rank, **powers}, (project[:, :rank], items[:, :rank])


def _sparse_score(model: Any, weights: InputWeights) -> Score:
    return lambda histories: np.asarray((histories.matrix(weights) @ model).toarray())


def _dense_score(model: Any, weights: InputWeights) -> Score:
    return lambda histories: np.asarray(histories.matrix(weights) @ model)


def _factor_score(model: Any, weights: InputWeights) -> Score:
    project, items = model
    return lambda histories: np.asarray((histories.matrix(weights) @ project) @ items.T)


def _said(settings: Settings, weights: InputWeights | None = None, season: float = 0.0) -> str:
    parts = [
        f"{name} {value:g}" if isinstance(value, int | float) else f"{name} {value}"
        for name, value in settings.items()
        if value not in {None, ()}
    ]
    if weights is not None and weights.decay != 1:
        parts.append(f"input decay {weights.decay:g}")
    if weights is not None and min(weights.kinds) < 1:
        parts.append(f"a view counts {min(weights.kinds):g}")
    if season:
        parts.append(f"season {season:g}")
    return ", ".join(parts) or "as it is"


PEERS = {
    "popularity": Peer(
        grid=_counts_grid,
        fit=_counts,
        score=lambda counts, _weights: evaluation.by_counts(counts),
    ),
    "itemknn": Peer(
        grid=_itemknn_grid,
        fit=lambda taught, _clock, s: classics.cosine(classics.Walks(taught.matrix()), **s),
        score=_sparse_score,
    ),
    "rp3beta": Peer(
        grid=_rp3beta_grid,
        fit=lambda taught, _clock, s: classics.rp3beta(classics.Walks(taught.matrix()), **s),
        score=_sparse_score,
    ),
    "ials": Peer(
        grid=_ials_grid,
        fit=lambda taught, _clock, s: classics.ials(taught.matrix(), **s),
        score=_ials_score,
    ),
    "ease": Peer(
        grid=_ease_grid,
        fit=lambda taught, _clock, s: classics.ease(taught.matrix(), **s),
        score=_dense_score,
    ),
    "svd": Peer(
        grid=_svd_grid,
        fit=lambda taught, _clock, s: classics.svd(taught.matrix(), **s),
        score=_factor_score,
    ),
}
