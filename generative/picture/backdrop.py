"""A backdrop from the product's own colours: slow waves of light, calm where the words stand.

Seeded and made of numpy alone, so the same brief paints the same picture.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generative.picture.palette import Palette, from_oklab, rgb_of, to_oklab

_SCALE = 4  # painted small and enlarged: nothing in it is sharp
_GRAIN = 0.8
_GREY = 0.02  # chroma below which a hue says nothing
_OWN = 0.35  # how far a product's hue may turn to the shop's, radians


def backdrop(
    palette: Palette, size: tuple[int, int], *, seed: int, dark: bool = False
) -> Image.Image:
    """Paint a backdrop whose left side is calm and whose light falls on the right third."""
    width, height = size
    rng = np.random.default_rng(seed)
    columns, rows = -(-width // _SCALE), -(-height // _SCALE)
    x = np.linspace(0.0, 1.0, columns)[None, :]  # (1, W)
    y = np.linspace(0.0, 1.0, rows)[:, None]  # (H, 1)
    wave = _waves(x, y, rng)  # (H, W) in 0..1
    light = np.exp(-(((x - 0.74) / 0.34) ** 2 + ((y - 0.46) / 0.5) ** 2))  # (H, W)
    calm = np.clip((x - 0.3) / 0.35, 0.0, 1.0)  # the waves fade in to the right
    chroma = min(max(palette.chroma, 0.012), 0.14)
    if dark:
        lightness = 0.25 + 0.05 * wave * calm + 0.14 * light
        saturation = chroma * 0.6 * (0.7 + 0.4 * light)
    else:
        lightness = 0.93 - 0.07 * wave * calm + 0.045 * light
        saturation = chroma * 0.42 * (0.75 + 0.7 * wave * calm) * (1.0 - 0.55 * light)
    hue = palette.hue + (wave - 0.5) * 0.45
    lab = np.stack([lightness, saturation * np.cos(hue), saturation * np.sin(hue)], axis=-1)
    small = (from_oklab(lab) * 255.0).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
    return _grain(image, rng)


def blend(palette: Palette, color: str, paper: str = "") -> Palette:
    """A product's palette turned towards the shop's: its paper where it has one, else its colour.

    A product without a hue of its own takes the shop's; one with a hue keeps it, a little turned,
    so that a red shoe does not stand on green. A shop's paper is the shop's will and holds as it is.
    """
    if paper:
        return _of(paper, lightness=palette.lightness)
    shop = _of(color, lightness=palette.lightness)
    if shop.chroma < _GREY:
        return palette
    if palette.chroma < _GREY:
        return Palette(hue=shop.hue, chroma=min(shop.chroma, 0.05), lightness=palette.lightness)
    away = (shop.hue - palette.hue + np.pi) % (2 * np.pi) - np.pi  # in -pi..pi
    turned = palette.hue + float(np.clip(away * 0.5, -_OWN, _OWN))
    return Palette(hue=turned, chroma=palette.chroma, lightness=palette.lightness)


def _of(color: str, *, lightness: float) -> Palette:
    lab = to_oklab(np.array([rgb_of(color)]) / 255.0)[0]
    return Palette(
        hue=float(np.arctan2(lab[2], lab[1])),
        chroma=float(np.hypot(lab[1], lab[2])),
        lightness=lightness,
    )


def _waves(
    x: NDArray[np.float64], y: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Broad bands bent by slower ones, in 0..1."""
    phase = rng.uniform(0, 2 * np.pi, size=4)
    tilt = rng.uniform(0.6, 1.3)
    bend = 0.35 * np.sin(2.2 * x + 1.7 * y + phase[0]) + 0.2 * np.sin(3.1 * y - 1.3 * x + phase[1])
    field = np.sin(3.4 * (x + tilt * y * 0.6 + bend) + phase[2])
    field = field + 0.5 * np.sin(6.1 * (x - 0.4 * y + bend) + phase[3])
    return np.asarray((field + 1.5) / 3.0)


def _grain(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A breath of noise, against bands in the smooth parts."""
    pixels = np.asarray(image, dtype=np.float32)
    noise = rng.normal(0.0, _GRAIN, size=pixels.shape[:2])[..., None]
    return Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8))
