"""Shoppers drawn from the VAE, and whether they make a better teacher.

    S made-up shoppers   B of a batch   D latent   I items   N their items, laid end to end

A shopper is a point of the latent space, decoded into the chances of all items, from which a
history is drawn without replacement: the n largest of logits / temperature + Gumbel noise are such
a draw (Kool et al., "Stochastic beams", ICML 2019). Points come from the prior, or from the
aggregate posterior: a real history's mean, moved by the posterior's noise. The served encoder keeps
no variances, but a VAE's aggregate posterior has the prior's: what the means lack of variance one is
the noise's. On the grocery shop the noise makes shoppers liker than the bare means do.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.learning.fitting import training
from recsys.learning.fitting.training import Fitted, TrainingOptions
from recsys.learning.imitating import likeness
from recsys.learning.split import HoldOut
from recsys.models.encoder import Encoder, Floats, user_vectors
from recsys.models.histories import Histories
from recsys.types import EventKind

TEMPERATURES = (0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 1.0)
SHARES = (0.25, 0.5, 1.0)  # made-up shoppers for each real one, tried by `augment`

_BATCH = 256  # shoppers decoded at a time
_JITTER = 0.02  # how far from the encoded shopper's place among lengths the drawn one may be
_TRIED = 1_000  # shoppers drawn to judge a temperature
_PURCHASE = tuple(EventKind).index(EventKind.PURCHASE)


class Latent(StrEnum):
    """Where the points of the latent space come from."""

    POSTERIOR = "posterior"
    PRIOR = "prior"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """A trained VAE and the shoppers it learnt from."""

    encoder: Encoder
    vectors: Floats  # (I, D + 1), the decoder's weights and biases
    real: Histories
    deviation: NDArray[np.float64]  # (D,) of the noise that is added to an encoded mean
    temperature: float = 1.0
    latent: Latent = Latent.POSTERIOR


def sampler(
    encoder: Encoder, vectors: Floats, real: Histories, *, latent: Latent = Latent.POSTERIOR
) -> Sampler:
    """Measure how far the posterior's noise goes."""
    spread = np.concatenate(
        [
            encoder.encode_weighted(real.take(slice(start, start + _BATCH)))
            for start in range(0, len(real), _BATCH)
        ]
    ).var(axis=0)
    return Sampler(
        encoder=encoder,
        vectors=vectors,
        real=real,
        deviation=np.sqrt(np.clip(1 - spread, 0, None)),
        latent=latent,
    )


def tuned(made: Sampler, *, seed: int, temperatures: tuple[float, ...] = TEMPERATURES) -> Sampler:
    """The temperature whose shoppers a classifier finds hardest to tell from those it learnt from."""
    n = min(len(made.real), _TRIED)

    def told_apart(temperature: float) -> float:
        drawn = sample(replace(made, temperature=temperature), n, seed=seed)
        return likeness.told_apart(made.real, drawn, reference=made.real, seed=seed)

    return replace(made, temperature=min(temperatures, key=told_apart))


def sample(made: Sampler, n_shoppers: int, *, seed: int) -> Histories:
    """Draw histories; each shopper's items stand in the order drawn, the most typical first.

    Nothing is known of time or kind: all ages are 0 and all deeds count as purchases.
    """
    draw = np.random.default_rng(seed)
    like = draw.integers(len(made.real), size=n_shoppers)
    sizes = _lengths(made.real, like, draw)
    parts: list[NDArray[Any]] = [np.zeros(0, np.int32)]
    for start in range(0, n_shoppers, _BATCH):
        rows = like[start : start + _BATCH]
        logits = user_vectors(_points(made, rows, draw)) @ made.vectors.T  # (B, I)
        logits /= np.float32(made.temperature)
        logits += draw.gumbel(size=logits.shape).astype(np.float32)
        parts += _largest(logits, sizes[start : start + _BATCH])
    items = np.concatenate(parts).astype(np.int32)
    return Histories(
        indptr=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        items=items,
        ages=np.zeros(len(items), np.int32),
        kinds=np.full(len(items), _PURCHASE, np.int8),
        n_items=made.real.n_items,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmented:
    """The fit that validation preferred. `ndcgs[share]` is what each share of made-up shoppers gave."""

    fitted: Fitted
    share: float  # 0: the real shoppers alone were as good
    ndcgs: dict[float, float]


def augment(
    train: Histories,
    *,
    validation: HoldOut,
    options: TrainingOptions,
    epochs: int,
    seed: int,
    shares: tuple[float, ...] = SHARES,
    plain: Fitted | None = None,
) -> Augmented:
    """Fit with and without made-up shoppers, and keep what validation prefers.

    The sampler is the plain fit (made here unless given), so nothing but `train` is learnt from.
    A tie goes to fewer made-up shoppers.
    """
    fit = partial(training.fit, validation=validation, options=options, epochs=epochs, seed=seed)
    plain = plain or fit(train)
    drawn_from = tuned(sampler(plain.encoder, plain.vectors, train), seed=seed)
    fits = {0.0: plain}
    for share in shares:
        drawn = sample(drawn_from, round(share * len(train)), seed=seed)
        fits[share] = fit(joined(train, drawn))
    ndcgs = {share: max(fitted.ndcgs, default=0.0) for share, fitted in fits.items()}
    best = max(sorted(ndcgs), key=lambda share: ndcgs[share])
    return Augmented(fitted=fits[best], share=best, ndcgs=ndcgs)


def joined(first: Histories, second: Histories) -> Histories:
    """The shoppers of both, over the same items."""
    if first.n_items != second.n_items:
        raise ValueError(f"histories over {first.n_items} and over {second.n_items} items")
    return Histories(
        indptr=np.concatenate([first.indptr, second.indptr[1:] + first.indptr[-1]]),
        items=np.concatenate([first.items, second.items]),
        ages=np.concatenate([first.ages, second.ages]),
        kinds=np.concatenate([first.kinds, second.kinds]),
        n_items=first.n_items,
    )


def _points(made: Sampler, like: NDArray[np.int64], draw: np.random.Generator) -> Floats:
    noise = draw.standard_normal((len(like), len(made.deviation)))  # (B, D)
    if made.latent is Latent.PRIOR:
        return noise.astype(np.float32)
    means = made.encoder.encode_weighted(made.real.take(like))
    return np.asarray(means + noise * made.deviation, np.float32)


def _lengths(
    real: Histories, like: NDArray[np.int64], draw: np.random.Generator
) -> NDArray[np.int64]:
    """Real lengths, each that of a shopper near in length to the one encoded, and not of that one."""
    order = np.argsort(real.sizes, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    reach = max(1, int(_JITTER * len(order)))
    moved = place[like] + draw.integers(-reach, reach + 1, size=len(like))
    return np.asarray(real.sizes[order][np.clip(moved, 0, len(order) - 1)])


def _largest(scores: Floats, sizes: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The `sizes[b]` largest columns of each row, the largest first."""
    most = min(int(sizes.max(initial=0)), scores.shape[1])
    if most == 0:
        return []
    top = np.argpartition(-scores, most - 1, axis=1)[:, :most]
    order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
    top = np.take_along_axis(top, order, axis=1)
    return [row[:size] for row, size in zip(top, sizes, strict=True)]
