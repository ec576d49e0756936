"""Fit the VAE: shuffle, step, look at the validation shoppers, keep the best epoch."""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import torch

from recsys.errors import Cancelled
from recsys.learning.examining import evaluation
from recsys.learning.fitting import checkpoint as checkpoints
from recsys.learning.fitting import distributed
from recsys.learning.fitting.curves import Curves
from recsys.learning.fitting.stepping import Course, Stepper
from recsys.learning.split import HoldOut
from recsys.models.encoder import Encoder, Floats
from recsys.models.ensemble import concatenated
from recsys.models.histories import Histories, InputWeights
from recsys.models.vae import VAE

_Found = tuple[Encoder, Floats]

OnEpoch = Callable[[float, float, float], bool]  # progress 0..1, loss, ndcg -> go on?


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """What a shop's model is made with."""

    # Chosen on the validation half of the grocery shop, three seeds. Width 600 and latent 200, which
    # long histories such as ML-1M's repay, gain nothing there and cost three times as much.
    hidden: int = 300  # encoder width
    latent: int = 100  # numbers that stand for a shopper; the index is one wider
    depth: int = 2  # residual blocks: 1 is worse, 4 no better
    dropout: float = 0.5  # share of a history hidden from the encoder
    gamma: float = 0.01  # KL weight for each item of the history; ML-1M likes half of it
    user_power: float = 0.5  # between counting events (0) and counting shoppers (1)
    input: InputWeights = InputWeights()  # what an item of a history weighs on the way in
    future: bool = (
        False  # expect what follows a random cut of what came before, not a set of itself
    )
    learning_rate: float = 1e-3
    warmup_steps: int = 20  # Adam's second moment is a guess at first
    batch: int = 200
    sampled: int | None = None  # items scored besides a batch's own; 0 all; None by catalogue size
    precision: str = "auto"  # of products: bf16 where the machine multiplies it, or fp32
    validate_every: int = 1  # epochs from one look at the validation shoppers to the next
    patience: int = 10  # epochs without a better validation NDCG before stopping
    seeds: int = 1  # fits side by side in one vector, whose scores are averaged
    stop_at: int = 100  # the NDCG's depth: deeper is smoother than 20, and chooses as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """The best epoch's weights and how the fit went; `losses` holds finite numbers only.

    `ndcgs` has one number for each epoch too: an epoch that was not looked at repeats the last.
    """

    encoder: Encoder
    vectors: Floats
    losses: tuple[float, ...]
    ndcgs: tuple[float, ...]
    best_epoch: int
    finite: bool


def device_of(wanted: str) -> str:
    """The torch device for a setting: `auto` takes a card where there is one.

    Raises:
        ValueError: A card is asked for and torch sees none.
    """
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise ValueError(
            "VITRINE_TRAIN_DEVICE=cuda, but torch sees no card: install a CUDA build of torch "
            "and the driver, or set it to auto"
        )
    return "cuda" if there and wanted != "cpu" else "cpu"


def fit(  # noqa: PLR0913 each is a caller's own to say
    train: Histories,
    *,
    validation: HoldOut,
    options: TrainingOptions,
    epochs: int,
    seed: int,
    max_seconds: float = math.inf,
    device: str = "cpu",
    on_epoch: OnEpoch = lambda _progress, _loss, _ndcg: True,
    checkpoint: Path | None = None,
    log_dir: Path | None = None,
) -> Fitted:
    """Fit on U histories; on the CPU the same seed and threads give the same model.

    Under `distributed.joined` every process calls it with the same arguments and gets the same
    model; `on_epoch` is asked, and files are written, in the leading one only. `checkpoint` is
    written after every epoch; where it is of this very fit, the fit goes on from there. `log_dir`
    is where TensorBoard's event files go.

    Raises:
        Cancelled: `on_epoch` said to stop.
        MissingExtra: Logs are asked for and TensorBoard is not installed.
    """
    if options.seeds > 1:
        given = (train, validation, options, epochs, seed, max_seconds, device)
        return _several(*given, on_epoch=on_epoch, checkpoint=checkpoint, log_dir=log_dir)
    team = distributed.team()
    stepper = Stepper(train, options, seed=seed, device=device, team=team)
    course = Course(epochs=epochs)
    best = stepper.model.export(options.input)
    settings = {**asdict(options), "epochs": epochs, "seed": seed, "device": device}
    kept = checkpoints.Checkpoint.at(checkpoint, (train, validation.fold_in), settings, team)
    best = kept.resume(stepper, course) or best
    with _logs(log_dir if team.leads else None, course) as curves:
        while not _finished(course, options):
            began = time.monotonic()
            loss = stepper.epoch(course.epoch, course.epochs)
            if not (math.isfinite(loss) and stepper.model.is_finite()):
                break  # it diverged: a later epoch cannot be better, an earlier one may be good
            course.epoch += 1
            go_on = True
            if team.leads:
                course.losses.append(loss)
                best = _looked(stepper.model, best, course, validation, options)
                course.seconds += time.monotonic() - began
                course.epochs = _affordable(course, max_seconds)
                kept.save(stepper, course, best)
                if curves is not None:
                    curves.add(course.epoch, loss=loss, ndcg=course.ndcgs[-1])
                share = 1.0 if _finished(course, options) else course.epoch / course.epochs
                go_on = on_epoch(share, loss, course.ndcgs[-1])
            course, go_on = team.hear((course, go_on))
            if not go_on:
                raise Cancelled(
                    f"stopped after epoch {course.epoch} of {course.epochs}; nothing was published"
                )
    return _fitted(team.hear(best), course)


def _logs(log_dir: Path | None, course: Course) -> AbstractContextManager[Curves | None]:
    return Curves(log_dir, after=course.epoch) if log_dir else nullcontext()


def _fitted(best: _Found, course: Course) -> Fitted:
    encoder, vectors = best
    return Fitted(
        encoder=encoder,
        vectors=vectors,
        losses=tuple(course.losses),
        ndcgs=tuple(course.ndcgs),
        best_epoch=course.best_epoch,
        finite=bool(course.losses),
    )


def _several(  # noqa: PLR0913 as `fit`
    train: Histories,
    validation: HoldOut,
    options: TrainingOptions,
    epochs: int,
    seed: int,
    max_seconds: float,
    device: str,
    *,
    on_epoch: OnEpoch,
    checkpoint: Path | None,
    log_dir: Path | None,
) -> Fitted:
    """One fit after the other; curves follow each other too."""
    fits = [
        fit(
            train,
            validation=validation,
            options=replace(options, seeds=1),
            epochs=epochs,
            seed=seed + number,
            max_seconds=max_seconds / options.seeds,
            device=device,
            on_epoch=partial(_after, on_epoch, number, options.seeds),
            checkpoint=checkpoints.numbered(checkpoint, number),
            log_dir=log_dir and log_dir / str(number),
        )
        for number in range(options.seeds)
    ]
    encoder, vectors = concatenated([(one.encoder, one.vectors) for one in fits])
    best = max(range(len(fits)), key=lambda number: max(fits[number].ndcgs, default=-1.0))
    before = sum(len(one.losses) for one in fits[:best])
    return Fitted(
        encoder=encoder,
        vectors=vectors,
        losses=tuple(loss for one in fits for loss in one.losses),
        ndcgs=tuple(ndcg for one in fits for ndcg in one.ndcgs),
        best_epoch=before + fits[best].best_epoch,
        finite=all(one.finite for one in fits),
    )


def _after(
    on_epoch: OnEpoch, number: int, of: int, progress: float, loss: float, ndcg: float
) -> bool:
    return on_epoch((number + progress) / of, loss, ndcg)


def _looked(
    model: VAE, best: _Found, course: Course, validation: HoldOut, options: TrainingOptions
) -> _Found:
    """Look at the validation shoppers where it is time to: the better of `best` and the model."""
    due = course.epoch % options.validate_every == 0 or course.epoch >= course.epochs
    if not due:
        course.ndcgs.append(course.ndcgs[-1] if course.ndcgs else 0.0)
        return best
    ndcg = _ndcg(model.export(options.input, copy=False), validation, options)
    course.ndcgs.append(ndcg)
    if ndcg <= course.best_ndcg and len(validation):
        return best
    course.best_ndcg, course.best_epoch = ndcg, course.epoch
    return model.export(options.input)


def _finished(course: Course, options: TrainingOptions) -> bool:
    tired = course.epoch - course.best_epoch >= max(options.patience, options.validate_every)
    return course.epoch >= course.epochs or (course.epoch > 0 and tired)


def _affordable(course: Course, max_seconds: float) -> int:
    """Fewer epochs where the time allowed would run out, so that the cosine still ends at zero."""
    each = course.seconds / course.epoch
    if each * course.epochs <= max_seconds:
        return course.epochs
    return max(course.epoch, int(max_seconds / each))


def _ndcg(found: _Found, validation: HoldOut, options: TrainingOptions) -> float:
    at = options.stop_at
    scored = evaluation.measure(
        evaluation.by_vae(*found), validation, recall_at=(at,), ndcg_at=(at,)
    )
    return scored[f"ndcg@{at}"]
