"""A picture's colours, in OKLab, where equal steps look equal.

Key: N pixels, K colours, 3 = lightness and two colour axes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]

_SIDE = 64
_COLOURS = 5
_STEPS = 12
_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_FROM_LAB = np.linalg.inv(_TO_LAB)
_FROM_LMS = np.linalg.inv(_TO_LMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """`hue` in radians and `chroma` of the colour that says most about the picture."""

    hue: float
    chroma: float
    lightness: float


def palette(image: Image.Image) -> Palette:
    """The most telling colour of the opaque, non-white part of a picture."""
    small = image.convert("RGBA").resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    pixels = np.asarray(small, dtype=np.float64).reshape(-1, 4) / 255.0  # (N, 4)
    lab = to_oklab(pixels[:, :3])  # (N, 3)
    shown = (pixels[:, 3] > 0.5) & ((lab[:, 0] < 0.96) | (np.hypot(lab[:, 1], lab[:, 2]) > 0.02))  # noqa: PLR2004 nearly white says nothing
    if shown.sum() < _COLOURS:
        return Palette(hue=4.2, chroma=0.02, lightness=0.9)
    centres, shares = _cluster(lab[shown])
    chroma = np.hypot(centres[:, 1], centres[:, 2])  # (K,)
    best = int(np.argmax(np.sqrt(shares) * (chroma + 0.01)))
    colour = centres[best]
    return Palette(
        hue=float(np.arctan2(colour[2], colour[1])),
        chroma=float(chroma[best]),
        lightness=float(colour[0]),
    )


def _cluster(lab: Floats) -> tuple[Floats, Floats]:
    """k-means, started at evenly spaced lightness so that it needs no chance."""
    order = np.argsort(lab[:, 0], kind="stable")
    centres = lab[order[np.linspace(0, len(lab) - 1, _COLOURS).astype(int)]].copy()  # (K, 3)
    nearest = np.zeros(len(lab), dtype=np.int64)
    for _ in range(_STEPS):
        distance = ((lab[:, None, :] - centres[None]) ** 2).sum(axis=2)  # (N, K)
        nearest = distance.argmin(axis=1)
        for k in range(_COLOURS):
            if (nearest == k).any():
                centres[k] = lab[nearest == k].mean(axis=0)
    return centres, np.bincount(nearest, minlength=_COLOURS) / len(lab)


def to_oklab(rgb: Floats) -> Floats:
    """SRGB in 0..1 to OKLab."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 sRGB
    return np.asarray(np.cbrt(linear @ _TO_LMS.T) @ _TO_LAB.T)


def from_oklab(lab: Floats) -> Floats:
    """OKLab to sRGB in 0..1, clipped."""
    linear = ((lab @ _FROM_LAB.T) ** 3) @ _FROM_LMS.T
    linear = np.clip(linear, 0.0, 1.0)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)  # noqa: PLR2004 sRGB


def colour(lightness: float, chroma: float, hue: float) -> tuple[int, int, int]:
    """An sRGB triple in 0..255."""
    lab = np.array([lightness, chroma * np.cos(hue), chroma * np.sin(hue)])
    red, green, blue = (round(float(part) * 255) for part in from_oklab(lab))
    return red, green, blue


def hex_of(rgb: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def rgb_of(text: str, default: tuple[int, int, int] = (15, 118, 110)) -> tuple[int, int, int]:
    """The triple of `#rrggbb`; the default where it is none."""
    digits = text.strip().lstrip("#")
    try:
        red, green, blue = bytes.fromhex(digits)
    except ValueError:
        return default
    return red, green, blue


def luminance(rgb: NDArray[np.uint8] | tuple[int, int, int]) -> Floats:
    """WCAG's relative luminance; the last axis is red, green, blue."""
    scaled = np.asarray(rgb, dtype=np.float64) / 255.0
    linear = np.where(scaled <= 0.04045, scaled / 12.92, ((scaled + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 sRGB
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))


def contrast(first: Floats | float, second: Floats | float) -> Floats:
    """WCAG's contrast ratio of two luminances."""
    high, low = np.maximum(first, second), np.minimum(first, second)
    return np.asarray((high + 0.05) / (low + 0.05))
