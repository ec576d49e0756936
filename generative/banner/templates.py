"""The five templates as data: where each stands in each size, and what its type looks like.

`editorial` is a magazine's split page, `field` one colour from edge to edge, `frame` a mounted
print, `bold` a poster cut by a diagonal, `type` words on empty paper. They differ in composition,
ground, alignment, weight and in how price and button are drawn, so that none passes for another.
"""

from dataclasses import dataclass
from typing import Literal

from generative.banner.geometry import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a template's words look, whatever the size."""

    weight: int = 700
    caps: bool = False
    tracking: float = -0.02
    leading: float = 1.1
    tagline_weight: int = 400
    eyebrow: Literal["caps", "plain", "pill"] = "plain"
    price: Literal["plain", "tag"] = "plain"
    action: Literal["solid", "outline", "link"] = "solid"
    rule: bool = False  # a short line of the brand's colour above the words
    brand_caps: bool = False


NAMES = ("editorial", "field", "frame", "bold", "type")

LOOKS = {
    "editorial": Look(weight=500, tracking=-0.018, leading=1.1, eyebrow="caps", action="outline"),
    "field": Look(weight=700, tracking=-0.028, leading=1.04, eyebrow="plain", action="solid"),
    "frame": Look(
        weight=500,
        tracking=-0.008,
        leading=1.16,
        eyebrow="caps",
        action="solid",
        brand_caps=True,
        rule=True,
    ),
    "bold": Look(
        weight=800,
        caps=True,
        tracking=-0.03,
        leading=0.98,
        tagline_weight=500,
        eyebrow="pill",
        price="tag",
        action="solid",
    ),
    "type": Look(weight=700, tracking=-0.035, leading=1.0, eyebrow="plain", action="link"),
}

PLACES: dict[tuple[str, str], Place] = {
    # A magazine page: type on paper, the product in a panel that bleeds off three edges.
    ("editorial", "hero"): Place(
        stage=(600, 0, 600, 628),
        picture=(652, 52, 496, 524),
        brand=(64, 48, 476, 36),
        column=(64, 112, 476, 460),
        headline_px=66,
        lines=4,
    ),
    ("editorial", "square"): Place(
        stage=(0, 0, 1080, 720),
        picture=(150, 60, 780, 600),
        brand=(64, 742, 952, 40),
        column=(64, 790, 952, 250),
        headline_px=64,
        lines=2,
        justify="start",
        tagline_lines=2,
    ),
    ("editorial", "story"): Place(
        stage=(0, 0, 1080, 1060),
        picture=(120, 240, 840, 730),
        brand=(80, 1118, 920, 52),
        column=(80, 1206, 920, 480),
        headline_px=98,
        lines=3,
        justify="start",
    ),
    ("editorial", "leaderboard"): Place(
        stage=(0, 0, 112, 90),
        picture=(10, 8, 92, 74),
        brand=(128, 10, 330, 16),
        column=(128, 29, 352, 54),
        row=(488, 8, 226, 74),
        headline_px=21,
        lines=2,
        tagline_lines=1,
        justify="start",
        row_align="end",
    ),
    ("editorial", "rectangle"): Place(
        stage=(0, 0, 300, 118),
        picture=(50, 8, 200, 102),
        brand=(16, 127, 268, 16),
        column=(16, 146, 268, 94),
        headline_px=22,
        lines=2,
        tagline_lines=1,
        justify="start",
    ),
    ("editorial", "skyscraper"): Place(
        stage=(0, 0, 160, 236),
        picture=(12, 22, 136, 192),
        brand=(14, 252, 132, 18),
        column=(14, 282, 132, 306),
        headline_px=25,
        lines=5,
        tagline_lines=5,
        justify="start",
    ),
    # One colour, edge to edge; the product as the hero of it.
    ("field", "hero"): Place(
        stage=(0, 0, 1200, 628),
        picture=(632, 44, 512, 540),
        brand=(72, 56, 520, 36),
        column=(72, 116, 520, 456),
        headline_px=82,
        lines=4,
    ),
    ("field", "square"): Place(
        stage=(0, 0, 1080, 1080),
        picture=(430, 450, 590, 570),
        brand=(72, 72, 600, 44),
        column=(72, 148, 936, 300),
        row=(72, 800, 340, 220),
        headline_px=96,
        lines=2,
        tagline_lines=2,
        justify="start",
    ),
    ("field", "story"): Place(
        stage=(0, 0, 1080, 1920),
        picture=(110, 900, 860, 700),
        brand=(84, 230, 800, 54),
        column=(84, 320, 912, 560),
        headline_px=124,
        lines=4,
        justify="start",
    ),
    ("field", "leaderboard"): Place(
        stage=(0, 0, 728, 90),
        picture=(610, 4, 108, 82),
        brand=(18, 10, 320, 16),
        column=(18, 29, 340, 54),
        row=(366, 8, 232, 74),
        headline_px=22,
        lines=2,
        tagline_lines=1,
        justify="start",
        row_align="end",
    ),
    ("field", "rectangle"): Place(
        stage=(0, 0, 300, 250),
        picture=(164, 40, 126, 170),
        brand=(16, 14, 136, 16),
        column=(16, 40, 136, 198),
        headline_px=25,
        lines=4,
        tagline_lines=3,
        justify="end",
    ),
    ("field", "skyscraper"): Place(
        stage=(0, 0, 160, 600),
        picture=(10, 386, 140, 198),
        brand=(14, 16, 132, 18),
        column=(14, 50, 132, 326),
        headline_px=28,
        lines=5,
        tagline_lines=4,
        justify="start",
    ),
    # A mounted print: everything on one axis inside a hairline.
    ("frame", "hero"): Place(
        stage=(28, 28, 1144, 572),
        picture=(84, 76, 450, 476),
        brand=(596, 72, 520, 36),
        column=(596, 124, 520, 432),
        headline_px=60,
        lines=4,
        align="center",
    ),
    ("frame", "square"): Place(
        stage=(36, 36, 1008, 1008),
        picture=(240, 142, 600, 412),
        brand=(140, 78, 800, 42),
        column=(140, 584, 800, 410),
        headline_px=70,
        lines=3,
        align="center",
        tagline_lines=2,
    ),
    ("frame", "story"): Place(
        stage=(52, 52, 976, 1816),
        picture=(160, 380, 760, 680),
        brand=(140, 250, 800, 52),
        column=(130, 1100, 820, 560),
        headline_px=92,
        lines=4,
        align="center",
    ),
    ("frame", "leaderboard"): Place(
        stage=(5, 5, 718, 80),
        picture=(18, 10, 88, 70),
        brand=(118, 11, 366, 15),
        column=(118, 28, 366, 54),
        row=(496, 10, 214, 70),
        headline_px=20,
        lines=2,
        tagline_lines=1,
        align="center",
        row_align="end",
    ),
    ("frame", "rectangle"): Place(
        stage=(8, 8, 284, 234),
        picture=(70, 34, 160, 82),
        brand=(24, 15, 252, 15),
        column=(22, 120, 256, 114),
        headline_px=20,
        lines=2,
        tagline_lines=1,
        align="center",
    ),
    ("frame", "skyscraper"): Place(
        stage=(8, 8, 144, 584),
        picture=(20, 54, 120, 176),
        brand=(18, 24, 124, 18),
        column=(18, 240, 124, 340),
        headline_px=23,
        lines=5,
        tagline_lines=5,
        align="center",
    ),
    # A poster: heavy capitals against a diagonal of the brand's own colour.
    ("bold", "hero"): Place(
        stage=(590, 0, 610, 628),
        picture=(690, 54, 466, 520),
        brand=(52, 44, 506, 36),
        column=(52, 104, 506, 480),
        headline_px=84,
        lines=4,
        justify="end",
    ),
    ("bold", "square"): Place(
        stage=(0, 610, 1080, 470),
        picture=(350, 560, 670, 470),
        brand=(60, 60, 700, 44),
        column=(60, 122, 960, 426),
        headline_px=104,
        lines=2,
        tagline_lines=2,
        justify="start",
    ),
    ("bold", "story"): Place(
        stage=(0, 900, 1080, 1020),
        picture=(110, 1010, 860, 640),
        brand=(72, 226, 800, 54),
        column=(72, 316, 936, 600),
        headline_px=136,
        lines=4,
        justify="start",
    ),
    ("bold", "leaderboard"): Place(
        stage=(560, 0, 168, 90),
        picture=(618, 5, 100, 80),
        brand=(14, 9, 300, 16),
        column=(14, 28, 330, 56),
        row=(350, 8, 226, 74),
        headline_px=23,
        lines=2,
        tagline_lines=1,
        justify="start",
        row_align="end",
    ),
    ("bold", "rectangle"): Place(
        stage=(168, 0, 132, 250),
        picture=(176, 46, 116, 158),
        brand=(14, 12, 146, 16),
        column=(14, 36, 146, 204),
        headline_px=25,
        lines=4,
        tagline_lines=2,
        justify="end",
    ),
    ("bold", "skyscraper"): Place(
        stage=(0, 330, 160, 270),
        picture=(12, 384, 136, 200),
        brand=(12, 14, 136, 18),
        column=(12, 44, 136, 322),
        headline_px=29,
        lines=5,
        tagline_lines=3,
        justify="start",
    ),
    # Words on empty paper; the product is a footnote to them.
    ("type", "hero"): Place(
        stage=(0, 0, 1200, 628),
        picture=(846, 196, 290, 368),
        brand=(64, 52, 740, 36),
        column=(64, 112, 740, 460),
        headline_px=112,
        lines=3,
        justify="end",
        tagline_lines=2,
    ),
    ("type", "square"): Place(
        stage=(0, 0, 1080, 1080),
        picture=(600, 650, 416, 366),
        brand=(64, 60, 900, 44),
        column=(64, 140, 952, 490),
        row=(64, 860, 500, 160),
        headline_px=136,
        lines=4,
        tagline_lines=2,
        justify="start",
    ),
    ("type", "story"): Place(
        stage=(0, 0, 1080, 1920),
        picture=(420, 1140, 580, 520),
        brand=(80, 230, 900, 54),
        column=(80, 330, 920, 780),
        headline_px=160,
        lines=5,
        justify="start",
    ),
    ("type", "leaderboard"): Place(
        stage=(0, 0, 728, 90),
        picture=(642, 12, 76, 66),
        brand=(16, 10, 330, 16),
        column=(16, 28, 430, 56),
        row=(456, 10, 176, 70),
        headline_px=26,
        lines=2,
        tagline_lines=1,
        justify="center",
        row_align="end",
    ),
    ("type", "rectangle"): Place(
        stage=(0, 0, 300, 250),
        picture=(196, 148, 90, 90),
        brand=(16, 14, 260, 16),
        column=(16, 38, 268, 108),
        row=(16, 158, 172, 80),
        headline_px=33,
        lines=3,
        tagline_lines=2,
        justify="start",
    ),
    ("type", "skyscraper"): Place(
        stage=(0, 0, 160, 600),
        picture=(24, 448, 112, 136),
        brand=(14, 16, 132, 18),
        column=(14, 52, 132, 384),
        headline_px=32,
        lines=7,
        tagline_lines=4,
        justify="start",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One candidate of the search: a template, light or dark, as it stands or mirrored."""

    template: str
    dark: bool = False
    mirrored: bool = False

    @property
    def name(self) -> str:
        tail = "-mirrored" if self.mirrored else ""
        return f"{self.template}-{'dark' if self.dark else 'light'}{tail}"


CHOICES = tuple(
    Choice(template=template, dark=dark, mirrored=mirrored)
    for template in NAMES
    for dark in (False, True)
    for mirrored in (False, True)
)


def asked(variant: str) -> tuple[Choice, ...]:
    """The candidates that a brief's variant leaves: `bold`, `bold-dark`, `bold-dark-mirrored`.

    An unknown name leaves all: a banner must not fail because a template was renamed.
    """
    template, *rest = variant.split("-")
    if template not in NAMES:
        return CHOICES
    return tuple(
        choice
        for choice in CHOICES
        if choice.template == template
        and ("dark" not in rest or choice.dark)
        and ("light" not in rest or not choice.dark)
        and ("mirrored" not in rest or choice.mirrored)
    )
