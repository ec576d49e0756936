"""Words set in type: fitted, measured where they really landed, repaired until nothing sticks out.

Fitting alone is not enough (long words break out of a fitted box), so the engine is asked for its
boxes afterwards, and the loop shrinks, clamps and drops until the checks are content.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from generative.banner.colours import Colours
from generative.banner.geometry import Box, Geometry
from generative.banner.glyphs import missing
from generative.banner.words import Words
from generative.checks.layout import problems
from generative.errors import ProviderUnavailable

MAX_ROUNDS = 24
EYEBROW_LINE = 1.5  # its line with the space below it, by its size
_SHRINK = 0.93
_RTL = ("\u0590", "\u08ff")
_FAMILY = "Inter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Type as set: `image` is RGBA on transparency; `boxes` says where each text landed."""

    image: Image.Image
    boxes: dict[str, Box]
    words: Words
    headline_px: float
    tagline_px: float
    price_px: float
    repairs: tuple[str, ...]
    problems: tuple[str, ...]
    engine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is being fitted: words and the sizes they are tried at."""

    words: Words
    headline_px: float
    tagline_px: float
    price_px: float

    def saying(self, words: Words) -> "Draft":
        return replace(self, words=words)


def typeset(words: Words, geometry: Geometry, colours: Colours, *, size: str) -> Setting:
    """Set a banner's words with Blitz.

    Raises:
        ProviderUnavailable: blitz-py is not installed.
    """
    blitz = _blitz()
    template = _templates().get_template("rectangle.html" if size == "rectangle" else "hero.html")
    words = replace(words, eyebrow=_one_line(blitz, words.eyebrow, geometry))
    headline_px, tagline_px = _first_sizes(blitz, words, geometry)
    price_px = geometry.price_px * geometry.price_scale
    draft = Draft(words=words, headline_px=headline_px, tagline_px=tagline_px, price_px=price_px)
    repairs: list[str] = []
    while True:
        html = template.render(
            g=geometry,
            words=draft.words,
            headline_px=round(draft.headline_px, 2),
            tagline_px=round(draft.tagline_px, 2),
            price_px=round(draft.price_px, 2),
            eyebrow_dir=_direction(draft.words.eyebrow),
            headline_dir=_direction(draft.words.headline),
            tagline_dir=_direction(draft.words.tagline),
            **colours.css(),
        )
        page = blitz.Template(html, width=geometry.width, height=geometry.height, background=None)
        boxes = {name: tuple(box) for name, box in page.boxes().items()}
        found = problems(boxes, geometry, widest=_widest(blitz, draft, geometry))
        if not found or len(repairs) >= MAX_ROUNDS:
            break
        draft, repair = _repair(blitz, draft, geometry, found)
        repairs.append(repair)
    undrawn = missing(blitz, (words.eyebrow, words.headline, words.tagline, words.brand))
    if undrawn:
        found = [*found, f"glyph: no font here draws {undrawn}; install one that does (Noto)"]
    width, height, pixels = page.render_rgba()
    return Setting(
        image=Image.frombytes("RGBa", (width, height), pixels).convert("RGBA"),
        boxes=boxes,
        words=draft.words,
        headline_px=round(draft.headline_px, 2),
        tagline_px=round(draft.tagline_px, 2),
        price_px=round(draft.price_px, 2),
        repairs=tuple(repairs),
        problems=tuple(found),
        engine="blitz",
    )


def _first_sizes(blitz: Any, words: Words, geometry: Geometry) -> tuple[float, float]:
    """The largest sizes at which the texts fit their share of the column."""
    _, _, width, height = geometry.column
    height -= geometry.eyebrow_px * EYEBROW_LINE if words.eyebrow else 0.0
    headline = blitz.fit_font_size(
        words.headline or " ",
        max_width=width,
        max_size=geometry.headline_px[0],
        min_size=geometry.headline_px[1],
        max_height=height * 0.58,
        wrap=True,
        font_family=_FAMILY,
        font_weight=750,
    )
    tagline = blitz.fit_font_size(
        words.tagline or " ",
        max_width=width,
        max_size=geometry.tagline_px[0],
        min_size=geometry.tagline_px[1],
        max_height=height * 0.4,
        wrap=True,
        font_family=_FAMILY,
    )
    return float(headline), float(tagline)


def _repair(blitz: Any, draft: Draft, geometry: Geometry, found: list[str]) -> tuple[Draft, str]:
    """One step towards fitting, the mildest that is left."""
    if any(problem.startswith("row") for problem in found):
        return _shorten_row(draft, geometry, found)
    least_headline, least_tagline = geometry.headline_px[1], geometry.tagline_px[1]
    if draft.headline_px > least_headline:
        smaller = max(draft.tagline_px * 0.97, least_tagline)
        size = max(draft.headline_px * _SHRINK, least_headline)
        return replace(draft, headline_px=size, tagline_px=smaller), "shrunk"
    if draft.tagline_px > least_tagline:
        size = max(draft.tagline_px * _SHRINK, least_tagline)
        return replace(draft, tagline_px=size), "tagline shrunk"
    words = draft.words
    if words.tagline and not any("word of the headline" in problem for problem in found):
        return draft.saying(replace(words, tagline="")), "tagline dropped"
    clamped = _clamp(
        blitz, words.headline, geometry.column[2], geometry.headline_lines, draft.headline_px
    )
    if clamped != words.headline:
        return draft.saying(replace(words, headline=clamped)), "headline clamped"
    cut = words.headline[: len(words.headline) * 3 // 4].rstrip()
    return draft.saying(replace(words, headline=cut, tagline="")), "headline cut"


def _shorten_row(draft: Draft, geometry: Geometry, found: list[str]) -> tuple[Draft, str]:
    words = draft.words
    if any("brand" in problem for problem in found):
        return draft.saying(replace(words, brand="")), "brand dropped"
    if draft.price_px > geometry.price_px:
        return replace(draft, price_px=geometry.price_px), "price shrunk"
    if words.was:
        return draft.saying(replace(words, was="")), "former price dropped"
    return draft.saying(replace(words, price="")), "price dropped"


def _one_line(blitz: Any, text: str, geometry: Geometry) -> str:
    """The line above the headline, cut where its column ends."""
    if not text:
        return ""
    return str(
        blitz.ellipsize(
            text,
            max_width=geometry.column[2] * 0.98,
            font_size=geometry.eyebrow_px,
            font_family=_FAMILY,
            font_weight=600,
        )
    )


def _clamp(blitz: Any, text: str, width: float, lines: int, size: float) -> str:
    """At most so many lines, and no word wider than one of them."""
    fitted = [
        word
        if _width(blitz, word, size, 750) <= width
        else blitz.ellipsize(
            word, max_width=width * 0.97, font_size=size, font_family=_FAMILY, font_weight=750
        )
        for word in text.split()
    ]
    return str(
        blitz.line_clamp(
            " ".join(fitted),
            max_width=width,
            max_lines=lines,
            font_size=size,
            font_family=_FAMILY,
            font_weight=750,
        )
    )


def _widest(blitz: Any, draft: Draft, geometry: Geometry) -> dict[str, float]:
    """The widest word of each wrapped text: a box does not grow with a word that breaks out of it."""
    texts = {
        "headline": (draft.words.headline, draft.headline_px, 750),
        "tagline": (draft.words.tagline, draft.tagline_px, 400),
        "eyebrow": (draft.words.eyebrow, geometry.eyebrow_px, 600),
    }
    return {
        name: max((_width(blitz, word, size, weight) for word in text.split()), default=0.0)
        for name, (text, size, weight) in texts.items()
    }


def _width(blitz: Any, text: str, size: float, weight: float) -> float:
    measured = blitz.measure_text(text, font_size=size, font_family=_FAMILY, font_weight=weight)
    return float(measured[0])


def _direction(text: str) -> str:
    first = next((letter for letter in text if letter.isalpha()), "a")
    return "rtl" if _RTL[0] <= first <= _RTL[1] else "ltr"


@lru_cache(maxsize=1)
def _templates() -> Environment:
    folder = Path(__file__).parent / "templates"
    return Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)


def _blitz() -> Any:
    try:
        import blitz_py  # noqa: PLC0415 optional: a pre-1.0 wheel must not decide whether we draw
    except ImportError as error:
        raise ProviderUnavailable("pip install blitz-py==0.5.0 for typeset banners") from error
    return blitz_py
