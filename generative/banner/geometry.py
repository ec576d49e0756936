"""Where things stand, in pixels, and how a place is mirrored or makes room for a legal line."""

from dataclasses import dataclass, replace
from typing import Literal

Box = tuple[float, float, float, float]  # x, y, width, height
Along = Literal["start", "center", "end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What a size gives every template: small type, gaps, and how near the edge a word may come."""

    width: int
    height: int
    margin: int
    brand_px: float
    eyebrow_px: float
    tagline_px: tuple[float, float]
    price_px: float
    action_px: float
    legal_px: float
    least_headline_px: float
    gap: float
    enlarged: (
        float  # how far a photo may be enlarged: screens show a story at a third of its pixels
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One template in one size.

    `column` holds eyebrow, headline, tagline and, without a `row` of their own, price and button;
    `picture` the product; `stage` what is painted behind the product.
    """

    column: Box
    picture: Box
    brand: Box
    headline_px: float
    lines: int
    stage: Box
    row: Box | None = None
    align: Along = "start"
    justify: Along = "center"
    tagline_lines: int = 3
    row_align: Along | None = None  # of price and button where it is not the column's


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """A place in its size: every box final, mirrored or not."""

    size: str
    measures: Measures
    place: Place
    mirrored: bool = False
    rtl: bool = False
    legal: Box | None = None
    price_scale: float = 1.0
    price_weight: int = 700

    @property
    def width(self) -> int:
        return self.measures.width

    @property
    def height(self) -> int:
        return self.measures.height

    @property
    def margin(self) -> int:
        return self.measures.margin


MEASURES = {
    "hero": Measures(
        width=1200,
        height=628,
        margin=32,
        brand_px=24.0,
        eyebrow_px=19.0,
        tagline_px=(27.0, 19.0),
        price_px=42.0,
        action_px=22.0,
        legal_px=13.0,
        least_headline_px=30.0,
        gap=22.0,
        enlarged=2.2,
    ),
    "square": Measures(
        width=1080,
        height=1080,
        margin=40,
        brand_px=30.0,
        eyebrow_px=24.0,
        tagline_px=(34.0, 24.0),
        price_px=54.0,
        action_px=29.0,
        legal_px=17.0,
        least_headline_px=38.0,
        gap=26.0,
        enlarged=2.7,
    ),
    "story": Measures(
        width=1080,
        height=1920,
        margin=56,
        brand_px=38.0,
        eyebrow_px=30.0,
        tagline_px=(42.0, 29.0),
        price_px=70.0,
        action_px=37.0,
        legal_px=22.0,
        least_headline_px=48.0,
        gap=36.0,
        enlarged=3.4,
    ),
    "leaderboard": Measures(
        width=728,
        height=90,
        margin=5,
        brand_px=13.0,
        eyebrow_px=10.0,
        tagline_px=(12.5, 10.0),
        price_px=21.0,
        action_px=13.0,
        legal_px=10.0,
        least_headline_px=13.0,
        gap=3.0,
        enlarged=1.6,
    ),
    "rectangle": Measures(
        width=300,
        height=250,
        margin=8,
        brand_px=13.0,
        eyebrow_px=11.0,
        tagline_px=(13.0, 11.0),
        price_px=21.0,
        action_px=12.5,
        legal_px=11.0,
        least_headline_px=14.0,
        gap=6.0,
        enlarged=1.6,
    ),
    "skyscraper": Measures(
        width=160,
        height=600,
        margin=8,
        brand_px=14.0,
        eyebrow_px=11.0,
        tagline_px=(13.5, 11.0),
        price_px=24.0,
        action_px=13.0,
        legal_px=11.0,
        least_headline_px=15.0,
        gap=11.0,
        enlarged=1.6,
    ),
}
LEAST_PX = {size: 10.0 if size == "leaderboard" else 11.0 for size in MEASURES}
_PRICE_TAGS = {"value": (1.2, 700), "premium": (0.86, 500)}  # a louder tag, and a quieter one


def geometry(
    size: str,
    place: Place,
    *,
    price_band: str = "any",
    mirrored: bool = False,
    rtl: bool = False,
    legal_height: float = 0.0,
) -> Geometry:
    """A template's place made final; right-to-left words mirror it once more.

    Raises:
        KeyError: A size that does not exist.
    """
    measures = MEASURES[size]
    scale, weight = _PRICE_TAGS.get(price_band, (1.0, 700))
    turned = mirrored != rtl
    brand = place.brand
    place = replace(place, brand=(place.column[0], brand[1], place.column[2], brand[3]))
    foot = _foot(place, measures)
    if legal_height:
        place = _raised(place, measures.height - foot - legal_height - measures.gap * 0.3)
    if turned:
        place = _mirrored(place, measures.width)
    left, wide = words_span(size, place)
    legal = (left, measures.height - foot - legal_height, wide, legal_height)
    return Geometry(
        size=size,
        measures=measures,
        place=place,
        mirrored=turned,
        rtl=rtl,
        legal=legal if legal_height else None,
        price_scale=scale,
        price_weight=weight,
    )


def line_inset(width: float, height: float) -> float:
    """How far a mount's hairline stands in from the mount's edge."""
    return max(3.0, float(round(min(width, height) * 0.018)))


def _foot(place: Place, measures: Measures) -> float:
    """How far from the lower edge the last words stand: a mounted print has a line to stay above."""
    below = measures.height - place.stage[1] - place.stage[3]
    if place.stage[1] <= 0 or below <= 0:
        return float(measures.margin)
    return max(
        float(measures.margin),
        below + line_inset(measures.width, measures.height) + measures.gap / 3,
    )


def words_span(size: str, place: Place) -> tuple[float, float]:
    """From where to how far words stand: a legal line goes there, and not under the product.

    A rectangle is too narrow for that: its product stands above the line.
    """
    if size == "rectangle":
        inset = min(place.column[0], MEASURES[size].width - place.column[0] - place.column[2])
        return inset, MEASURES[size].width - 2 * inset
    boxes = [place.column, place.row or place.column]
    left = min(box[0] for box in boxes)
    return left, max(box[0] + box[2] for box in boxes) - left


def _raised(place: Place, lowest: float) -> Place:
    """Everything pressed together until words end above `lowest`: the foot belongs to the law."""
    top = min(place.brand[1], place.column[1], place.picture[1])
    ends = [box[1] + box[3] for box in (place.column, place.row or place.column, place.picture)]
    share = min((lowest - top) / (max(ends) - top), 1.0)

    def raised(box: Box) -> Box:
        return (box[0], top + (box[1] - top) * share, box[2], box[3] * share)

    return replace(
        place,
        column=raised(place.column),
        picture=raised(place.picture),
        row=raised(place.row) if place.row else None,
        brand=raised(place.brand),
        stage=_lower_edge_raised(place.stage, share, top) if _is_lid(place) else place.stage,
    )


def _is_lid(place: Place) -> bool:
    """Whether the stage is a panel over the whole width with the words below it."""
    x, y, _, tall = place.stage
    return x == 0 and y == 0 and tall <= place.column[1]


def _lower_edge_raised(stage: Box, share: float, top: float) -> Box:
    return (stage[0], stage[1], stage[2], float(round(top + (stage[3] - top) * share)))


def _mirrored(place: Place, width: float) -> Place:
    def turned(box: Box) -> Box:
        return (width - box[0] - box[2], box[1], box[2], box[3])

    return replace(
        place,
        column=turned(place.column),
        picture=turned(place.picture),
        row=turned(place.row) if place.row else None,
        brand=turned(place.brand),
        stage=turned(place.stage),
    )
