"""Where things stand in each size, in pixels: a text column, a row at its foot, and a picture."""

from dataclasses import dataclass, replace

Box = tuple[float, float, float, float]  # x, y, width, height


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """`column` holds brand, headline and tagline; `row` holds price and button; `picture` the product.

    Font sizes are limits: a text starts at the largest and is shrunk until it fits.
    """

    width: int
    height: int
    margin: int
    column: Box
    row: Box
    picture: Box
    headline_px: tuple[float, float]
    tagline_px: tuple[float, float]
    brand_px: float
    price_px: float
    eyebrow_px: float
    action_px: float
    headline_lines: int
    tagline_lines: int
    gap: float
    price_scale: float = 1.0
    price_weight: int = 700


_GEOMETRIES = {
    "hero": Geometry(
        width=1200,
        height=628,
        margin=40,
        column=(64, 56, 520, 402),
        row=(64, 490, 520, 78),
        picture=(640, 64, 496, 500),
        headline_px=(68.0, 30.0),
        tagline_px=(27.0, 19.0),
        brand_px=20.0,
        price_px=40.0,
        eyebrow_px=21.0,
        action_px=24.0,
        headline_lines=4,
        tagline_lines=4,
        gap=22.0,
    ),
    "square": Geometry(
        width=1080,
        height=1080,
        margin=48,
        column=(72, 612, 936, 290),
        row=(72, 930, 936, 86),
        picture=(290, 72, 500, 500),
        headline_px=(72.0, 34.0),
        tagline_px=(30.0, 22.0),
        brand_px=22.0,
        price_px=44.0,
        eyebrow_px=24.0,
        action_px=27.0,
        headline_lines=3,
        tagline_lines=2,
        gap=18.0,
    ),
    "story": Geometry(
        width=1080,
        height=1920,
        margin=64,
        column=(84, 1090, 912, 480),
        row=(84, 1620, 912, 100),
        picture=(160, 250, 760, 760),
        headline_px=(96.0, 40.0),
        tagline_px=(38.0, 26.0),
        brand_px=28.0,
        price_px=56.0,
        eyebrow_px=30.0,
        action_px=34.0,
        headline_lines=4,
        tagline_lines=3,
        gap=26.0,
    ),
    "leaderboard": Geometry(
        width=728,
        height=90,
        margin=5,
        column=(104, 7, 370, 76),
        row=(484, 22, 234, 46),
        picture=(10, 6, 84, 78),
        headline_px=(22.0, 13.0),
        tagline_px=(12.5, 10.0),
        brand_px=10.0,
        price_px=20.0,
        eyebrow_px=10.5,
        action_px=13.0,
        headline_lines=2,
        tagline_lines=2,
        gap=3.0,
    ),
    "skyscraper": Geometry(
        width=160,
        height=600,
        margin=8,
        column=(12, 224, 136, 260),
        row=(12, 496, 136, 84),
        picture=(14, 44, 132, 160),
        headline_px=(24.0, 14.0),
        tagline_px=(13.0, 11.0),
        brand_px=11.0,
        price_px=20.0,
        eyebrow_px=11.0,
        action_px=13.0,
        headline_lines=6,
        tagline_lines=6,
        gap=8.0,
    ),
    "rectangle": Geometry(
        width=300,
        height=250,
        margin=8,
        column=(14, 127, 272, 78),
        row=(14, 208, 272, 30),
        picture=(64, 8, 172, 107),
        headline_px=(19.0, 13.0),
        tagline_px=(13.0, 11.0),
        brand_px=11.0,
        price_px=18.0,
        eyebrow_px=11.0,
        action_px=13.0,
        headline_lines=2,
        tagline_lines=2,
        gap=4.0,
    ),
}


_PRICE_TAGS = {"value": (1.3, 700), "premium": (0.8, 500)}  # a louder tag, and a quieter one


def geometry(size: str, *, price_band: str = "any") -> Geometry:
    """Raises KeyError for a size that does not exist."""
    scale, weight = _PRICE_TAGS.get(price_band, (1.0, 700))
    return replace(_GEOMETRIES[size], price_scale=scale, price_weight=weight)
