"""A product apart from its background, where that can be done safely; else the whole photo.

A configured model is asked first, then a white studio background is looked for.
Only transparency is decided here. Colours of the product are never changed.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage

from generative.picture.matting import matte, refusal, resized

_WHITE = 238
_EDGE_SHARE = 0.97
_FOOT_SHARE = 0.25
_MIN_AREA, _MAX_AREA = 0.06, 0.92
_PALE = 220
_MAX_PALE_RIM = 0.04
_PAPER = 250  # what a photographer's paper shows at least; a pale product shows less
_MAX_LEAK = 0.01
_CARD_TOP, _CARD_SIDE = 0.7, 0.97
_MIDDLE = 127  # of a mask: more is the product
_CLEAR = 8  # alpha below which a pixel shows nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """`image` is RGBA, trimmed to what shows.

    `method` is isnet, studio or alpha where the product was cut out; card where it stays on the
    white of its photo, and framed where the photo is shown as it is. `refused` says why a model's
    mask was not used.
    """

    image: Image.Image
    method: str
    refused: str = ""


def cut_out(image: Image.Image, *, model_path: str = "", cache_dir: Path | None = None) -> Product:
    """The product on transparency where that is safe, else the whole photo to be framed.

    A model's masks are kept in `cache_dir`, under the hashes of the picture and of the model.

    Raises:
        ProviderUnavailable: A model is configured, and it or its runtime is missing.
    """
    if image.mode == "RGBA" and np.asarray(image.getchannel("A")).min() < _CLEAR:
        return Product(image=_trim(image), method="alpha")
    photo = image.convert("RGB")
    refused = ""
    if model_path:
        mask = matte(photo, model_path, cache_dir)
        refused = refusal(mask)
        if not refused:
            return Product(image=_apply(photo, resized(mask, photo.size)), method="isnet")
    studio = _studio(photo)
    if studio is not None:
        return Product(image=_apply(photo, studio), method="studio", refused=refused)
    card = _card(photo)
    if card is not None:
        return Product(image=card.convert("RGBA"), method="card", refused=refused)
    return Product(image=photo.convert("RGBA"), method="framed", refused=refused)


def _card(photo: Image.Image) -> Image.Image | None:
    """A studio photo without its empty margins, to be laid on a white card; None for others.

    Nothing is cut from the product: only rows and columns that are white from end to end go.
    """
    least = np.asarray(photo).min(axis=2)  # (H, W)
    white = least >= _PAPER
    top, bottom, left, right = (
        float(side.mean()) for side in (white[0], white[-1], white[:, 0], white[:, -1])
    )
    if min(top, bottom) < _CARD_TOP or min(left, right) < _CARD_SIDE:
        return None
    box = Image.fromarray((~white).astype(np.uint8) * 255).getbbox()
    return photo.crop(box) if box else None


def _studio(photo: Image.Image) -> Image.Image | None:
    """A mask where the border is white all round; None where cutting would be a guess."""
    pixels = np.asarray(photo)
    white = pixels.min(axis=2) >= _WHITE  # (H, W)
    sides = sorted(float(side.mean()) for side in (white[0], white[-1], white[:, 0], white[:, -1]))
    # A product may stand on one edge of its photo; white all round it otherwise.
    if sides[1] < _EDGE_SHARE or sides[0] < _FOOT_SHARE:
        return None
    # White that can be reached from the border is background; white inside the product stays.
    regions, _ = ndimage.label(np.pad(white, 1, constant_values=True))
    background = (regions == regions[0, 0])[1:-1, 1:-1]
    mask = Image.fromarray((~background).astype(np.uint8) * 255).filter(ImageFilter.MedianFilter(3))
    share = float(np.asarray(mask).mean()) / 255.0
    if not _MIN_AREA <= share <= _MAX_AREA:
        return None
    if _pale_rim(mask, pixels) > _MAX_PALE_RIM or _leak(mask, pixels) > _MAX_LEAK:
        return None
    return mask.filter(ImageFilter.GaussianBlur(0.7))


def _pale_rim(mask: Image.Image, pixels: NDArray[np.uint8]) -> float:
    """The share of the product's rim that is nearly white: there the fill may have eaten into it."""
    solid = np.asarray(mask) > _MIDDLE
    outer = ndimage.minimum_filter(solid, 5, mode="nearest")
    inner = ndimage.minimum_filter(solid, 9, mode="nearest")
    rim = outer & ~inner
    return float((pixels.min(axis=2)[rim] >= _PALE).mean()) if rim.any() else 1.0


def _leak(mask: Image.Image, pixels: NDArray[np.uint8]) -> float:
    """Off-white background away from the rim, over the product's area: shadows, or product eaten."""
    solid = np.asarray(mask) > _MIDDLE
    away = ~ndimage.maximum_filter(solid, 9, mode="nearest")
    return float((away & (pixels.min(axis=2) < _PAPER)).sum()) / max(int(solid.sum()), 1)


def _apply(photo: Image.Image, mask: Image.Image) -> Image.Image:
    cut = photo.convert("RGBA")
    cut.putalpha(mask)
    return _trim(cut)


def _trim(image: Image.Image) -> Image.Image:
    box = image.getchannel("A").point(lambda value: 255 if value > 16 else 0).getbbox()  # noqa: PLR2004 not a shadow
    return image.crop(box) if box else image
