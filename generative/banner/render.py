"""A brief and its copy as a picture: layouts searched, the best drawn, measured, repaired.

The best arrangement is drawn and asked where its words landed and what lies behind them. What
cannot be mended on it is left to the next of at most three.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from generative.banner.choices import Choice, asked
from generative.banner.colours import Colours, deep
from generative.banner.compose import own_ground, pixels, place
from generative.banner.formats import FORMS, encode, suffix
from generative.banner.geometry import MEASURES, Box
from generative.banner.grounds import canvas, ground, lines
from generative.banner.layout import Arrangement
from generative.banner.legible import contrasts, low, mended, scrim, troubles
from generative.banner.logos import lay
from generative.banner.materials import Materials, arranged, materials, product_of
from generative.banner.search import Candidate, ranked
from generative.banner.templates import PLACES
from generative.banner.typeset import Setting
from generative.banner.words import alt_text
from generative.branding.brand import BrandKit
from generative.files import store
from generative.picture.backdrops import PROCEDURAL, Paint
from generative.picture.palette import rgb_of
from generative.types import Banner, Brief, Copy


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """`checks` holds what was measured: problems, contrast of each text, repairs, font sizes."""

    data: bytes
    media_type: str
    width: int
    height: int
    alt: str
    checks: Mapping[str, Any]

    @property
    def passed(self) -> bool:
        return not self.checks["problems"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A finished sheet in parts, before it is encoded: ground and product, and the words on them."""

    candidate: Candidate
    arrangement: Arrangement
    setting: Setting
    sheet: Image.Image
    painter: str
    painted: Colours
    contrast: Mapping[str, float]
    problems: tuple[str, ...]
    repairs: tuple[str, ...]

    @property
    def trouble(self) -> int:
        """Problems weigh; a veil behind words is no problem, but another template may need none."""
        return 10 * len(self.problems) + ("scrim" in self.repairs)

    def flat(self) -> Image.Image:
        whole = self.sheet.copy()
        whole.paste(self.setting.image, (0, 0), self.setting.image)
        return whole


def render(  # noqa: PLR0913 what a picture is made from, each under its name
    brief: Brief,
    copy: Copy,
    photo: bytes | None,
    kit: BrandKit,
    *,
    seed: int,
    cutout_model: str = "",
    cutout_cache: Path | None = None,
    xmp: Callable[[str], bytes] | None = None,
    form: str = "jpeg",
    backdrop: Paint | None = None,
    logo: bytes | None = None,
) -> Rendered:
    """Draw one banner; a photo that must not be opened leaves the words on the ground.

    `backdrop` may paint behind the product, else the template does; `xmp` makes the packet when it
    is known who painted; a model's cut-outs are kept in `cutout_cache`.

    Raises:
        KeyError: A size or a form that does not exist.
    """
    form_of = FORMS[form]
    product, trouble = product_of(photo, cutout_model, cutout_cache)
    stuff = materials(brief, copy, product, kit, seed=seed, backdrop=backdrop, logo=logo)
    best = drawn_best(stuff, asked(brief.variant))
    alt = alt_text(brief.item, best.arrangement.words)
    measures = MEASURES[brief.size]
    return Rendered(
        data=encode(best, stuff, form=form, alt=alt, xmp=xmp(best.painter) if xmp else b""),
        media_type=form_of.media_type,
        width=measures.width,
        height=measures.height,
        alt=alt,
        checks=_checks(best, stuff, trouble),
    )


def drawn_best(stuff: Materials, choices: tuple[Choice, ...]) -> Drawn:
    """The first of the best candidates that has no problem; the least troubled where all have."""
    tried: list[Drawn] = []
    for candidate in ranked(
        _sensible(choices, stuff), lambda c: arranged(c, stuff), seed=stuff.seed
    ):
        tried.append(_drawn(candidate, stuff))
        if not tried[-1].trouble:
            break
    return min(tried, key=lambda one: one.trouble)


def _sensible(choices: tuple[Choice, ...], stuff: Materials) -> tuple[Choice, ...]:
    """Without twins: what is symmetrical has no mirror; a paper of the shop's is light or dark itself."""
    paper = stuff.kit.paper
    kept = []
    for choice in choices:
        if paper and choice.dark != deep(rgb_of(paper)):
            continue
        x, _, wide, _ = PLACES[choice.template, stuff.size].picture
        even = abs(x + wide / 2 - MEASURES[stuff.size].width / 2) < wide * 0.1
        if choice.mirrored and (even or stuff.size == "leaderboard"):
            continue
        kept.append(choice)
    return tuple(kept) or choices


def _drawn(candidate: Candidate, stuff: Materials) -> Drawn:
    """A candidate as a sheet: its words' inks mended where what lies behind them asks for it."""
    painted = _painted(candidate)
    sheet, painter = _sheet(candidate, stuff, painted)
    repairs: list[str] = []
    setting = _set(candidate.arrangement, candidate, stuff)
    ratios = contrasts(sheet, candidate.arrangement.elements, setting.boxes)
    if low(ratios):
        inks = mended(sheet, candidate, setting.boxes, ratios)
        again = arranged(candidate.choice, stuff, inks).arrangement
        candidate = replace(candidate, arrangement=again)
        setting = _set(again, candidate, stuff)
        ratios = contrasts(sheet, again.elements, setting.boxes)
        repairs.append("ink changed")
    if low(ratios):
        sheet = scrim(sheet, candidate, setting.boxes, low(ratios))
        ratios = contrasts(sheet, candidate.arrangement.elements, setting.boxes)
        repairs.append("scrim")
    found = troubles(
        candidate.arrangement.elements,
        setting,
        candidate.geometry,
        products=[candidate.shown.box] if candidate.shown else [],
        ratios=ratios,
    )
    return Drawn(
        candidate=candidate,
        arrangement=candidate.arrangement,
        setting=setting,
        sheet=sheet,
        painter=painter,
        painted=painted,
        contrast=ratios,
        problems=tuple(found),
        repairs=(*candidate.arrangement.repairs, *repairs),
    )


def _painted(candidate: Candidate) -> Colours:
    """The colours that the ground is painted in: a field's disc is for what has an outline."""
    shown, colours = candidate.shown, candidate.colours
    if candidate.choice.template == "field" and (shown is None or shown.kind != "cut"):
        return replace(colours, shape=colours.stage)
    return colours


def _sheet(candidate: Candidate, stuff: Materials, colours: Colours) -> tuple[Image.Image, str]:
    shown, form = candidate.shown, candidate.geometry
    image = pixels(shown) if shown else None
    own = own_ground(shown, image, form) if shown and image else None
    painted, painter = None, PROCEDURAL
    area = canvas(candidate.choice.template, form)
    if stuff.paint and own is None and area:
        painted, painter = stuff.paint(
            stuff.palette,
            (round(area[2]), round(area[3])),
            dark=candidate.choice.dark,
            product=_standing(candidate, image, area),
        )
    sheet = ground(
        candidate.choice.template,
        form,
        colours,
        seed=stuff.seed,
        backdrop=painted,
        own=own,
    )
    if shown and image:
        place(sheet, shown, image, candidate.colours, form)
        if shown.kind == "melt":
            lines(sheet, candidate.choice.template, form, colours)
    if stuff.logo:
        lay(sheet, stuff.logo, form)
    return sheet, painter


def _standing(candidate: Candidate, image: Image.Image | None, area: Box) -> Image.Image | None:
    """The cut-out where it stands on a painter's picture, which is turned with the sheet it lies on."""
    shown, form = candidate.shown, candidate.geometry
    if shown is None or image is None or shown.kind != "cut" or area != form.place.stage:
        return None  # a mounted print stands on its paper, not on what is painted
    whole = Image.new("RGBA", (round(area[2]), round(area[3])))
    whole.paste(image, (shown.corner[0] - round(area[0]), shown.corner[1] - round(area[1])))
    return ImageOps.mirror(whole) if form.mirrored else whole


def _set(arrangement: Arrangement, candidate: Candidate, stuff: Materials) -> Setting:
    form = candidate.geometry
    return stuff.draw(
        arrangement.elements,
        (form.width, form.height),
        rule=arrangement.rule,
        rule_ink=candidate.colours.accent,
    )


def _checks(best: Drawn, stuff: Materials, trouble: str) -> dict[str, Any]:
    set_as = best.arrangement
    return {
        "problems": list(best.problems),
        "contrast": dict(best.contrast),
        "repairs": list(best.repairs),
        "template": best.candidate.choice.name,
        "measured": dict(best.candidate.measured),
        "headline_px": set_as.headline_px,
        "tagline_px": set_as.tagline_px,
        "price_px": set_as.price_px,
        "least_px": round(min(element.px for element in set_as.elements), 2),
        "eyebrow": "".join(set_as.words.eyebrows),
        "engine": best.setting.engine,
        "picture": stuff.product.method if stuff.product else "none",
        "cutout_refused": stuff.product.refused if stuff.product else "",
        "backdrop": best.painter,
        "picture_problem": trouble,
    }


def write(rendered: Rendered, key: str, banners_dir: Path) -> Banner:
    """Put the picture in a file of its own, by renaming, so that no reader meets half of it.

    The name holds the content's hash: two workers with one key must not change each other's file.
    """
    sha256 = hashlib.sha256(rendered.data).hexdigest()
    path = f"{key[:2]}/{key}-{sha256[:12]}{suffix(rendered.media_type)}"
    store(rendered.data, banners_dir / path)
    return Banner(
        path=path,
        sha256=sha256,
        width=rendered.width,
        height=rendered.height,
        media_type=rendered.media_type,
    )
