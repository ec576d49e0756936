"""The parts of a set page: words with a place, a size and colours, whoever draws them."""

from dataclasses import dataclass
from typing import Literal

from generative.banner.colours import Rgb
from generative.banner.fitting import Face
from generative.banner.geometry import Box

Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """Lines of one text in `box`; `fill` is painted behind them, `underline` and `border` around."""

    name: str
    lines: tuple[str, ...]
    box: Box
    px: float
    face: Face
    ink: Rgb
    align: Align = "left"
    rtl: bool = False
    fill: Rgb | None = None
    border: Rgb | None = None
    border_px: float = 0.0
    radius: float = 0.0
    underline: bool = False
    strike: bool = False
