"""Our branches, alone and fused, as validation chooses them: the product's own code, set by set.

`RECIPES` is the one place where a set has settings of its own: what was chosen on its validation
shoppers by hand or by grid. What `learning.blending.branches` chooses by itself starts from there.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bench import reading
from bench.peers import EASE_ITEMS, Chosen
from bench.protocols import Clock, Protocol
from bench.recipes import RECIPES, Recipe
from recsys.learning.blending import branches
from recsys.learning.blending.branches import BranchOptions
from recsys.learning.blending.tuning import LinearSettings, NeighbourSettings
from recsys.learning.examining import evaluation
from recsys.learning.examining.evaluation import Score
from recsys.learning.fitting import training
from recsys.learning.fitting.training import Fitted
from recsys.learning.split import HoldOut
from recsys.models import ensemble, histories, popularity
from recsys.models.fusion import Fused
from recsys.models.histories import Histories, InputWeights

PANEL_CELLS = 40_000_000  # validation shoppers x items that choose: 160 MB a branch
LOOKED_AT = 4_000  # validation shoppers that choose the epoch
SEASON_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)

Floats = NDArray[np.float32]
Report = dict[str, Any]


def choose(protocol: Protocol, *, seeds: tuple[int, ...]) -> Iterator[Chosen]:
    """Linear and neighbours alone, the dense branch alone, then the three fused, seed by seed."""
    recipe = RECIPES[protocol.name]
    if not protocol.ordered:
        told = replace(recipe.dense, input=InputWeights(), future=False)
        recipe = replace(recipe, dense=told)
    options = BranchOptions(
        linear=recipe.linear,
        neighbours=recipe.neighbours,
        linear_grid=recipe.linear_grid,
        neighbour_grid=recipe.neighbour_grid,
        at=int(protocol.chosen_by.split("@")[1]),
        cells=PANEL_CELLS,
        item_limit=EASE_ITEMS,
    )
    alone = {
        "linear": replace(options, neighbours=None),
        "neighbours": replace(options, linear=None),
    }
    branch: list[Chosen] = []
    for name, only in alone.items():
        chosen, settings = _alone(name, protocol, only)
        options = replace(options, **{name: settings or getattr(options, name)})
        branch.append(chosen)
        yield chosen
    fits = _dense(protocol, recipe, seeds)
    branch.append(_vae(protocol, recipe, fits))
    yield branch[-1]
    if not recipe.searched_again:
        options = replace(options, linear_grid=(), neighbour_grid=())
    yield _best(protocol, options, _joined(fits) if recipe.side_by_side else fits, branch)


def order_unread(protocol: Protocol) -> Protocol:
    """The same histories as sets: what the published models of an order-blind table read."""

    def unread(of: Histories) -> Histories:
        return histories.from_matrix(of.matrix())

    def held_out(of: HoldOut) -> HoldOut:
        return replace(of, fold_in=unread(of.fold_in))

    train = unread(protocol.train)
    return replace(
        protocol,
        train=train,
        validation=held_out(protocol.validation),
        final=unread(protocol.final) if protocol.refitted else train,
        test=held_out(protocol.test),
        also={how: held_out(test) for how, test in protocol.also.items()},
        ordered=False,
        deeds=False,
        clock=None,
        final_clock=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fits:
    """The dense branch: as it chose, as it is tested, one a seed, and its cost."""

    choosing: tuple[Fitted, ...]  # one where another is refitted for the test
    tested: tuple[Fitted, ...]
    cpu_seconds: float


def _alone(name: str, protocol: Protocol, options: BranchOptions) -> tuple[Chosen, Any]:
    began = time.process_time()  # the search included: it is part of our training
    chosen, report = _grown(name, protocol, None, options)
    final = _rebuilt(protocol, None, options, report) if protocol.refitted else chosen
    spent = time.process_time() - began
    settings = None
    if report.get(name) is not None:
        settings = replace(getattr(options, name), **report[name])
    return (
        Chosen(
            name=name,
            settings=_said(report),
            scores=(final.scores,),
            validation=_validated(protocol, chosen.scores),
            cpu_seconds=spent,
        ),
        settings,
    )


def _dense(protocol: Protocol, recipe: Recipe, seeds: tuple[int, ...]) -> _Fits:
    """Fitted on train by validation; where all of train may teach, once more for as many epochs."""
    looked_at = _some(protocol.validation)
    options = replace(
        recipe.dense,
        stop_at=max(20, int(protocol.chosen_by.split("@")[1])),
        patience=recipe.epochs,  # the rate falls to zero at the end: the best epochs are the last
    )

    def fit(taught: Histories, validation: HoldOut, epochs: int, seed: int) -> Fitted:
        found = training.fit(
            taught, validation=validation, options=options, epochs=epochs, seed=seed
        )
        print(f"  {protocol.name} vae {seed}: epoch {found.best_epoch}, {found.ndcgs}", flush=True)
        return found

    began = time.process_time()
    if not protocol.refitted:
        fits = tuple(fit(protocol.train, looked_at, recipe.epochs, seed) for seed in seeds)
        spent = (time.process_time() - began) / len(seeds)
        return _Fits(choosing=fits, tested=fits, cpu_seconds=spent)
    first = fit(protocol.train, looked_at, recipe.epochs, seeds[0])
    began = time.process_time()
    nobody = looked_at.batch(0, 0)
    fits = tuple(fit(protocol.final, nobody, first.best_epoch, seed) for seed in seeds)
    spent = (time.process_time() - began) / len(seeds)
    return _Fits(choosing=(first,), tested=fits, cpu_seconds=spent)


def _joined(fits: _Fits) -> _Fits:
    """What `TrainingOptions.seeds` gives, made of the fits that are there already."""

    def joined(of: tuple[Fitted, ...]) -> tuple[Fitted, ...]:
        encoder, vectors = ensemble.concatenated([(one.encoder, one.vectors) for one in of])
        return (replace(of[0], encoder=encoder, vectors=vectors),)

    tested = joined(fits.tested)
    choosing = tested if fits.choosing is fits.tested else fits.choosing
    return _Fits(choosing=choosing, tested=tested, cpu_seconds=fits.cpu_seconds * len(fits.tested))


def _vae(protocol: Protocol, recipe: Recipe, fits: _Fits) -> Chosen:
    """The dense branch alone; where the data know time its bias follows the season."""
    weight, chosen = 0.0, fits.choosing
    trend = _trend(protocol.train, protocol.clock)
    if trend is not None:
        seasoned = [
            _seasoned(one, trend, protocol.validation, at=recipe.dense.stop_at)
            for one in fits.choosing
        ]
        chosen = tuple(fitted for fitted, _ in seasoned)
        weight = float(np.mean([weight for _, weight in seasoned]))
    tested = fits.tested
    if weight:
        now = _trend(protocol.final, protocol.final_clock)
        tested = tuple(_moved(one, now, weight) for one in fits.tested)
    options = recipe.dense
    said = f"{options.hidden} wide, {options.latent} latent, gamma {options.gamma:g}"
    said += f", input decay {options.input.decay:g}" if options.input.decay != 1 else ""
    said += ", foretelling" if options.future else ""
    said += f", season {weight:.2g}" if weight else ""
    epochs = "/".join(str(one.best_epoch) for one in fits.choosing)
    return Chosen(
        name="vae",
        settings=f"{said}, epoch {epochs} of {recipe.epochs}",
        scores=tuple(evaluation.by_vae(one.encoder, one.vectors) for one in tested),
        validation=_validated(
            protocol, *(evaluation.by_vae(one.encoder, one.vectors) for one in chosen)
        ),
        cpu_seconds=fits.cpu_seconds,
    )


def _best(protocol: Protocol, options: BranchOptions, fits: _Fits, branch: list[Chosen]) -> Chosen:
    """The fusion; where validation prefers one branch, that one, the others at weight zero.

    A search of settings upon the other branches may end worse than where it began, as a panel is a
    sample: then the settings that each branch found alone are weighed, and nothing more is tried.
    """

    def value(of: Chosen) -> float:
        return of.validation[protocol.chosen_by]

    best = max(branch, key=value)
    fused = _fused(protocol, options, fits)
    if value(fused) <= value(best):
        plain = _fused(protocol, replace(options, linear_grid=(), neighbour_grid=()), fits)
        fused = max(fused, plain, key=value)
    if value(fused) > value(best):
        return fused
    return replace(
        best,
        name="fused",
        settings=f"{best.name} at weight 1, the others at 0; {best.settings}",
        cpu_seconds=fused.cpu_seconds,
    )


def _fused(protocol: Protocol, options: BranchOptions, fits: _Fits) -> Chosen:
    """Settings are searched with the first seed; each seed's weights are its own."""
    chosen: list[Fused] = []
    reports: list[Report] = []
    spent: list[float] = []
    for fitted in fits.choosing:
        began = time.process_time()
        fused, report = _grown("fused", protocol, fitted, options)
        spent.append(time.process_time() - began)
        chosen.append(fused)
        reports.append(report)
        options = _settled(options, report)
    tested = chosen
    if protocol.refitted:
        tested = [_rebuilt(protocol, one, options, reports[0]) for one in fits.tested]
    return Chosen(
        name="fused",
        settings=_said(reports[0]),
        scores=tuple(one.scores for one in tested),
        validation=_validated(protocol, *(one.scores for one in chosen)),
        cpu_seconds=fits.cpu_seconds + spent[0],  # one seed, with the search for settings
    )


def _grown(
    name: str, protocol: Protocol, fitted: Fitted | None, options: BranchOptions
) -> tuple[Fused, Report]:
    """Taught by train, chosen on validation, and said as it comes."""
    fused, report = branches.grow(
        protocol.train,
        fitted,
        protocol.validation,
        options=options,
        trend=_trend(protocol.train, protocol.clock),
    )
    print(f"  {protocol.name} {name}: {report}", flush=True)
    return fused, report


def _settled(options: BranchOptions, report: Report) -> BranchOptions:
    """The settings that were chosen, with nothing more to try but the weights."""
    found = {
        name: replace(getattr(options, name), **report[name])
        for name in ("linear", "neighbours")
        if getattr(options, name) is not None and report.get(name) is not None
    }
    return replace(options, **found, linear_grid=(), neighbour_grid=())


def _rebuilt(
    protocol: Protocol, fitted: Fitted | None, options: BranchOptions, report: Report
) -> Fused:
    """The chosen settings and weights, taught by all that may teach the model that is tested."""
    settled = _settled(options, report)
    settled = replace(
        settled,
        linear=settled.linear if report.get("linear") is not None else None,
        neighbours=settled.neighbours if report.get("neighbours") is not None else None,
    )
    nobody = protocol.validation.batch(0, 0)
    grown, _ = branches.grow(protocol.final, fitted, nobody, options=settled)
    weights = report["weights"]
    counts = np.bincount(protocol.final.items, minlength=protocol.final.n_items)
    bias = np.float32(weights.get("popularity", 0.0)) * np.log1p(counts).astype(np.float32)
    trend = _trend(protocol.final, protocol.final_clock)
    if trend is not None:
        bias = bias + np.float32(weights.get("trend", 0.0)) * trend
    return replace(
        grown,
        bias=np.asarray(bias, np.float32),
        dense_weight=float(weights.get("dense", 0.0)),
        linear_weight=float(weights.get("linear", 0.0)),
        neighbour_weight=float(weights.get("neighbours", 0.0)),
    )


def _validated(protocol: Protocol, *scores: Score) -> dict[str, float]:
    """Means over the validation shoppers, and over seeds."""
    found = [
        reading.means(
            reading.per_user(
                score,
                protocol.validation,
                names=protocol.metrics,
                plain_recall=protocol.plain_recall,
            )
        )
        for score in scores
    ]
    return {name: float(np.mean([one[name] for one in found])) for name in protocol.metrics}


def _some(validation: HoldOut) -> HoldOut:
    if len(validation) <= LOOKED_AT:
        return validation
    rows = np.sort(np.random.default_rng(0).choice(len(validation), LOOKED_AT, replace=False))
    masked = None if validation.masked is None else sparse.csr_array(validation.masked)[rows]
    return HoldOut(
        fold_in=validation.fold_in.take(rows), targets=validation.targets[rows], masked=masked
    )


def _trend(taught: Histories, clock: Clock | None) -> Floats | None:
    """What sells now beside what always sold, where the data know time."""
    if clock is None:
        return None
    recent = popularity.decayed_counts(
        clock.user_rows, clock.item_rows, clock.at, n_items=taught.n_items
    )
    overall = np.bincount(taught.items, minlength=taught.n_items).astype(np.float32)
    return popularity.trend(recent, overall)


def _seasoned(
    fitted: Fitted, trend: Floats, validation: HoldOut, *, at: int
) -> tuple[Fitted, float]:
    """Move the decoder's bias towards what sells now, by the weight that validation likes best.

    The fit saw every month alike; a bias is popularity, and popularity has seasons. On the grocery
    shop this is worth 4 % of NDCG@100. `[W, b]` stays one linear decoder, so search stays exact.
    """
    best, best_weight, best_ndcg = fitted, 0.0, -1.0
    for weight in SEASON_WEIGHTS if len(validation) else ():
        moved = _moved(fitted, trend, weight)
        score = evaluation.by_vae(moved.encoder, moved.vectors)
        ndcg = evaluation.measure(score, validation, recall_at=(at,), ndcg_at=(at,))[f"ndcg@{at}"]
        if ndcg > best_ndcg:
            best, best_weight, best_ndcg = moved, weight, ndcg
    return best, best_weight


def _moved(fitted: Fitted, trend: Floats | None, weight: float) -> Fitted:
    vectors = fitted.vectors.copy()
    if trend is not None:
        vectors[:, -1] += np.float32(weight) * trend
    return replace(fitted, vectors=vectors)


def _said(report: Report) -> str:
    """Weights, then the settings that are not their defaults."""
    parts = [f"{name} x {weight:.3g}" for name, weight in report["weights"].items() if weight]
    defaults = {"linear": LinearSettings(), "neighbours": NeighbourSettings()}
    for name, plain in defaults.items():
        of = report.get(name) or {}
        moved = [f"{key} {value}" for key, value in of.items() if value != getattr(plain, key)]
        if moved:
            parts.append(f"{name}: {', '.join(moved)}")
    return "; ".join(parts)
