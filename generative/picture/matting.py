"""Masks by an ISNet model, kept on disk, and the rules by which a mask is too poor to be used.

The model cuts the salient object, not the product: hands, torsos and furniture come with it, and
what the frame cuts off stays cut off. So a mask is measured before a product is shown by it.

Key: S side of the model's picture.
"""

import hashlib
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from generative.errors import ProviderUnavailable
from generative.files import remembered_sha256, store_if_possible
from generative.onnx import session

_SETTING = "VITRINE_CUTOUT_MODEL"
_SIDE = 1024  # what ISNet was trained on
# Set by looking at the masks of the demo's 136 photos: bench/pictures.py counts what passes.
_MIN_AREA, _MAX_AREA = 0.03, 0.92
_MAX_UNSURE = 0.16  # of the picture, neither in nor out
_MAX_SOFT = 0.25  # of the product itself: a mask that is mostly haze cuts nothing well
_MAX_BORDER = 0.004  # of a side: what touches it was cut off by the photographer, and shows it
_IN, _OUT = 217, 38  # 0.85 and 0.15 of 255
_MIDDLE = 127


def matte(photo: Image.Image, model_path: str, cache_dir: Path | None = None) -> Image.Image:
    """The model's mask, (S, S) in grey, whatever it is worth.

    Raises:
        ProviderUnavailable: The model or its runtime is missing.
    """
    if cache_dir is None:
        return _infer(photo, model_path)
    if not Path(model_path).is_file():
        raise ProviderUnavailable(f"no model at {model_path!r}; see {_SETTING}")
    kept = cache_dir / _name(photo, model_path)
    mask = _read(kept)
    if mask is None:
        mask = _infer(photo, model_path)
        _keep(mask, kept)
    return mask


def refusal(mask: Image.Image) -> str:
    """Why a mask must not be used; "" where it may."""
    alpha = np.asarray(mask)  # (S, S)
    area = float(alpha.mean()) / 255.0
    if not _MIN_AREA <= area <= _MAX_AREA:
        return f"the mask covers {area:.0%} of the picture"
    soft = float(((alpha > _OUT) & (alpha < _IN)).mean())
    if soft > _MAX_UNSURE or soft / area > _MAX_SOFT:
        return f"{soft:.0%} of the picture is neither product nor ground"
    sides = (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1])
    touching = max(float((side > _MIDDLE).mean()) for side in sides)
    if touching > _MAX_BORDER:
        return f"the product runs out of the picture along {touching:.0%} of a side"
    return ""


def resized(mask: Image.Image, size: tuple[int, int]) -> Image.Image:
    return mask.resize(size, Image.Resampling.BILINEAR)


def _infer(photo: Image.Image, model_path: str) -> Image.Image:
    runs = session(model_path, _SETTING)
    small = photo.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    pixels = (np.asarray(small, dtype=np.float32) - 128.0) / 256.0  # (S, S, 3)
    name = runs.get_inputs()[0].name
    answer = runs.run(None, {name: pixels.transpose(2, 0, 1)[None]})[0]  # (1, 1, S, S)
    mask: NDArray[np.float32] = np.asarray(answer, dtype=np.float32).reshape(_SIDE, _SIDE)
    return Image.fromarray((np.clip(mask, 0.0, 1.0) * 255.0).round().astype(np.uint8))


def _name(photo: Image.Image, model_path: str) -> str:
    digest = hashlib.sha256(f"{photo.mode}{photo.size}".encode())
    digest.update(photo.tobytes())
    picture = digest.hexdigest()
    return f"{picture[:2]}/{picture}-{remembered_sha256(Path(model_path))[:16]}.png"


def _read(path: Path) -> Image.Image | None:
    """A kept mask; None where there is none, or where it cannot be read and is made again."""
    try:
        with Image.open(path, formats=("PNG",)) as kept:
            kept.load()
            return kept.copy() if kept.mode == "L" and kept.size == (_SIDE, _SIDE) else None
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError):
        return None


def _keep(mask: Image.Image, path: Path) -> None:
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    store_if_possible(buffer.getvalue(), path)
