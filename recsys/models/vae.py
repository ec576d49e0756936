"""A variational autoencoder of shopping histories with one linear decoder.

    B shoppers of a batch   N their items, laid end to end   I items   H hidden   D latent

Multinomial likelihood and user-specific KL weight: Liang et al., "Variational Autoencoders for
Collaborative Filtering" (WWW 2018). Densely skipped encoder and KL in proportion to the history:
Shenbin et al., "RecVAE" (WSDM 2020). The decoder is a single linear layer on purpose: its rows
`[W_i, b_i]` are then vectors that an inner-product index can search exactly.
Histories are ragged bags of item rows; no shopper is ever a row of I numbers on the way in.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 torch's own name for it

from recsys.models import encoder as encoders
from recsys.models import pooling, softmax
from recsys.models.encoder import LAYER_NORM_EPSILON, Encoder, Floats
from recsys.models.histories import InputWeights

PRECISIONS = ("auto", "fp32", "bf16")

_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bags:
    """Items of a batch: shopper b owns `items[offsets[b]:offsets[b + 1]]`, each with a weight."""

    items: Tensor  # (N,)
    offsets: Tensor  # (B + 1,)
    weights: Tensor  # (N,)

    @property
    def owners(self) -> Tensor:
        sizes = self.offsets.diff()
        return torch.repeat_interleave(torch.arange(len(sizes), device=sizes.device), sizes)  # (N,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """Those rows of the great tables that a step reads, as leaves; `correction` is `softmax`'s.

    Where they are given, the items of the bags number these rows and not the catalogue's.
    """

    embedding: Tensor  # (R, H)
    decoder: Tensor  # (C, D)
    bias: Tensor  # (C,)
    correction: Tensor  # (C,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a step reads. Chance is in it already, so that a step is a function of its batch."""

    inputs: Bags  # what the encoder sees, weighed and thinned out
    targets: Bags  # what it should expect, and how much
    noise: Tensor  # (B, D) standard normal
    scale: Tensor  # (B,) what a shopper's bound counts in the loss
    touched: Touched | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Memory that every step writes over: gradients of the great tables, and the logits.

    With a room, `embedding.grad` and `decoder.weight.grad` are its own, and are not accumulated.
    """

    embedding: Tensor  # (I, H)
    head: softmax.Room

    @classmethod
    def of(cls, model: "VAE", batch: int) -> "Room":
        """Room for batches of at most `batch`, whose gradients are the parameters' own."""
        embedding = model.embedding.grad = torch.zeros_like(model.embedding)
        weight = model.decoder.weight
        decoder = weight.grad = torch.zeros_like(weight)
        logits = torch.zeros(batch, len(weight), dtype=model.low or weight.dtype)
        return cls(embedding=embedding, head=softmax.Room(weight=decoder, logits=logits))


class VAE(nn.Module):
    """Encoder, sampler and linear decoder, in float32; `low` is what products are rounded to.

    It starts as a popularity model: the decoder's bias is the log of each item's `counts` (I,),
    and embeddings are small. On ML-1M that is worth .014 NDCG@100 after ten epochs.
    Weights are drawn on the CPU wherever they go, so a seed means the same on every device.
    """

    low: torch.dtype | None = None
    room: Room | None = None

    def __init__(self, counts: Tensor, *, hidden: int, latent: int, depth: int, seed: int) -> None:
        super().__init__()
        n_items = len(counts)
        self.generator = torch.Generator().manual_seed(seed)
        self.embedding = nn.Parameter(self._draw(n_items, hidden, deviation=0.1 / hidden**0.5))
        self.input_bias = nn.Parameter(torch.zeros(hidden))
        self.blocks = nn.ModuleList([self._linear(hidden, hidden) for _ in range(depth)])
        self.norms = nn.ModuleList(
            [nn.LayerNorm(hidden, eps=LAYER_NORM_EPSILON) for _ in range(depth + 1)]
        )
        self.mean = self._linear(hidden, latent)
        self.log_variance = self._linear(hidden, latent)
        self.decoder = self._linear(latent, n_items, deviation=0.5 / latent**0.5)
        with torch.no_grad():
            logs = torch.log(counts + 1)
            self.decoder.bias.copy_(logs - logs.mean())

    def encode(self, bags: Bags, *, embedding: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Posterior mean and log variance, (B, D) each."""
        table: Tensor = self.embedding if embedding is None else embedding
        weights = bags.weights.to(table.dtype)
        into = self.room.embedding if self.room and embedding is None else None
        pooled = pooling.pool(table, bags.items, bags.offsets, weights, into=into)  # (B, H)
        h = self.norms[0](F.silu(pooled + self.input_bias))  # (B, H)
        skip = h
        for block, norm in zip(self.blocks, self.norms[1:], strict=True):
            h = norm(F.silu(self._product(block, h) + skip))  # (B, H)
            skip = skip + h
        return self._product(self.mean, h), self._product(self.log_variance, h)

    def forward(self, batch: Batch, *, gamma: float) -> Tensor:
        """Negative evidence bounds of a batch, summed by `batch.scale`; a scalar."""
        touched, targets = batch.touched, batch.targets
        mean, log_variance = self.encode(
            batch.inputs, embedding=None if touched is None else touched.embedding
        )
        z = mean + batch.noise.to(mean.dtype) * torch.exp(0.5 * log_variance)  # (B, D)
        owners, amounts = targets.owners, targets.weights.to(mean.dtype)
        scale = batch.scale.to(mean.dtype)
        weight: Tensor = self.decoder.weight if touched is None else touched.decoder
        bias = self.decoder.bias if touched is None else touched.bias + touched.correction
        surprise = softmax.cross_entropy(
            z,
            weight,
            bias,
            (owners, targets.items, amounts),
            scale,
            low=self.low,
            room=self.room.head if self.room and touched is None else None,
        )
        n = torch.zeros_like(scale).index_add_(0, owners, amounts)  # (B,)
        kl = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(dim=1)  # (B,)
        return (scale * gamma * n * kl).sum() + surprise

    def is_finite(self) -> bool:
        return all(bool(torch.isfinite(tensor).all()) for tensor in self.parameters())

    def export(
        self, weights: InputWeights = InputWeights(), *, copy: bool = True
    ) -> tuple[Encoder, Floats]:
        """For serving: the numpy encoder, and the decoder as `[W, b]`, (I, D + 1).

        `weights` are those that the bags were made with. Without a copy the encoder is a window:
        it changes with the next step.
        """
        named: dict[str, Tensor] = {"embedding": self.embedding, "input_bias": self.input_bias}
        layers: dict[str, nn.Module] = {"mean": self.mean}
        layers |= {f"block{n}": layer for n, layer in enumerate(self.blocks)}
        layers |= {f"norm{n}": layer for n, layer in enumerate(self.norms)}
        for name, layer in layers.items():
            named |= {f"{name}_{part}": tensor for part, tensor in layer.named_parameters()}
        arrays = {name: _array(tensor, copy=copy) for name, tensor in named.items()}
        vectors = encoders.item_vectors(_array(self.decoder.weight), _array(self.decoder.bias))
        return encoders.from_arrays(arrays | encoders.input_arrays(weights)), vectors

    def _product(self, layer: nn.Module, h: Tensor) -> Tensor:
        """A linear layer, multiplied in `low`: there the CPU's bf16 unit is twice as fast."""
        weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
        if self.low is None:
            return F.linear(h, weight, bias)
        return F.linear(h.to(self.low), weight.to(self.low), bias.to(self.low)).to(h.dtype)

    def _linear(self, n_in: int, n_out: int, *, deviation: float | None = None) -> nn.Linear:
        layer = nn.Linear(n_in, n_out)
        unit_out = 1 / n_in**0.5  # unit variance in, unit variance out
        with torch.no_grad():
            layer.weight.copy_(self._draw(n_out, n_in, deviation=deviation or unit_out))
            layer.bias.zero_()
        return layer

    def _draw(self, *shape: int, deviation: float) -> Tensor:
        drawn: Tensor = torch.rand(shape, generator=self.generator) * 2 - 1
        return drawn * (deviation * math.sqrt(3))


def low_precision(wanted: str, device: str, cpu: str | None = None) -> torch.dtype | None:
    """What products are rounded to: bf16 on a card, or where the CPU multiplies it; else None.

    Args:
        wanted: One of PRECISIONS; `auto` looks at the machine.
        device: Where the model is.
        cpu: What the kernel says about the processor; read from it if left out.

    Raises:
        ValueError: No such precision.
    """
    if wanted not in PRECISIONS:
        raise ValueError(f"precision {wanted!r} must be one of {', '.join(PRECISIONS)}")
    if wanted == "fp32":
        return None
    if wanted == "bf16" or device.startswith("cuda"):
        return torch.bfloat16
    if cpu is None:
        cpu = _CPUINFO.read_text(encoding="utf-8") if _CPUINFO.exists() else ""
    # elsewhere bf16 is emulated, and several times slower than float32
    return torch.bfloat16 if {"avx512_bf16", "amx_bf16"} & set(cpu.split()) else None


def _array(tensor: Tensor, *, copy: bool = True) -> Floats:
    found: Floats = tensor.detach().cpu().numpy()
    return found.copy() if copy else found
