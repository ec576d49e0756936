"""How far made pictures are from real ones: the Fréchet distance of EfficientNet-lite0's features.

Two normal distributions are laid over the features (Heusel et al. 2017, who took Inception's): ours
are another net's, so the figure is FD-EffNet, comparable with itself alone and never called FID.
It falls with the number of pictures: only figures of equal n may be compared, and n is always told.

Key: N pictures, F features (1280).
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generative.errors import ProviderUnavailable

Floats = NDArray[np.float64]
WEIGHTS = "efficientnet-lite0.pth"
_SIDE = 224
_BATCH = 16


def features(images: Sequence[Image.Image], weights: Path) -> Floats:
    """(N, F) of pictures of any size.

    Raises:
        ProviderUnavailable: The net or its weights are missing.
    """
    import torch

    net = _net(str(weights))
    found = []
    for start in range(0, len(images), _BATCH):
        part = [
            np.asarray(
                image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BICUBIC),
                dtype=np.float32,
            )
            for image in images[start : start + _BATCH]
        ]
        pixels = torch.from_numpy((np.stack(part) - 127.0) / 128.0).permute(0, 3, 1, 2)
        with torch.no_grad():
            found.append(net.extract_features(pixels).mean(dim=(2, 3)).double().numpy())
    return np.concatenate(found)


def distance(first: Floats, second: Floats) -> float:
    """The Fréchet distance of two sets of features, (N, F) and (M, F), exactly.

    The trace of the root of two covariances' product is the sum of the singular values of the
    product of their factors, which are as small as the sets: no root of an F x F matrix is taken.
    """
    means = first.mean(axis=0) - second.mean(axis=0)
    a, b = _factor(first), _factor(second)
    shared = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(max((means**2).sum() + (a**2).sum() + (b**2).sum() - 2.0 * shared, 0.0))


def _factor(found: Floats) -> Floats:
    """A matrix A of at most F rows with A'A the covariance."""
    centred: Floats = (found - found.mean(axis=0)) / np.sqrt(max(len(found) - 1, 1))
    if len(centred) <= centred.shape[1]:
        return centred
    return np.asarray(np.linalg.qr(centred, mode="r"))


def diversity(found: Floats) -> float:
    """The mean cosine distance of two different pictures: 0 where all are the same."""
    if len(found) < 2:  # noqa: PLR2004 a pair
        return 0.0
    unit = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
    alike = unit @ unit.T  # (N, N)
    pairs = len(found) * (len(found) - 1)
    return float(1.0 - (alike.sum() - np.trace(alike)) / pairs)


@lru_cache(maxsize=1)
def _net(weights: str) -> Any:
    import torch

    if not Path(weights).is_file():
        raise ProviderUnavailable(
            f"no {WEIGHTS}: `python -m generative fetch-models features`, for backdrops are used"
            " only once they are measured"
        )
    try:
        from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415 optional
    except ImportError as error:
        raise ProviderUnavailable(
            "pip install --no-deps efficientnet-lite-pytorch==0.1.0 to measure backdrops"
        ) from error
    net = EfficientNet.from_name("efficientnet-lite0")
    net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return net.eval()
