"""Photos whose own ground can go on beyond their edges, so that no frame is to be seen.

A photographer's paper, a wall or a table top is even along the photo's border. Where all of the
border is, the stage takes its colours on; the photo lies on it whole and only its outermost rim,
which shows nothing but ground, fades. A photo with anything at its border is framed instead.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from generative.banner.geometry import Box
from generative.picture.palette import to_oklab

_SMALL = 160  # pixels of the longer side: enough to see a cord
_RIM = 0.05  # of a side: what may fade
_EVEN = 0.05  # how far a border's pixel may lie from its neighbours, in OKLab
_DIFFERENT = 0.06  # how far from the ground a pixel of the subject lies
_LEAST, _MOST = 0.01, 0.8  # share of the photo that its subject may take
_DRIFT = 0.2  # how far opposite borders may lie apart: light falls off across a wall

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Melted:
    """`subject` is where the product stands in the photo, in its pixels; `ground` its mean border."""

    subject: Box
    ground: tuple[int, int, int]


def melted(photo: Image.Image) -> Melted | None:
    """What a photo needs to go on beyond its edges; None where its border is not all ground."""
    scale = _SMALL / max(photo.size)
    size = (max(8, round(photo.width * scale)), max(8, round(photo.height * scale)))
    small = np.asarray(photo.convert("RGB").resize(size, Image.Resampling.BOX), dtype=np.float64)
    lab = to_oklab(small / 255.0)  # (H, W, 3)
    rim_y, rim_x = max(2, round(size[1] * _RIM)), max(2, round(size[0] * _RIM))
    strips = (lab[:rim_y], lab[-rim_y:], lab[:, :rim_x], lab[:, -rim_x:])
    sides = [strip.reshape(-1, 3) for strip in strips]
    if any(_spread(side) > _EVEN for side in sides):
        return None
    means = [side.mean(axis=0) for side in sides]
    if max(float(np.linalg.norm(a - b)) for a in means for b in means) > _DRIFT:
        return None
    away = np.linalg.norm(lab - _field(lab, rim_y, rim_x), axis=2) > _DIFFERENT  # (H, W)
    box = Image.fromarray(_without_specks(away).astype(np.uint8) * 255).getbbox()
    share = float(away.mean())
    if box is None or not _LEAST <= share <= _MOST:
        return None
    left, top, right, bottom = (part / scale for part in box)
    pad = 0.015 * max(photo.size)
    left, top = max(left - pad, 0.0), max(top - pad, 0.0)
    right, bottom = min(right + pad, photo.width), min(bottom + pad, photo.height)
    if left < photo.width * _RIM or top < photo.height * _RIM:
        return None  # the subject reaches into what would fade
    if right > photo.width * (1 - _RIM) or bottom > photo.height * (1 - _RIM):
        return None
    edge = _rgb(small, rim_y, rim_x)
    red, green, blue = (round(float(part)) for part in edge.mean(axis=0))
    return Melted(subject=(left, top, right - left, bottom - top), ground=(red, green, blue))


def extended(photo: Image.Image, at: tuple[float, float], size: tuple[int, int]) -> Image.Image:
    """The photo's ground continued over a stage: border colours carried outward and smoothed.

    `at` is the photo's corner on the stage; made at an eighth of the size, as it holds no detail.
    """
    step = 8
    small = (max(2, round(photo.width / step)), max(2, round(photo.height / step)))
    pixels = np.asarray(photo.convert("RGB").resize(small, Image.Resampling.BOX))  # (h, w, 3)
    wide, tall = -(-size[0] // step) + 1, -(-size[1] // step) + 1
    left, top = round(at[0] / step), round(at[1] / step)
    columns = np.clip(np.arange(wide) - left, 0, small[0] - 1)
    rows = np.clip(np.arange(tall) - top, 0, small[1] - 1)
    spread = pixels[rows][:, columns]  # (tall, wide, 3)
    sheet = Image.fromarray(spread).filter(ImageFilter.GaussianBlur(max(wide, tall) / 14))
    return sheet.resize((wide * step, tall * step), Image.Resampling.BICUBIC).crop((0, 0, *size))


def faded(size: tuple[int, int], *, rim: float = _RIM) -> Image.Image:
    """A mask that is whole in the middle and runs out at the rim."""
    wide, tall = size
    x = np.minimum(np.arange(wide), np.arange(wide)[::-1]) / max(wide * rim, 1.0)
    y = np.minimum(np.arange(tall), np.arange(tall)[::-1]) / max(tall * rim, 1.0)
    ramp_x, ramp_y = (np.clip(part, 0, 1) for part in (x, y))
    smooth_x, smooth_y = (part * part * (3 - 2 * part) for part in (ramp_x, ramp_y))
    return Image.fromarray((np.outer(smooth_y, smooth_x) * 255).round().astype(np.uint8))


def _spread(side: Floats) -> float:
    """How far the unevenest twentieth of a border lies from its middle."""
    away = np.linalg.norm(side - np.median(side, axis=0), axis=1)
    return float(np.percentile(away, 95)) / 1.6


def _field(lab: Floats, rim_y: int, rim_x: int) -> Floats:
    """What the ground would be everywhere, drawn from border to border."""
    tall, wide = lab.shape[:2]
    y = np.linspace(0, 1, tall)[:, None, None]
    x = np.linspace(0, 1, wide)[None, :, None]
    top, bottom = lab[:rim_y].mean(axis=0), lab[-rim_y:].mean(axis=0)  # (W, 3)
    left, right = lab[:, :rim_x].mean(axis=1), lab[:, -rim_x:].mean(axis=1)  # (H, 3)
    down = top[None] * (1 - y) + bottom[None] * y
    across = left[:, None] * (1 - x) + right[:, None] * x
    return np.asarray((down + across) / 2)


def _without_specks(away: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels with at least two neighbours: a cord stays, a grain of dust does not."""
    padded = np.pad(away, 1).astype(np.int8)
    tall, wide = away.shape
    around = sum(
        padded[1 + dy : 1 + dy + tall, 1 + dx : 1 + dx + wide]
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
    )
    return np.asarray(away & (np.asarray(around) >= 3))  # noqa: PLR2004 itself and two more


def _rgb(pixels: Floats, rim_y: int, rim_x: int) -> Floats:
    parts = (pixels[:rim_y], pixels[-rim_y:], pixels[:, :rim_x], pixels[:, -rim_x:])
    return np.concatenate([part.reshape(-1, 3) for part in parts])
