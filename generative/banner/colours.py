"""The colours of one banner, chosen so that every text is readable on what lies behind it.

Grounds are made in OKLab's polar form from the product's hue or the shop's, so that light and dark
keep a hue's character; inks are then moved in lightness until they are readable there.
"""

from dataclasses import dataclass, replace

import numpy as np

from generative.banner.choices import Choice
from generative.branding.brand import BrandKit
from generative.picture.palette import (
    Palette,
    colour,
    contrast,
    luminance,
    rgb_of,
    to_oklab,
)

Rgb = tuple[int, int, int]
WHITE: Rgb = (255, 255, 255)
BLACK: Rgb = (0, 0, 0)  # pure: only then does one of the two always reach 4.5
READABLE = 4.5  # WCAG 2.2, 1.4.3
_COMFORT = 5.2  # what soft ink is made for, so that a little grain costs nothing
_APART = 0.16  # from its ground, in OKLab, or a button cannot be seen
_ONE_SHEET = frozenset({"field", "frame", "type"})  # words and product stand on one ground
_SEEN = 1.35  # a button is a shape, not a text: this much stands out from its ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """`ground` lies behind the words, `stage` behind the product, `shape` is what is painted there.

    `accent` is the button; `line` hairlines; `mark` the price tag and other small signs.
    """

    ground: Rgb
    stage: Rgb
    shape: Rgb
    shape_soft: Rgb
    ink: Rgb
    ink_soft: Rgb
    accent: Rgb
    on_accent: Rgb
    mark: Rgb
    on_mark: Rgb
    line: Rgb


def scheme(choice: Choice, palette: Palette, kit: BrandKit, *, stage: Rgb | None = None) -> Colours:
    """The colours of a template, light or dark; `stage` where the photo brings its own ground."""
    made = _MAKERS[choice.template](palette, _brand(kit.color), dark=choice.dark)
    paper = rgb_of(kit.paper) if kit.paper else None
    if paper and deep(paper) == choice.dark:
        made = replace(made, **_papered(choice.template, paper))
    if stage is not None:
        made = replace(made, stage=stage)
        if choice.template in _ONE_SHEET:
            made = replace(made, ground=stage)
    return _inked(made, palette, rgb_of(kit.color), poster=choice.template == "bold")


def lightness(rgb: Rgb) -> float:
    return float(to_oklab(np.array(rgb) / 255.0)[0])


def deep(rgb: Rgb) -> bool:
    """Whether a ground is dark rather than light."""
    return lightness(rgb) < 0.5  # noqa: PLR2004 the middle


def readable_on(background: Rgb) -> Rgb:
    """White, or else black: one of the two always reaches 4.5."""
    return WHITE if ratio(WHITE, background) >= READABLE else BLACK


def ratio(first: Rgb, second: Rgb) -> float:
    return float(contrast(luminance(first), luminance(second)))


def apart(first: Rgb, second: Rgb) -> float:
    """How different two colours look: their distance in OKLab; 0.1 is plain to see."""
    difference = to_oklab(np.array(first) / 255.0) - to_oklab(np.array(second) / 255.0)
    return float(np.linalg.norm(difference))


@dataclass(frozen=True, slots=True)
class _Tone:
    """A colour by lightness, chroma and hue."""

    light: float
    chroma: float
    hue: float


def _brand(text: str) -> _Tone:
    lab = to_oklab(np.array(rgb_of(text)) / 255.0)
    return _Tone(float(lab[0]), float(np.hypot(lab[1], lab[2])), float(np.arctan2(lab[2], lab[1])))


def _hue(palette: Palette, brand: _Tone) -> float:
    """The product's hue where it has one, else the shop's."""
    return palette.hue if palette.chroma > 0.035 else brand.hue  # noqa: PLR2004 nearly grey below


def _editorial(palette: Palette, brand: _Tone, *, dark: bool) -> Colours:
    hue = _hue(palette, brand)
    tint = min(palette.chroma, 0.14)
    if dark:
        return _plain(
            ground=colour(0.205, 0.014, hue), stage=colour(0.315, 0.02 + tint * 0.28, hue)
        )
    return _plain(ground=colour(0.985, 0.006, hue), stage=colour(0.915, 0.012 + tint * 0.36, hue))


def _field(palette: Palette, brand: _Tone, *, dark: bool) -> Colours:
    if dark:
        light = min(max(brand.light, 0.28), 0.46)
        ground = colour(light, brand.chroma, brand.hue)
        return replace(
            _plain(ground=ground, stage=ground),
            shape=colour(light + 0.075, brand.chroma, brand.hue),
            shape_soft=colour(light - 0.05, brand.chroma, brand.hue),
        )
    hue = _hue(palette, brand)
    chroma = 0.045 + min(palette.chroma, 0.16) * 0.32
    ground = colour(0.885, chroma, hue)
    return replace(
        _plain(ground=ground, stage=ground),
        shape=colour(0.945, chroma * 0.55, hue),
        shape_soft=colour(0.85, chroma * 1.1, hue),
    )


def _frame(palette: Palette, brand: _Tone, *, dark: bool) -> Colours:
    hue = _hue(palette, brand)
    if dark:
        return replace(
            _plain(ground=colour(0.235, 0.022, brand.hue), stage=colour(0.235, 0.022, brand.hue)),
            shape=colour(0.175, 0.02, brand.hue),
            line=colour(0.66, min(0.07, brand.chroma), brand.hue),
        )
    return replace(
        _plain(ground=colour(0.99, 0.004, hue), stage=colour(0.99, 0.004, hue)),
        shape=colour(0.93, 0.01 + min(palette.chroma, 0.12) * 0.2, hue),
        line=colour(0.72, min(0.08, brand.chroma), brand.hue),
    )


def _bold(palette: Palette, brand: _Tone, *, dark: bool) -> Colours:
    del palette  # a poster shouts in the shop's own colour
    light = min(max(brand.light, 0.46), 0.8)
    shape = colour(light, brand.chroma, brand.hue)
    if dark:
        return replace(
            _plain(ground=colour(0.18, 0.02, brand.hue), stage=shape),
            shape=shape,
            shape_soft=colour(light - 0.1, brand.chroma, brand.hue),
        )
    return replace(
        _plain(ground=colour(0.975, 0.008, brand.hue), stage=shape),
        shape=shape,
        shape_soft=colour(light + 0.09, brand.chroma * 0.9, brand.hue),
    )


def _type(palette: Palette, brand: _Tone, *, dark: bool) -> Colours:
    del palette, brand  # nothing but paper and ink
    ground = (17, 17, 18) if dark else WHITE
    return replace(
        _plain(ground=ground, stage=ground), line=(64, 64, 66) if dark else (214, 214, 216)
    )


_MAKERS = {
    "editorial": _editorial,
    "field": _field,
    "frame": _frame,
    "bold": _bold,
    "type": _type,
}


def _papered(template: str, paper: Rgb) -> dict[str, Rgb]:
    """The brand's paper as the ground, and as the stage where both are one sheet."""
    if template in _ONE_SHEET:
        return {"ground": paper, "stage": paper}
    return {"ground": paper}


def _plain(*, ground: Rgb, stage: Rgb) -> Colours:
    return Colours(
        ground=ground,
        stage=stage,
        shape=stage,
        shape_soft=stage,
        ink=BLACK,
        ink_soft=BLACK,
        accent=BLACK,
        on_accent=WHITE,
        mark=BLACK,
        on_mark=WHITE,
        line=stage,
    )


def _inked(made: Colours, palette: Palette, brand: Rgb, *, poster: bool) -> Colours:
    hue = palette.hue
    tint = min(palette.chroma, 0.1) * 0.3
    on_dark = ratio(WHITE, made.ground) >= ratio(BLACK, made.ground)
    ink = _towards(made.ground, (0.985, 0.17)[not on_dark], tint * 0.4, hue, least=7.0)
    soft = _towards(made.ground, (0.86, 0.40)[not on_dark], tint, hue, least=_COMFORT)
    accent = brand if apart(brand, made.ground) > _APART else ink
    if ratio(accent, made.ground) < _SEEN:
        accent = ink
    # A poster has the shop's colour on its price: a button of the same would be one too many.
    button = ink if poster else accent
    return replace(
        made,
        ink=ink,
        ink_soft=soft,
        accent=button,
        on_accent=made.ground if poster else readable_on(button),
        mark=accent,
        on_mark=readable_on(accent),
    )


def _towards(ground: Rgb, light: float, chroma: float, hue: float, *, least: float) -> Rgb:
    """A tinted ink, moved towards white or black until it is readable; pure where it must be."""
    end = 1.0 if light > 0.5 else 0.0  # noqa: PLR2004 the middle
    for step in range(6):
        share = step / 5
        found = colour(light + (end - light) * share, chroma * (1 - share), hue)
        if ratio(found, ground) >= least:
            return found
    return readable_on(ground)
