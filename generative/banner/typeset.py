"""An arrangement drawn by Blitz, and asked where its words really landed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from generative.banner import fonts
from generative.banner.colours import Rgb
from generative.banner.elements import Element
from generative.banner.fitting import Ruler, engine_widths
from generative.banner.geometry import Box
from generative.banner.glyphs import missing
from generative.errors import ProviderUnavailable
from generative.picture.palette import hex_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Type as set: `image` is RGBA on transparency; `boxes` says where the words of each text lie."""

    image: Image.Image
    boxes: Mapping[str, Box]
    undrawn: str
    engine: str


def blitz() -> Any:
    """The engine with the faces registered.

    Raises:
        ProviderUnavailable: blitz-py is not installed.
    """
    try:
        import blitz_py  # noqa: PLC0415 optional: a pre-1.0 wheel must not decide whether we draw
    except ImportError as error:
        raise ProviderUnavailable("pip install blitz-py==0.5.0 for typeset banners") from error
    fonts.register(blitz_py)
    return blitz_py


@lru_cache(maxsize=1)
def engine_ruler() -> Ruler:
    return Ruler(engine_widths(blitz()))


def engrave(
    elements: tuple[Element, ...], size: tuple[int, int], *, rule: Box | None, rule_ink: Rgb
) -> Setting:
    engine = blitz()
    html = page(elements, rule=rule, rule_ink=rule_ink)
    sheet = engine.Template(html, width=size[0], height=size[1], background=None)
    boxes = {name: tuple(box) for name, box in sheet.boxes().items()}
    width, height, pixels = sheet.render_rgba()
    said = tuple(line for element in elements for line in element.lines)
    return Setting(
        image=Image.frombytes("RGBa", (width, height), pixels).convert("RGBA"),
        boxes=boxes,
        undrawn=missing(engine, said),
        engine="blitz",
    )


def page(elements: tuple[Element, ...], *, rule: Box | None, rule_ink: Rgb) -> str:
    """The words of a banner as HTML, each where it belongs; nothing in them is obeyed as markup."""
    return (
        pages()
        .get_template("type.html")
        .render(elements=elements, rule=rule, rule_ink=hex_of(rule_ink))
    )


@lru_cache(maxsize=1)
def pages() -> Environment:
    folder = Path(__file__).parent / "html"
    made = Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)
    made.filters["px"] = lambda value: f"{value:.2f}px"
    made.filters["num"] = lambda value: f"{value:.2f}"
    made.filters["hex"] = hex_of
    return made
