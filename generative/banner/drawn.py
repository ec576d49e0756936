"""The last resort where Blitz is missing: the same places, drawn with Pillow's own font.

It has no font of many weights and no shaping of right-to-left text; it is plain, and it fits.
"""

from dataclasses import replace

from PIL import Image, ImageDraw, ImageFont

from generative.banner.colours import Colours
from generative.banner.geometry import Box, Geometry
from generative.banner.layout import Setting
from generative.banner.words import Words
from generative.checks.layout import problems

_LEADING = 1.25
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw(words: Words, geometry: Geometry, colours: Colours) -> Setting:
    image = Image.new("RGBA", (geometry.width, geometry.height), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    boxes: dict[str, Box] = {}
    x, y, width, height = geometry.column
    if words.eyebrow:
        line = _wrap(pen, words.eyebrow, geometry.eyebrow_px, width)[:1]
        boxes["eyebrow"] = _lines(pen, line, (x, y), geometry.eyebrow_px, colours.ink_soft)
        y, height = y + boxes["eyebrow"][3], height - boxes["eyebrow"][3]
    head_lines, head_px = _fit(pen, words.headline, geometry.headline_px, width, height * 0.55)
    boxes["headline"] = _lines(pen, head_lines, (x, y), head_px, colours.ink)
    top = y + boxes["headline"][3] + geometry.gap
    tag_lines, tag_px = _fit(pen, words.tagline, geometry.tagline_px, width, y + height - top)
    if tag_lines:
        boxes["tagline"] = _lines(pen, tag_lines, (x, top), tag_px, colours.ink_soft)
    else:
        words = replace(words, tagline="")
    _row(pen, words, geometry, colours, boxes)
    return Setting(
        image=image,
        boxes=boxes,
        words=words,
        headline_px=head_px,
        tagline_px=tag_px,
        price_px=geometry.price_px * geometry.price_scale,
        repairs=(),
        problems=tuple(problems(boxes, geometry, widest={})),
        engine="pillow",
    )


def _fit(
    pen: ImageDraw.ImageDraw,
    text: str,
    sizes: tuple[float, float],
    width: float,
    height: float,
) -> tuple[list[str], float]:
    """Lines and size that fit; what does not fit at the least size is left out, by the line."""
    most, least = sizes
    size = most
    while True:
        lines = _wrap(pen, text, size, width)
        room = int(height // (size * _LEADING))
        if len(lines) <= room:
            return lines, size
        if size <= least:
            return lines[: max(room, 0)], size
        size = max(size * 0.92, least)


def _wrap(pen: ImageDraw.ImageDraw, text: str, size: float, width: float) -> list[str]:
    font = _font(size)
    lines: list[str] = []
    for word in text.split():
        fitting = word
        while len(fitting) > 1 and pen.textlength(fitting, font) > width:
            fitting = fitting[:-1]
        if lines and pen.textlength(f"{lines[-1]} {fitting}", font) <= width:
            lines[-1] = f"{lines[-1]} {fitting}"
        else:
            lines.append(fitting)
    return lines


def _lines(
    pen: ImageDraw.ImageDraw,
    lines: list[str],
    at: tuple[float, float],
    size: float,
    ink: tuple[int, int, int],
) -> Box:
    font = _font(size)
    x, y = at
    for place, line in enumerate(lines):
        pen.text((x, y + place * size * _LEADING), line, fill=ink, font=font)
    widest = max((pen.textlength(line, font) for line in lines), default=0.0)
    return (x, y, widest, len(lines) * size * _LEADING)


def _row(
    pen: ImageDraw.ImageDraw,
    words: Words,
    geometry: Geometry,
    colours: Colours,
    boxes: dict[str, Box],
) -> None:
    x, y, width, height = geometry.row
    price_px = geometry.price_px * geometry.price_scale
    button_font, price_font = _font(geometry.action_px), _font(price_px)
    wide = pen.textlength(words.action, button_font) + geometry.action_px * 2
    tall = min(height, geometry.action_px * 2)
    left, top = x + width - wide, y + (height - tall) / 2
    pen.rounded_rectangle((left, top, left + wide, top + tall), tall / 2, fill=colours.accent)
    middle = (left + wide / 2, top + tall / 2)
    pen.text(middle, words.action, fill=colours.on_accent, font=button_font, anchor="mm")
    boxes["action"] = (left, top, wide, tall)
    price_width = pen.textlength(words.price, price_font)
    if words.price and x + price_width < left:
        at = (x, y + height / 2)
        pen.text(at, words.price, fill=colours.ink, font=price_font, anchor="lm")
        boxes["price"] = (x, y + (height - price_px) / 2, price_width, price_px)


def _font(size: float) -> Font:
    return ImageFont.load_default(size)
