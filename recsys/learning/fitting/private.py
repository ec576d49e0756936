"""Fit the VAE so that no one shopper can be read back from it: differentially private SGD.

    U shoppers   B of a batch   N their items   I items   H, D widths

Abadi et al., "Deep learning with differential privacy" (CCS 2016), with one shopper as one sample:
each step takes every shopper by an independent coin, clips what each asks of the weights to
length `clip`, and adds noise of `noise * clip`. Every layer here reads one vector a shopper, so a
shopper's gradient is an outer product: its length follows from one backward pass of the batch,
and no gradient of a single shopper is ever written down (Goodfellow, arXiv:1510.01799; ghost
clipping, Li et al., ICLR 2022). `opacus` counts epsilon; it is an extra.

What is covered: encoder and decoder, item counts included. Not covered: the list of items and the
number of shoppers, taken as public; validation figures; settings chosen by looking at results;
anything else a shop publishes, such as neighbours and counts of a bundle. Sums are floating point.
"""

import secrets
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 torch's own name for it

from recsys.errors import MissingExtra, NotEnoughData
from recsys.models.encoder import LAYER_NORM_EPSILON, Encoder, Floats
from recsys.models.histories import Histories
from recsys.models.vae import VAE


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyOptions:
    """How much is hidden, and a smaller model: noise grows with every weight it falls upon."""

    noise: float = 2.0  # standard deviation, in units of `clip`
    clip: float = 1.0  # the longest gradient that a shopper may ask for
    delta: float | None = None  # chance that the promise fails; 1 / (10 U) if left out
    counts_noise: float = 4.0  # of the item counts that the decoder's bias starts with
    steps: int = 100
    rate: float = 0.2  # the share of shoppers that a step expects to take
    learning_rate: float = 1e-2
    # Chosen on the grocery shop's validation shoppers, which is a choice that no epsilon counts.
    hidden: int = 32
    latent: int = 16
    depth: int = 0
    dropout: float = 0.5
    gamma: float = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Private:
    """A model and what it may tell of any one shopper: (epsilon, delta)-differential privacy."""

    encoder: Encoder
    vectors: Floats
    epsilon: float
    delta: float
    clipped: float  # share of shoppers whose gradient was cut; itself not private


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What each layer read and what it answered, for B shoppers."""

    loss: Tensor  # (B,)
    pooled: Tensor  # (B, H)
    products: tuple[tuple[torch.nn.Linear, Tensor, Tensor], ...]  # layer, (B, in), (B, out)
    norms: tuple[tuple[torch.nn.LayerNorm, Tensor, Tensor], ...]  # layer, (B, H), (B, H)


def fit(
    train: Histories, *, options: PrivacyOptions, seed: int, noise_seed: int | None = None
) -> Private:
    """Fit with privacy; `seed` draws the starting weights, which need not be secret.

    Who guesses `noise_seed` can take the noise off again: leave it out, and the system's own
    entropy is used. Give it only to make a measurement repeatable.

    Raises:
        MissingExtra: opacus is not installed.
        NotEnoughData: There is no shopper.
        ValueError: An option that gives no privacy at all.
    """
    accountant = _accountant()
    _check(options)
    if not len(train):
        raise NotEnoughData("there is no shopper to learn from")
    secret = secrets.randbits(63) if noise_seed is None else noise_seed
    draw, chance = np.random.default_rng(secret), torch.Generator().manual_seed(secret)
    counts = _private_counts(train, options.counts_noise, draw)
    accountant.step(noise_multiplier=options.counts_noise, sample_rate=1.0)
    model = VAE(
        torch.from_numpy(counts),
        hidden=options.hidden,
        latent=options.latent,
        depth=options.depth,
        seed=seed,
    )
    optimiser = torch.optim.Adam(model.parameters(), lr=options.learning_rate)
    clipped: list[float] = []
    for step in range(options.steps):
        rows = np.flatnonzero(draw.random(len(train)) < options.rate)
        norms = private_gradient(
            model,
            train.take(rows),
            options=options,
            expected=options.rate * len(train),
            chance=chance,
        )
        clipped.append(float((norms > options.clip).mean()) if len(norms) else 0.0)
        for group in optimiser.param_groups:
            group["lr"] = options.learning_rate * (1 - step / options.steps)
        optimiser.step()
        accountant.step(noise_multiplier=options.noise, sample_rate=options.rate)
    delta = options.delta or 1 / (10 * len(train))
    encoder, vectors = model.export()
    return Private(
        encoder=encoder,
        vectors=vectors,
        epsilon=_spent(accountant, delta),
        delta=delta,
        clipped=float(np.mean(clipped)) if clipped else 0.0,
    )


def private_gradient(
    model: VAE,
    batch: Histories,
    *,
    options: PrivacyOptions,
    expected: float,
    chance: torch.Generator,
) -> NDArray[np.float64]:
    """Set every weight's gradient to the clipped, noised sum over a batch, divided by `expected`.

    Returns:
        The length of each shopper's gradient before clipping, (B,).
    """
    norms = np.zeros(0)
    asked: dict[Tensor, Tensor] = {}
    if len(batch):
        norms, asked = _clipped(model, batch, options, chance)
    deviation = options.noise * options.clip
    for parameter in model.parameters():
        noise = torch.randn(parameter.shape, generator=chance) * deviation
        parameter.grad = (asked.get(parameter, 0) + noise) / expected
    return norms


def _clipped(
    model: VAE, batch: Histories, options: PrivacyOptions, chance: torch.Generator
) -> tuple[NDArray[np.float64], dict[Tensor, Tensor]]:
    """The lengths of what shoppers ask for, and for each weight the sum of it, cut to `clip`."""
    owners, items = torch.from_numpy(batch.owners), torch.from_numpy(batch.items.astype(np.int64))
    sizes = torch.from_numpy(batch.sizes).clamp(min=1)
    kept = torch.rand(len(items), generator=chance) >= options.dropout
    weights = kept / (1 - options.dropout) * sizes.rsqrt()[owners]  # (N,)
    read = _read(model, (owners, items, weights), len(batch), options, chance)
    answers = [read.pooled, *(y for _, _, y in read.products), *(y for _, _, y in read.norms)]
    slopes = torch.autograd.grad(read.loss.sum(), answers)
    n = len(read.products)
    of_pooled, of_products, of_norms = slopes[0], slopes[1 : 1 + n], slopes[1 + n :]
    bag = torch.zeros(len(batch)).index_add_(0, owners, weights**2)  # (B,)
    squares = of_pooled.square().sum(1) * (1 + bag)  # its bias, and its embeddings
    for (_, x, _), slope in zip(read.products, of_products, strict=True):
        squares += slope.square().sum(1) * (1 + x.square().sum(1))
    for (_, x, _), slope in zip(read.norms, of_norms, strict=True):
        squares += slope.square().sum(1) + (slope * x).square().sum(1)
    norms = squares.sqrt()
    factor = (options.clip / norms.clamp(min=1e-12)).clamp(max=1)[:, None]  # (B, 1)
    share = of_pooled * factor
    bags = torch.zeros(model.embedding.shape)
    asked: dict[Tensor, Tensor] = {
        model.embedding: bags.index_add_(0, items, weights[:, None] * share[owners]),
        model.input_bias: share.sum(0),
    }
    for (layer, x, _), slope in zip(read.products, of_products, strict=True):
        asked[layer.weight], asked[layer.bias] = (slope * factor).T @ x, (slope * factor).sum(0)
    for (norm, x, _), slope in zip(read.norms, of_norms, strict=True):
        asked[norm.weight] = (slope * factor * x).sum(0)
        asked[norm.bias] = (slope * factor).sum(0)
    return norms.double().numpy(), asked


def _read(
    model: VAE,
    bag: tuple[Tensor, Tensor, Tensor],
    n_shoppers: int,
    options: PrivacyOptions,
    chance: torch.Generator,
) -> _Read:
    """The sums of `VAE.forward`, each shopper's bound by itself, with all that is read kept."""
    owners, items, weights = bag
    with torch.no_grad():
        pooled = torch.zeros(n_shoppers, options.hidden)
        pooled.index_add_(0, owners, weights[:, None] * model.embedding[items])
    pooled.requires_grad_()
    products: list[Any] = []
    norms: list[Any] = []

    def product(layer: Any, x: Tensor) -> Tensor:
        answer: Tensor = layer(x)
        products.append((layer, x.detach(), answer))
        return answer

    def normalised(norm: Any, x: Tensor) -> Tensor:
        unit = F.layer_norm(x, x.shape[-1:], eps=LAYER_NORM_EPSILON)
        answer: Tensor = unit * norm.weight + norm.bias
        norms.append((norm, unit.detach(), answer))
        return answer

    h = normalised(model.norms[0], F.silu(pooled + model.input_bias))
    skip = h
    for block, norm in zip(model.blocks, list(model.norms)[1:], strict=True):
        h = normalised(norm, F.silu(product(block, h) + skip))
        skip = skip + h
    mean, log_variance = product(model.mean, h), product(model.log_variance, h)
    noise = torch.randn(mean.shape, generator=chance)
    logits = product(model.decoder, mean + noise * torch.exp(0.5 * log_variance))  # (B, I)
    n = torch.bincount(owners, minlength=n_shoppers).clamp(min=1)
    hits = torch.zeros(n_shoppers).index_add(0, owners, logits[owners, items])
    likelihood = hits / n - torch.logsumexp(logits, dim=1)
    kl = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(dim=1)
    # Per item of the history: every shopper asks for about as much, so little is lost to clipping.
    return _Read(
        loss=options.gamma * kl - likelihood,
        pooled=pooled,
        products=tuple(products),
        norms=tuple(norms),
    )


def _private_counts(train: Histories, noise: float, draw: np.random.Generator) -> Floats:
    """Shoppers of each item, one of n items counting n^-1/2 in each, so that none moves it by more than 1."""
    share = np.maximum(train.sizes, 1)[train.owners] ** -0.5
    counts = np.bincount(train.items, share, minlength=train.n_items)
    return np.clip(counts + noise * draw.standard_normal(len(counts)), 0, None).astype(np.float32)


def _spent(accountant: Any, delta: float) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # at very large or small epsilons: that the bound is loose
        return float(accountant.get_epsilon(delta=delta))


def _check(options: PrivacyOptions) -> None:
    for name in ("noise", "clip", "counts_noise"):
        if not getattr(options, name) > 0:
            raise ValueError(f"{name} must be above 0: without it nothing is hidden")
    if not 0 < options.rate <= 1:
        raise ValueError("rate must be a share of the shoppers, above 0 and at most 1")
    if options.delta is not None and not 0 < options.delta < 1:
        raise ValueError("delta must be between 0 and 1")


def _accountant() -> Any:
    try:
        from opacus.accountants import RDPAccountant  # noqa: PLC0415 optional
    except ImportError as error:
        raise MissingExtra("differentially private fits", extra="private") from error
    return RDPAccountant()
