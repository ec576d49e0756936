"""Fit the VAE: shuffle, step, look at the validation shoppers, keep the best epoch."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.errors import Cancelled
from recsys.learning import evaluation
from recsys.learning.split import HoldOut
from recsys.models.encoder import Encoder, Floats
from recsys.models.histories import Histories
from recsys.models.vae import VAE, Bags

SEASON_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)

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
    learning_rate: float = 1e-3
    warmup_steps: int = 20  # Adam's second moment is a guess at first
    batch: int = 200
    patience: int = 10  # epochs without a better validation NDCG before stopping
    stop_at: int = 100  # the NDCG's depth: deeper is smoother than 20, and chooses as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """The best epoch's weights and how the fit went; `losses` holds finite numbers only."""

    encoder: Encoder
    vectors: Floats
    losses: tuple[float, ...]
    ndcgs: tuple[float, ...]
    best_epoch: int
    finite: bool
    season_weight: float = 0.0


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


def fit(
    train: Histories,
    *,
    validation: HoldOut,
    options: TrainingOptions,
    epochs: int,
    seed: int,
    max_seconds: float = math.inf,
    device: str = "cpu",
    on_epoch: OnEpoch = lambda _progress, _loss, _ndcg: True,
) -> Fitted:
    """Fit on U histories; on the CPU the same seed and threads give the same model.

    Raises:
        Cancelled: `on_epoch` said to stop.
    """
    model = _model(train, options, seed).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=options.learning_rate, fused=True)
    shuffle = np.random.default_rng(seed)
    steps = math.ceil(len(train) / options.batch)
    began = time.monotonic()
    best, best_ndcg, best_epoch = model.export(), -1.0, 0
    losses: list[float] = []
    ndcgs: list[float] = []
    epoch = 0
    while epoch < epochs:
        order = shuffle.permutation(len(train))
        total = 0.0
        for step in range(steps):
            users = order[step * options.batch : (step + 1) * options.batch]
            rate = _rate(epoch * steps + step, epochs * steps, options)
            total += _step(model, optimiser, _bags(train, users, device), rate, options)
        epoch += 1
        if not (math.isfinite(total) and model.is_finite()):
            break  # it diverged: a later epoch cannot be better, an earlier one may be good
        found = model.export()
        ndcg = _ndcg(found, validation, options)
        losses.append(total / steps)
        ndcgs.append(ndcg)
        if ndcg > best_ndcg or not len(validation):
            best, best_ndcg, best_epoch = found, ndcg, epoch
        epochs = _affordable(epochs, epoch, time.monotonic() - began, max_seconds)
        done = epoch >= epochs or epoch - best_epoch >= options.patience
        if not on_epoch(1.0 if done else epoch / epochs, losses[-1], ndcg):
            raise Cancelled(f"stopped after epoch {epoch} of {epochs}; nothing was published")
        if done:
            break
    return Fitted(
        encoder=best[0],
        vectors=best[1],
        losses=tuple(losses),
        ndcgs=tuple(ndcgs),
        best_epoch=best_epoch,
        finite=bool(losses),
    )


def seasoned(
    fitted: Fitted, trend: Floats, *, validation: HoldOut, options: TrainingOptions
) -> Fitted:
    """Move the decoder's bias towards what sells now, by the weight that validation likes best.

    The fit saw every month alike; a bias is popularity, and popularity has seasons. On the grocery
    shop this is worth 4 % of NDCG@100. `[W, b]` stays one linear decoder, so search stays exact.
    """
    best, best_ndcg = fitted, -1.0
    for weight in SEASON_WEIGHTS if len(validation) else ():
        vectors = fitted.vectors.copy()
        vectors[:, -1] += np.float32(weight) * trend
        ndcg = _ndcg((fitted.encoder, vectors), validation, options)
        if ndcg > best_ndcg:
            best = replace(fitted, vectors=vectors, season_weight=weight)
            best_ndcg = ndcg
    return best


def _model(train: Histories, options: TrainingOptions, seed: int) -> VAE:
    counts = np.bincount(train.items, minlength=train.n_items).astype(np.float32)
    return VAE(
        torch.from_numpy(counts),
        hidden=options.hidden,
        latent=options.latent,
        depth=options.depth,
        seed=seed,
    )


def _step(
    model: VAE, optimiser: torch.optim.Optimizer, bags: Bags, rate: float, options: TrainingOptions
) -> float:
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad()
    loss = model.loss(
        bags, dropout=options.dropout, gamma=options.gamma, user_power=options.user_power
    )
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return float(loss.detach())


def _rate(step: int, steps: int, options: TrainingOptions) -> float:
    """Linear warm-up, then a cosine to zero."""
    warm = min(1.0, (step + 1) / options.warmup_steps)
    return options.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * step / steps))


def _affordable(epochs: int, done: int, seconds: float, max_seconds: float) -> int:
    """Fewer epochs where the time allowed would run out, so that the cosine still ends at zero."""
    if seconds / done * epochs <= max_seconds:
        return epochs
    return max(done, int(max_seconds / (seconds / done)))


def _bags(train: Histories, users: NDArray[np.int64], device: str) -> Bags:
    rows = train.take(users)
    return Bags(
        items=torch.from_numpy(rows.items.astype(np.int64)).to(device),
        offsets=torch.from_numpy(rows.indptr.astype(np.int64)).to(device),
    )


def _ndcg(found: tuple[Encoder, Floats], validation: HoldOut, options: TrainingOptions) -> float:
    at = options.stop_at
    scored = evaluation.measure(
        evaluation.by_vae(*found), validation, recall_at=(at,), ndcg_at=(at,)
    )
    return scored[f"ndcg@{at}"]
