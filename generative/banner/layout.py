"""Words arranged in a template's place: fitted, stacked, and cut down until nothing sticks out.

All by arithmetic on measured words, so a search may try many. The ladder of repairs is the mildest
first: smaller type, a hyphen, no tagline, an ellipsis; of money, the saving goes before the former
price, and the price itself stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from generative.banner.breaking import joined, right_to_left
from generative.banner.colours import Colours, Rgb
from generative.banner.elements import Align, Element
from generative.banner.fitting import Face, Fitted, Ruler
from generative.banner.geometry import LEAST_PX, Box, Geometry
from generative.banner.row import Money, row
from generative.banner.templates import Look
from generative.banner.texts import Task, Texts, Type, eyebrow_height, fitted
from generative.banner.words import Words

_STRIP = 120  # pixels: a row no taller is a strip, whose things stand in its middle
_CAPS_SHARE = 0.8  # of a headline's letters that must have capitals before it is set in them


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """A page that fits, as far as arithmetic can tell, and what it cost.

    `fill` is the share of the column that its words take, `boldness` the headline's size by the
    largest it could have.
    """

    elements: tuple[Element, ...]
    words: Words
    headline_px: float
    tagline_px: float
    price_px: float
    fill: float
    boldness: float
    repairs: tuple[str, ...]
    rule: Box | None = None


@dataclass(slots=True)
class _Stack:
    """What is being stacked in a column."""

    elements: list[Element] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)


def arrange(
    words: Words,
    geometry: Geometry,
    look: Look,
    colours: Colours,
    kind: Type,
    ruler: Ruler,
    *,
    logo: bool = False,
    inks: Mapping[str, Rgb] | None = None,
) -> Arrangement:
    """Place every word; with a `logo` a picture stands for the brand's name.

    `inks` replaces the ink of single texts, for those that stand on something unforeseen.
    """
    made = _Stack()
    words = _capitals(words, look)
    if not logo:
        _brand(made, words, geometry, look, colours, kind, ruler)
    _legal(made, words, geometry, colours, kind, ruler)
    money = row(words, geometry, look, colours, kind, ruler)
    made.repairs.extend(money.repairs)
    task = Task(words=words, geometry=geometry, look=look, kind=kind, ruler=ruler)
    texts = fitted(task, money.height)
    made.repairs.extend(texts.repairs)
    rule = _stacked(made, task, colours, texts, money)
    headline, tagline = texts.headline, texts.tagline
    placed = tuple(
        replace(part, ink=inks[part.name]) if inks and part.name in inks else part
        for part in made.elements
    )
    stacked = [part for part in placed if part.name in {"eyebrow", "headline", "tagline"}]
    column = geometry.place.column
    used = sum(part.box[3] for part in stacked) + (
        money.height if geometry.place.row is None else 0
    )
    return Arrangement(
        elements=placed,
        words=replace(
            words,
            eyebrows=(texts.above,) if texts.above else (),
            tagline=words.tagline if tagline.lines else "",
            was=words.was if money.shows("was") else "",
            saving=words.saving if money.shows("saving") else "",
        ),
        headline_px=round(headline.px, 2),
        tagline_px=round(tagline.px, 2),
        price_px=round(money.price_px, 2),
        fill=min(used / column[3], 1.0),
        boldness=headline.px / geometry.place.headline_px,
        repairs=tuple(made.repairs),
        rule=rule,
    )


def _capitals(words: Words, look: Look) -> Words:
    if not look.caps:
        return words
    letters = [letter for letter in words.headline if letter.isalpha()]
    cased = sum(letter.upper() != letter.lower() for letter in letters)
    if not letters or cased / len(letters) < _CAPS_SHARE:
        return words
    return replace(words, headline=words.headline.upper())


def _brand(
    made: _Stack,
    words: Words,
    geometry: Geometry,
    look: Look,
    colours: Colours,
    kind: Type,
    ruler: Ruler,
) -> None:
    box = geometry.place.brand
    text = words.brand.upper() if look.brand_caps else words.brand
    tracking = 0.16 if look.brand_caps and not joined(text) else -0.01
    face = replace(kind.face(replace(look, weight=700), text), tracking=tracking, leading=1.2)
    most = geometry.measures.brand_px * (0.86 if look.brand_caps else 1.0)
    least = LEAST_PX[geometry.size]
    fitted = ruler.fit(
        text, face, width=box[2], height=box[3] + 4, sizes=(max(most, least), least), most_lines=1
    ) or ruler.clamped(text, face, width=box[2], height=box[3], px=least, most_lines=1)
    height = fitted.height(face)
    made.elements.append(
        Element(
            name="brand",
            lines=fitted.lines,
            box=(box[0], box[1] + (box[3] - height) / 2, box[2], height),
            px=fitted.px,
            face=face,
            ink=colours.ink,
            align=_side(geometry),
            rtl=right_to_left(text),
        )
    )


def _legal(
    made: _Stack, words: Words, geometry: Geometry, colours: Colours, kind: Type, ruler: Ruler
) -> None:
    if not words.legal or geometry.legal is None:
        return
    face, lines = legal_lines(words.legal, geometry.legal[2], geometry, kind, ruler)
    made.elements.append(
        Element(
            name="legal",
            lines=lines.lines,
            box=geometry.legal,
            px=lines.px,
            face=face,
            ink=colours.ink_soft,
            align=_side(geometry) if geometry.place.align == "start" else "center",
            rtl=right_to_left(words.legal),
        )
    )


def legal_lines(
    text: str, width: float, geometry: Geometry, kind: Type, ruler: Ruler
) -> tuple[Face, Fitted]:
    """The legal line at its own size: it is never shrunk below what can be read, and never cut."""
    face = kind.small(400, text, leading=1.25)
    px = max(geometry.measures.legal_px, LEAST_PX[geometry.size])
    fitted = ruler.fit(
        ruler.hyphenated(text, face, width=width, px=px),
        face,
        width=width,
        height=geometry.height,
        sizes=(px, px),
        most_lines=12,
    )
    return face, fitted or ruler.clamped(
        text, face, width=width, height=geometry.height, px=px, most_lines=12
    )


def _stacked(made: _Stack, task: Task, colours: Colours, texts: Texts, money: Money) -> Box | None:
    """Give every text its place in the column, and price and button theirs."""
    geometry, look, words = task.geometry, task.look, task.words
    place, gap = geometry.place, geometry.measures.gap
    eyebrow, headline, tagline = texts.eyebrow, texts.headline, texts.tagline
    x, y, width, height = place.column
    ruled = task.ruled
    heights = [
        gap if ruled else 0.0,
        eyebrow_height(eyebrow, look) + gap * 0.5 if eyebrow.lines else 0.0,
        headline.height(task.headline_face),
        gap * 0.75 + tagline.height(task.tagline_face) if tagline.lines else 0.0,
        gap * 1.15 + money.height if place.row is None and money.height else 0.0,
    ]
    spare = max(height - sum(heights), 0.0)
    top = y + {"start": 0.0, "center": spare / 2, "end": spare}[place.justify]
    pinned = place.justify == "start" and spare < height * 0.42
    side = _side(geometry)
    rule = _rule(geometry, top) if ruled else None
    top += heights[0]
    if eyebrow.lines:
        face = task.eyebrow_face
        made.elements.append(_eyebrow_element(eyebrow, face, geometry, look, colours, top))
    top += heights[1]
    made.elements.append(
        Element(
            name="headline",
            lines=headline.lines,
            box=(x, top, width, heights[2]),
            px=headline.px,
            face=task.headline_face,
            ink=colours.ink,
            align=side,
            rtl=right_to_left(words.headline),
        )
    )
    top += heights[2]
    if tagline.lines:
        made.elements.append(
            Element(
                name="tagline",
                lines=tagline.lines,
                box=(x, top + gap * 0.75, width, tagline.height(task.tagline_face)),
                px=tagline.px,
                face=task.tagline_face,
                ink=colours.ink_soft,
                align=side,
                rtl=right_to_left(words.tagline),
            )
        )
    top += heights[3]
    if place.row is None:
        at = y + height - money.height if pinned else top + gap * 1.15
        made.elements.extend(money.at((x, at, width, money.height)))
    else:
        made.elements.extend(money.at(_in_row(place.row, money.height)))
    return rule


def _rule(geometry: Geometry, top: float) -> Box:
    """The short line above a headline."""
    x, _, width, _ = geometry.place.column
    gap = geometry.measures.gap
    wide = gap * 1.6
    lefts = {"left": x, "center": x + (width - wide) / 2, "right": x + width - wide}
    return (lefts[_side(geometry)], top + gap * 0.12, wide, max(geometry.measures.margin / 14, 1.5))


def _in_row(row: Box, height: float) -> Box:
    """Where price and button stand in a row of their own: at its foot, in a strip in its middle."""
    x, y, width, tall = row
    low = tall - height if tall > _STRIP else (tall - height) / 2
    return (x, y + max(low, 0.0), width, height)


def _eyebrow_element(
    eyebrow: Fitted, face: Face, geometry: Geometry, look: Look, colours: Colours, top: float
) -> Element:
    x, _, width, _ = geometry.place.column
    side = _side(geometry)
    text = eyebrow.lines[0]
    if look.eyebrow != "pill":
        return Element(
            name="eyebrow",
            lines=eyebrow.lines,
            box=(x, top, width, eyebrow.px * 1.3 * len(eyebrow.lines)),
            px=eyebrow.px,
            face=face,
            ink=colours.ink_soft,
            align=side,
            rtl=right_to_left(text),
        )
    wide = min(eyebrow.width + eyebrow.px * 1.6, width)
    left = {"left": x, "center": x + (width - wide) / 2, "right": x + width - wide}[side]
    return Element(
        name="eyebrow",
        lines=eyebrow.lines,
        box=(left, top, wide, eyebrow.px * 2.0),
        px=eyebrow.px,
        face=face,
        ink=colours.ground,
        fill=colours.ink,
        radius=eyebrow.px * 0.25,
        align="center",
        rtl=right_to_left(text),
    )


def _side(geometry: Geometry) -> Align:
    if geometry.place.align == "center":
        return "center"
    return "right" if geometry.rtl else "left"
