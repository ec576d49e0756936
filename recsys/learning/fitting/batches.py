"""From histories to what a step of the fit reads, with every draw of chance made here.

    B shoppers of a batch   N their items   I items of the catalogue

Chance is a function of the seed and the number of the epoch alone: a fit that goes on from a
checkpoint draws what it would have drawn, and every process of several draws the same and takes
its own share. It is drawn on the CPU, so that a seed means the same on every device.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.models import softmax
from recsys.models.encoder import unit_weights
from recsys.models.histories import Histories, InputWeights
from recsys.models.vae import Bags


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a batch is made of histories; the fields are `TrainingOptions`'."""

    batch: int
    latent: int
    dropout: float
    user_power: float
    input: InputWeights
    future: bool
    n_sampled: int  # 0: every item is scored


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Which part of each batch this process takes."""

    rank: int = 0
    size: int = 1

    def of(self, n: int) -> slice:
        return slice(n * self.rank // self.size, n * (self.rank + 1) // self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A batch before it meets the model; items number `rows` and `scored` where those are given."""

    inputs: Bags
    targets: Bags
    noise: torch.Tensor  # (B, D)
    scale: torch.Tensor  # (B,)
    rows: torch.Tensor | None = None  # (R,) items whose embedding is read, sorted
    scored: torch.Tensor | None = None  # (C,) items whose logit is made
    correction: torch.Tensor | None = None  # (C,)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ragged:
    indptr: NDArray[np.int64]  # (B + 1,)
    items: NDArray[np.int64]  # (N,)
    weights: NDArray[np.float32]  # (N,)


def of_epoch(
    train: Histories, recipe: Recipe, *, seed: int, epoch: int, share: Share = Share()
) -> Iterator[Drawn]:
    """Every shopper once, in an order of this epoch's own."""
    chance = np.random.default_rng((seed, epoch))
    order = chance.permutation(len(train))
    for start in range(0, len(train), recipe.batch):
        yield draw(train.take(order[start : start + recipe.batch]), recipe, chance, share)


def draw(
    histories: Histories, recipe: Recipe, chance: np.random.Generator, share: Share = Share()
) -> Drawn:
    """One batch: inputs weighed and thinned out, targets, noise."""
    past, following = parted(histories, chance) if recipe.future else (histories, histories)
    weights = unit_weights(past, recipe.input)
    kept = chance.random(len(past.items), dtype=np.float32) >= recipe.dropout
    sizes = np.bincount(past.owners[kept], minlength=len(past))
    inputs = _Ragged(
        indptr=_starts(sizes),
        items=past.items[kept].astype(np.int64),
        weights=weights[kept] * np.float32(1 / (1 - recipe.dropout)),
    )
    targets = _Ragged(
        indptr=following.indptr,
        items=following.items.astype(np.int64),
        weights=np.ones(len(following.items), np.float32),
    )
    noise = chance.standard_normal((len(histories), recipe.latent), dtype=np.float32)
    n = np.maximum(following.sizes, 1).astype(np.float32)
    scale = n**-recipe.user_power * np.float32(share.size / len(histories))
    mine = share.of(len(histories))
    rows = scored = correction = None
    if recipe.n_sampled:
        rows, places = np.unique(inputs.items, return_inverse=True)
        inputs = _Ragged(indptr=inputs.indptr, items=places, weights=inputs.weights)
        positives, places = np.unique(targets.items, return_inverse=True)
        targets = _Ragged(indptr=targets.indptr, items=places, weights=targets.weights)
        scored, correction = softmax.candidates(
            positives, histories.n_items, recipe.n_sampled, chance
        )
    return Drawn(
        inputs=_bags(inputs, mine),
        targets=_bags(targets, mine),
        noise=torch.from_numpy(noise[mine]),
        scale=torch.from_numpy(scale[mine]),
        rows=None if rows is None else torch.from_numpy(rows),
        scored=None if scored is None else torch.from_numpy(scored),
        correction=None if correction is None else torch.from_numpy(correction),
    )


def parted(histories: Histories, chance: np.random.Generator) -> tuple[Histories, Histories]:
    """Each history cut once at random: what came before, as old as it then was, and what followed.

    A history of one item is all past; nothing is then expected of its shopper.
    """
    sizes = histories.sizes
    cuts = 1 + (chance.random(len(histories)) * np.maximum(sizes - 1, 0)).astype(np.int64)
    cuts = np.minimum(cuts, sizes)  # (B,)
    place = np.arange(len(histories.items)) - np.repeat(histories.indptr[:-1], sizes)
    before = place < np.repeat(cuts, sizes)
    at_cut = np.maximum(histories.indptr[:-1] + cuts - 1, 0)  # each shopper's newest past item
    newest = np.zeros(len(histories), np.int32)
    newest[sizes > 0] = histories.ages[at_cut[sizes > 0]]
    ages = histories.ages - np.repeat(newest, sizes)
    return tuple(
        Histories(
            indptr=_starts(n),
            items=histories.items[of],
            ages=ages[of],
            kinds=histories.kinds[of],
            n_items=histories.n_items,
        )
        for n, of in ((cuts, before), (sizes - cuts, ~before))
    )  # type: ignore[return-value]


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _bags(ragged: _Ragged, shoppers: slice) -> Bags:
    starts = ragged.indptr[shoppers.start : shoppers.stop + 1]
    items = slice(starts[0], starts[-1])
    return Bags(
        items=torch.from_numpy(ragged.items[items]),
        offsets=torch.from_numpy(starts - starts[0]),
        weights=torch.from_numpy(ragged.weights[items]),
    )
