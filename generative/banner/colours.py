"""The colours of one banner, chosen so that every text is readable on what lies behind it."""

from dataclasses import dataclass

from generative.picture.palette import Palette, colour, contrast, hex_of, luminance, rgb_of

Rgb = tuple[int, int, int]
WHITE: Rgb = (255, 255, 255)
BLACK: Rgb = (0, 0, 0)  # pure: only then does one of the two always reach 4.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """`paper` is what lies behind the words, `accent` the shop's own colour."""

    paper: Rgb
    ink: Rgb
    ink_soft: Rgb
    accent: Rgb
    on_accent: Rgb

    def css(self) -> dict[str, str]:
        return {
            "ink": hex_of(self.ink),
            "ink_soft": hex_of(self.ink_soft),
            "accent": hex_of(self.accent),
            "on_accent": hex_of(self.on_accent),
            "chip": hex_of(self.paper),
            "chip_ink": hex_of(self.ink),
        }


def colours(palette: Palette, brand_color: str) -> Colours:
    """Dark ink on pale paper, both tinted with the product's hue."""
    tint = min(palette.chroma, 0.1)
    accent = rgb_of(brand_color)
    return Colours(
        paper=colour(0.975, tint * 0.16, palette.hue),
        ink=colour(0.23, tint * 0.45, palette.hue),
        ink_soft=colour(0.38, tint * 0.4, palette.hue),
        accent=accent,
        on_accent=readable_on(accent),
    )


def readable_on(background: Rgb) -> Rgb:
    """White, or else black: one of the two always reaches 4.5."""
    ratio = float(contrast(luminance(WHITE), luminance(background)))
    return WHITE if ratio >= 4.5 else BLACK  # noqa: PLR2004 WCAG
