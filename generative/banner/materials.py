"""What the candidates of one banner share, and how one of them is arranged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from generative.banner import drawn
from generative.banner.breaking import right_to_left
from generative.banner.choices import Choice
from generative.banner.colours import Rgb, scheme
from generative.banner.compose import stage_of, stand
from generative.banner.fitting import Ruler
from generative.banner.fonts import family
from generative.banner.geometry import MEASURES, Geometry, Place, geometry, words_span
from generative.banner.layout import arrange, legal_lines
from generative.banner.melt import Melted, melted
from generative.banner.search import Candidate, measured, rim
from generative.banner.templates import LOOKS, PLACES
from generative.banner.texts import Type
from generative.banner.typeset import Setting, engine_ruler, engrave
from generative.banner.words import Words, words
from generative.branding.brand import BrandKit
from generative.checks.image import open_image
from generative.errors import ProviderUnavailable, UnsafeImage
from generative.picture.backdrops import Paint
from generative.picture.cutout import Product, cut_out
from generative.picture.palette import Palette, palette
from generative.types import Brief, Copy

Draw = Callable[..., Setting]
NEUTRAL = Palette(hue=4.2, chroma=0.02, lightness=0.9)  # of a banner without a picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Materials:
    """All that the candidates of one banner share."""

    words: Words
    size: str
    price_band: str
    kit: BrandKit
    kind: Type
    ruler: Ruler
    draw: Draw
    palette: Palette
    product: Product | None
    melt: Melted | None
    rim: Rgb | None
    logo: Image.Image | None
    paint: Paint | None
    seed: int
    rtl: bool


def engine() -> tuple[Ruler, Draw]:
    """What measures words and what draws them: Blitz, or Pillow where it is missing."""
    try:
        return engine_ruler(), engrave
    except ProviderUnavailable:
        return drawn.ruler(), drawn.draw


def materials(
    brief: Brief,
    copy: Copy,
    product: Product | None,
    kit: BrandKit,
    *,
    seed: int,
    backdrop: Paint | None = None,
    logo: bytes | None = None,
) -> Materials:
    found = palette(product.image) if product else NEUTRAL
    said = words(brief, copy, kit)
    ruler, draw = engine()
    return Materials(
        words=said,
        size=brief.size,
        price_band=brief.audience.price_band,
        kit=kit,
        kind=Type(head=family(kit.font, kit.tone), language=brief.locale[:2], corners=kit.corners),
        ruler=ruler,
        draw=draw,
        palette=found,
        product=product,
        melt=melted(product.image) if product and product.method == "framed" else None,
        rim=rim(product.image) if product else None,
        logo=_logo(logo),
        paint=backdrop,
        seed=seed,
        rtl=right_to_left(said.headline or said.action),
    )


def arranged(choice: Choice, stuff: Materials, inks: Mapping[str, Rgb] | None = None) -> Candidate:
    """A choice with everything in its place, nothing drawn yet."""
    look, at = LOOKS[choice.template], PLACES[choice.template, stuff.size]
    form = geometry(
        stuff.size,
        at,
        price_band=stuff.price_band,
        mirrored=choice.mirrored,
        rtl=stuff.rtl,
        legal_height=_legal_height(stuff, at),
    )
    shown = (
        stand(stuff.product, stuff.melt, choice.template, form, corners=stuff.kit.corners)
        if stuff.product
        else None
    )
    colours = scheme(
        choice,
        stuff.palette,
        stuff.kit,
        stage=stage_of(shown, stuff.melt),
    )
    arrangement = arrange(
        stuff.words,
        form,
        look,
        colours,
        stuff.kind,
        stuff.ruler,
        logo=stuff.logo is not None,
        inks=inks,
    )
    found = measured(choice, form, colours, arrangement, shown, stuff.rim)
    return Candidate(
        choice=choice,
        geometry=form,
        colours=colours,
        arrangement=arrangement,
        shown=shown,
        score=found["score"],
        measured=found,
    )


def _legal_height(stuff: Materials, at: Place) -> float:
    if not stuff.words.legal:
        return 0.0
    measures = MEASURES[stuff.size]
    bare = Geometry(size=stuff.size, measures=measures, place=at)
    _, width = words_span(stuff.size, at)
    face, fitted = legal_lines(stuff.words.legal, width, bare, stuff.kind, stuff.ruler)
    return fitted.height(face) + measures.gap * 0.2


def product_of(
    photo: bytes | None, cutout_model: str, cutout_cache: Path | None
) -> tuple[Product | None, str]:
    if photo is None:
        return None, ""
    try:
        image = open_image(photo)
    except UnsafeImage as error:
        return None, str(error)
    try:
        return cut_out(image, model_path=cutout_model, cache_dir=cutout_cache), ""
    except ProviderUnavailable as error:
        return cut_out(image), str(error)


def _logo(data: bytes | None) -> Image.Image | None:
    """The shop's logo; one that cannot be opened leaves the name in type."""
    if data is None:
        return None
    try:
        return open_image(data)
    except UnsafeImage:
        return None
