"""Several encoders in one: each reads the history by itself, and a score is the mean of theirs.

    P parts   I items   H hidden width of all   D latent width of all

Weights lie side by side: a layer is block-diagonal, each part is normalised alone, and means are
concatenated. `[W_1 / P, ..., W_P / P, mean of b]` is then still one linear decoder, so the sum is
searched as exactly as one part was. Fits of other seeds err elsewhere: their mean errs less.
"""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import block_diag

from recsys.models import encoder as encoders
from recsys.models.encoder import Encoder, Floats


def concatenated(parts: Sequence[tuple[Encoder, Floats]]) -> tuple[Encoder, Floats]:
    """One encoder and its vectors (I, D + 1), of several of one depth and one kind of input.

    Raises:
        ValueError: There is none, or they read histories differently.
    """
    if not parts:
        raise ValueError("no encoder to concatenate")
    first = parts[0][0]
    if len(parts) == 1:
        return parts[0]
    if any(encoder.input != first.input or encoder.parts != 1 for encoder, _ in parts):
        raise ValueError("encoders that weigh a history differently cannot be one")
    every = [encoder.arrays() for encoder, _ in parts]
    joined = {name: _beside(name, [arrays[name] for arrays in every]) for name in every[0]}
    joined |= encoders.input_arrays(first.input, parts=len(parts))
    weights = [vectors[:, :-1] / len(parts) for _, vectors in parts]
    bias = np.stack([vectors[:, -1] for _, vectors in parts]).mean(axis=0)
    vectors = encoders.item_vectors(np.concatenate(weights, axis=1), np.asarray(bias))
    return encoders.from_arrays(joined), vectors


def _beside(name: str, arrays: list[Floats]) -> Floats:
    if arrays[0].ndim == 1:
        return np.concatenate(arrays)
    if name == "embedding":
        return np.concatenate(arrays, axis=1)
    return np.asarray(block_diag(*arrays), np.float32)
