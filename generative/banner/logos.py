"""The shop's logo in the place of its name: scaled, never tinted, on a plate where it would drown."""

import numpy as np
from PIL import Image, ImageDraw

from generative.banner.colours import BLACK, WHITE, Rgb, apart
from generative.banner.compose import scaled
from generative.banner.geometry import Geometry

_DROWNS = 0.3  # how near, in OKLab, a logo's colours may come to what lies behind it
_SOLID = 128


def lay(sheet: Image.Image, logo: Image.Image, geometry: Geometry) -> None:
    """Paste a logo where the brand's name would stand."""
    x, y, wide, tall = geometry.place.brand
    pad = max(2, round(geometry.measures.brand_px * 0.2))
    tall = max(tall - 2 * pad, geometry.measures.brand_px * 0.8)
    scale = min(wide / logo.width, tall / logo.height, 1.6)
    size = (max(1, round(logo.width * scale)), max(1, round(logo.height * scale)))
    shown = scaled(logo.convert("RGBA"), size)
    left = {
        "start": x + wide - size[0] if geometry.rtl else x,
        "center": x + (wide - size[0]) / 2,
        "end": x + wide - size[0],
    }[geometry.place.align]
    corner = (round(left), round(y + (geometry.place.brand[3] - size[1]) / 2))
    _plate(sheet, shown, corner, pad)
    sheet.paste(shown.convert("RGB"), corner, shown.getchannel("A"))


def _plate(sheet: Image.Image, logo: Image.Image, corner: tuple[int, int], pad: int) -> None:
    """A white or black plate behind a logo too much like its ground."""
    pixels = np.asarray(logo)
    solid = pixels[pixels[..., 3] > _SOLID][:, :3]
    box = (*corner, corner[0] + logo.width, corner[1] + logo.height)
    if not len(solid):
        return
    own = _mean(solid)
    behind = _mean(np.asarray(sheet.crop(box)).reshape(-1, 3))
    if apart(own, behind) > _DROWNS:
        return
    plate = max((WHITE, BLACK), key=lambda colour: apart(colour, own))
    pen = ImageDraw.Draw(sheet)
    pen.rounded_rectangle((box[0] - pad, box[1] - pad, box[2] + pad, box[3] + pad), pad, fill=plate)


def _mean(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Rgb:
    red, green, blue = (round(float(part)) for part in pixels.mean(axis=0))
    return red, green, blue
