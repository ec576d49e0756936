"""Three branches, one score: dense and linear in one inner product, neighbours added exactly.

    B shoppers   I items   d searched dimensions

`[dense_weight * mu, linear_weight * lin, 1] . [W, Q, b]` is the weighted sum of the first two. The
neighbours' scores are sparse and nonnegative, so an item without one keeps its searched score: the
best K of all are among {the K best of the search} and {the neighbours}, as serving takes them.
The weights are chosen on validation (`learning.blending.branches`); here they are only obeyed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.models import encoder as encoders
from recsys.models.encoder import Encoder
from recsys.models.histories import Histories, InputWeights
from recsys.models.linear import Linear
from recsys.models.neighbours import Neighbours

Floats = NDArray[np.float32]

_ENCODER, _LINEAR, _NEIGHBOURS = "encoder_", "linear_", "neighbours_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fused:
    """Any branch may be absent; one whose weight is zero is not computed and has no columns."""

    bias: Floats  # (I,) what every shopper's score holds beside the decoder's own bias
    encoder: Encoder | None = None
    vectors: Floats | None = None  # (I, D + 1): the decoder, [W, b]
    linear: Linear | None = None
    neighbours: Neighbours | None = None
    dense_weight: float = 1.0
    linear_weight: float = 1.0
    neighbour_weight: float = 1.0

    @property
    def n_items(self) -> int:
        return len(self.bias)

    @property
    def width(self) -> int:
        """The searched dimensions d."""
        dense = self.vectors.shape[1] - 1 if self.vectors is not None and self._has_dense else 0
        linear = self.linear.rank if self.linear is not None and self._has_linear else 0
        return dense + linear + 1

    @property
    def _has_dense(self) -> bool:
        return self.encoder is not None and self.vectors is not None and self.dense_weight != 0

    @property
    def _has_linear(self) -> bool:
        return self.linear is not None and self.linear_weight != 0

    def users(self, histories: Histories) -> Floats:
        """Queries (B, d); the last 1 picks up the bias."""
        parts: list[NDArray[Any]] = []
        if self.encoder is not None and self._has_dense:
            mean = self.encoder.encode_weighted(histories)
            parts.append(mean * np.float32(self.dense_weight))
        if self.linear is not None and self._has_linear:
            parts.append(self.linear.users(histories) * np.float32(self.linear_weight))
        parts.append(np.ones((len(histories), 1), np.float32))
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def items(self) -> Floats:
        """What is searched, (I, d)."""
        parts: list[NDArray[Any]] = []
        bias = self.bias
        if self.vectors is not None and self._has_dense:
            parts.append(self.vectors[:, :-1])
            bias = bias + np.float32(self.dense_weight) * self.vectors[:, -1]
        if self.linear is not None and self._has_linear:
            parts.append(self.linear.items)
        parts.append(bias[:, None])
        return np.ascontiguousarray(np.concatenate(parts, axis=1, dtype=np.float32))

    def sparse(self, histories: Histories) -> Any:
        """What the neighbours add: sparse (B, I), nonnegative."""
        if self.neighbours is None or not self.neighbour_weight:
            return sparse.csr_array((len(histories), self.n_items), dtype=np.float32)
        found = self.neighbours.scores(histories)
        found.data *= np.float32(self.neighbour_weight)
        return found

    def scores(self, histories: Histories) -> Floats:
        """Every item's score (B, I): for a batch under examination, never for serving."""
        found = self.users(histories) @ self.items().T
        added = self.sparse(histories)
        owners = np.repeat(np.arange(len(histories)), np.diff(added.indptr))
        found[owners, added.indices] += added.data
        return np.asarray(found, np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Flat named arrays, as they are written to disk; `from_arrays` reads them back."""
        named: dict[str, NDArray[Any]] = {
            "bias": self.bias,
            "weights": np.array(
                [self.dense_weight, self.linear_weight, self.neighbour_weight], np.float64
            ),
        }
        if self.encoder is not None and self.vectors is not None:
            named |= {_ENCODER + name: array for name, array in self.encoder.arrays().items()}
            named["vectors"] = self.vectors
        if self.linear is not None:
            named[_LINEAR + "project"] = self.linear.project
            named[_LINEAR + "items"] = self.linear.items
            named[_LINEAR + "input"] = _packed(self.linear.input, self.linear.norm)
        if self.neighbours is not None:
            lent = self.neighbours.lent
            named[_NEIGHBOURS + "indptr"] = np.asarray(lent.indptr, np.int64)
            named[_NEIGHBOURS + "indices"] = np.asarray(lent.indices, np.int32)
            named[_NEIGHBOURS + "data"] = np.asarray(lent.data, np.float32)
            named[_NEIGHBOURS + "input"] = _packed(self.neighbours.input, self.neighbours.norm)
        return named


def from_arrays(named: Mapping[str, NDArray[Any]]) -> Fused:
    """Build from named arrays, refusing names, shapes and numbers that do not fit together.

    Raises:
        ValueError: A name is missing or foreign, a shape is wrong, or a number is not finite.
    """
    bias, weights = _array(named, "bias", (None,)), _array(named, "weights", (3,), np.float64)
    n_items = len(bias)
    encoder = vectors = linear = neighbours = None
    used = {"bias", "weights"}
    if "vectors" in named:
        inner = _inner(named, _ENCODER)
        encoder = encoders.from_arrays(inner)
        vectors = _array(named, "vectors", (n_items, encoder.latent + 1))
        if len(encoder.embedding) != n_items:
            raise ValueError(f"the encoder knows {len(encoder.embedding)} items, not {n_items}")
        used |= {"vectors", *(_ENCODER + name for name in inner)}
    if _LINEAR + "project" in named:
        linear = _linear(named, n_items)
        used |= {_LINEAR + name for name in ("project", "items", "input")}
    if _NEIGHBOURS + "indptr" in named:
        neighbours = _neighbours(named, n_items)
        used |= {_NEIGHBOURS + name for name in ("indptr", "indices", "data", "input")}
    if set(named) != used:
        raise ValueError(f"fused arrays {sorted(set(named) ^ used)} do not belong")
    dense_weight, linear_weight, neighbour_weight = (float(weight) for weight in weights)
    if neighbour_weight < 0:
        raise ValueError("a negative neighbour weight would break the union's exactness")
    return Fused(
        bias=bias,
        encoder=encoder,
        vectors=vectors,
        linear=linear,
        neighbours=neighbours,
        dense_weight=dense_weight,
        linear_weight=linear_weight,
        neighbour_weight=neighbour_weight,
    )


def _linear(named: Mapping[str, NDArray[Any]], n_items: int) -> Linear:
    project = _array(named, _LINEAR + "project", (n_items, None))
    items = _array(named, _LINEAR + "items", project.shape)
    by, norm = _unpacked(named, _LINEAR + "input")
    return Linear(project=project, items=items, input=by, norm=norm)


def _neighbours(named: Mapping[str, NDArray[Any]], n_items: int) -> Neighbours:
    indptr = _array(named, _NEIGHBOURS + "indptr", (n_items + 1,), np.int64)
    data = _array(named, _NEIGHBOURS + "data", (None,))
    indices = _array(named, _NEIGHBOURS + "indices", data.shape, np.int32)
    ordered = indptr[0] == 0 and indptr[-1] == len(data) and bool((np.diff(indptr) >= 0).all())
    if not ordered or (len(indices) and not 0 <= indices.min() <= indices.max() < n_items):
        raise ValueError("the neighbours point outside the catalogue")
    if len(data) and data.min() < 0:
        raise ValueError("a neighbour lends a negative score: the union would not be exact")
    by, norm = _unpacked(named, _NEIGHBOURS + "input")
    if len(indices) <= np.iinfo(np.int32).max:  # else SciPy would widen the indices, by a copy
        indptr = indptr.astype(np.int32)
    lent = sparse.csr_array((data, indices, indptr), shape=(n_items, n_items))
    return Neighbours(lent=lent, input=by, norm=norm)


def _packed(by: InputWeights, norm: float) -> NDArray[np.float64]:
    return np.array([norm, by.decay, *by.kinds], np.float64)


def _unpacked(named: Mapping[str, NDArray[Any]], name: str) -> tuple[InputWeights, float]:
    width = 2 + len(InputWeights().kinds)
    norm, decay, *kinds = (float(part) for part in _array(named, name, (width,), np.float64))
    return InputWeights(decay=decay, kinds=tuple(kinds)), norm


def _inner(named: Mapping[str, NDArray[Any]], stem: str) -> dict[str, NDArray[Any]]:
    return {
        name.removeprefix(stem): array for name, array in named.items() if name.startswith(stem)
    }


def _array(
    named: Mapping[str, NDArray[Any]],
    name: str,
    shape: tuple[int | None, ...],
    dtype: Any = np.float32,
) -> NDArray[Any]:
    """The array of that name; None in `shape` fits any length."""
    if name not in named:
        raise ValueError(f"fused array {name} is missing")
    array = named[name]
    fits = array.ndim == len(shape) and all(
        wanted in (None, found) for wanted, found in zip(shape, array.shape, strict=False)
    )
    if not fits or array.dtype != dtype:
        raise ValueError(f"fused array {name} is {array.dtype} {array.shape}, not {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"fused array {name} holds numbers that are not finite")
    return array
