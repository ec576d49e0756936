"""Words arranged in a template's place: fitted, stacked, and cut down until nothing sticks out.

All by arithmetic on measured words, so a search may try many. The ladder of repairs is the mildest
first: smaller type, a hyphen, no tagline, an ellipsis; of money, the saving goes before the former
price, and the price itself stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from generative.banner.breaking import cjk, joined, right_to_left
from generative.banner.colours import Colours, Rgb
from generative.banner.elements import Align, Element
from generative.banner.fitting import Face, Fitted, Ruler
from generative.banner.fonts import body, stack
from generative.banner.geometry import LEAST_PX, Box, Geometry
from generative.banner.row import Money, row
from generative.banner.templates import Look
from generative.banner.words import Words

_CAPS_SHARE = 0.8  # of a headline's letters that must have capitals before it is set in them
_COMFORT = 0.62  # of the largest headline: below it the tagline gives way first
_HYPHEN = 0.55  # of the largest headline: a word that would force less is parted instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """The families of a banner, and the language whose CJK forms they take."""

    head: str
    language: str
    corners: str = "soft"

    def face(self, look: Look, text: str) -> Face:
        """The headline's face; scripts with tall letters get more room between their lines."""
        return _spaced(
            Face(
                family=stack(self.head, look.weight, self.language),
                weight=look.weight,
                tracking=look.tracking,
                leading=look.leading,
            ),
            text,
        )

    def small(
        self, weight: int, text: str, *, tracking: float = 0.0, leading: float = 1.38
    ) -> Face:
        family = stack(body(self.head), weight, self.language)
        return _spaced(Face(family=family, weight=weight, tracking=tracking, leading=leading), text)


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
    logo: tuple[int, int] | None = None,
    inks: Mapping[str, Rgb] | None = None,
) -> Arrangement:
    """Place every word; `logo` is the size of a picture that stands for the brand's name.

    `inks` replaces the ink of single texts, for those that stand on something unforeseen.
    """
    made = _Stack()
    words = _capitals(words, look)
    _brand(made, words, geometry, look, colours, kind, ruler, logo)
    _legal(made, words, geometry, colours, kind, ruler)
    money = row(words, geometry, look, colours, kind, ruler)
    made.repairs.extend(money.repairs)
    headline, tagline, eyebrow = _texts(made, words, geometry, look, kind, ruler, money)
    rule = _stacked(made, words, geometry, look, colours, kind, (eyebrow, headline, tagline), money)
    placed = tuple(
        replace(part, ink=inks[part.name]) if inks and part.name in inks else part
        for part in made.elements
    )
    texts = [part for part in placed if part.name in {"eyebrow", "headline", "tagline"}]
    column = geometry.place.column
    used = sum(part.box[3] for part in texts) + (money.height if geometry.place.row is None else 0)
    return Arrangement(
        elements=placed,
        words=replace(
            words,
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


def _spaced(face: Face, text: str) -> Face:
    if joined(text):
        return replace(face, tracking=0.0, leading=max(face.leading, 1.4))
    if any(map(cjk, text)):
        return replace(face, tracking=max(face.tracking, 0.0), leading=max(face.leading, 1.26))
    if any(ord(letter) > 0x7F for letter in text):  # noqa: PLR2004 marks above capitals want air
        return replace(face, leading=max(face.leading, 1.1))
    return face


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
    logo: tuple[int, int] | None,
) -> None:
    box = geometry.place.brand
    if logo is not None:
        return
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
    face, fitted = legal_lines(words.legal, geometry.legal[2], geometry, kind, ruler)
    made.elements.append(
        Element(
            name="legal",
            lines=fitted.lines,
            box=geometry.legal,
            px=fitted.px,
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


def _texts(
    made: _Stack,
    words: Words,
    geometry: Geometry,
    look: Look,
    kind: Type,
    ruler: Ruler,
    money: Money,
) -> tuple[Fitted, Fitted, Fitted]:
    """Headline, tagline and eyebrow at sizes that fit the column together."""
    place, gap = geometry.place, geometry.measures.gap
    _, _, width, height = place.column
    if place.row is None and money.height:
        height -= money.height + gap * 1.15
    if look.rule and geometry.size not in {"leaderboard", "rectangle"}:
        height -= gap
    eyebrow = _eyebrow(words, geometry, look, kind, ruler)
    if eyebrow.lines and height - eyebrow.px * 2.2 < geometry.measures.least_headline_px * 2.2:
        eyebrow = Fitted(lines=(), px=eyebrow.px, width=0.0)  # a low strip has no line to spare
    if eyebrow.lines:
        height -= eyebrow.px * (2.2 if look.eyebrow == "pill" else 1.3) + gap * 0.5
    best: tuple[float, Fitted, Fitted] | None = None
    for tag_px in _tag_sizes(geometry) if words.tagline else ():
        found = _pair(words, geometry, look, kind, ruler, (width, height), tag_px)
        if found is None:
            continue
        score = found[0].px / place.headline_px + 0.3 * tag_px / geometry.measures.tagline_px[0]
        if best is None or score > best[0] + 0.02:
            best = (score, *found)
    if best is not None and best[1].px >= place.headline_px * 0.4:
        return best[1], best[2], eyebrow
    headline = _headline(made, words.headline, geometry, look, kind, ruler, (width, height))
    if best is not None and best[1].px >= headline.px * _COMFORT:
        return best[1], best[2], eyebrow
    if words.tagline:
        made.repairs.append("tagline dropped")
    return headline, Fitted(lines=(), px=geometry.measures.tagline_px[1], width=0.0), eyebrow


def _tag_sizes(geometry: Geometry) -> tuple[float, ...]:
    most, least = geometry.measures.tagline_px
    return tuple(most + (least - most) * step / 3 for step in range(4))


def _pair(
    words: Words,
    geometry: Geometry,
    look: Look,
    kind: Type,
    ruler: Ruler,
    room: tuple[float, float],
    tag_px: float,
) -> tuple[Fitted, Fitted] | None:
    """A headline above a tagline of one size."""
    place, gap = geometry.place, geometry.measures.gap
    face = kind.small(look.tagline_weight, words.tagline)
    tagline = ruler.fit(
        words.tagline,
        face,
        width=min(room[0], tag_px * 26),  # a line of some fifty letters reads best
        height=room[1],
        sizes=(tag_px, tag_px),
        most_lines=place.tagline_lines,
    )
    if tagline is None:
        return None
    left = room[1] - tagline.height(face) - gap * 0.75
    headline = _fitted_headline(words.headline, geometry, look, kind, ruler, (room[0], left))
    if headline is None or headline.px < tag_px * 1.12:
        return None
    return headline, tagline


def _fitted_headline(
    text: str, geometry: Geometry, look: Look, kind: Type, ruler: Ruler, room: tuple[float, float]
) -> Fitted | None:
    """The headline at its largest; a word that would make it small is parted by a hyphen."""
    place, measures = geometry.place, geometry.measures
    face = kind.face(look, text)
    least = measures.least_headline_px
    whole = ruler.fit(
        text,
        face,
        width=room[0],
        height=room[1],
        sizes=(place.headline_px, least),
        most_lines=place.lines,
    )
    wanted = max(place.headline_px * _HYPHEN, least)
    if whole is not None and whole.px >= wanted:
        return whole
    parted = ruler.hyphenated(text, face, width=room[0], px=wanted)
    if parted == text:
        return whole
    other = ruler.fit(
        parted,
        face,
        width=room[0],
        height=room[1],
        sizes=(wanted, least),
        most_lines=place.lines + 1,
    )
    if other is not None and other.px >= wanted * 0.98:
        return replace(other, note="hyphen")
    return whole


def _headline(
    made: _Stack,
    text: str,
    geometry: Geometry,
    look: Look,
    kind: Type,
    ruler: Ruler,
    room: tuple[float, float],
) -> Fitted:
    """The headline whatever it takes."""
    found = _fitted_headline(text, geometry, look, kind, ruler, room)
    if found is None:
        found = ruler.clamped(
            text,
            kind.face(look, text),
            width=room[0],
            height=room[1],
            px=geometry.measures.least_headline_px,
            most_lines=geometry.place.lines + 2,
        )
        made.repairs.append("headline clamped" if found.note else "headline in more lines")
    return found


def _eyebrow(words: Words, geometry: Geometry, look: Look, kind: Type, ruler: Ruler) -> Fitted:
    text = words.eyebrow.upper() if look.eyebrow == "caps" else words.eyebrow
    face = eyebrow_face(look, kind, text)
    px = max(
        geometry.measures.eyebrow_px * (0.86 if look.eyebrow == "caps" else 1.0),
        LEAST_PX[geometry.size],
    )
    width = geometry.place.column[2] - (px * 1.6 if look.eyebrow == "pill" else 0)
    if not text:
        return Fitted(lines=(), px=px, width=0.0)
    return ruler.clamped(text, face, width=width, height=px * 2, px=px, most_lines=1)


def eyebrow_face(look: Look, kind: Type, text: str) -> Face:
    face = kind.small(600, text, tracking=0.1 if look.eyebrow == "caps" else 0.0, leading=1.3)
    return replace(face, leading=1.3)


def _stacked(
    made: _Stack,
    words: Words,
    geometry: Geometry,
    look: Look,
    colours: Colours,
    kind: Type,
    fitted: tuple[Fitted, Fitted, Fitted],
    money: Money,
) -> Box | None:
    """Give every text its place in the column, and price and button theirs."""
    place, gap = geometry.place, geometry.measures.gap
    eyebrow, headline, tagline = fitted
    x, y, width, height = place.column
    faces = {
        "eyebrow": eyebrow_face(look, kind, words.eyebrow),
        "headline": kind.face(look, words.headline),
        "tagline": kind.small(look.tagline_weight, words.tagline),
    }
    ruled = look.rule and geometry.size not in {"leaderboard", "rectangle"}
    pill = look.eyebrow == "pill"
    heights = [
        gap if ruled else 0.0,
        eyebrow.px * (2.2 if pill else 1.3) + gap * 0.5 if eyebrow.lines else 0.0,
        headline.height(faces["headline"]),
        gap * 0.75 + tagline.height(faces["tagline"]) if tagline.lines else 0.0,
        gap * 1.15 + money.height if place.row is None and money.height else 0.0,
    ]
    spare = max(height - sum(heights), 0.0)
    top = y + {"start": 0.0, "center": spare / 2, "end": spare}[place.justify]
    pinned = place.justify == "start" and spare < height * 0.42
    side = _side(geometry)
    rule: Box | None = None
    if ruled:
        wide = gap * 1.6
        left = {"left": x, "center": x + (width - wide) / 2, "right": x + width - wide}[side]
        rule = (left, top + gap * 0.12, wide, max(geometry.measures.margin / 14, 1.5))
    top += heights[0]
    if eyebrow.lines:
        made.elements.append(
            _eyebrow_element(eyebrow, faces["eyebrow"], geometry, look, colours, top)
        )
    top += heights[1]
    made.elements.append(
        Element(
            name="headline",
            lines=headline.lines,
            box=(x, top, width, heights[2]),
            px=headline.px,
            face=faces["headline"],
            ink=colours.ink,
            align=side,
            rtl=right_to_left(words.headline),
        )
    )
    if headline.note:
        made.repairs.append(headline.note)
    top += heights[2]
    if tagline.lines:
        made.elements.append(
            Element(
                name="tagline",
                lines=tagline.lines,
                box=(x, top + gap * 0.75, width, tagline.height(faces["tagline"])),
                px=tagline.px,
                face=faces["tagline"],
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
        rx, ry, rw, rh = place.row
        low = rh - money.height if rh > 120 else (rh - money.height) / 2  # noqa: PLR2004 a strip's is centred
        made.elements.extend(money.at((rx, ry + max(low, 0.0), rw, money.height)))
    return rule


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
            box=(x, top, width, eyebrow.px * 1.3),
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
