"""Price and button: in one line where they fit, one above the other where they do not."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from generative.banner.breaking import right_to_left
from generative.banner.colours import Colours
from generative.banner.elements import Element
from generative.banner.fitting import Face, Ruler
from generative.banner.geometry import LEAST_PX, Box, Geometry
from generative.banner.templates import Look
from generative.banner.texts import Type
from generative.banner.words import Words

_LEFT_TO_RIGHT_ARROW, _RIGHT_TO_LEFT_ARROW = "\u2192", "\u2190"
_CORNERS = {"square": 0.0, "soft": 0.28, "round": 9.0}  # radius by the size of its type


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Price, former price, saving and button, still without a place: `lines` of parts from the top.

    The elements' boxes start at 0, 0; `at` moves them.
    """

    lines: tuple[tuple[Element, ...], ...]
    gap: float
    between: float
    price_px: float
    align: str
    rtl: bool
    repairs: tuple[str, ...]

    @property
    def height(self) -> float:
        heights = [max(part.box[3] for part in line) for line in self.lines if line]
        return sum(heights) + self.between * max(len(heights) - 1, 0)

    def shows(self, name: str) -> bool:
        return any(part.name == name for line in self.lines for part in line)

    def at(self, box: Box) -> Iterator[Element]:
        """The elements where they stand in a box of this height."""
        x, top, width, _ = box
        for line in self.lines:
            tall = max(part.box[3] for part in line)
            wide = sum(part.box[2] for part in line) + self.gap * (len(line) - 1)
            left = {"start": x, "center": x + (width - wide) / 2, "end": x + width - wide}[
                _turned(self.align, rtl=self.rtl)
            ]
            for part in reversed(line) if self.rtl else line:
                yield replace(
                    part, box=(left, top + (tall - part.box[3]) / 2, part.box[2], part.box[3])
                )
                left += part.box[2] + self.gap
            top += tall + self.between


def _turned(align: str, *, rtl: bool) -> str:
    return {"start": "end", "end": "start"}.get(align, align) if rtl else align


def row(
    words: Words,
    geometry: Geometry,
    look: Look,
    colours: Colours,
    kind: Type,
    ruler: Ruler,
) -> Money:
    """The mildest form of price and button that fits their width."""
    place, measures = geometry.place, geometry.measures
    box = place.row or place.column
    width, tall = box[2], box[3]
    gap = max(measures.gap * 0.72, 7.0)
    repairs: list[str] = []
    button = _button(words.action, width, geometry, look, colours, kind, ruler)
    scale = geometry.price_scale
    least = LEAST_PX[geometry.size]
    shown = words
    while True:
        price = _price(shown, geometry, look, colours, kind, ruler, scale)
        wide = sum(part.box[2] for part in price) + gap * max(len(price) - 1, 0)
        beside = wide + gap * 1.6 + button.box[2] if price else button.box[2]
        stacked = sum(max((p.box[3] for p in line), default=0.0) for line in ([button], price))
        if beside <= width or not price:
            lines: tuple[tuple[Element, ...], ...] = ((*price, button),)
            break
        if wide <= width and (place.row is None or stacked + 4 <= tall):
            lines = (tuple(price), (button,))
            break
        two = [tuple(price[:1]), tuple(price[1:])]
        if len(price) > 1 and max(map(_wide, two)) + gap * (len(two[1]) - 1) <= width:
            tall_enough = place.row is None and geometry.size != "rectangle"
            if tall_enough:
                lines = (*two, (button,))
                break
        if measures.price_px * scale * 0.9 > least * 1.25:
            scale *= 0.9
            repairs.append("price shrunk")
        elif shown.saving:
            shown = replace(shown, saving="")
            repairs.append("saving dropped")
        elif shown.was:
            shown = replace(shown, was="")
            repairs.append("former price dropped")
        else:
            lines = (tuple(price), (button,))
            break
    return Money(
        lines=lines,
        gap=gap,
        between=max(measures.gap * 0.8, 5.0),
        price_px=measures.price_px * scale,
        align=place.row_align or place.align,
        rtl=geometry.rtl,
        repairs=tuple(dict.fromkeys(repairs)),
    )


def _wide(parts: tuple[Element, ...]) -> float:
    return sum(part.box[2] for part in parts)


def _price(
    words: Words,
    geometry: Geometry,
    look: Look,
    colours: Colours,
    kind: Type,
    ruler: Ruler,
    scale: float,
) -> list[Element]:
    if not words.price:
        return []
    least = LEAST_PX[geometry.size]
    px = max(geometry.measures.price_px * scale, least)
    face = replace(
        kind.small(geometry.price_weight, words.price, tracking=-0.01, leading=1.15), leading=1.15
    )
    found = [_figure("price", words.price, px, face, geometry, colours, ruler)]
    if look.price == "tag":
        found = [_tagged(found[0], px, colours)]
    if words.was:
        small = max(px * 0.56, least)
        former = _figure(
            "was", words.was, small, replace(face, weight=400), geometry, colours, ruler
        )
        found.append(replace(former, ink=colours.ink_soft, strike=True))
    if words.saving:
        small = max(px * 0.5, least)
        figure = _figure("saving", words.saving, small, face, geometry, colours, ruler)
        _, _, wide, tall = figure.box
        found.append(
            replace(
                figure,
                box=(0, 0, wide + small * 0.9, tall + small * 0.34),
                align="center",
                ink=colours.ground,
                fill=colours.ink,
                radius=radius_px(small * 0.9, kind.corners),
            )
        )
    return found


def _tagged(figure: Element, px: float, colours: Colours) -> Element:
    """A price on a block of colour."""
    _, _, wide, tall = figure.box
    return replace(
        figure,
        box=(0, 0, wide + px * 0.62, tall + px * 0.26),
        align="center",
        ink=colours.on_mark,
        fill=colours.mark,
    )


def _figure(
    name: str,
    text: str,
    px: float,
    face: Face,
    geometry: Geometry,
    colours: Colours,
    ruler: Ruler,
) -> Element:
    wide = ruler.width(text, face, px) + 1.0
    return Element(
        name=name,
        lines=(text,),
        box=(0, 0, wide, px * face.leading),
        px=px,
        face=face,
        ink=colours.ink,
        align="right" if geometry.rtl else "left",
    )


def _button(
    text: str,
    width: float,
    geometry: Geometry,
    look: Look,
    colours: Colours,
    kind: Type,
    ruler: Ruler,
) -> Element:
    """The button: filled, outlined, or a link with an arrow; narrow columns take it in full width."""
    rtl = right_to_left(text)
    px, least = geometry.measures.action_px, LEAST_PX[geometry.size]
    link = look.action == "link"
    if link:
        text = f"{text} {_RIGHT_TO_LEFT_ARROW if rtl else _LEFT_TO_RIGHT_ARROW}"
    face = replace(kind.small(600, text, leading=1.3), leading=1.3)
    pad = 0.0 if link else 1.2
    while True:
        wide = ruler.width(text, face, px)
        if wide + 2 * pad * px <= width or (pad <= 0.5 and px <= least):  # noqa: PLR2004 the least pad
            break
        if pad > 0.5:  # noqa: PLR2004 the least pad
            pad -= 0.1
        else:
            px = max(px * 0.95, least)
    if wide + 2 * pad * px > width:
        lines = ruler.clamped(
            text, face, width=width - 2 * pad * px, height=px * 2, px=px, most_lines=1
        )
        text, wide = (lines.lines or ("",))[0], lines.width
    whole = wide + 2 * pad * px + 1.0
    if geometry.size == "skyscraper" and not link:
        whole = width
    tall = px * (1.5 if link else 2.3)
    solid = look.action == "solid"
    return Element(
        name="action",
        lines=(text,),
        box=(0, 0, min(whole, width), tall),
        px=px,
        face=face,
        ink=colours.on_accent if solid else colours.ink,
        fill=colours.accent if solid else None,
        border=colours.ink if look.action == "outline" else None,
        border_px=0.0 if solid or link else max(px / 14, 1.0),
        radius=0.0 if link else radius_px(px, kind.corners),
        underline=link,
        align="center" if not link else ("right" if rtl else "left"),
        rtl=rtl,
    )


def radius_px(px: float, corners: str) -> float:
    """How round a shape with type of this size is, in pixels."""
    return min(px * _CORNERS[corners], 40.0)
