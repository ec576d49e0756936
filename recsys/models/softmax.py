"""The multinomial head: a softmax over the catalogue that holds B x C numbers once, not five times.

    B shoppers   C items scored (all I, or a sample)   D latent   N targets, laid end to end

Autograd's softmax cross entropy keeps logits, probabilities and their gradients side by side. Here
one buffer, in bf16 where asked, is logits, then probabilities, then the gradient; what leaves it
are the three small gradients. They are exact (a test holds them to autograd's in float64).

For a large catalogue only the batch's own items and some others drawn at random are scored. The
others stand for all that were not drawn (`correction`), so that the partition function is
unbiased: Bengio and Senecal, "Adaptive importance sampling" (IEEE TNN 2008).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_LEAST = 1e-38  # a probability that underflowed still has a finite logarithm


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Memory that every step writes over."""

    weight: Tensor  # (C, D) gradient
    logits: Tensor  # (at least B, C)


def cross_entropy(
    z: Tensor,
    weight: Tensor,
    bias: Tensor,
    targets: tuple[Tensor, Tensor, Tensor],
    scale: Tensor,
    *,
    low: torch.dtype | None = None,
    room: Room | None = None,
) -> Tensor:
    """Sum over shoppers of `scale` times -log of their targets' likelihood, a scalar.

    Args:
        z: (B, D) what stands for each shopper.
        weight: (C, D) one linear decoder.
        bias: (C,) added to its logits.
        targets: owners (N,), places among the C (N,), amounts (N,); a pair occurs once.
        scale: (B,) what each shopper counts.
        low: The type of the buffer and of the products; None keeps that of `z`.
        room: Memory to write over; the gradient of `weight` is left there and not returned.
    """
    owners, places, amounts = targets
    found: Tensor = _CrossEntropy.apply(z, weight, bias, owners, places, amounts, scale, low, room)  # type: ignore[no-untyped-call]
    return found


def candidates(
    positives: NDArray[np.int64], n_items: int, n_sampled: int, chance: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The items to score, `positives` (sorted, distinct) first, and what to add to their logits.

    Each of the m others stands for (I - P) / m items: log of that is added. Where as many are
    asked for as there are, all are taken, nothing is added, and the softmax is the full one.
    """
    n_others = n_items - len(positives)
    if n_sampled >= n_others:
        others = np.setdiff1d(np.arange(n_items), positives, assume_unique=True)
    else:
        drawn = np.unique(chance.integers(n_items, size=n_sampled))
        others = drawn[~np.isin(drawn, positives, assume_unique=True)]
    correction = np.zeros(len(positives) + len(others), np.float32)
    if len(others):
        correction[len(positives) :] = np.log(n_others / len(others))
    return np.concatenate([positives, others]), correction


class _CrossEntropy(torch.autograd.Function):
    """Gradients are made on the way forward, while the buffer is at hand, and scaled on the way back."""

    @staticmethod
    def forward(  # noqa: PLR0913, PLR0917 autograd passes by position
        ctx: Any,
        z: Tensor,
        weight: Tensor,
        bias: Tensor,
        owners: Tensor,
        places: Tensor,
        amounts: Tensor,
        scale: Tensor,
        low: torch.dtype | None,
        room: Room | None,
    ) -> Tensor:
        kind = low or z.dtype
        z_low, weight_low = z.to(kind), weight.to(kind)
        buffer = room.logits[: len(z)] if room else z_low.new_empty(len(z), len(weight))
        torch.addmm(bias.to(kind), z_low, weight_low.t(), out=buffer)  # (B, C) logits
        torch.softmax(buffer, dim=1, out=buffer)  # (B, C) probabilities
        hit = buffer[owners, places].to(z.dtype)  # (N,)
        found = -(scale[owners] * amounts * hit.clamp(min=_LEAST).log()).sum()
        if not any(ctx.needs_input_grad):
            return found
        n = torch.zeros_like(scale).index_add_(0, owners, amounts)  # (B,)
        # d/dlogits = scale * (n p - amounts): the buffer becomes p - amounts / n, the rest is rows
        buffer[owners, places] = (hit - amounts / n[owners]).to(kind)
        rows = scale * n  # (B,)
        d_z = (buffer @ weight_low).to(z.dtype) * rows[:, None]  # (B, D)
        product = buffer.t() @ (z * rows[:, None]).to(kind)  # (C, D)
        d_weight = room.weight.copy_(product) if room else product.to(weight.dtype)
        d_bias = (rows.to(kind)[None, :] @ buffer)[0].to(bias.dtype)  # (C,)
        ctx.in_room = room is not None
        ctx.save_for_backward(d_z, d_weight, d_bias)
        return found

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        d_z, d_weight, d_bias = ctx.saved_tensors
        (of,) = upstream
        nothing = (None,) * 6
        if not ctx.in_room:
            return of * d_z, of * d_weight, of * d_bias, *nothing
        if of != 1:  # one pass over all weights less where, as in a fit, the loss is a plain sum
            d_weight.mul_(of)
        return of * d_z, None, of * d_bias, *nothing
