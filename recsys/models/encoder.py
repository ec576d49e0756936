"""The VAE's encoder in numpy: what a web process needs to know a shopper, without torch.

    B shoppers   I items   H hidden width   D latent width

The same sums as `vae.VAE.encode` (a test holds them to 1e-5). The decoder is one linear layer, so
an item is the vector `[W_i, b_i]` and a shopper `[mu, 1]`: their inner product is the logit.

A history is pooled as sum(w_i E_i) / sqrt(sum w_i^2), which is 1 / sqrt(n) where all weigh one: its
length stays that of n equal items, however fast the old ones are forgotten.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.models import kernels
from recsys.models.histories import Histories, InputWeights

LAYER_NORM_EPSILON = 0.1  # large on purpose (RecVAE): short histories are not blown up to unit norm

Floats = NDArray[np.float32]

_EVERY_ITEM_ONCE = np.ones(1 + len(InputWeights().kinds), np.float32)  # decay, then kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """Frozen weights. Layer 0 is the bag of item embeddings; each block adds all before it."""

    embedding: Floats  # (I, H)
    input_bias: Floats  # (H,)
    blocks: tuple[tuple[Floats, Floats], ...]  # each (H, H), (H,)
    norms: tuple[tuple[Floats, Floats], ...]  # one more than blocks; each (H,), (H,)
    mean_weight: Floats  # (D, H)
    mean_bias: Floats  # (D,)
    input: InputWeights = InputWeights()  # as in the fit: what an item of a history weighs
    parts: int = 1  # encoders side by side, each normalised by itself (`ensemble`)

    @property
    def latent(self) -> int:
        return len(self.mean_bias)

    def encode_weighted(self, histories: Histories) -> Floats:
        """Histories as they are, weighed as in the fit -> (B, D)."""
        weights = unit_weights(histories, self.input)
        if len(histories) == 1:
            return self.forward((weights @ self.embedding[histories.items])[None, :])
        parts = (weights, histories.items, histories.indptr)
        pooled = sparse.csr_array(parts, shape=histories.shape) @ self.embedding  # (B, H)
        return self.forward(pooled)

    def forward(self, pooled: NDArray[Any]) -> Floats:
        """Pooled embeddings (B, H) -> posterior means (B, D)."""
        h = np.array(pooled, np.float32, order="C")  # (B, H)
        self._bend(0, h, self.input_bias, h[:0])
        skip = h
        for number, (weight, bias) in enumerate(self.blocks, start=1):
            h = h @ weight.T  # (B, H)
            self._bend(number, h, bias, skip)
            skip = skip + h
        # Few shoppers as the columns of a product cost less than as the rows of one.
        mean = (self.mean_weight @ h.T).T  # (B, D)
        mean += self.mean_bias
        return np.asarray(mean, np.float32)

    def _bend(self, number: int, h: Floats, bias: Floats, skip: Floats) -> None:
        """What every layer does after its product, in place."""
        scale, shift = self.norms[number]
        kernels.bent(h, bias, skip, scale, shift, self.parts, LAYER_NORM_EPSILON)

    def arrays(self) -> dict[str, Floats]:
        """Flat named arrays, as they are written to disk."""
        named = {
            "embedding": self.embedding,
            "input_bias": self.input_bias,
            "mean_weight": self.mean_weight,
            "mean_bias": self.mean_bias,
            **input_arrays(self.input, parts=self.parts),
        }
        for n, (weight, bias) in enumerate(self.blocks):
            named |= {f"block{n}_weight": weight, f"block{n}_bias": bias}
        for n, (weight, bias) in enumerate(self.norms):
            named |= {f"norm{n}_weight": weight, f"norm{n}_bias": bias}
        return named


def from_arrays(named: Mapping[str, Floats]) -> Encoder:
    """Build from named arrays, refusing names and shapes that do not fit together.

    Raises:
        ValueError: A name is missing or foreign, a shape is wrong, or a number is not finite.
    """
    # encoders of before knew no weights and no parts
    named = {"input_weights": _EVERY_ITEM_ONCE, "parts": np.ones(1, np.float32), **named}
    n_blocks = sum(name.startswith("block") and name.endswith("_weight") for name in named)
    width, latent = _width(named), len(named["mean_bias"])
    expected: dict[str, tuple[int, ...]] = {
        "embedding": (len(named["embedding"]), width),
        "input_bias": (width,),
        "mean_weight": (latent, width),
        "mean_bias": (latent,),
        "input_weights": _EVERY_ITEM_ONCE.shape,
        "parts": (1,),
    }
    for n in range(n_blocks):
        expected |= {f"block{n}_weight": (width, width), f"block{n}_bias": (width,)}
    for n in range(n_blocks + 1):
        expected |= {f"norm{n}_weight": (width,), f"norm{n}_bias": (width,)}
    if set(named) != set(expected):
        raise ValueError(f"encoder arrays {sorted(set(named) ^ set(expected))} do not belong")
    for name, shape in expected.items():
        array = named[name]
        if array.shape != shape or array.dtype != np.float32:
            raise ValueError(f"encoder array {name} is {array.dtype} {array.shape}, not {shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"encoder array {name} holds numbers that are not finite")
    laid = {name: _laid(name, array) for name, array in named.items()}
    return Encoder(
        embedding=laid["embedding"],
        input_bias=laid["input_bias"],
        blocks=_pairs(laid, "block", n_blocks),
        norms=_pairs(laid, "norm", n_blocks + 1),
        mean_weight=laid["mean_weight"],
        mean_bias=laid["mean_bias"],
        input=InputWeights(
            decay=float(laid["input_weights"][0]), kinds=tuple(laid["input_weights"][1:].tolist())
        ),
        parts=_parts(laid["parts"], width),
    )


def input_arrays(weights: InputWeights, *, parts: int = 1) -> dict[str, Floats]:
    """Input weights and the number of parts, as the named arrays that they are written as."""
    return {
        "input_weights": np.array([weights.decay, *weights.kinds], np.float32),
        "parts": np.array([parts], np.float32),
    }


def unit_weights(histories: Histories, by: InputWeights) -> Floats:
    """What each of N items weighs in its shopper's bag: weights whose squares sum to one, (N,)."""
    weights = histories.weights(by)
    owners = histories.owners
    squares = np.bincount(owners, weights * weights, minlength=len(histories))  # (B,)
    lengths = np.sqrt(np.where(squares > 0, squares, 1)).astype(np.float32)
    return weights / lengths[owners]


def item_vectors(weight: Floats, bias: Floats) -> Floats:
    """Decoder (I, D), (I,) -> the vectors that are searched, (I, D + 1)."""
    return np.ascontiguousarray(np.concatenate([weight, bias[:, None]], axis=1), dtype=np.float32)


def user_vectors(means: Floats) -> Floats:
    """Posterior means (B, D) -> queries (B, D + 1); the last 1 picks up the item's bias."""
    ones = np.ones((len(means), 1), np.float32)
    return np.concatenate([means, ones], axis=1, dtype=np.float32)


def _width(named: Mapping[str, Floats]) -> int:
    missing = {"embedding", "mean_bias"} - set(named)
    if missing:
        raise ValueError(f"encoder arrays {sorted(missing)} are missing")
    if named["embedding"].ndim != 2 or named["mean_bias"].ndim != 1:  # noqa: PLR2004 a matrix
        raise ValueError("encoder array embedding is no matrix, or mean_bias no vector")
    return int(named["embedding"].shape[1])


def _parts(array: Floats, width: int) -> int:
    parts = int(array[0])
    if parts < 1 or width % parts:
        raise ValueError(f"encoder array parts is {parts}, which does not divide {width}")
    return parts


def _laid(name: str, array: Floats) -> Floats:
    """Read-only; a block lies by columns, as its transpose is what is multiplied."""
    laid = np.asfortranarray(array) if name.startswith("block") else array
    laid.setflags(write=False)
    return laid


def _pairs(named: Mapping[str, Floats], stem: str, n: int) -> tuple[tuple[Floats, Floats], ...]:
    return tuple((named[f"{stem}{i}_weight"], named[f"{stem}{i}_bias"]) for i in range(n))
