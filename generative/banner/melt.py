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
_RIM = 0.03  # of a side: what may fade
_EVEN = 0.07  # how far a border's pixel may lie from its neighbours, in OKLab
_STRANGE = 0.13  # how far the least like the others of a border's pixels may lie from them
_DIFFERENT = 0.06  # how far from the ground a pixel of the subject lies
_LEAST, _MOST = 0.01, 0.8  # share of the photo that its subject may take
_GROUND_SHARE = 0.9  # of the lower border: more, and there is no ground left to see
_DRIFT = 0.2  # how far opposite borders may lie apart: light falls off across a wall

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Melted:
    """`subject` is where the product stands in the photo, in its pixels; `ground` its mean border.

    `uneven` is how much the border's own pattern shows, in OKLab. A `grounded` subject is cut by
    the photo's lower edge, which must then be where its stage ends.
    """

    subject: Box
    ground: tuple[int, int, int]
    uneven: float
    grounded: bool = False


def melted(photo: Image.Image) -> Melted | None:
    """What a photo needs to go on beyond its edges; None where its border is not all ground."""
    scale = _SMALL / max(photo.size)
    size = (max(8, round(photo.width * scale)), max(8, round(photo.height * scale)))
    small = np.asarray(photo.convert("RGB").resize(size, Image.Resampling.BOX), dtype=np.float64)
    lab = to_oklab(small / 255.0)  # (H, W, 3)
    rim_y, rim_x = max(2, round(size[1] * _RIM)), max(2, round(size[0] * _RIM))
    away = _without_specks(np.linalg.norm(lab - _field(lab, rim_y, rim_x), axis=2) > _DIFFERENT)
    grounded = bool(away[-rim_y:].any()) and float(away[-rim_y:].mean()) < _GROUND_SHARE
    strips = [lab[:rim_y], lab[:, :rim_x], lab[:, -rim_x:], lab[-rim_y:]]
    if grounded:
        open_to = round(size[1] * 0.9)
        strips = [lab[:rim_y], lab[:open_to, :rim_x], lab[:open_to, -rim_x:]]
        away = _without_specks(np.linalg.norm(lab - _upper(lab, rim_x), axis=2) > _DIFFERENT)
    sides = [strip.reshape(-1, 3) for strip in strips]
    uneven = max(_spread(side) for side in sides)
    means = [side.mean(axis=0) for side in sides]
    drift = max(float(np.linalg.norm(a - b)) for a in means for b in means)
    if uneven > _EVEN or drift > _DRIFT:
        return None
    box = Image.fromarray(away.astype(np.uint8) * 255).getbbox()
    if box is None or not _LEAST <= float(away.mean()) <= _MOST:
        return None
    left, top, right, bottom = (part / scale for part in box)
    pad = 0.015 * max(photo.size)
    left, top = max(left - pad, 0.0), max(top - pad, 0.0)
    right, bottom = min(right + pad, photo.width), min(bottom + pad, photo.height)
    margins = [left / photo.width, top / photo.height, 1 - right / photo.width]
    if not grounded:
        margins.append(1 - bottom / photo.height)
    if min(margins) < _RIM:
        return None  # the subject reaches into what would fade
    border = _border(small, rim_y, rim_x, grounded=grounded)
    red, green, blue = (round(float(part)) for part in border.mean(axis=0))
    return Melted(
        subject=(left, top, right - left, (photo.height if grounded else bottom) - top),
        ground=(red, green, blue),
        uneven=uneven,
        grounded=grounded,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Which of a photo's upper and lower borders show nothing but ground, and may go on."""

    above: bool
    below: bool


def stretches(photo: Image.Image) -> Stretch:
    """Whether a photo as wide as its stage can fill it upwards and downwards."""
    size = (_SMALL, max(8, round(photo.height * _SMALL / photo.width)))
    small = np.asarray(photo.convert("RGB").resize(size, Image.Resampling.BOX), dtype=np.float64)
    lab = to_oklab(small / 255.0)  # (H, W, 3)
    rim = max(3, round(size[1] * _RIM))
    return Stretch(above=_bare(lab[:rim]), below=_bare(lab[-rim:]))


def _bare(strip: Floats) -> bool:
    """Whether nothing but ground is in a strip: not even a hanger's hook."""
    side = strip.reshape(-1, 3)
    farthest = float(np.linalg.norm(side - np.median(side, axis=0), axis=1).max())
    return _spread(side) <= _EVEN and farthest <= _STRANGE


def stretched(photo: Image.Image, top: int, size: tuple[int, int]) -> Image.Image:
    """A stage of the photo's upper border's colours above it, and of its lower border's below."""
    step = 8
    wide, tall = max(4, size[0] // step), max(4, size[1] // step)
    rows = max(4, round(photo.height / step))
    pixels = np.asarray(
        photo.convert("RGB").resize((wide, rows), Image.Resampling.BOX), dtype=np.float64
    )
    rim = max(1, rows // 30)
    middle = (top + photo.height / 2) / step
    spread = np.where(
        (np.arange(tall) < middle)[:, None, None],
        pixels[:rim].mean(axis=0)[None],
        pixels[-rim:].mean(axis=0)[None],
    )  # (tall, wide, 3)
    across = Image.fromarray(spread.round().astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(max(1.0, wide / 20))
    )
    return across.resize(size, Image.Resampling.BICUBIC)


def run_out(size: tuple[int, int], stretch: Stretch) -> Image.Image:
    """A mask that runs out only where the ground goes on."""
    rim = max(size[1] * _RIM, 1.0)
    rows = np.arange(size[1], dtype=np.float64)
    ramp = np.ones(size[1])
    if stretch.above:
        ramp = np.minimum(ramp, rows / rim)
    if stretch.below:
        ramp = np.minimum(ramp, rows[::-1] / rim)
    smooth = ramp * ramp * (3 - 2 * ramp)
    column = (smooth * 255).round().astype(np.uint8)[:, None]
    return Image.fromarray(np.repeat(column, size[0], axis=1))


def extended(photo: Image.Image, at: tuple[float, float], size: tuple[int, int]) -> Image.Image:
    """The photo's ground continued over a stage: border colours carried outward and smoothed.

    `at` is the photo's corner on the stage; made at an eighth of the size, as it holds no detail.
    What lies inside the border is drawn from side to side, so that no product's colour leaks out.
    """
    step = 8
    small = (max(4, round(photo.width / step)), max(4, round(photo.height / step)))
    pixels = np.asarray(photo.convert("RGB").resize(small, Image.Resampling.BOX), dtype=np.float64)
    inner = _field(pixels, max(1, small[1] // 20), max(1, small[0] // 20))  # (h, w, 3)
    wide, tall = -(-size[0] // step) + 1, -(-size[1] // step) + 1
    left, top = round(at[0] / step), round(at[1] / step)
    columns = np.clip(np.arange(wide) - left, 0, small[0] - 1)
    rows = np.clip(np.arange(tall) - top, 0, small[1] - 1)
    spread = inner[rows][:, columns].clip(0, 255).round().astype(np.uint8)  # (tall, wide, 3)
    sheet = Image.fromarray(spread).filter(ImageFilter.GaussianBlur(max(wide, tall) / 24))
    return sheet.resize((wide * step, tall * step), Image.Resampling.BICUBIC).crop((0, 0, *size))


def faded(size: tuple[int, int], area: tuple[int, int, int, int], *, grounded: bool) -> Image.Image:
    """A mask that is whole in the middle and runs out at the rim; not at a foot that stands.

    Only the part of it in `area` is made: a photo may be far larger than the stage it lies on.
    """
    wide, tall = size
    x = np.minimum(np.arange(wide), np.arange(wide)[::-1]) / max(wide * _RIM, 1.0)
    below = np.full(tall, tall) if grounded else np.arange(tall)[::-1]
    y = np.minimum(np.arange(tall), below) / max(tall * _RIM, 1.0)
    ramp_x, ramp_y = np.clip(x[area[0] : area[2]], 0, 1), np.clip(y[area[1] : area[3]], 0, 1)
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


def _upper(lab: Floats, rim_x: int) -> Floats:
    """What the ground would be, drawn from the left to the right border alone."""
    x = np.linspace(0, 1, lab.shape[1])[None, :, None]
    left, right = lab[:, :rim_x].mean(axis=1), lab[:, -rim_x:].mean(axis=1)  # (H, 3)
    return np.asarray(left[:, None] * (1 - x) + right[:, None] * x)


def _border(pixels: Floats, rim_y: int, rim_x: int, *, grounded: bool) -> Floats:
    """The pixels along the border, without the foot that a subject stands on."""
    parts = [pixels[:rim_y], pixels[:, :rim_x], pixels[:, -rim_x:]]
    if not grounded:
        parts.append(pixels[-rim_y:])
    return np.concatenate([part.reshape(-1, 3) for part in parts])
