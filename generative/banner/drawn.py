"""The last resort where Blitz is missing: the same arrangement, drawn with Pillow's own font.

It has no font of many weights and no shaping of right-to-left text; it is plain, and it fits.
"""

from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from generative.banner.colours import Rgb
from generative.banner.elements import Element
from generative.banner.fitting import Face, Ruler
from generative.banner.geometry import Box
from generative.banner.typeset import Setting

_MEASURED_PX = 100.0
_HINTED = 1.07  # small type is hinted to whole pixels: wider than large type scaled down
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@lru_cache(maxsize=1)
def ruler() -> Ruler:
    return Ruler(_widths)


def draw(
    elements: tuple[Element, ...], size: tuple[int, int], *, rule: Box | None, rule_ink: Rgb
) -> Setting:
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    if rule:
        pen.rectangle((rule[0], rule[1], rule[0] + rule[2], rule[1] + rule[3]), fill=rule_ink)
    boxes = {element.name: _element(pen, element) for element in elements if element.lines}
    return Setting(image=image, boxes=boxes, undrawn="", engine="pillow")


def _element(pen: ImageDraw.ImageDraw, element: Element) -> Box:
    x, y, wide, tall = element.box
    if element.fill or element.border:
        radius = min(element.radius, tall / 2)
        pen.rounded_rectangle(
            (x, y, x + wide, y + tall),
            radius,
            fill=element.fill,
            outline=element.border,
            width=max(1, round(element.border_px)),
        )
    font, leading = _font(element.px), element.px * element.face.leading
    top = y + (tall - len(element.lines) * leading) / 2
    widths = [pen.textlength(line, font) for line in element.lines]
    share = {"left": 0.0, "center": 0.5, "right": 1.0}[element.align]
    for place, (line, width) in enumerate(zip(element.lines, widths, strict=True)):
        at = (x + (wide - width) * share, top + (place + 0.5) * leading)
        pen.text(at, line, fill=element.ink, font=font, anchor="lm")
        if element.strike or element.underline:
            low = at[1] + (element.px * 0.5 if element.underline else 0)
            pen.line((at[0], low, at[0] + width, low), fill=element.ink, width=1)
    widest = max(widths, default=0.0)
    return (x + (wide - widest) * share, top, widest, len(element.lines) * leading)


def _widths(parts: tuple[str, ...], face: Face) -> tuple[float, ...]:
    # Tracking is not drawn here, so what the ruler adds for it is taken off beforehand.
    return tuple(_width(part) - face.tracking * len(part) for part in parts)


@lru_cache(maxsize=8192)
def _width(part: str) -> float:
    return float(_font(_MEASURED_PX).getlength(part)) * _HINTED / _MEASURED_PX


@lru_cache(maxsize=64)
def _font(size: float) -> Font:
    return ImageFont.load_default(size)
