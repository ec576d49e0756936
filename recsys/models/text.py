"""From what an item's words mean to where it would lie among the items that shoppers know.

    I items   n newcomers   T text width   d width of `Fused.items()`   r text columns

Two ways, in one inner product. A ridge regression maps words to the fused item vectors, taught by
items with behaviour (as in Gantner et al., ICDM 2010). And the linear branch has r columns more,
the leading directions of the texts: there a shopper is the sum of what the history's words mean,
and a newcomer what its own mean. The map knows what people do with such things; the columns know
what the map has not seen.

An encoder may be anything that gives rows of one width under a fingerprint. One that joins words
and pictures gives both halves side by side: nothing below this file asks what a number stands for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

STAND_INS = 3  # known items that stand for a newcomer in a history
RANK = 96  # text columns; on public texts they find nearly what all 384 find

_LEAST = 1e-6  # of a norm that a row may be divided by

Floats = NDArray[np.float32]


class TextEncoder(Protocol):
    """Texts to rows of one width; rows of two fingerprints do not compare."""

    @property
    def fingerprint(self) -> str: ...

    @property
    def width(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Floats:
        """Texts -> (n, T): rows of length 1, or of zeros where nothing can be read."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TextMap:
    """Frozen numbers. A text vector is centred and scaled to length 1 before anything else."""

    encoder: str  # the fingerprint of what made the vectors
    mean: Floats  # (T,)
    columns: Floats  # (T, r): the leading directions of the items' texts
    weight: Floats  # (T + 1, d): centred text and a 1 -> a row of `Fused.items()`
    known: Floats  # (I, r): the model's items in the text columns; zeros where one has no text

    @property
    def width(self) -> int:
        return len(self.mean)

    def rows(self, vectors: Floats) -> Floats:
        """Text vectors (n, T) -> item vectors (n, d)."""
        return np.asarray(_with_one(centred(vectors, self.mean)) @ self.weight, np.float32)

    def nearest(self, vector: Floats, k: int = STAND_INS) -> tuple[NDArray[np.int64], Floats]:
        """The model's items that read most like this text (T,), and their shares of it, summing to 1.

        None, where no item reads at all like it.
        """
        alike = self.known @ (centred(vector[None, :], self.mean)[0] @ self.columns)  # (I,)
        rows = np.argsort(-alike, kind="stable")[:k]
        rows = rows[alike[rows] > _LEAST]
        shares = alike[rows] / max(float(alike[rows].sum()), _LEAST)
        return rows.astype(np.int64), shares.astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Flat named arrays, as they are written to disk; `from_arrays` reads them back."""
        return {
            "text_encoder": np.frombuffer(self.encoder.encode(), np.uint8),
            "text_mean": self.mean,
            "text_columns": self.columns,
            "text_weight": self.weight,
            "text_known": self.known,
        }


def from_arrays(named: Mapping[str, NDArray[Any]]) -> TextMap:
    """Build from named arrays, refusing shapes and numbers that do not fit together.

    Raises:
        ValueError: An array is missing, has a wrong shape, or holds what is no number.
    """
    try:
        encoder = named["text_encoder"].astype(np.uint8).tobytes().decode()
        mean, columns, weight, known = (
            named[f"text_{name}"] for name in ("mean", "columns", "weight", "known")
        )
    except KeyError as missing:
        raise ValueError(f"the text map has no {missing}") from None
    numbers = (mean, columns, weight, known)
    if [array.ndim for array in numbers] != [1, 2, 2, 2]:
        raise ValueError("the text map's arrays have dimensions that are not theirs")
    if any(array.dtype != np.float32 or not np.isfinite(array).all() for array in numbers):
        raise ValueError("the text map holds what is no number")
    fits = len(columns) == len(mean) and len(weight) == len(mean) + 1
    if not fits or known.shape[1] != columns.shape[1]:
        raise ValueError("the text map's arrays do not fit one another")
    return TextMap(encoder=encoder, mean=mean, columns=columns, weight=weight, known=known)


def fit_map(
    features: Floats, item_vectors: Floats, counts: Floats, *, penalty: float, half: float = 1.0
) -> Floats:
    """Ridge from centred texts (I, T) to item vectors (I, d) -> (T + 1, d); the constant is free.

    An item weighs n / (n + half): a vector that one shopper shaped says little about its words.
    """
    weights = np.asarray(counts / (counts + half), np.float32)
    inputs = _with_one(features)
    weighted = inputs * weights[:, None]
    gram = (inputs.T @ weighted).astype(np.float64)  # (T + 1, T + 1)
    ridge = np.full(len(gram), penalty * max(float(weights.mean()), _LEAST))
    ridge[-1] = _LEAST
    gram[np.diag_indices(len(gram))] += ridge
    return np.asarray(np.linalg.solve(gram, weighted.T @ item_vectors), np.float32)


def directions(features: Floats, rank: int) -> Floats:
    """The leading directions of centred texts (I, T) -> (T, r)."""
    rank = min(rank, *features.shape)
    values, found = np.linalg.eigh(features.T.astype(np.float64) @ features)
    best = np.argsort(-values, kind="stable")[:rank]
    return np.ascontiguousarray(found[:, best], dtype=np.float32)


def centred(vectors: Floats, mean: Floats) -> Floats:
    """What sets a text apart from the shop's others (n, T), at length 1; no text stays zero."""
    has_text = np.abs(vectors).max(axis=1, initial=0) > 0
    found = np.where(has_text[:, None], vectors - mean, 0).astype(np.float32)
    norms = np.linalg.norm(found, axis=1, keepdims=True)
    found /= np.where(norms > _LEAST, norms, np.inf)
    return np.asarray(found, np.float32)


def mean_of(vectors: Floats) -> Floats:
    """The centre (T,) of those that have a text."""
    has_text = np.abs(vectors).max(axis=1, initial=0) > 0
    if not has_text.any():
        return np.zeros(vectors.shape[1], np.float32)
    return np.asarray(vectors[has_text].mean(axis=0), np.float32)


def legible(text: str) -> str:
    """What any tokenizer can take: a lone surrogate is no character."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _with_one(features: Floats) -> Floats:
    return np.concatenate([features, np.ones((len(features), 1), np.float32)], axis=1)
