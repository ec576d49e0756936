"""Two to four recommended products on one picture: a heading, and a tile for each with its price.

The same rules as for a single banner hold: words are fitted and measured, a product is scaled and
nothing else, what lies behind words is measured. A tile too small for a title keeps the price.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from generative.banner.breaking import right_to_left
from generative.banner.choices import Choice
from generative.banner.colours import WHITE, Colours, scheme
from generative.banner.compose import pixels, place, rounded, stand
from generative.banner.elements import Element
from generative.banner.fonts import family
from generative.banner.formats import FORMS, picture
from generative.banner.geometry import MEASURES, Box, Geometry, Measures, Place, geometry
from generative.banner.grounds import ground
from generative.banner.legible import contrasts, troubles
from generative.banner.materials import NEUTRAL, engine, product_of
from generative.banner.render import Rendered
from generative.banner.templates import LOOKS
from generative.banner.texts import Type
from generative.banner.typeset import Setting
from generative.branding.brand import BrandKit
from generative.brief import clean_text
from generative.copy.slots import amounts
from generative.copy.template import short_name
from generative.picture.backdrops import PROCEDURAL
from generative.picture.cutout import Product
from generative.types import Copy, ItemFacts

FEWEST, MOST = 2, 4
SIZES = ("hero", "square", "story")
_TALL = 1.5  # of a tile's width
_TILES = {  # the area of all tiles, and how many stand side by side
    "hero": ((470.0, 48.0, 682.0, 532.0), {2: 2, 3: 3, 4: 2}),
    "square": ((56.0, 300.0, 968.0, 724.0), {2: 2, 3: 3, 4: 2}),
    "story": ((72.0, 560.0, 936.0, 1080.0), {2: 1, 3: 1, 4: 2}),
}
_HEADS = {
    "hero": (56.0, 48.0, 376.0, 532.0),
    "square": (56.0, 56.0, 968.0, 220.0),
    "story": (72.0, 230.0, 936.0, 300.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One product of a collage; `photo` is None where it has no picture that may be opened."""

    item: ItemFacts
    photo: bytes | None


def collage(  # noqa: PLR0913 what a picture is made from, each under its name
    pieces: Sequence[Piece],
    copy: Copy,
    kit: BrandKit,
    *,
    size: str,
    locale: str = "en",
    seed: int = 0,
    form: str = "jpeg",
    xmp: bytes = b"",
    cutout_model: str = "",
    cutout_cache: Path | None = None,
) -> Rendered:
    """Draw the first two to four pieces under one heading.

    Raises:
        ValueError: Fewer than two pieces, or a size that has no room for tiles.
    """
    if size not in SIZES or len(pieces) < FEWEST:
        raise ValueError(f"a collage needs {FEWEST} to {MOST} items and one of {SIZES}")
    shown, measures = tuple(pieces[:MOST]), MEASURES[size]
    rtl = right_to_left(copy.headline)
    colours = scheme(Choice(template="field"), NEUTRAL, kit)
    whole = Place(
        column=_HEADS[size],
        picture=_TILES[size][0],
        brand=_HEADS[size],
        headline_px=60.0,
        lines=3,
        stage=(0, 0, measures.width, measures.height),
    )
    bare = geometry(size, whole, rtl=rtl)
    sheet = ground("field", bare, replace(colours, shape=colours.stage), seed=seed)
    setter = _Setter(bare, colours, kit, locale)
    elements = setter.head(copy)
    products: list[Box] = []
    for place_, (piece, tile) in enumerate(zip(shown, _tiles(size, len(shown), bare), strict=True)):
        product, _ = product_of(piece.photo, cutout_model, cutout_cache)
        box = _product(sheet, product, tile, setter)
        products += [box] if box else []
        elements += setter.tile(piece, tile, place_)
    setting = setter.drawn(tuple(elements))
    ratios = contrasts(sheet, elements, setting.boxes)
    found = troubles(elements, setting, bare, products=products, ratios=ratios)
    sheet.paste(setting.image, (0, 0), setting.image)
    return Rendered(
        data=picture(sheet, form=form, xmp=xmp),
        media_type=FORMS[form].media_type,
        width=measures.width,
        height=measures.height,
        alt=_alt(shown, copy, locale),
        checks=_checks(found, ratios, elements, products, setting.engine),
    )


def _checks(
    found: list[str],
    ratios: dict[str, float],
    elements: list[Element],
    products: list[Box],
    engine_name: str,
) -> dict[str, Any]:
    return {
        "problems": found,
        "contrast": ratios,
        "repairs": [],
        "template": "collage",
        "least_px": round(min(element.px for element in elements), 2),
        "engine": engine_name,
        "products": len(products),
        "backdrop": PROCEDURAL,
    }


def _tiles(size: str, count: int, form: Geometry) -> list[Box]:
    """The tiles in reading order: from the right where words run from the right."""
    (x, y, wide, tall), across = _TILES[size]
    columns = across[count]
    rows = -(-count // columns)
    gap = form.measures.gap * 0.8
    across_each = (wide - gap * (columns - 1)) / columns
    down_each = min((tall - gap * (rows - 1)) / rows, across_each * _TALL)
    y += (tall - down_each * rows - gap * (rows - 1)) / 2  # no taller than a product needs
    each = (across_each, down_each)
    boxes = []
    for place_ in range(count):
        row, column = divmod(place_, columns)
        left = x + column * (each[0] + gap)
        if form.rtl:
            left = form.width - left - each[0]
        boxes.append((left, y + row * (each[1] + gap), *each))
    return boxes


def _product(
    sheet: Image.Image, product: Product | None, tile: Box, setter: "_Setter"
) -> Box | None:
    """A white tile with the product in its upper part."""
    x, y, wide, tall = tile
    radius = round(
        min(wide, tall) * {"square": 0.0, "soft": 0.05, "round": 0.1}[setter.kit.corners]
    )
    window = rounded((round(wide), round(tall)), radius)
    sheet.paste(WHITE, (round(x), round(y)), window)
    if product is None:
        return None
    pad = min(wide, tall) * 0.07
    above = tall - setter.foot(tall)
    framed = product.method == "framed"
    room = (
        (x, y, wide, above - pad) if framed else (x + pad, y + pad, wide - 2 * pad, above - 2 * pad)
    )
    form = replace(setter.form, place=replace(setter.form.place, picture=room))
    shown = stand(product, None, "frame", form, corners="square")
    image = pixels(shown)
    if framed:  # a photo ends where its tile ends
        left = shown.corner[0]
        shown = replace(shown, corner=(left, round(y)), box=(left, y, *shown.size))
        at = (left - round(x), 0)
        sheet.paste(image, shown.corner, window.crop((*at, at[0] + image.width, image.height)))
        return shown.box
    place(sheet, shown, image, replace(setter.colours, stage=WHITE), form)
    return shown.box


class _Setter:
    """Sets a collage's words: one ruler, one family, one direction."""

    def __init__(self, form: Geometry, colours: Colours, kit: BrandKit, locale: str) -> None:
        self.form, self.colours, self.kit, self._locale = form, colours, kit, locale
        self._ruler, self._draw = engine()
        head = family(kit.font, kit.tone)
        self._kind = Type(head=head, language=locale[:2], corners=kit.corners)
        self._side = "right" if form.rtl else "left"

    @property
    def measures(self) -> Measures:
        return self.form.measures

    def drawn(self, elements: tuple[Element, ...]) -> Setting:
        size = (self.form.width, self.form.height)
        return self._draw(elements, size, rule=None, rule_ink=self.colours.ink)

    def foot(self, tall: float) -> float:
        return min(self.measures.tagline_px[0] * 3.5, tall * 0.36)

    def head(self, copy: Copy) -> list[Element]:
        x, y, wide, tall = self.form.place.column
        brand_px = self.measures.brand_px
        brand = self._text("brand", self.kit.name, (x, y, wide, brand_px * 1.3), brand_px, 1, 700)
        look = LOOKS["editorial"]
        face = self._kind.face(look, copy.headline)
        top = y + brand_px * 1.3 + self.measures.gap
        low = y + tall
        room = low - top - (self.measures.tagline_px[0] * 3 if copy.tagline else 0)
        sizes = (self.measures.gap * 2.7, self.measures.least_headline_px * 0.8)
        fitted = self._ruler.fit(
            copy.headline, face, width=wide, height=room, sizes=sizes, most_lines=5
        ) or self._ruler.clamped(
            copy.headline, face, width=wide, height=room, px=sizes[1], most_lines=3
        )
        height = fitted.height(face)
        headline = Element(
            name="headline",
            lines=fitted.lines,
            box=(x, top, wide, height),
            px=fitted.px,
            face=face,
            ink=self.colours.ink,
            align="right" if self.form.rtl else "left",
            rtl=right_to_left(copy.headline),
        )
        made = [brand, headline]
        if copy.tagline:
            under = top + height + self.measures.gap * 0.5
            px = self.measures.tagline_px[1]
            box = (x, under, wide, max(low - under, px * 1.4))
            made.append(self._text("tagline", copy.tagline, box, px, 4, 400, soft=True))
        return made

    def tile(self, piece: Piece, tile: Box, place_: int) -> list[Element]:
        x, y, wide, tall = tile
        pad, foot = min(wide, tall) * 0.07, self.foot(tall)
        money = amounts(piece.item, self._locale)
        px = self.measures.tagline_px[1]
        top = y + tall - foot - pad * 0.4
        box = (x + pad, top, wide - 2 * pad, foot - px * 1.5)
        made: list[Element] = []
        rows = max(1, min(2, int(box[3] / (px * 1.3))))
        title = short_name(piece.item)
        if title:
            made.append(self._text(f"title-{place_}", title, box, px, rows, 500))
        if money["price"]:
            line = (x + pad, y + tall - pad * 0.8 - px * 1.4, wide - 2 * pad, px * 1.4)
            made.append(self._text(f"price-{place_}", money["price"], line, px * 1.08, 1, 700))
        return [replace(part, ink=(24, 24, 27)) for part in made]

    def _text(
        self,
        name: str,
        text: str,
        box: Box,
        px: float,
        rows: int,
        weight: int,
        *,
        soft: bool = False,
    ) -> Element:
        face = self._kind.small(weight, text, leading=1.3)
        fitted = self._ruler.clamped(
            text, face, width=box[2], height=box[3] + 1, px=px, most_lines=rows
        )
        return Element(
            name=name,
            lines=fitted.lines,
            box=(box[0], box[1], box[2], fitted.height(face)),
            px=px,
            face=face,
            ink=self.colours.ink_soft if soft else self.colours.ink,
            align="right" if self.form.rtl else "left",
            rtl=right_to_left(text),
        )


def _alt(pieces: Sequence[Piece], copy: Copy, locale: str) -> str:
    """Every product with its price, from facts."""
    said = []
    for piece in pieces:
        price = amounts(piece.item, locale)["price"]
        title = clean_text(piece.item.title, 80)
        said.append(f"{title}, {price}" if price else title)
    return clean_text(f"{copy.headline}: {'; '.join(said)}", 400)
